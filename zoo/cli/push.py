"""The command that makes a mirror of models."""

import sys
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import evidence, results_, warn, worker_count, workers_
from zoo.cli.terminal import Careful
from zoo.errors import ZooError

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.evidence.store import Store
    from zoo.pretrained.publishing import Model


ENDINGS = (".yaml", ".yml")


@click.command(cls=Careful)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@results_
@workers_
def push(folder: Path, models: Sequence[str], results: Path | None, workers: str) -> None:
    """Make or extend a mirror of trained models.

    DIR is a folder that any web server can serve. A MODEL is RECIPE/ARM or a glob, or the path of
    your YAML file, with a slash and an arm or without; by default all that have evidence. One run
    of each is trained again, and published if its record comes out.
    """
    from rich.console import Console

    from zoo import keras_setup

    keras_setup.load_tensorflow()
    from zoo.pretrained import pushing
    from zoo.sweep.workers import local

    store = evidence(results)
    without: list[str] = []
    chosen = _chosen(models, store, without)
    warn([f"not published: {line}" for line in without])
    count = worker_count(workers)
    console = Console(file=sys.stdout)
    with local(count) as pool:
        failures = pushing.push(folder, chosen, pool, _listener(console, len(chosen)))
    warn([f"not published: {line}" for line in failures])
    if failures:
        raise SystemExit(1)
    print(f"{folder}: {len(pushing.here(folder).models)} models; zoo pull --mirror {folder} MODEL")


def _listener(console: "Console", count: int) -> "Callable[[Model, str], None]":
    """Prints a line a model, and the time left."""
    from zoo.pretrained.pushing import IS_THERE

    began, done, trained = time.monotonic(), 0, 0

    def line(model: "Model", what: str) -> None:
        nonlocal done, trained
        done += 1
        trained += what != IS_THERE
        left = (time.monotonic() - began) / trained * (count - done) if trained else 0.0
        time_left = f", {left / 60:.0f} min left" if left > 60 else ""
        text = f"{done} of {count}: {model.id}, {what}{time_left}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    return line


def _chosen(patterns: Sequence[str], store: "Store", without: list[str]) -> "list[Model]":
    """The models that are asked for, in the order of the recipes.

    `without` is given a line for each that has no weights, unless it is asked for by its name.

    Raises:
        ZooError: for a pattern that no arm with evidence matches.
    """
    from zoo import recipe as recipes
    from zoo.pretrained import publishing
    from zoo.results import published

    files = [pattern for pattern in patterns if _is_of_a_file(pattern)]
    ours = [pattern.partition("@")[0] for pattern in patterns if pattern not in files]
    loaded = published.recipes_in(store) if ours or not patterns else []
    ids = [f"{recipe.id}/{name}" for recipe in loaded for name in recipe.arms]
    wanted = ours or ids
    for pattern in ours:
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
            named = any(f"{recipe.id}/{name}" in ours for name in names)
            models += publishing.of_evidence(recipe, store, names, None if named else without)
    for pattern in files:
        if pattern.lower().endswith(ENDINGS):
            recipe = recipes.load(pattern)
            models += publishing.of_evidence(recipe, store, list(recipe.arms), without)
        else:
            recipe, arm = recipes.load_arm(pattern)
            models += publishing.of_evidence(recipe, store, [arm.name])
    return models


def _is_of_a_file(pattern: str) -> bool:
    """Whether a model is of a person's own recipe: its YAML file, or that, a slash and an arm."""
    return pattern.lower().endswith(ENDINGS) or pattern.rpartition("/")[0].lower().endswith(ENDINGS)
