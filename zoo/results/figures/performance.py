"""The performance profile of the kinds of mitigation, over the recipes (Dolan and More 2002)."""

from collections.abc import Mapping, Sequence

from zoo.evidence.record import rounded
from zoo.results.figures.choice import MOST_TOLD_APART
from zoo.results.figures.numbers import DIGITS, Line, Look, Plot, faint_ones, in_order
from zoo.results.figures.styles import styles

FARTHEST = 16.0  # times the steps of the best


def profile(ratios: Mapping[str, Sequence[float | None]]) -> Plot:
    """The share of the problems that each solves within x times the steps of the best, by x.

    Dolan and More 2002, arXiv:cs/0102001. At 1 it is the share of those where it is the best; at
    the right, of those it solves at all without taking more than `FARTHEST` times as long. Those
    that solve most are told apart, of equal ones those that are more often the best.

    Args:
        ratios: by label: for each problem the mean steps over those of the best, at least 1; None
            for one that is not solved. A label without a problem is left out.
    """
    shares = {label: _shares(values) for label, values in ratios.items() if values}
    best = sorted(shares, key=lambda label: (-shares[label][-1][1], -shares[label][0][1]))
    style = styles(sorted(shares))
    lines = []
    for label, points in shares.items():
        look = Look(role="faint")
        if label in best[:MOST_TOLD_APART]:
            color, dash = style[label]
            look = Look(role="told apart", color=color, dash=dash)
        x = [rounded(place, DIGITS) for place, _ in points]
        share = [rounded(share, DIGITS) for _, share in points]
        lines.append(Line(label=label, look=look, x=x, middle=share))
    return Plot(
        title="Which kind of mitigation helps on most problems",
        subtitle="mean steps to the target, over those of the best on the same problem",
        caption=f"higher is better; at 1: the share on which it is the best{faint_ones(lines)}",
        x_label="times the steps of the best",
        y_label="share of the problems that are solved within them",
        x_scale="log",
        steps=True,
        lines=in_order(lines),
    )


def _shares(ratios: Sequence[float | None]) -> list[tuple[float, float]]:
    known = [ratio for ratio in ratios if ratio is not None]
    x = sorted({1.0, FARTHEST, *(ratio for ratio in known if 1 < ratio < FARTHEST)})
    return [(place, sum(ratio <= place for ratio in known) / len(ratios)) for place in x]
