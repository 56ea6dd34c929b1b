"""The commands: each parses, calls and prints, and imports no more than it needs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo.cli import models, results
from zoo.cli.arguments import (
    find,
    imports_,
    load,
    recipes_,
    settings_,
    warn,
    worker_count,
    workers_,
)
from zoo.cli.data import data_
from zoo.cli.diagnose import diagnose
from zoo.cli.explain import explain
from zoo.cli.push import push
from zoo.cli.terminal import InOrder, print_table, width
from zoo.errors import ZooError


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

    print(listing.recipe(load(recipe, settings), arm), end="")


@app.command()
@recipes_
@imports_
def check(recipes: Sequence[str], imports: Sequence[Path]) -> None:
    """Validate recipes without training."""
    from zoo import keras_setup, recipe

    paths = find(recipes)
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
@workers_
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

    count = worker_count(workers)
    if scheduler and workers != "auto":
        raise ZooError("--workers and --scheduler: give one; a cluster has its own workers")
    loaded = [load(name, settings, seeds) for name in find(recipes)]
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
        warn([f"failed: {line}" for line in job.failures])
        try:
            _report(chosen, loaded, store)
        except ZooError:
            if not job.failures:  # else there is nothing to report for that reason
                raise
    if job.failures:
        raise SystemExit(1)


for command in (*results.COMMANDS, *models.COMMANDS, push, diagnose, explain):
    app.add_command(command)
app.add_command(data_)


# ---------------------------------------------------------------- helpers


def _names(listed: str) -> list[str]:
    names = listed.split(",")
    if not all(name.strip() for name in names):
        raise ZooError(f"--arms {listed}: an empty name: give names with one comma between them")
    return names


def _report(chosen: list[Any], whole: list[Any], store: Any) -> None:
    """Rows of the chosen arms; figures of all arms that have evidence."""
    from zoo.results import figures, leaderboard, tables

    for loaded, complete in zip(chosen, whole, strict=True):
        print_table(tables.terminal(loaded, leaderboard.rows(loaded, store), width()))
        for path in figures.draw(complete, store):
            print(path)
