"""Which arms of a recipe are told apart in its figures: at most eight, the same in all of them.

The baseline; then the arms that others are judged against; then the fastest of the rest by mean
steps to the target, the slowest, the second fastest and so on, of equal ones the recipe's first:
what is compared with, the best and the failures. The others are drawn faint.
"""

import itertools
from collections.abc import Mapping, Sequence
from statistics import mean

from zoo.evidence.record import time_to_target
from zoo.evidence.target import capped
from zoo.recipe import Recipe
from zoo.results.eligibility import ArmEvidence
from zoo.results.figures.numbers import Look
from zoo.results.figures.styles import styles

MOST_TOLD_APART = 8


def told_apart(recipe: Recipe, of_arms: Mapping[str, ArmEvidence]) -> list[str]:
    """The names of the arms that are told apart, in the order of their choice.

    Args:
        recipe: of the figures.
        of_arms: the evidence of its arms.
    """
    against = [of.arm.against for of in of_arms.values()]
    others = [name for name in of_arms if name != recipe.baseline and name in against]
    first = [name for name in (recipe.baseline, *others) if name in of_arms]
    steps = {name: mean(capped(times(recipe, of), _budget(recipe))) for name, of in of_arms.items()}
    rest = [name for name in of_arms if name not in first]
    fastest = sorted(rest, key=lambda name: steps[name])
    slowest = sorted(rest, key=lambda name: -steps[name])
    turns = itertools.chain(*zip(fastest, slowest, strict=True))
    return list(dict.fromkeys([*first, *turns]))[:MOST_TOLD_APART]


def looks(recipe: Recipe, of_arms: Mapping[str, ArmEvidence]) -> dict[str, Look]:
    """How each arm with evidence is drawn, in the recipe's order; arguments as `told_apart`."""
    chosen = told_apart(recipe, of_arms)
    style = styles(name for name in of_arms if name in chosen and name != recipe.baseline)

    def look(name: str) -> Look:
        if name == recipe.baseline:
            return Look(role="baseline")
        if name not in style:
            return Look(role="faint")
        color, dash = style[name]
        return Look(role="told apart", color=color, dash=dash)

    return {name: look(name) for name in of_arms}


def times(recipe: Recipe, of: ArmEvidence) -> Sequence[int | None]:
    """Steps-to-target of an arm's runs; None for a censored one."""
    curves = [record.evaluation for record in of.records.values()]
    return [time_to_target(curve, recipe.spec.target, _budget(recipe)) for curve in curves]


def _budget(recipe: Recipe) -> int:
    return recipe.spec.training.steps
