"""Ids of models: `digits/activation/relu_he@1.0` is an arm of a version of the benchmark."""

import fnmatch
import re
from collections.abc import Iterable
from typing import NamedTuple

from zoo.errors import Place, ZooError, mistake, shown
from zoo.recipe.version import BENCHMARK

# A part of an id is a file's name in a mirror: none starts with a dot, none is longer than one.
_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}"
_VERSION = r"[0-9]{1,4}\.[0-9]{1,4}"
PATTERN = rf"^(?P<recipe>{_PART}(?:/{_PART}){{0,3}})/(?P<arm>{_PART})@(?P<version>{_VERSION})$"


class ModelId(NamedTuple):
    """An arm of a version of the benchmark.

    Attributes:
        recipe: the recipe's id.
        arm: the arm's name in it.
        version: of the benchmark.
    """

    recipe: str
    arm: str
    version: str

    def __str__(self) -> str:
        return f"{self.recipe}/{self.arm}@{self.version}"

    @property
    def folder(self) -> str:
        """Where its files lie in a mirror and in the cache: `1.0/digits/activation/relu_he`."""
        return f"{self.version}/{self.recipe}/{self.arm}"


def parse(text: str) -> ModelId:
    """The model of an id; without `@` that of the newest version, which is this release's.

    Raises:
        ZooError: if it cannot be one.
    """
    match = re.fullmatch(PATTERN.strip("^$"), text if "@" in text else f"{text}@{BENCHMARK}")
    if match is None:
        hint = "an id is RECIPE/ARM or RECIPE/ARM@VERSION; see: zoo models"
        raise ZooError(mistake(Place(shown(text)), f"no id of a model; {hint}"))
    return ModelId(**match.groupdict())


def matching(pattern: str, ids: Iterable[str]) -> list[str]:
    """Those of some ids that a glob matches; without `@` of the newest version, as in `parse`."""
    return fnmatch.filter(ids, pattern if "@" in pattern else f"{pattern}@{BENCHMARK}")
