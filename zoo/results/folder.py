"""Where the zoo's own results lie, and its rows as they are written there: light to import."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import each_key_once, read_bytes

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the rows lie beside this file and the raw evidence is left out.
FOLDER = _PACKAGE if (_PACKAGE / "leaderboard.json").is_file() else _PACKAGE.parents[1] / "results"


def committed(folder: Path = FOLDER, name: str = "leaderboard.json") -> list[dict[str, Any]]:
    """The rows in a folder's leaderboard.json, or the lines in its overview.json.

    Raises:
        ZooError: if it cannot be read.
    """
    path = folder / name
    try:
        result: list[dict[str, Any]]
        result = json.loads(read_bytes(path), object_pairs_hook=each_key_once)
    except ValueError as error:
        raise ZooError(f"{path}: cannot be read: {error}; restore the file") from None
    return result


DERIVED = ("leaderboard.json", "overview.json")  # that are read instead of the evidence


def derivation(folder: Path, texts: Mapping[str, str]) -> str:
    """The text of derived.json: from which evidence, by its manifest, what was derived.

    Args:
        folder: of the evidence.
        texts: of the files `DERIVED`, by name.
    """
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    manifest = hashlib.sha256(read_bytes(folder / "manifest.json")).hexdigest()
    return json.dumps({"manifest.json": manifest, **digests}, indent=0, sort_keys=True) + "\n"


def derivation_stands(folder: Path) -> bool:
    """Whether what is derived in a folder is that of the evidence of its manifest."""
    try:
        texts = {name: read_bytes(folder / name).decode() for name in DERIVED}
        return read_bytes(folder / "derived.json").decode() == derivation(folder, texts)
    except (ZooError, UnicodeDecodeError):
        return False
