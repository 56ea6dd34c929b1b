"""Where the zoo's own results lie, and its rows as they are written there: light to import."""

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
