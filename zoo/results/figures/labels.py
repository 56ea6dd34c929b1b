"""Where the labels at the ends of lines stand: beside them, as far as they do not overlap."""

from collections.abc import Sequence


def apart(wanted: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Places at least `distance` apart, in the order of the wanted ones and close to them.

    Of all such places those with the least sum of squared moves: labels that would overlap form a
    block around the mean of where they belong (isotonic regression by pooling neighbours).

    Args:
        wanted: where each belongs; equal ones stay in the order given.
        distance: between neighbours.
        low: none stands below it.
        high: none stands above it, unless there is no room.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[tuple[float, int]] = []  # the mean place of its first label, and how many
    for rank, index in enumerate(order):
        place, count = wanted[index] - rank * distance, 1
        while blocks and blocks[-1][0] >= place:
            before, size = blocks.pop()
            place, count = (before * size + place * count) / (size + count), size + count
        blocks.append((place, count))
    first = [place for place, count in blocks for _ in range(count)]
    top = high - (len(wanted) - 1) * distance
    result = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        result[index] = max(low, min(first[rank], top)) + rank * distance
    return result
