"""Where the zoo's own results lie, and its rows as they are written there: light to import."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
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


# ---------------------------------------------------------------- what was derived from what

DIGESTS = "derived.json"
PROGRAM = "program"  # of the digests, the one that is of no file
ROWS = ("leaderboard.json", "overview.json")  # that are read instead of the evidence
README, METHOD = "../README.md", "../docs/method.md"  # of which the part between these is derived
START, END = "<!-- made by scripts/reference.py -->", "<!-- end -->"


def derivation(folder: Path, texts: Mapping[str, str], plots: Mapping[str, str]) -> str:
    """The text of derived.json: the SHA-256 of what was derived, and of what from.

    Args:
        folder: of the evidence.
        texts: that were derived, by their path from the folder.
        plots: the digests of the numbers of figures, by their path from the folder.
    """
    digests = {name: _digest(_derived_part(name, text).encode()) for name, text in texts.items()}
    digests |= plots
    return json.dumps({**_sources(folder), **digests}, indent=0, sort_keys=True) + "\n"


def rows_stand(folder: Path) -> bool:
    """Whether the rows in a folder were derived from the evidence that its manifest has."""
    return _stand(folder, ("manifest.json", *ROWS))


def all_stands(folder: Path) -> bool:
    """Whether all texts were derived from the evidence of its manifest, by this program."""
    names = _recorded(folder).keys()
    return {*_sources(folder), *ROWS} <= names and _stand(folder, names)


def _stand(folder: Path, names: Iterable[str]) -> bool:
    recorded = _recorded(folder)
    try:
        return all(recorded.get(name) == _digest_of_file(folder, name) for name in names)
    except (ZooError, UnicodeDecodeError):
        return False


def _digest_of_file(folder: Path, name: str) -> str | None:
    if name in _OF_MANY:
        return _OF_MANY[name](folder)
    data = read_bytes(folder / name)
    if name.endswith(".svg"):
        return digest_in(data)
    return _digest(_derived_part(name, data.decode()).encode())


_SOURCE = re.compile(rb"<dc:source>sha256:([0-9a-f]{64})</dc:source>")
_HEAD = 4096  # bytes, in which it stands


def digest_in(figure: bytes) -> str | None:
    """The digest of its numbers that the file of a figure holds; None if there is none."""
    match = _SOURCE.search(figure[:_HEAD])
    return match[1].decode() if match else None


def _recorded(folder: Path) -> dict[str, str]:
    try:
        recorded = json.loads(read_bytes(folder / DIGESTS))
    except (ZooError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _sources(folder: Path) -> dict[str, str]:
    """The digests of the evidence, by its manifest, of the program with its recipes, of others'."""
    manifest = _digest(read_bytes(folder / "manifest.json"))
    return {"manifest.json": manifest, **{name: of(folder) for name, of in _OF_MANY.items()}}


def _program(folder: Path) -> str:
    package, recipes = _PACKAGE.parent, _PACKAGE.parents[1] / "recipes"
    parts = ("evidence", "models", "recipe", "results", "theory")  # that derivation runs through
    paths = [path for part in parts for path in (package / part).rglob("*.py")]
    paths += [*recipes.rglob("*.yaml"), *folder.glob("claims.yaml")]
    return _digest_of(paths)


def _submissions(folder: Path) -> str:
    return _digest_of(path for path in (folder / "submissions").rglob("*") if path.is_file())


def _second(folder: Path) -> str:
    return _digest_of(path for path in (folder / "second").rglob("*.json"))


_OF_MANY = {PROGRAM: _program, "submissions": _submissions, "second": _second}  # files


def _digest_of(paths: Iterable[Path]) -> str:
    texts = (path.name.encode() + b"\n" + read_bytes(path) for path in sorted(paths))
    return _digest(b"\n".join(texts))


def _derived_part(name: str, text: str) -> str:
    """What of a text is derived: all, but of what people write too."""
    if name not in (README, METHOD):
        return text
    return text.partition(START)[2].partition(END)[0]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
