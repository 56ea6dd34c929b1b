"""The commands that read evidence, check it and add to it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import (
    evidence,
    find,
    imports_,
    load,
    parsed,
    results_,
    settings_,
    some_recipes,
    warn,
)
from zoo.cli.terminal import Careful, print_table, width
from zoo.errors import ZooError


@click.command(cls=Careful)
@some_recipes
@results_
@click.option("--format", "format_", default="table", help="table, markdown or json.")
@click.option("--target", type=float, help="Score the same curves against another target value.")
@click.option("--check", is_flag=True, help="Recompute every derived file; exit 1 on a difference.")
@settings_
def leaderboard(
    recipes: Sequence[str],
    results: Path | None,
    format_: str,
    target: float | None,
    check: bool,
    settings: Sequence[str],
) -> None:
    """Print the rows of the leaderboard, or check them."""
    from zoo.results.folder import FOLDER

    folder = results or FOLDER
    if check:
        if recipes or settings or target is not None:
            raise ZooError("--check looks at all evidence of a folder: give it --results alone")
        from zoo.results.check import differences

        lines = differences(folder)
        warn(lines)
        if lines:
            raise SystemExit(1)
        print(f"{folder}: tables and figures are those of the evidence")
        return
    if format_ not in ("table", "markdown", "json"):
        raise ZooError(f"--format {format_}: no such format; choose table, markdown or json")
    from zoo.evidence.manifest import Manifest
    from zoo.results import overview_table, published, tables

    chosen = find(recipes) if recipes else None
    unlike = Manifest(folder).unlike() if published.has_evidence(folder) else []
    boards = published.boards(folder, chosen, parsed(settings), target, intact=not unlike)
    warn(unlike)
    if not recipes:
        warn(published.strange(folder))
    if format_ == "json":
        print(tables.as_json([row for _, rows in boards for row in rows]), end="")
    whole = _whole(recipes, settings, target, unlike)
    if best := published.overview(folder) if whole else []:
        if format_ == "markdown":
            print(f"{overview_table.markdown(best)}\n{overview_table.LEGEND}\n")
        elif format_ == "table":
            print_table(overview_table.terminal(best, width()))
    for loaded, rows in boards:
        if format_ == "markdown":
            print(tables.markdown(loaded, rows))
        elif format_ == "table":
            print_table(tables.terminal(loaded, rows, width()))


@click.command(cls=Careful)
@some_recipes
@results_
@settings_
def figures(recipes: Sequence[str], results: Path | None, settings: Sequence[str]) -> None:
    """Draw gradients, displacement, learning curves and the runs not yet at the target."""
    from zoo.evidence.store import Store
    from zoo.results import figures, published
    from zoo.results.folder import FOLDER

    store = Store(results or FOLDER)
    if not published.has_evidence(store.root):
        raise ZooError(f"{store.root}: no evidence here; see: zoo run --help")
    warn(store.manifest.unlike())
    if recipes:
        chosen = [load(name, settings) for name in find(recipes)]
    else:
        chosen = published.recipes_in(store)
        warn(published.strange(store.root))
    for loaded in chosen:
        for path in figures.draw(loaded, store):
            print(path)


@click.command(cls=Careful)
@click.argument("a", metavar="RECIPE/ARM")
@click.argument("b", metavar="RECIPE/ARM")
@results_
@click.option("--format", "format_", default="table", help="table or json.")
@settings_
def compare(a: str, b: str, results: Path | None, format_: str, settings: Sequence[str]) -> None:
    """Compare any two arms head to head.

    Both have the same target, budget and evaluation grid. An exploration: one comparison, chosen
    by who looks, is no verdict of the leaderboard.
    """
    if format_ not in ("table", "json"):
        raise ZooError(f"--format {format_}: no such format; choose table or json")
    from zoo import recipe
    from zoo.results import head_to_head

    one, other = (recipe.load_arm(name, parsed(settings)) for name in (a, b))
    found = head_to_head.compare(one, other, evidence(results))
    if format_ == "json":
        print(head_to_head.as_json(found), end="")
    else:
        print(head_to_head.text(found))


@click.command(cls=Careful)
@click.argument("arm", metavar="RECIPE/ARM")
@click.option(
    "--seed",
    metavar="K",
    type=click.IntRange(min=0),
    help="Which run; by default the first reported one that has a record.",
)
@results_
@settings_
@imports_
def verify(
    arm: str,
    seed: int | None,
    results: Path | None,
    settings: Sequence[str],
    imports: Sequence[Path],
) -> None:
    """Train a run again and compare it with its record.

    Exit code 1 if it differs by more than another processor explains.
    """
    from rich.console import Console

    from zoo import recipe
    from zoo.evidence.agreement import agreement
    from zoo.parts import user_files
    from zoo.sweep import progress, verification

    _, of = recipe.load_arm(arm, parsed(settings))
    store = evidence(results)
    record = verification.recorded(store, of, seed)
    sources = [user_files.read_source(path) for path in imports]
    task = f"{of.id}, seed {record.seed}, at learning rate {record.learning_rate}"
    with progress.one_run(Console(file=sys.stdout), task, record.seconds):
        now = verification.train_again(of, record, sources)
    found = agreement(of, record, now)
    print(verification.text(found))
    if found.state == "differs":
        raise SystemExit(1)


@click.command(cls=Careful)
@click.argument("recipe", type=click.Path(path_type=Path))
@imports_
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("zoo-results"),
    show_default=True,
    help="Evidence that zoo run wrote.",
)
def submit(recipe: Path, imports: Sequence[Path], results: Path) -> None:
    """Pack your recipe and its evidence for others to check.

    RECIPE is the path of your YAML file. The folder comes below results/submissions/ of a clone.
    """
    from zoo import recipe as recipes
    from zoo.results import published, submissions
    from zoo.results.folder import FOLDER

    if recipe.suffix.lower() not in (".yaml", ".yml"):
        raise ZooError(
            f"{recipe}: not the path of a YAML file: a recipe of the zoo is there already"
        )
    if not published.has_evidence():
        raise ZooError("zoo submit needs a clone of the zoo: an installed one has no evidence")
    loaded = recipes.load(recipe)
    into = FOLDER / "submissions"
    print(submissions.pack(loaded, recipe, imports, results, into))
    print("Now: python scripts/reference.py, and a pull request with what it changed")


def _whole(recipes: Sequence[str], settings: Sequence[str], target: Any, unlike: Any) -> bool:
    """Whether the rows asked for are all, as they were derived."""
    return not (recipes or settings or unlike) and target is None


COMMANDS = (leaderboard, figures, compare, verify, submit)
