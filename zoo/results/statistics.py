"""Paired statistics of censored steps-to-target.

A run that does not reach the target within the budget B is censored: it counts as B in a mean,
ranks after one that took all of B, and is never missing. Arms share seeds: every comparison is over
pairs.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zoo.evidence.target import capped

if TYPE_CHECKING:  # rows that are there already are printed without it, in half the time
    import numpy as np
    import numpy.typing as npt

LEVEL = 0.05
SEEDS_FOR_VERDICT = 10
RESAMPLES = 9999
MOST_LISTED = 12  # pairs, of which all assignments of signs are listed

Bound = Literal["none", "lower", "upper", "undetermined"]
Verdict = Literal["better", "worse", "inconclusive", "neither learns"]


@dataclass(frozen=True)
class Speedup:
    """mean min(T, B) of one arm over that of another, with the sides of a 95 % interval it has."""

    ratio: float
    low: float | None
    high: float | None
    bound: Bound


def speedup(other: Sequence[int | None], arm: Sequence[int | None], budget: int) -> Speedup:
    """How many times fewer steps an arm needs than another, over paired seeds.

    The interval is a paired percentile bootstrap over seeds (Efron and Tibshirani 1993, chapter
    13), undefined for a single seed. At 10 seeds it covers about 91 %, not 95 %: verdicts do not
    use it.

    Returns:
        The ratio. It is a lower bound if a run of the other is censored (it would have needed
        more), an upper one if a run of the arm is, and undetermined if both. A bound's interval is
        open on its far side.
    """
    import numpy as np

    of_other, of_arm = np.array(capped(other, budget)), np.array(capped(arm, budget))
    low = high = None
    if len(of_other) > 1:
        drawn = _resamples(len(of_other))
        low, high = np.quantile((drawn @ of_other) / (drawn @ of_arm), (0.025, 0.975)).tolist()
    bounds: dict[tuple[bool, bool], Bound] = {
        (False, False): "none",
        (True, False): "lower",
        (False, True): "upper",
        (True, True): "undetermined",
    }
    return Speedup(
        float(of_other.mean() / of_arm.mean()),
        None if None in arm else low,
        None if None in other else high,
        bounds[None in other, None in arm],
    )


@functools.cache
def _resamples(pairs: int) -> "npt.NDArray[np.float64]":
    """How often each pair is drawn in each resample; the same for all rows.

    Whole numbers, as steps are: sums of steps are then exact and a leaderboard's digits the same on
    every machine, in whatever order its BLAS adds.
    """
    import numpy as np

    drawn = np.random.default_rng(0).integers(0, pairs, (RESAMPLES, pairs))
    return np.stack([(drawn == pair).sum(axis=1) for pair in range(pairs)], axis=1).astype(float)


def sign_flip_p(differences: Sequence[int]) -> float:
    """The two-sided p of the exact paired sign-flip test on the sum of integer differences.

    Under the null hypothesis each pair's difference is as likely to have the other sign: p is the
    share of all 2^n assignments of signs whose sum is as far from 0 as the one seen (Fisher 1935).
    Of many pairs the assignments are counted by sum, not listed, so that n is not limited.
    """
    import numpy as np

    if len(differences) <= MOST_LISTED:
        sums = np.abs(signs(len(differences)) @ np.array(differences, float))
        return float((sums >= abs(sum(differences))).mean())
    unit = math.gcd(*differences) or 1
    sizes = [abs(difference) // unit for difference in differences]
    seen, total = abs(sum(differences)) // unit, sum(sizes)
    share = np.zeros(2 * total + 1)  # of the assignments with sum -total .. total
    share[total] = 1.0
    for size in sizes:
        share = (np.roll(share, size) + np.roll(share, -size)) / 2
    sums = np.abs(np.arange(-total, total + 1))
    return float(share[sums >= seen].sum())


@functools.cache
def signs(pairs: int) -> "npt.NDArray[np.float64]":
    """All assignments of signs, (2^pairs, pairs): first all 1, last all -1."""
    import numpy as np

    return np.array(list(itertools.product((1.0, -1.0), repeat=pairs)))


def smallest_p(pairs: int) -> float:
    """The least that `sign_flip_p` of so many pairs can be: all of them one way."""
    return float(2.0 ** (1 - pairs))


def share_won(other: Sequence[int], arm: Sequence[int]) -> float:
    """The share of pairs in which the arm is faster, ties half."""
    won = [(a < o) + (a == o) / 2 for o, a in zip(other, arm, strict=True)]
    return sum(won) / len(won)


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
    other: Sequence[int],
    arm: Sequence[int],
    p_value: float,
    *,
    learns: bool,
    keeps: bool,
    other_keeps: bool,
) -> Verdict:
    """What the corrected p-value allows to say of an arm: first whether the two differ, then how.

    Args:
        other: the steps of the runs of the arm it is judged against, as ranked.
        arm: those of its own.
        p_value: that the two do not differ, corrected.
        learns: whether any run of either reached the target.
        keeps: whether at least half of the arm's runs that reached the target still met it at the
            end: one that loses it again is no better.
        other_keeps: the same of the other, than which the arm is then no worse.
    """
    if not learns:
        return "neither learns"
    if p_value > LEVEL:
        return "inconclusive"
    faster = sum(arm) < sum(other)
    if not (keeps if faster else other_keeps):
        return "inconclusive"
    return "better" if faster else "worse"


def early_average(steps: Sequence[int], values: Sequence[float | None], end: int) -> float | None:
    """The time average of a probed quantity over steps 0 to `end`, by the trapezoidal rule.

    Between probes the quantity is taken as linear. None if it is undefined at a probe in that time,
    or if the probes do not span it.
    """
    pairs = [(step, value) for step, value in zip(steps, values, strict=True) if step <= end]
    known = [(step, value) for step, value in pairs if value is not None]
    if not known or len(known) < len(pairs) or end == 0:
        return None
    if (known[0][0], known[-1][0]) != (0, end):
        return None
    areas = [(b - a) * (x + y) / 2 for (a, x), (b, y) in itertools.pairwise(known)]
    return math.fsum(areas) / end
