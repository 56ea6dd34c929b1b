"""Where data lie on this machine: light to import."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from zoo.errors import ZooError


def prepared() -> Path:
    """Where tensorflow-datasets keeps prepared sets: TFDS_DATA_DIR, or its default."""
    given = os.environ.get("TFDS_DATA_DIR")
    return Path(given) if given else Path.home() / "tensorflow_datasets"


def brought() -> Path | None:
    """Where files brought by hand lie: ZOO_MANUAL_DIR.

    Raises:
        ZooError: if it is set to what is no folder.
    """
    given = os.environ.get("ZOO_MANUAL_DIR")
    if not given:
        return None
    if not Path(given).is_dir():
        raise ZooError(f"ZOO_MANUAL_DIR: {given}: no such folder")
    return Path(given)


def decoded() -> Path:
    """Where decoded sets are kept: ZOO_CACHE_DIR, or gradient-zoo in the user's cache folder."""
    if given := os.environ.get("ZOO_CACHE_DIR"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gradient-zoo"


def of_set(name: str) -> Path:
    """The folder of a decoded set in all its versions and splits."""
    return decoded() / quote(name, safe="", errors="surrogateescape")


def place(name: str, split: Mapping[str, str] | None, image_size: int | None) -> Path:
    """The folder of a set in one split."""
    chosen = json.dumps([dict(split) if split else None, image_size], sort_keys=True)
    key = (
        "default" if chosen == "[null, null]" else hashlib.sha256(chosen.encode()).hexdigest()[:16]
    )
    from importlib import metadata  # takes longer than a listing may

    return of_set(name) / metadata.version("tensorflow-datasets") / key
