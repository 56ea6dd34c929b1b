"""The commands: each parses, calls and prints, and imports no more than it needs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.errors import ZooError

app = typer.Typer(
    help="Paired Keras models that measure the cures for vanishing and exploding gradients.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Recipes = Annotated[list[str], typer.Argument(help="ids, globs of ids, or YAML files")]
SomeRecipes = Annotated[
    list[str] | None, typer.Argument(help="ids, globs of ids, or YAML files; default: all")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="replace a value, as training.steps=100"),
]
Imports = Annotated[
    list[Path] | None,
    typer.Option("--import", metavar="FILE", help="Python file with your own Keras objects"),
]
Results = Annotated[
    Path | None, typer.Option("--results", metavar="DIR", help="evidence; default: the zoo's own")
]


@app.command("list")
def list_(pattern: Annotated[str, typer.Argument(help="a glob of ids")] = "*") -> None:
    """List recipes, their arms and what is in the evidence."""
    from zoo.cli import listing

    _print(listing.recipes(pattern))


@app.command()
def show(
    recipe: str,
    arm: Annotated[str | None, typer.Option(help="show this arm alone")] = None,
    settings: Settings = None,
) -> None:
    """Show the resolved recipe, and what each arm changes."""
    from zoo.cli import listing

    print(listing.recipe(_load(recipe, settings), arm), end="")


@app.command()
def check(files: Recipes, imports: Imports = None) -> None:
    """Validate recipes without training."""
    from zoo import keras_setup, recipe

    found = _find(files)
    keras_setup.load_tensorflow()
    from zoo.parts import trial  # which imports Keras

    _import(imports)
    mistakes = []
    for path in found:
        try:
            loaded = recipe.load(path)
            trial.check(loaded)
            print(f"{loaded.id}: ok, {len(loaded.arms)} arms")
        except ZooError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ZooError("\n".join(mistakes))


@app.command()
def run(
    recipes: Recipes,
    settings: Settings = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="reported seeds")] = None,
    arms: Annotated[
        str | None, typer.Option(metavar="A,B", help="only these arms and the baseline")
    ] = None,
    workers: Annotated[
        str, typer.Option(metavar="N", help="single-threaded workers; auto: one a core")
    ] = "auto",
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="of a Dask cluster, as tcp://host:8786")
    ] = None,
    imports: Imports = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="where the evidence goes")] = Path(
        "zoo-results"
    ),
) -> None:
    """Train what the evidence does not have yet, then print rows and figures."""
    from rich.console import Console

    from zoo.evidence.store import Store
    from zoo.sweep import progress
    from zoo.sweep.dask import cluster
    from zoo.sweep.sweep import Sweep
    from zoo.sweep.workers import local

    count = _worker_count(workers)
    if scheduler and workers != "auto":
        raise ZooError("--workers and --scheduler: give one; a cluster has its own workers")
    found = [_load(name, settings, seeds) for name in _find(recipes)]
    chosen = [loaded.only(arms.split(",")) for loaded in found] if arms else found
    store = Store(out)
    job = Sweep(chosen, store, imports=[_source(path) for path in imports or []])
    if not job.finished:
        pool = cluster(scheduler) if scheduler else local(count)
        with pool as its_workers, progress.shown(Console(), job.states) as listener:
            job.run(its_workers, listener)
    _warn([f"failed: {line}" for line in job.failures])
    try:
        _report(chosen, found, store)
    except ZooError:
        if not job.failures:  # else there is nothing to report for that reason
            raise
    if job.failures:
        raise typer.Exit(1)


@app.command()
def leaderboard(
    recipes: SomeRecipes = None,
    results: Results = None,
    format_: Annotated[str, typer.Option("--format", help="table, markdown or json")] = "table",
    target: Annotated[
        float | None, typer.Option(help="score the same curves against another target value")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="recompute every derived file; exit 1 on a difference")
    ] = False,
    settings: Settings = None,
) -> None:
    """Print the rows of the leaderboard, or check them against the evidence."""
    from zoo.evidence.store import Store
    from zoo.results import published, tables
    from zoo.results.folder import FOLDER

    folder = results or FOLDER
    if check:
        if recipes or settings or target is not None:
            raise ZooError("--check looks at all evidence of a folder: give it --results alone")
        from zoo.results.check import differences

        lines = differences(folder)
        for line in lines:
            print(line, file=sys.stderr)
        if lines:
            raise typer.Exit(1)
        print(f"{folder}: tables and figures are those of the evidence")
        return
    if format_ not in ("table", "markdown", "json"):
        raise ZooError(f"--format {format_}: no such format; choose table, markdown or json")
    found = published.boards(folder, _find(recipes) if recipes else None, _parsed(settings), target)
    if not recipes:
        _warn(published.strange(Store(folder)))
    if format_ == "json":
        print(tables.as_json([row for _, rows in found for row in rows]), end="")
        return
    for loaded, rows in found:
        markdown = format_ == "markdown"
        _print(
            tables.markdown(loaded, rows) if markdown else tables.terminal(loaded, rows, _width())
        )


@app.command()
def figures(
    recipes: SomeRecipes = None, results: Results = None, settings: Settings = None
) -> None:
    """Draw the gradients and the learning curves of the evidence."""
    from zoo.evidence.store import Store
    from zoo.results import figures, published
    from zoo.results.folder import FOLDER

    store = Store(results or FOLDER)
    if not published.has_evidence(store.root):
        raise ZooError(f"{store.root}: no evidence here; see: zoo run --help")
    if recipes:
        chosen = [_load(name, settings) for name in _find(recipes)]
    else:
        chosen = published.recipes_in(store)
        _warn(published.strange(store))
    for loaded in chosen:
        for path in figures.draw(loaded, store):
            print(path)


data_app = typer.Typer(
    help="List, prepare and locate data sets.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(data_app, name="data")


@data_app.command("list")
def data_list() -> None:
    """List the data sets of the recipes and those prepared here."""
    from zoo.cli import listing

    _print(listing.data_sets())


@data_app.command("prepare")
def data_prepare(
    name: Annotated[str, typer.Argument(help="digits, or a name of tensorflow-datasets")],
) -> None:
    """Download, check and decode a data set, so that a run finds it ready."""
    from zoo import data

    loaded = data.load(name)
    sizes = " / ".join(str(len(part.y)) for part in (loaded.train, loaded.validation, loaded.test))
    shape = "x".join(map(str, loaded.input_shape))
    print(f"{name}: ready, {sizes} examples of {shape}, {loaded.outputs} outputs")


@data_app.command("where")
def data_where() -> None:
    """Print the folders that data sets come from and go to."""
    from zoo.cli import listing

    print(listing.data_folders(), end="")


# ---------------------------------------------------------------- helpers


def _find(patterns: list[str]) -> list[str]:
    from zoo import recipe

    return [str(path) for _, path in recipe.find(patterns)]


def _parsed(settings: list[str] | None) -> dict[str, Any]:
    from zoo import recipe

    return dict(recipe.parse_setting(text) for text in settings or [])


def _load(name: str, settings: list[str] | None, seeds: int | None = None) -> Any:
    from zoo import recipe

    return recipe.load(name, _parsed(settings), seeds)


def _source(path: Path) -> tuple[str, str]:
    from zoo.parts import user_files

    return user_files.read_source(path)


def _import(paths: list[Path] | None) -> None:
    if paths:
        from zoo.parts import user_files

        for path in paths:
            user_files.import_file(path)


def _worker_count(workers: str) -> int:
    from zoo.sweep.workers import worker_count

    if workers == "auto":
        return worker_count()
    if not workers.isdecimal() or int(workers) < 1:
        raise ZooError(f"--workers {workers}: give a number of at least 1, or auto")
    return int(workers)


def _report(chosen: list[Any], whole: list[Any], store: Any) -> None:
    """Rows of the chosen arms; figures of all arms that have evidence."""
    from zoo.results import figures, leaderboard, tables

    for loaded, complete in zip(chosen, whole, strict=True):
        _print(tables.terminal(loaded, leaderboard.rows(loaded, store), _width()))
        for path in figures.draw(complete, store):
            print(path)


def _warn(lines: list[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _width() -> int:
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal else 100


def _print(thing: Any) -> None:
    from rich.console import Console

    if isinstance(thing, str):
        print(thing)
        return
    Console(width=_width()).print(thing)
