"""The committed reference evidence in `results/`, and every file that is derived from it."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.recipe import Recipe
from zoo.results import leaderboard, tables
from zoo.results.leaderboard import Row
from zoo.results.store import Store, write_whole

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the rows lie beside this file and the raw evidence is left out.
FOLDER = _PACKAGE if (_PACKAGE / "leaderboard.json").is_file() else _PACKAGE.parents[1] / "results"

# What the README shows of the first recipe stands between these.
_START, _END = "<!-- made by scripts/reference.py -->", "<!-- end -->"

_HEADING = """# Leaderboard

Derived from the run records in this folder by `scripts/reference.py`; `zoo leaderboard --check`
recomputes it. What a row means, and what it does not, is in the [README](../README.md).

"""


def has_evidence(folder: Path = FOLDER) -> bool:
    """Whether the folder holds run records, not only the rows made from them."""
    return bool(Store(folder).recipes())


def rows(folder: Path = FOLDER) -> list[Row]:
    """The rows as committed; also in an installed package, which has no raw evidence."""
    path = folder / "leaderboard.json"
    try:
        result: list[Row] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ZooError(f"{path}: cannot be read: {error}; restore the file") from None
    return result


def recipes_in(store: Store) -> list[Recipe]:
    """The recipes of the zoo that have evidence in a folder; `strange` names the others."""
    known = recipes.available()
    return [recipes.load(recipe_id) for recipe_id in store.recipes() if recipe_id in known]


def strange(store: Store) -> list[str]:
    """One line for each recipe that has evidence in a folder but is none of the zoo's."""
    known = recipes.available()
    return [
        f"{store.root / 'runs' / recipe_id}: not a recipe of the zoo: give its file to see it"
        for recipe_id in store.recipes()
        if recipe_id not in known
    ]


def boards(
    folder: Path, names: Sequence[str] | None, settings: Mapping[str, Any], target: float | None
) -> list[tuple[Recipe, list[Row]]]:
    """Recipes with their rows.

    Args:
        folder: of evidence; an installed zoo has the rows alone.
        names: ids or files of recipes; None for all that have evidence.
        settings: as `zoo.recipe.load` takes them.
        target: as `zoo.results.leaderboard.rows` takes it.

    Raises:
        ZooError: if a recipe has no evidence, or what is asked needs the raw evidence.
    """
    store = Store(folder)
    if not has_evidence(folder):
        committed = rows(folder) if folder == FOLDER else []
        if not committed:
            raise ZooError(f"{folder}: no evidence here; see: zoo run --help")
        if target is not None or settings:
            raise ZooError(
                "an installed zoo holds the rows without the run records: "
                "--target and --set need a clone, or --results DIR"
            )
        chosen = [recipes.load(name) for name in names or sorted({r["recipe"] for r in committed})]
        found = [(one, [row for row in committed if row["recipe"] == one.id]) for one in chosen]
        for one, its_rows in found:
            if not its_rows:
                raise ZooError(f"{one.id}: no evidence; run: zoo run {one.id}")
        return found
    chosen = [recipes.load(name, settings) for name in names] if names else recipes_in(store)
    return [(one, leaderboard.rows(one, store, target)) for one in chosen]


def derived(folder: Path) -> Iterator[tuple[Path, str]]:
    """The path and text of each table that follows from the evidence in a folder."""
    store = Store(folder)
    found = [(recipe, leaderboard.rows(recipe, store)) for recipe in recipes_in(store)]
    yield folder / "leaderboard.json", tables.as_json([row for _, rows in found for row in rows])
    sections = [tables.markdown(recipe, rows) + _pictures(folder, recipe) for recipe, rows in found]
    shown = {column for recipe, rows in found for column in tables.columns(recipe, rows)}
    legend = tables.legend(shown)
    yield folder / "LEADERBOARD.md", _HEADING + legend + "\n\n" + "\n".join(sections)
    readme = folder.parent / "README.md"
    if folder == FOLDER and found and readme.is_file() and _START in readme.read_text():
        before, _, rest = readme.read_text().partition(_START)
        after = rest.partition(_END)[2]
        table = tables.markdown(*found[0]).partition("\n\n")[2]
        yield readme, f"{before}{_START}\n\n{table}\n{_END}{after}"


def _pictures(folder: Path, recipe: Recipe) -> str:
    from zoo.results import figures

    paths = [path.relative_to(folder).as_posix() for path in figures.paths(folder, recipe)]
    return (
        "\n" + "\n".join(f"![{recipe.title}: {Path(path).stem}]({path})" for path in paths) + "\n"
    )


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes the manifest, the tables and the figures of a folder of evidence."""
    from zoo.results import figures

    store = Store(folder)
    store.write_manifest()
    written = [path for recipe in recipes_in(store) for path in figures.draw(recipe, store)]
    for path, text in derived(folder):
        write_whole(path, text)
        written.append(path)
    return written


def differences(folder: Path = FOLDER) -> list[str]:
    """One line for each file that is not what the evidence says; empty if all is right.

    In a user's own folder, of the derived files those that are there are looked at.

    Raises:
        ZooError: if there is no evidence to check against.
    """
    from zoo.results import figures

    if not has_evidence(folder):
        raise ZooError(f"{folder}: no run records to check against: --check needs a clone")
    store, own = Store(folder), folder == FOLDER
    lines = [*store.changed(), *store.missing_or_extra(), *(strange(store) if own else [])]
    for path, text in derived(folder):
        found = path.read_text() if path.is_file() else ""
        if found != text and (own or found):
            lines.append(f"{path}: differs from the evidence{_first_difference(found, text)}")
    for recipe in recipes_in(store):
        lines += [
            f"{path}: drawn from other evidence, or missing: zoo figures {recipe.id}"
            for path in figures.stale(recipe, store)
            if own or path.is_file()
        ]
    return lines


def _first_difference(found: str, expected: str) -> str:
    for line in difflib.unified_diff(found.splitlines(), expected.splitlines(), n=0, lineterm=""):
        if line.startswith("@@"):
            return f", first at line {line.split()[1].lstrip('-').split(',')[0]}"
    return ""
