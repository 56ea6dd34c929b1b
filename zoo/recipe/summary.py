"""What a listing says of a recipe, read from its file without resolving any arm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import Place
from zoo.recipe import yaml_places


@dataclass(frozen=True)
class Summary:
    """A recipe's baseline, the names of its arms, and of its data set."""

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
    source = yaml_places.read(known[recipe_id])
    try:
        if parent := source.values.pop("extends", None):
            changes, source = source.values, yaml_places.read(known[parent])
            for key, value in changes.items():
                source.override(key, value, {(): Place(source.name)})
        values = source.values
        return Summary(values["baseline"], list(values["arms"]), values["data"]["name"])
    except (LookupError, TypeError):
        from zoo.recipe.loading import load

        loaded = load(known[recipe_id])  # says what is wrong
        return Summary(loaded.baseline, list(loaded.arms), loaded.spec.data.name)
