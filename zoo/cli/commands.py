"""The commands: each parses, calls and prints, and imports no more than it needs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo.cli.data import data_
from zoo.cli.terminal import InOrder, print_table, width
from zoo.errors import ZooError, printable

MOST_WORKERS = 1000  # processes of this machine

recipes_ = click.argument("recipes", metavar="RECIPE...", nargs=-1, required=True)
some_recipes = click.argument("recipes", metavar="[RECIPE...]", nargs=-1)
settings_ = click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Replace a value, as training.steps=100.",
)
imports_ = click.option(
    "--import",
    "imports",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Python file with your own Keras objects.",
)
results_ = click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Evidence; by default the zoo's own.",
)


@click.group(cls=InOrder, context_settings={"max_content_width": 100})
def app() -> None:
    """Paired Keras models that measure the cures for vanishing and exploding gradients.

    A RECIPE is an id, a glob of ids, or the path of a YAML file.
    """


@app.command("list")
@click.argument("pattern", default="*")
def list_(pattern: str) -> None:
    """List recipes, their arms and evidence.

    PATTERN is a glob of ids.
    """
    from zoo.cli import listing

    print(listing.recipes(pattern, width()))


@app.command()
@click.argument("recipe")
@click.option("--arm", metavar="NAME", help="Show this arm alone.")
@settings_
def show(recipe: str, arm: str | None, settings: Sequence[str]) -> None:
    """Show the resolved recipe, and what each arm changes."""
    from zoo.cli import listing

    print(listing.recipe(_load(recipe, settings), arm), end="")


@app.command()
@recipes_
@imports_
def check(recipes: Sequence[str], imports: Sequence[Path]) -> None:
    """Validate recipes without training."""
    from zoo import keras_setup, recipe

    paths = _find(recipes)
    keras_setup.load_tensorflow()
    from zoo.parts import trial, user_files  # which import Keras
    from zoo.results.eligibility import lacking_in_the_plan

    for file in imports:
        user_files.import_file(file)
    mistakes = []
    for path in paths:
        try:
            loaded = recipe.load(path)
            trial.check(loaded)
            lacking = lacking_in_the_plan(loaded)
            no_verdict = f"; no verdict: {lacking}" if lacking else ""
            print(f"{loaded.id}: ok, {len(loaded.arms)} arms{no_verdict}")
        except ZooError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ZooError("\n".join(mistakes))


@app.command()
@recipes_
@settings_
@click.option("--seeds", metavar="N", type=click.IntRange(min=1), help="Reported seeds.")
@click.option("--arms", metavar="A,B", help="Only these arms and the baseline.")
@click.option(
    "--workers",
    metavar="N",
    default="auto",
    show_default=True,
    help="Single-threaded workers; auto: one a core.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster, as tcp://host:8786.")
@imports_
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("zoo-results"),
    show_default=True,
    help="Where the evidence goes.",
)
def run(
    recipes: Sequence[str],
    settings: Sequence[str],
    seeds: int | None,
    arms: str | None,
    workers: str,
    scheduler: str | None,
    imports: Sequence[Path],
    out: Path,
) -> None:
    """Train what is missing; print rows and figures.

    What the folder of evidence has already is not trained again.
    """
    from rich.console import Console

    from zoo.evidence.store import Store
    from zoo.parts import user_files
    from zoo.sweep import progress
    from zoo.sweep.dask import cluster
    from zoo.sweep.sweep import Sweep
    from zoo.sweep.workers import local

    count = _worker_count(workers)
    if scheduler and workers != "auto":
        raise ZooError("--workers and --scheduler: give one; a cluster has its own workers")
    loaded = [_load(name, settings, seeds) for name in _find(recipes)]
    chosen = [recipe.only(_names(arms)) for recipe in loaded] if arms else loaded
    sources = [user_files.read_source(path) for path in imports]
    store = Store(out)
    with store.locked():
        job = Sweep(chosen, store, imports=sources)
        if not job.finished:
            pool = cluster(scheduler) if scheduler else local(count)
            console = Console(file=sys.stdout)
            with pool as its_workers, progress.shown(console, job.states) as listener:
                job.run(its_workers, listener)
        _warn([f"failed: {line}" for line in job.failures])
        try:
            _report(chosen, loaded, store)
        except ZooError:
            if not job.failures:  # else there is nothing to report for that reason
                raise
    if job.failures:
        raise SystemExit(1)


@app.command()
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
        _warn(lines)
        if lines:
            raise SystemExit(1)
        print(f"{folder}: tables and figures are those of the evidence")
        return
    if format_ not in ("table", "markdown", "json"):
        raise ZooError(f"--format {format_}: no such format; choose table, markdown or json")
    from zoo.evidence.manifest import Manifest
    from zoo.results import overview_table, published, tables

    chosen = _find(recipes) if recipes else None
    unlike = Manifest(folder).unlike() if published.has_evidence(folder) else []
    boards = published.boards(folder, chosen, _parsed(settings), target, intact=not unlike)
    _warn(unlike)
    if not recipes:
        _warn(published.strange(folder))
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


@app.command()
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
    _warn(store.manifest.unlike())
    if recipes:
        chosen = [_load(name, settings) for name in _find(recipes)]
    else:
        chosen = published.recipes_in(store)
        _warn(published.strange(store.root))
    for loaded in chosen:
        for path in figures.draw(loaded, store):
            print(path)


@app.command()
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

    one, other = (recipe.load_arm(name, _parsed(settings)) for name in (a, b))
    found = head_to_head.compare(one, other, _evidence(results))
    if format_ == "json":
        print(head_to_head.as_json(found), end="")
    else:
        print(head_to_head.text(found))


@app.command()
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

    _, of = recipe.load_arm(arm, _parsed(settings))
    store = _evidence(results)
    record = verification.recorded(store, of, seed)
    sources = [user_files.read_source(path) for path in imports]
    task = f"{of.id}, seed {record.seed}, at learning rate {record.learning_rate}"
    with progress.one_run(Console(file=sys.stdout), task, record.seconds):
        now = verification.train_again(of, record, sources)
    found = agreement(of, record, now)
    print(verification.text(found))
    if found.state == "differs":
        raise SystemExit(1)


@app.command()
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


app.add_command(data_)


# ---------------------------------------------------------------- helpers


def _find(patterns: Sequence[str]) -> list[str]:
    from zoo import recipe

    return [str(path) for _, path in recipe.find(patterns)]


def _parsed(settings: Sequence[str]) -> dict[str, Any]:
    from zoo import recipe

    return dict(recipe.parse_setting(text) for text in settings)


def _load(name: str, settings: Sequence[str], seeds: int | None = None) -> Any:
    from zoo import recipe

    return recipe.load(name, _parsed(settings), seeds)


def _whole(recipes: Sequence[str], settings: Sequence[str], target: Any, unlike: Any) -> bool:
    """Whether the rows asked for are all, as they were derived."""
    return not (recipes or settings or unlike) and target is None


def _evidence(results: Path | None) -> Any:
    """The folder of evidence, which an installed zoo does not have; unlike its manifest is told."""
    from zoo.evidence.store import Store
    from zoo.results import published
    from zoo.results.folder import FOLDER

    store = Store(results or FOLDER)
    if not published.has_evidence(store.root):
        raise ZooError(f"{store.root}: no run records here: give --results DIR, or use a clone")
    _warn(store.manifest.unlike())
    return store


def _names(listed: str) -> list[str]:
    names = listed.split(",")
    if not all(name.strip() for name in names):
        raise ZooError(f"--arms {listed}: an empty name: give names with one comma between them")
    return names


def _worker_count(workers: str) -> int:
    from zoo.sweep.workers import worker_count

    if workers == "auto":
        return worker_count()
    few = len(workers) <= len(str(MOST_WORKERS))  # Python converts no number of thousands of digits
    if not (few and workers.isdecimal() and 1 <= int(workers) <= MOST_WORKERS):
        hint = f"give a number from 1 to {MOST_WORKERS}, or auto"
        raise ZooError(f"--workers {workers:.20}: {hint}")
    return int(workers)


def _report(chosen: list[Any], whole: list[Any], store: Any) -> None:
    """Rows of the chosen arms; figures of all arms that have evidence."""
    from zoo.results import figures, leaderboard, tables

    for loaded, complete in zip(chosen, whole, strict=True):
        print_table(tables.terminal(loaded, leaderboard.rows(loaded, store), width()))
        for path in figures.draw(complete, store):
            print(path)


def _warn(lines: Sequence[str]) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr)
