"""What is published: the committed reference evidence in `results/`, and its rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.recipe import Recipe
from zoo.results import leaderboard
from zoo.results.columns import Row
from zoo.results.folder import FOLDER, committed


def has_evidence(folder: Path = FOLDER) -> bool:
    """Whether the folder holds run records, not only the rows made from them."""
    return bool(Store(folder).recipes())


def rows(folder: Path = FOLDER) -> list[Row]:
    """The rows as committed; also in an installed package, which has no raw evidence."""
    return [Row(**row) for row in committed(folder)]


def recipes_in(store: Store) -> list[Recipe]:
    """The recipes of the zoo that have evidence in a folder; `strange` names the others."""
    known = recipes.available()
    return [recipes.load(recipe_id) for recipe_id in store.recipes() if recipe_id in known]


def strange(store: Store) -> list[str]:
    """One line for each recipe that has evidence in a folder but is none of the zoo's.

    And for each record that is in no arm's folder.
    """
    known = recipes.available()
    return [
        f"{store.root / 'runs' / recipe_id}: not a recipe of the zoo: give its file to see it"
        for recipe_id in store.recipes()
        if recipe_id not in known
    ] + [f"{path}: in no arm's folder: remove it" for path in store.strays()]


def boards(
    folder: Path, names: Sequence[str] | None, settings: Mapping[str, Any], target: float | None
) -> list[tuple[Recipe, list[Row]]]:
    """Recipes with their rows.

    Args:
        folder: of evidence; an installed zoo has the rows alone.
        names: ids or files of recipes; None for all that have evidence.
        settings: as `zoo.recipe.load` takes them.
        target: as `zoo.results.leaderboard.rows`.

    Raises:
        ZooError: if a recipe has no evidence, or what is asked needs the raw evidence.
    """
    store = Store(folder)
    if not has_evidence(folder):
        published = rows(folder) if folder == FOLDER else []
        if not published:
            raise ZooError(f"{folder}: no evidence here; see: zoo run --help")
        if target is not None or settings:
            raise ZooError(
                "an installed zoo holds the rows without the run records: "
                "--target and --set need a clone, or --results DIR"
            )
        chosen = [recipes.load(name) for name in names or sorted({row.recipe for row in published})]
        boards = [(one, [row for row in published if row.recipe == one.id]) for one in chosen]
        for one, its_rows in boards:
            if not its_rows:
                raise ZooError(f"{one.id}: no evidence; run: zoo run {one.id}")
        return boards
    chosen = [recipes.load(name, settings) for name in names] if names else recipes_in(store)
    return [(one, leaderboard.rows(one, store, target)) for one in chosen]
