"""What there is: recipes, their arms and differences, as tables and YAML for people."""

import fnmatch
from collections import Counter
from typing import Any

import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table

from zoo import recipe as zoo_recipe
from zoo.errors import ZooError
from zoo.recipe import Recipe
from zoo.results import reference


def recipes(pattern: str) -> Table:
    """The recipes whose ids match a glob: arms, the baseline with a star, and evidence.

    Raises:
        ZooError: if none matches.
    """
    ids = fnmatch.filter(zoo_recipe.available(), pattern)
    if not ids:
        zoo_recipe.find([pattern])  # says which ids are near
    seeds: Counter[str] = Counter()
    for row in reference.rows():
        seeds[row["recipe"]] = max(seeds[row["recipe"]], row["seeds"])
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("recipe", no_wrap=True)
    table.add_column("arms")
    table.add_column("evidence", no_wrap=True)
    for recipe_id in ids:
        loaded = zoo_recipe.load(recipe_id)
        arms = ", ".join(f"{arm}*" if arm == loaded.baseline else arm for arm in loaded.arms)
        table.add_row(recipe_id, arms, f"{seeds[recipe_id]} seeds" if seeds[recipe_id] else "none")
    return table


def recipe(loaded: Recipe, arm: str | None = None) -> str:
    """A recipe as resolved, in YAML: the baseline in full, then what each arm changes.

    Args:
        loaded: the recipe.
        arm: show this arm in full instead.

    Raises:
        ZooError: if the recipe has no such arm.
    """
    if arm is not None and arm not in loaded.arms:
        raise ZooError(f"{loaded.id}: no arm {arm}; arms: {', '.join(loaded.arms)}")
    shown = loaded.arms[arm or loaded.baseline]
    parts: list[tuple[dict[str, Any], bool | None]] = [
        ({"id": shown.id, "title": loaded.title, "claim": loaded.claim}, False),
        (_short(shown.spec.model_dump()), None),
    ]
    if arm is not None:
        parts.append(({"changes": shown.changes}, None))
    else:
        arms = {name: other.changes for name, other in loaded.arms.items()}
        parts.append(({"baseline": loaded.baseline, "arms": arms}, None))
    return "\n".join(
        yaml.safe_dump(
            part, sort_keys=False, width=100, default_flow_style=flow, allow_unicode=True
        )
        for part, flow in parts
    )


def _short(value: Any) -> Any:
    """A value as a person would write it: a Keras part without arguments is its name alone."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {"class_name", "config"} and not value["config"]:
        return value["class_name"]
    return {key: _short(item) for key, item in value.items() if item is not None}
