"""What is published: the committed reference evidence in `results/`, and its rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from zoo import recipe as recipes
from zoo.errors import Place, ZooError, mistake
from zoo.evidence.manifest import Manifest
from zoo.files import is_there
from zoo.recipe.summary import summary
from zoo.results.columns import Row
from zoo.results.folder import FOLDER, committed, rows_stand
from zoo.results.overview import Line
from zoo.results.tables import Titled

if TYPE_CHECKING:  # rows that are there already are shown without them
    from zoo.evidence.store import Store
    from zoo.recipe import Recipe


def has_evidence(folder: Path = FOLDER) -> bool:
    """Whether the folder holds run records, not only the rows made from them."""
    return Manifest(folder).has_records()


def rows(folder: Path = FOLDER) -> list[Row]:
    """The rows as committed; also in an installed package, which has no raw evidence.

    Raises:
        ZooError: if they are not rows of this zoo.
    """
    try:
        return [Row(**row) for row in committed(folder)]
    except (TypeError, ValidationError):
        reason = "holds no rows as this zoo has them: run python scripts/reference.py"
        raise ZooError(mistake(Place(str(folder / "leaderboard.json")), reason)) from None


def overview(folder: Path = FOLDER) -> list[Line]:
    """The lines of the overview as committed; none where they are not those of the evidence.

    Raises:
        ZooError: if they are not lines of this zoo.
    """
    path = folder / "overview.json"
    if not is_there(path) or (has_evidence(folder) and not rows_stand(folder)):
        return []
    try:
        return [Line(**line) for line in committed(folder, path.name)]
    except (TypeError, ValidationError):
        reason = "holds no lines as this zoo has them: run python scripts/reference.py"
        raise ZooError(mistake(Place(str(path)), reason)) from None


def recipes_in(store: "Store") -> "list[Recipe]":
    """The recipes of the zoo that have evidence in a folder; `strange` names the others."""
    known = recipes.available()
    return [recipes.load(recipe_id) for recipe_id in store.recipes() if recipe_id in known]


def strange(folder: Path) -> list[str]:
    """One line for each recipe that has evidence in a folder but is none of the zoo's.

    And for each record that is in no arm's folder.
    """
    known, manifest = recipes.available(), Manifest(folder)
    return [
        f"{folder / 'runs' / recipe_id}: not a recipe of the zoo: give its file to see it"
        for recipe_id in manifest.recipes()
        if recipe_id not in known
    ] + [f"{path}: in no arm's folder: remove it" for path in manifest.strays()]


def boards(
    folder: Path,
    names: Sequence[str] | None,
    settings: Mapping[str, Any],
    target: float | None,
    intact: bool = False,
) -> list[tuple[Titled, list[Row]]]:
    """Recipes with their rows.

    The zoo's own rows are taken as they were derived, where the evidence is what it was then;
    `zoo.results.check` computes them anew.

    Args:
        folder: of evidence; an installed zoo has the rows alone.
        names: ids or files of recipes; None for all that have evidence.
        settings: as `zoo.recipe.load` takes them.
        target: as `zoo.results.leaderboard.rows`.
        intact: the evidence is what its manifest says.

    Raises:
        ZooError: if a recipe has no evidence, or what is asked needs the raw evidence.
    """
    ours, raw = folder == FOLDER, has_evidence(folder)
    if not raw:
        if not ours or not rows(folder):
            raise ZooError(f"{folder}: no evidence here; see: zoo run --help")
        if target is not None or settings:
            raise ZooError(
                "an installed zoo holds the rows without the run records: "
                "--target and --set need a clone, or --results DIR"
            )
    derived = not raw or (intact and rows_stand(folder))
    if ours and derived and target is None and not settings:
        published = _published(folder, names)
        if published is not None:
            return published
    from zoo.evidence.store import Store
    from zoo.results.leaderboard import rows as leaderboard_rows

    store = Store(folder)
    chosen = [recipes.load(name, settings) for name in names] if names else recipes_in(store)
    return [(one, leaderboard_rows(one, store, target)) for one in chosen]


def _published(folder: Path, names: Sequence[str] | None) -> list[tuple[Titled, list[Row]]] | None:
    """The rows as committed; None if one of the recipes is a file that is none of the zoo's."""
    known = recipes.available()
    of_recipe: dict[str, list[Row]] = {}
    for row in rows(folder):
        of_recipe.setdefault(row.recipe, []).append(row)
    ids = {str(path.resolve()): recipe_id for recipe_id, path in known.items()}
    chosen = [ids.get(str(Path(name).resolve()), name) for name in names or of_recipe]
    if not all(name in known for name in chosen):
        return None
    for name in chosen:
        if name not in of_recipe:
            raise ZooError(f"{name}: no evidence; run: zoo run {name}")
    return [(summary(name, known), of_recipe[name]) for name in chosen]
