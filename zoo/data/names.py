"""The names of data sets: those made here, at any length or read by rows, and the catalogue's."""

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.data import sets
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.data.raw import Raw, Task

LOCAL = tuple(sorted(module.name for module in pkgutil.iter_modules(sets.__path__)))
LENGTHS = range(2, 10_001)
ROWS = "_rows"  # ends the name of an image set whose images are sequences of rows: digits_rows


def local(name: str) -> tuple[str, int | None] | None:
    """Which of `LOCAL` a name asks for, and at which length; None for a set of the catalogue."""
    base, number = name, None
    if match := re.fullmatch(r"(.+)_([1-9][0-9]{0,8})", name):
        base, number = match[1], int(match[2])
    if name in LOCAL:
        return name, None
    return (base, number) if base in LOCAL else None


def _function(base: str) -> "Callable[..., Raw]":
    function: Callable[..., Raw] = getattr(importlib.import_module(f"zoo.data.sets.{base}"), base)
    return function


def takes_length(base: str) -> bool:
    """Whether one of `LOCAL` is made for a length, which its name ends with."""
    return "length" in inspect.signature(_function(base)).parameters


def maker(name: str) -> "Callable[[], Raw] | None":
    """What makes the set of this name here; None for a set of the catalogue.

    Raises:
        ZooError: if the length is missing, or not one of `LENGTHS`.
    """
    if name in LOCAL and not takes_length(name):
        return _function(name)
    for base in LOCAL:
        if name.startswith(base) and takes_length(base):
            match = local(name)
            if match is None or match[1] not in LENGTHS:
                bounds = f"{LENGTHS[0]} to {LENGTHS[-1]} time steps"
                raise ZooError(f"{name}: give {bounds} at the end, such as {base}_50")
            return functools.partial(_function(base), length=match[1])
    return None


def package(name: str) -> str:
    """The package that a set made here comes with; empty for one that needs none."""
    base, _ = local(name) or (name, None)
    return str(getattr(importlib.import_module(f"zoo.data.sets.{base}"), "PACKAGE", ""))


def task(name: str) -> "Task":
    """What a set is for, without making it: sets that are not made here have classes."""
    of_set: Task = _said(name, "TASK", "classification")
    return of_set


def standardized(name: str) -> bool:
    """Whether a set's numbers are standardized, without making it; tokens never are."""
    return bool(_said(name.removesuffix(ROWS), "STANDARDIZE", True))


def has_bytes(name: str) -> bool:
    """Whether a set made here has images of 0 to 255 as uint8, without making it."""
    return bool(_said(name.removesuffix(ROWS), "BYTES", False))


def _said(name: str, constant: str, otherwise: Any) -> Any:
    """What the file of a set made here says of it; of other sets, and without a word, the rest."""
    base, _ = local(name) or (name, None)
    if base not in LOCAL:
        return otherwise
    return getattr(importlib.import_module(f"zoo.data.sets.{base}"), constant, otherwise)
