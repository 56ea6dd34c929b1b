"""The command that makes a mirror of models."""

import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import evidence, results_, warn, worker_count, workers_
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.evidence.store import Store
    from zoo.pretrained.publishing import Model


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@results_
@workers_
def push(folder: Path, models: Sequence[str], results: Path | None, workers: str) -> None:
    """Make or extend a mirror of trained models.

    DIR is a folder that any web server can serve. A MODEL is RECIPE/ARM, or a glob; by default all
    that have evidence. One run of each is trained again, and published if its record comes out.
    """
    from rich.console import Console

    from zoo import keras_setup

    keras_setup.load_tensorflow()
    from zoo.pretrained import progress, pushing
    from zoo.sweep.workers import local

    store = evidence(results)
    chosen = _chosen(models, store)
    count = worker_count(workers)
    console = Console(file=sys.stdout)
    with local(count) as pool:
        failures = pushing.push(folder, chosen, pool, progress.listener(console, len(chosen)))
    warn([f"not published: {line}" for line in failures])
    if failures:
        raise SystemExit(1)
    print(f"{folder}: {len(chosen)} models; zoo pull --mirror {folder} MODEL")


def _chosen(patterns: Sequence[str], store: "Store") -> "list[Model]":
    """The models that are asked for, in the order of the recipes.

    Raises:
        ZooError: for a pattern that no arm with evidence matches.
    """
    from zoo.pretrained import publishing
    from zoo.results import published

    wanted = [pattern.partition("@")[0] for pattern in patterns] or ["*"]
    loaded = published.recipes_in(store)
    ids = [f"{recipe.id}/{name}" for recipe in loaded for name in recipe.arms]
    for pattern in wanted:
        if not any(fnmatch(name, pattern) for name in ids):
            raise ZooError(f"{pattern}: no such arm with evidence in {store.root}; see: zoo list")
    models = []
    for recipe in loaded:
        names = [
            name
            for name in recipe.arms
            if any(fnmatch(f"{recipe.id}/{name}", pattern) for pattern in wanted)
        ]
        if names:
            models += publishing.of_evidence(recipe, store, names)
    return models
