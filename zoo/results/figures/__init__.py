"""Figures of the evidence: four a recipe, and one over all recipes.

A module computes the numbers of each, `drawing` makes a picture of them. What is compared with the
evidence are the numbers: their digest is in the file.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.files import read_bytes, write_whole
from zoo.recipe import Recipe
from zoo.results.eligibility import ArmEvidence
from zoo.results.figures import layers, runs
from zoo.results.figures.choice import looks
from zoo.results.figures.drawing import svg as svg
from zoo.results.figures.numbers import Look
from zoo.results.figures.numbers import Plot as Plot
from zoo.results.figures.performance import profile as profile
from zoo.results.folder import digest_in
from zoo.results.leaderboard import evidence

FIGURES: dict[str, Callable[[Recipe, Mapping[str, ArmEvidence], Mapping[str, Look]], Plot]] = {
    "gradients": layers.gradients,
    "displacement": layers.displacement,
    "curves": runs.curves,
    "waiting": runs.waiting,
}

# One line a figure.
HOW_TO_READ = {
    "gradients": "a line that falls to the left, towards the input or the first step of time, is a "
    "vanishing gradient, one that rises an exploding one; a gap is a gradient of exactly 0, or "
    "none that float32 can hold",
    "displacement": "a layer that stays low hardly moved from its start: the first layers of a "
    "network whose gradients vanish",
    "curves": "the target is met where a line crosses the dotted one; a run that diverged counts "
    "as the worst from there on",
    "waiting": "the further left a line falls, the sooner its runs learned; one that ends above 0 "
    "has runs that never did",
    "profile": "at x, the share of the problems that a kind of mitigation solves within x times "
    "the steps of the best; higher is better",
}


def paths(folder: Path, recipe: Recipe) -> list[Path]:
    """Where the figures of a recipe lie in a folder of evidence."""
    return [folder / "figures" / recipe.id / f"{name}.svg" for name in FIGURES]


def plots(recipe: Recipe, store: Store) -> list[Plot]:
    """The numbers of the figures of a recipe, in the order of `paths`.

    Raises:
        ZooError: if the evidence is damaged or missing.
    """
    return plots_of(recipe, evidence(recipe, store))


def plots_of(recipe: Recipe, of_arms: Mapping[str, ArmEvidence]) -> list[Plot]:
    """The same, of evidence that was read."""
    of_lines = looks(recipe, of_arms)
    return [numbers(recipe, of_arms, of_lines) for numbers in FIGURES.values()]


def draw(recipe: Recipe, store: Store) -> list[Path]:
    """Draws the figures of a recipe; returns their paths. Errors as `plots`."""
    written = paths(store.root, recipe)
    for path, plot in zip(written, plots(recipe, store), strict=True):
        write_whole(path, svg(plot))
    return written


def stale(recipe: Recipe, store: Store) -> list[Path]:
    """The figures that are missing or show other numbers than the evidence gives.

    Errors as `plots`.
    """
    every = zip(paths(store.root, recipe), plots(recipe, store), strict=True)
    return [path for path, plot in every if not shows(path, plot)]


# ---------------------------------------------------------------- over all recipes


def profile_path(folder: Path) -> Path:
    """Where the performance profile lies in a folder of evidence."""
    return folder / "figures" / "profile.svg"


def shows(path: Path, plot: Plot) -> bool:
    """Whether a file shows these numbers."""
    try:
        return digest_in(read_bytes(path)) == plot.digest
    except ZooError:
        return False
