"""What there is: recipes, their arms and differences, as tables and YAML for people."""

import fnmatch
from collections import Counter

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
    head = {"id": shown.id, "title": loaded.title, "claim": loaded.claim}
    if loaded.sources:
        head["sources"] = ", ".join(loaded.sources)
    parts = [head, shown.spec.model_dump(exclude_defaults=False)]
    changes = {name: other.changes for name, other in loaded.arms.items() if other.changes}
    parts.append({"changes": shown.changes} if arm else {"arms": changes})
    return "\n".join(
        yaml.safe_dump(part, sort_keys=False, width=100, default_flow_style=None) for part in parts
    )


def checked(loaded: Recipe) -> str:
    """One line for a recipe without mistakes."""
    return f"{loaded.id}: ok, {len(loaded.arms)} arms"
