"""Recipes by their ids: those of the zoo, and a user's own files."""

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import Place, ZooError, mistake, nearest, shown

_PACKAGE = Path(__file__).resolve().parents[1]
# In a wheel the recipes lie inside the package; in a checkout beside it.
FOLDER = _PACKAGE / "recipes" if (_PACKAGE / "recipes").is_dir() else _PACKAGE.parent / "recipes"


def available(folder: Path = FOLDER) -> dict[str, Path]:
    """The id and path of every recipe in a folder, by default those of the zoo, sorted by id."""
    paths = folder.glob("*/*.yaml")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(paths)}


def root_of(path: Path) -> Path | None:
    """The nearest folder named recipes that a file is in."""
    return next((above for above in path.resolve().parents if above.name == "recipes"), None)


def _id_of(path: Path) -> str:
    """A file's id: its path below the nearest folder named recipes, else its name."""
    root = root_of(path)
    parts = path.resolve().relative_to(root).parts if root else (path.name,)
    for part in parts:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", part):
            hint = "rename it: a recipe's path is its id, of letters, digits, _, - and ."
            raise ZooError(mistake(Place(str(path)), shown(part), hint))
    return "/".join(parts).rpartition(".")[0]


def find(patterns: Sequence[str]) -> list[tuple[str, Path]]:
    """The (id, path) of the recipes that ids, globs of ids, or paths to YAML files name.

    Raises:
        ZooError: for a pattern that names none, with the nearest ids; for two files with one id.
    """
    known = available()
    paths: dict[str, Path] = {}
    for pattern in patterns:
        place = Place(pattern)
        if pattern.lower().endswith((".yaml", ".yml")):
            path = Path(pattern)
            try:
                path.stat()
            except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
                reason = getattr(error, "strerror", None) or error
                raise ZooError(mistake(place, "cannot be read", reason)) from None
            matches = {_id_of(path): path}
        else:
            matches = {recipe_id: known[recipe_id] for recipe_id in fnmatch.filter(known, pattern)}
        if not matches:
            hint = nearest(pattern, known, "see: zoo list", most=3)
            raise ZooError(mistake(place, f"no such recipe; {hint}"))
        for recipe_id, path in matches.items():
            other = paths.setdefault(recipe_id, path)
            if other.resolve() != path.resolve():
                raise ZooError(mistake(place, f"has the id of {other}, {recipe_id}: rename one"))
    return list(paths.items())
