"""Arguments that several commands share, and what they stand for."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo.errors import ZooError, printable

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

workers_ = click.option(
    "--workers",
    metavar="N",
    default="auto",
    show_default=True,
    help="Single-threaded workers; auto: one a core.",
)

MOST_WORKERS = 1000  # processes of this machine


def find(patterns: Sequence[str]) -> list[str]:
    """The paths or ids of the recipes that are named, globs too."""
    from zoo import recipe

    return [str(path) for _, path in recipe.find(patterns)]


def parsed(settings: Sequence[str]) -> dict[str, Any]:
    """Keys and values of `--set KEY=VALUE`."""
    from zoo import recipe

    return dict(recipe.parse_setting(text) for text in settings)


def load(name: str, settings: Sequence[str], seeds: int | None = None) -> Any:
    """The recipe of a name, with its settings replaced."""
    from zoo import recipe

    return recipe.load(name, parsed(settings), seeds)


def evidence(results: Path | None) -> Any:
    """The folder of evidence, which an installed zoo does not have; unlike its manifest is told."""
    from zoo.evidence.store import Store
    from zoo.results import published
    from zoo.results.folder import FOLDER

    store = Store(results or FOLDER)
    if not published.has_evidence(store.root):
        raise ZooError(f"{store.root}: no run records here: give --results DIR, or use a clone")
    warn(store.manifest.unlike())
    return store


def warn(lines: Sequence[str]) -> None:
    """Prints lines to standard error, without what moves a cursor."""
    for line in lines:
        print(printable(line), file=sys.stderr)


def worker_count(workers: str) -> int:
    """How many workers `--workers` says."""
    from zoo.sweep import workers as of_sweep

    if workers == "auto":
        return of_sweep.worker_count()
    few = len(workers) <= len(str(MOST_WORKERS))  # Python converts no number of thousands of digits
    if not (few and workers.isdecimal() and 1 <= int(workers) <= MOST_WORKERS):
        hint = f"give a number from 1 to {MOST_WORKERS}, or auto"
        raise ZooError(f"--workers {workers:.20}: {hint}")
    return int(workers)
