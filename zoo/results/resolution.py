"""How small a speedup a comparison can call better: what its seeds scatter by decides."""

from collections.abc import Sequence

from zoo.results.statistics import LEVEL, MOST_LISTED, signs


def resolution(
    other: Sequence[int | None], arm: Sequence[int | None], comparisons: int
) -> float | None:
    """The smallest speedup that these runs, all quicker by one factor, would have as "better".

    The arm's times a are multiplied by one number c until the paired sign-flip test just calls it
    better at Holm's strictest level, that of the smallest of `comparisons` p-values. An assignment
    of signs s counts against it where |sum s (o - c a)| is at least sum (o - c a), which is so from
    one c on, the smaller of sum (1 - s) o / sum (1 - s) a and sum (1 + s) o / sum (1 + s) a.

    Args:
        other: T of the runs of the arm it is judged against, over shared seeds.
        arm: T of its own.
        comparisons: of the recipe.

    Returns:
        mean T of the other over that of the arm, so multiplied; None where a run is censored, of
        which one does not know by how much it scatters, for more than 12 pairs, or if no c would
        do.
    """
    if None in other or None in arm or not 1 < len(arm) <= MOST_LISTED:
        return None
    import numpy as np

    of_other, of_arm = np.array(other, float), np.array(arm, float)
    listed = signs(len(arm))[1:-1]  # without those that always count: all one way
    from_c = np.minimum(
        ((1 - listed) @ of_other) / ((1 - listed) @ of_arm),
        ((1 + listed) @ of_other) / ((1 + listed) @ of_arm),
    )
    most = int(LEVEL / comparisons * (len(from_c) + 2)) - 2  # that may count besides
    if most < 0:
        return None
    largest = np.partition(from_c, most)[most]  # from which c on one too many does
    return float(of_other.sum() / of_arm.sum() / largest)
