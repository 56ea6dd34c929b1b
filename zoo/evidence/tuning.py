"""The learning rate of an arm: which one the search chose, and what it says of the grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.evidence.store import Store
from zoo.evidence.target import capped
from zoo.recipe import Arm
from zoo.recipe.schema import Target


@dataclass(frozen=True)
class Tuned:
    """The rate of an arm, and what the search says of its grid.

    Attributes:
        learning_rate: the rate of the reported runs.
        at_edge: whether that rate reached the target and is the grid's smallest or largest.
        band: how many rates of the grid reach the target with every tuning seed.
    """

    learning_rate: float
    at_edge: bool
    band: int


def tune(
    grid: Sequence[float],
    times: dict[float, list[int | None]],
    finals: dict[float, list[float | None]],
    target: Target,
    budget: int,
) -> Tuned:
    """Chooses the rate with the lowest mean min(T, B) over the tuning seeds.

    If no run reaches the target, the rate with the best mean final metric; ties go to the smaller.

    Args:
        grid: the rates, ascending.
        times: T of each tuning run, by rate.
        finals: the target's metric at the budget, by rate; None for a run that ended before.
        target: metric, direction and value.
        budget: B.
    """
    reached = any(time is not None for rate in grid for time in times[rate])
    worst = -math.inf if target.mode == "max" else math.inf
    sign = -1.0 if target.mode == "max" else 1.0

    def cost(rate: float) -> float:
        if reached:
            return float(np.mean(capped(times[rate], budget)))
        return float(np.mean([sign * (worst if v is None else v) for v in finals[rate]]))

    best = min(grid, key=lambda rate: (cost(rate), rate))
    return Tuned(
        learning_rate=best,
        at_edge=len(grid) > 1
        and best in (grid[0], grid[-1])
        and any(time is not None for time in times[best]),
        band=sum(all(time is not None for time in times[rate]) for rate in grid),
    )


def tuned_rate(arm: Arm, store: Store) -> Tuned | None:
    """What the learning-rate search of an arm found; None while it is not complete.

    A grid of one rate needs no search.
    """
    grid, target = arm.spec.training.learning_rate, arm.spec.target
    if len(grid) == 1:
        return Tuned(grid[0], at_edge=False, band=0)
    runs = [run for run in store.tuning(arm) if run.status != "failed"]
    by_rate = {rate: [run for run in runs if run.learning_rate == rate] for rate in grid}
    if any(len(of_rate) < arm.spec.training.tuning_seeds for of_rate in by_rate.values()):
        return None
    return tune(
        grid,
        {rate: [run.steps_to_target for run in of_rate] for rate, of_rate in by_rate.items()},
        {rate: [run.final_metric for run in of_rate] for rate, of_rate in by_rate.items()},
        target,
        arm.spec.training.steps,
    )
