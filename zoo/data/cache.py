"""Decoded arrays on disk, so that a worker opens a set in a moment and without tensorflow-datasets.

    <cache>/<set>/<version of tensorflow-datasets>/<split>/
        set.json, {train,validation,test}-{x,y}.npy

The version of tensorflow-datasets decides that of the set; set.json names it, and holds a digest of
all there is, so that a damaged set is made again.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from zoo.data.raw import SPLITS, Array, Raw
from zoo.errors import ZooError


def load(at: Path, make: Callable[[], tuple[str, Raw]]) -> Raw:
    """The set kept in a folder; made and kept first if it is not there whole.

    Processes that ask for the same set at once wait for the first.

    Args:
        at: the folder, as `zoo.data.folders.place` gives it.
        make: gives the set's full name and the set.

    Raises:
        ZooError: if the cache cannot be written; and what `make` raises.
    """
    kept = read(at)
    if kept is not None:
        return kept
    try:
        at.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(at.parent / f".{at.name}.lock"):
            kept = read(at)
            if kept is None:
                for left in at.parent.glob(f".{at.name}.*/"):  # by a process that was killed
                    shutil.rmtree(left)
                _write(at, *make())
    except OSError as error:
        raise ZooError(
            f"{at}: cannot be written: {error.strerror or error}; "
            "make room, or name another folder in ZOO_CACHE_DIR"
        ) from None
    kept = read(at)
    assert kept is not None
    return kept


def read(at: Path) -> Raw | None:
    """The set in a folder; None if it is not there, or damaged."""
    try:
        about = json.loads((at / "set.json").read_text(encoding="utf-8"))
        if about.pop("sha256") != _digest(at, about):
            return None
        splits = {
            part: (
                np.load(at / f"{part}-x.npy", allow_pickle=False),
                np.load(at / f"{part}-y.npy", allow_pickle=False),
            )
            for part in SPLITS
        }
        # As of all sets that were kept without a word of these.
        task, standardize = about.get("task", "classification"), about.get("standardize", True)
        names = about.get("class_names")
        return Raw(
            splits,
            about["outputs"],
            task,
            about["vocabulary"],
            standardize,
            None if names is None else tuple(names),
        )
    except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None


def _digest(at: Path, about: dict[str, Any]) -> str:
    """SHA-256 of what set.json says and of the arrays' files."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for part in SPLITS:
        for which in "xy":
            with (at / f"{part}-{which}.npy").open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


def _write(at: Path, full_name: str, raw: Raw) -> None:
    """Keeps a set: its folder appears whole, by one rename."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{at.name}.", dir=at.parent))
    try:
        for part, (x, y) in raw.splits.items():
            _save(temporary / f"{part}-x.npy", x)
            _save(temporary / f"{part}-y.npy", y)
        about: dict[str, Any] = {
            "set": full_name,
            "outputs": raw.outputs,
            "task": raw.task,
            "vocabulary": raw.vocabulary,
            "standardize": raw.standardize,
            "class_names": raw.class_names,
        }
        about["sha256"] = _digest(temporary, about)
        (temporary / "set.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
        if at.exists():  # damaged
            shutil.rmtree(at)
        temporary.rename(at)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _save(path: Path, array: Array) -> None:
    np.save(path, array)
    try:
        np.load(path, mmap_mode="r")
    except ValueError:  # np.save overlooks a disk that gets full with the end of a file
        raise OSError("not all of it went to the disk") from None
