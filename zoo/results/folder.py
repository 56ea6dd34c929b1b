"""Where the zoo's own results lie, and its rows as they are written there: light to import."""

import hashlib
import json
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import each_key_once, read_bytes

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the rows lie beside this file and the raw evidence is left out.
FOLDER = _PACKAGE if (_PACKAGE / "leaderboard.json").is_file() else _PACKAGE.parents[1] / "results"


def committed(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The rows in a folder's leaderboard.json.

    Raises:
        ZooError: if it cannot be read.
    """
    path = folder / "leaderboard.json"
    try:
        result: list[dict[str, Any]]
        result = json.loads(read_bytes(path), object_pairs_hook=each_key_once)
    except ValueError as error:
        raise ZooError(f"{path}: cannot be read: {error}; restore the file") from None
    return result


def derivation(folder: Path, rows: str) -> str:
    """The text of derived.json: from which evidence, by its manifest, which rows were derived.

    Args:
        folder: of the evidence.
        rows: the text of leaderboard.json.
    """
    digests = {
        "manifest.json": hashlib.sha256(read_bytes(folder / "manifest.json")).hexdigest(),
        "leaderboard.json": hashlib.sha256(rows.encode()).hexdigest(),
    }
    return json.dumps(digests, indent=0, sort_keys=True) + "\n"


def derivation_stands(folder: Path) -> bool:
    """Whether the rows in a folder are those derived from the evidence of its manifest."""
    try:
        rows = read_bytes(folder / "leaderboard.json").decode()
        return read_bytes(folder / "derived.json").decode() == derivation(folder, rows)
    except (ZooError, UnicodeDecodeError):
        return False
