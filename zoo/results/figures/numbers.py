"""The numbers of a figure, computed from the evidence: what is drawn, and what a check compares.

Everything that a figure shows is in its `Plot`, to four significant digits. Its digest goes into
the file; how the picture comes out of the numbers is left to the version of matplotlib.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from zoo.evidence.record import Series, rounded
from zoo.recipe.values import Strict

DIGITS = 4
MOST_POINTS = 100  # of a curve: more than can be told apart in the width of a figure
SHARES = (0.1, 0.5, 0.9)  # the middle 80 % of the seeds, and their median

Scale = Literal["linear", "log"]
Role = Literal["baseline", "told apart", "faint"]


class Look(Strict):
    """How a line is drawn: the baseline heavy and neutral, faint ones thin, grey and unlabelled.

    `color` and `dash` are names of `zoo.results.figures.styles`; a faint line has none.
    """

    role: Role
    color: str = ""
    dash: str = ""


class Line(Strict):
    """A line of a figure: `middle` over `x`, in the band from `low` to `high`, if it has one.

    None is a gap in the line; of `low` and `high` alone, a band that goes on past the figure's
    edge. `predicted` is what theory says of the same.
    """

    label: str
    look: Look
    x: list[float]
    middle: Series
    low: Series = []
    high: Series = []
    predicted: Series = []


def line(
    label: str,
    look: Look,
    x: Sequence[int],
    series: Mapping[str, Series],
    predicted: Series | None = None,
) -> Line:
    """A line of `over_seeds`; a faint one has no band and no prediction."""
    places = [float(place) for place in x]
    if look.role == "faint":
        return Line(label=label, look=look, x=places, middle=series["middle"])
    return Line(label=label, look=look, x=places, predicted=predicted or [], **series)


class Plot(Strict):
    """A figure: its words, its axes, its lines.

    Attributes:
        title: what is shown, and of which recipe.
        subtitle: what is compared.
        caption: how the lines came about.
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        x_scale: of the horizontal axis.
        y_scale: of the vertical axis.
        x_names: what stands at 1, 2, ... of the horizontal axis, instead of the numbers.
        steps: whether a value holds until the next one, rather than change towards it.
        lines: those of labelled arms and, before them, of faint ones.
        target: of the metric, on the vertical axis.
        budget: in steps, on the horizontal axis.
    """

    title: str
    subtitle: str
    caption: str
    x_label: str
    y_label: str
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    x_names: list[str] = []
    steps: bool = False
    lines: list[Line]
    target: float | None = None
    budget: int | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON of it all."""
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def over_seeds(rows: Sequence[Series], missing: float) -> dict[str, Series]:
    """The median over runs and the middle 80 % of them, as a `Line` has them.

    Between two runs the quantile is linear. Where it falls on a run without a value it is None: a
    median stands as long as half of the runs have one.

    Args:
        rows: a list over runs of equally long lists.
        missing: what a value that is undefined counts as, inf or -inf: the worst.

    Returns:
        `low`, `middle` and `high`.
    """
    low: Series = []
    middle: Series = []
    high: Series = []
    for column in zip(*rows, strict=True):
        ordered = sorted(missing if value is None else float(value) for value in column)
        for series, share in zip((low, middle, high), SHARES, strict=True):
            series.append(rounded(_quantile(ordered, share), DIGITS))
    return {"low": low, "middle": middle, "high": high}


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = round(share * (len(ordered) - 1), 9)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    part = place % 1  # infinity has no part of 0
    return below * (1 - part) + above * part if part else below


def positive(values: Series) -> Series:
    """The values as a logarithmic axis shows them: 0 has no place there."""
    return [value if value is not None and value > 0 else None for value in values]


def thinned(count: int) -> list[int]:
    """The places of at most `MOST_POINTS` of so many values, evenly far apart, the last one kept.

    Evaluations that are evenly far apart remain so.
    """
    stride = -(-count // MOST_POINTS)
    return list(range(count - 1, -1, -stride or -1))[::-1]


def faint_ones(lines: Sequence[Line]) -> str:
    """How many lines have no label, for a caption; empty if all have one."""
    count = sum(line.look.role == "faint" for line in lines)
    return f"; {count} more in grey" if count else ""


def in_order(lines: Sequence[Line]) -> list[Line]:
    """The lines as they are drawn: faint ones, over them the heavy baseline, then the others."""
    order = ("faint", "baseline", "told apart")
    return sorted(lines, key=lambda line: order.index(line.look.role))
