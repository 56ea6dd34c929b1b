"""Paired statistics of censored steps-to-target.

A run that does not reach the target within the budget B is censored: it counts as B, never as
missing. Arms share seeds, so every comparison is over pairs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zoo.schema import Target

LEVEL = 0.05
SEEDS_FOR_VERDICT = 10
RESAMPLES = 9999

Bound = Literal["none", "lower", "upper", "undetermined"]
Verdict = Literal["better", "worse", "inconclusive", "neither learns"]


def met(value: float | None, target: Target) -> bool:
    """Whether a metric's value meets the target; an undefined one does not."""
    if value is None or not math.isfinite(value):
        return False
    return value >= target.value if target.mode == "max" else value <= target.value


def steps_to_target(
    steps: Sequence[int], values: Sequence[float | None], target: Target, budget: int
) -> int | None:
    """The first evaluation step within the budget at which the target is met and met twice more.

    Args:
        steps: the evaluation grid; a run that diverged has a shorter one.
        values: the target's metric at each.
        target: metric, direction and value.
        budget: B; the two evaluations that confirm may lie past it.

    Returns:
        T, or None if the run is censored.
    """
    for index, step in enumerate(steps[: len(steps) - 2]):
        if step <= budget and all(met(value, target) for value in values[index : index + 3]):
            return step
    return None


def capped(times: Sequence[int | None], budget: int) -> list[int]:
    """min(T, B) of each run."""
    return [budget if time is None else min(time, budget) for time in times]


def median_time(times: Sequence[int | None]) -> int | None:
    """The median T, censored runs being the longest; None if fewer than half reach.

    With an even number of runs it is the lower of the middle two, so that it is a step at which a
    run did reach the target (the Kaplan-Meier median).
    """
    ordered = sorted(math.inf if time is None else time for time in times)
    middle = ordered[(len(ordered) - 1) // 2]
    return None if middle == math.inf else int(middle)


# ---------------------------------------------------------------- the learning rate


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


# ---------------------------------------------------------------- an arm against the baseline


@dataclass(frozen=True)
class Speedup:
    """mean min(T, B) of the baseline over that of the arm, with a 95 % interval."""

    ratio: float
    low: float | None
    high: float | None
    bound: Bound


def speedup(baseline: Sequence[int | None], arm: Sequence[int | None], budget: int) -> Speedup:
    """How many times fewer steps the arm needs, over paired seeds.

    The interval is a paired percentile bootstrap over seeds (Efron and Tibshirani 1993, chapter
    13), undefined for a single seed. At 10 seeds it covers about 91 %, not 95 %: verdicts do not
    use it.

    Returns:
        The ratio. It is a lower bound if a baseline run is censored (the baseline would have needed
        more), an upper one if a run of the arm is, and undetermined if both.
    """
    from scipy.stats import bootstrap

    base, own = np.array(capped(baseline, budget)), np.array(capped(arm, budget))
    low = high = None
    if len(base) > 1:
        interval = bootstrap(
            (base, own),
            lambda b, a, axis: b.mean(axis=axis) / a.mean(axis=axis),
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=RESAMPLES,
            rng=np.random.default_rng(0),
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
    bounds: dict[tuple[bool, bool], Bound] = {
        (False, False): "none",
        (True, False): "lower",
        (False, True): "upper",
        (True, True): "undetermined",
    }
    return Speedup(
        float(base.mean() / own.mean()), low, high, bounds[None in baseline, None in arm]
    )


def sign_flip_p(differences: Sequence[int]) -> float:
    """The two-sided p of the exact paired sign-flip test on the sum of integer differences.

    Under the null hypothesis each pair's difference is as likely to have the other sign: p is the
    share of all 2^n assignments of signs whose sum is as far from 0 as the one seen (Fisher 1935).
    The assignments are counted by sum, not listed, so that n is not limited.
    """
    unit = math.gcd(*differences) or 1
    sizes = [abs(difference) // unit for difference in differences]
    seen, total = abs(sum(differences)) // unit, sum(sizes)
    share = np.zeros(2 * total + 1)  # of the assignments with sum -total .. total
    share[total] = 1.0
    for size in sizes:
        share = (np.roll(share, size) + np.roll(share, -size)) / 2
    sums = np.abs(np.arange(-total, total + 1))
    return float(share[sums >= seen].sum())


def holm(p_values: Sequence[float], family: int | None = None) -> list[float]:
    """p-values corrected for the number of comparisons by Holm's step-down method (Holm 1979).

    Args:
        p_values: of the comparisons at hand.
        family: how many comparisons there are in all; those not at hand count as larger p-values.
    """
    family = len(p_values) if family is None else family
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (family - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def verdict(
    baseline: Sequence[int | None], arm: Sequence[int | None], budget: int, p_value: float
) -> Verdict:
    """What the corrected p-value allows to say of the arm; from `SEEDS_FOR_VERDICT` pairs on."""
    if all(time is None for time in [*baseline, *arm]):
        return "neither learns"
    if p_value > LEVEL or len(arm) < SEEDS_FOR_VERDICT:
        return "inconclusive"
    faster = sum(capped(arm, budget)) < sum(capped(baseline, budget))
    return "better" if faster else "worse"


def early_average(steps: Sequence[int], values: Sequence[float | None], end: int) -> float | None:
    """The time average of a probed quantity over steps 0 to `end`, by the trapezoidal rule.

    Between probes the quantity is taken as linear. None if it is undefined at a probe in that time,
    or if the probes do not span it.
    """
    pairs = [(step, value) for step, value in zip(steps, values, strict=True) if step <= end]
    if not pairs or any(value is None for _, value in pairs):
        return None
    if (pairs[0][0], pairs[-1][0]) != (0, end) or end == 0:
        return None
    x, y = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))
