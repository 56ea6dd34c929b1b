"""What a listing says of a recipe, read from its file without resolving any arm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.recipe import yaml_places


@dataclass(frozen=True)
class Summary:
    """A recipe's words, its baseline, the names of its arms, and of its data set."""

    id: str
    title: str
    claim: str
    baseline: str
    arms: list[str]
    data: str


def summary(recipe_id: str, known: Mapping[str, Path]) -> Summary:
    """Reads the file of a recipe, and that of the one it extends.

    Args:
        recipe_id: one of `known`.
        known: the path of each recipe by its id.

    Raises:
        ZooError: for a recipe that cannot be loaded, as `zoo.recipe.load`.
    """
    try:
        values = yaml_places.outline(known[recipe_id])
        if "extends" in values:
            values = _changed(yaml_places.outline(known[values["extends"]]), values)
        return Summary(
            recipe_id,
            values["title"],
            values["claim"],
            values["baseline"],
            list(values["arms"]),
            values["data"]["name"],
        )
    except (LookupError, TypeError, AttributeError):
        from zoo.recipe.loading import load

        loaded = load(known[recipe_id])  # says what is wrong
        data = loaded.spec.data.name
        words = (recipe_id, loaded.title, loaded.claim)
        return Summary(*words, loaded.baseline, list(loaded.arms), data)


def _changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those at dotted keys replaced."""
    for key, value in changes.items():
        *above, last = key.split(".")
        inner = values
        for part in above:
            inner = inner[part]
        inner[last] = value
    return values
