"""How small a speedup a comparison can call better: what its seeds scatter by decides."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.results.statistics import LEVEL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_PAIRS = 16  # all assignments of signs are listed
_LARGEST = 100.0


def resolution(
    other: Sequence[int | None], arm: Sequence[int | None], comparisons: int
) -> float | None:
    """The smallest speedup that these runs, all quicker by one factor, would have as "better".

    The arm's times are multiplied by one number until the paired sign-flip test just calls it
    better at Holm's strictest level, that of the smallest of `comparisons` p-values.

    Args:
        other: T of the runs of the arm it is judged against, over shared seeds.
        arm: T of its own.
        comparisons: of the recipe.

    Returns:
        mean T of the other over that of the arm, so multiplied; None where a run is censored, of
        which one does not know by how much it scatters, for more than 16 pairs, or if no factor
        would do.
    """
    if None in other or None in arm or not 1 < len(arm) <= MOST_PAIRS:
        return None
    import numpy as np

    signs = _signs(len(arm))
    of_other, of_arm = np.array(other, float), np.array(arm, float)
    level = LEVEL / comparisons

    def is_better(ratio: float) -> bool:
        differences = of_other - of_arm * (of_other.mean() / of_arm.mean() / ratio)
        sums = np.abs(signs @ differences)
        return bool((sums >= sums[0] * (1 - 1e-12)).mean() <= level)

    low, high = 0.0, math.log(_LARGEST)
    if not is_better(_LARGEST):
        return None
    for _ in range(20):  # to a ten-thousandth
        middle = (low + high) / 2
        low, high = (low, middle) if is_better(math.exp(middle)) else (middle, high)
    return math.exp(high)


@functools.cache
def _signs(pairs: int) -> "npt.NDArray[np.float64]":
    """All assignments of signs, (2^pairs, pairs), first that of the differences as they are."""
    import numpy as np

    return np.array(list(itertools.product((1.0, -1.0), repeat=pairs)))
