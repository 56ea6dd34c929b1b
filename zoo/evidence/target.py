"""When a run has learned: steps-to-target, censored at the budget.

A run that does not reach the target within the budget B counts as B, never as missing.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rows that are there already are read without it
    from zoo.recipe.schema import Target

DIGITS = 6  # of every metric in a run record


def met(value: float | None, target: "Target") -> bool:
    """Whether a metric's value meets the target; an undefined one does not.

    Both at the digits of a record: 340 of 361 right is 0.941828 there, and meets a target of
    0.94182825.
    """
    return value is not None and _meets(value, _digits(target.value), target.mode == "max")


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _meets(value: float, wanted: float, largest: bool) -> bool:
    """Of a wanted value at the digits of a record; only of near values the digits are counted."""
    if not math.isfinite(value):
        return False
    if abs(value - wanted) <= 1e-5 * abs(wanted):
        value = _digits(value)
    return value >= wanted if largest else value <= wanted


def steps_to_target(
    steps: Sequence[int], values: Sequence[float | None], target: "Target", budget: int
) -> int | None:
    """The first evaluation step within the budget at which the target is met and met twice more.

    Args:
        steps: the evaluation grid; a run that diverged has a shorter one.
        values: the target's metric at each; a missing one does not meet the target.
        target: metric, direction and value.
        budget: B; the two evaluations that confirm may lie past it.

    Returns:
        T, or None if the run is censored.
    """
    wanted, largest, in_a_row = _digits(target.value), target.mode == "max", 0
    for index, value in enumerate(values):
        in_a_row = in_a_row + 1 if value is not None and _meets(value, wanted, largest) else 0
        if in_a_row == 3:
            return steps[index - 2] if steps[index - 2] <= budget else None
    return None


def capped(times: Sequence[int | None], budget: int) -> list[int]:
    """min(T, B) of each run."""
    return [budget if time is None else min(time, budget) for time in times]


def ranked(times: Sequence[int | None], budget: int, every: int) -> list[int]:
    """The times as a paired comparison ranks them: a censored run after one that took all of B.

    The target was not met at any evaluation within the budget: the run needs at least the first
    evaluation after it.

    Args:
        times: T of each run; None for a censored one.
        budget: B.
        every: steps between evaluations.
    """
    return [(budget // every + 1) * every if time is None else time for time in times]


def median_time(times: Sequence[int | None]) -> int | None:
    """The median T, censored runs being the longest; None if fewer than half reach.

    With an even number of runs it is the lower of the middle two, so that it is a step at which a
    run did reach the target (the Kaplan-Meier median).
    """
    ordered = sorted(math.inf if time is None else time for time in times)
    middle = ordered[(len(ordered) - 1) // 2]
    return None if middle == math.inf else int(middle)
