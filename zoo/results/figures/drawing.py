"""The numbers of a figure as SVG.

Text stays text. The page is drawn too, and follows with it whether the reader prefers light or
dark: the two never come apart. Colours of lines are the same on both.
"""

import io
import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

from zoo.evidence.record import Series
from zoo.results.figures.axis import Axis, around
from zoo.results.figures.labels import apart
from zoo.results.figures.numbers import Line, Plot
from zoo.results.figures.styles import COLORS, DASHES

# Of a light page, and of a dark one; each is looked for by its colour on the light one.
PAGE = ("#ffffff", "#0d1117")
INK = ("#1f2328", "#e6edf3")  # words, axes and the baseline
QUIET = ("#59636e", "#9198a1")  # words that are less important
GRID = ("#d1d9e0", "#30363d")
FAINT = "#808080"

# In points. A figure is shown at 4/3 pixels a point, or more.
SIZE = (460.0, 300.0)
_LEFT, _RIGHT, _BOTTOM, _TOP = 42.0, 10.0, 52.0, 64.0  # around the axes
_TEXT, _SMALL = 10.0, 9.0
_CHARACTER = 0.62  # of the height of a text, in a wide font
_MOST_OF_BANDS = 0.25  # beyond the lines, of the length of the axis
_LONGEST = 28  # characters of a label
_PATTERNS = {**DASHES, "theory": (2.5, 2.0)}
_SAMPLE = (12.0, 32.0)  # of the line, before its label

_FONT: dict[str, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "gradient-zoo",
    "text.parse_math": False,  # a $ is a $
}

Points = list[tuple[float, float]]


def svg(plot: Plot) -> bytes:
    """The figure as an SVG file, which holds the digest of its numbers."""
    import matplotlib
    from matplotlib.figure import Figure

    image = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the reader's fonts have it
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_FONT)
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72, facecolor=PAGE[0])
        _Canvas(figure, plot).draw()
        words = {"Title": _without_middle(plot.title, 100), "Source": f"sha256:{plot.digest}"}
        figure.savefig(image, format="svg", metadata={**words, "Date": None, "Creator": None})
    return _finished(image.getvalue())


def _shortened(text: str, most: int) -> str:
    """At most so many characters of a text, all of them printable."""
    shown = _printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _without_middle(text: str, most: int) -> str:
    """The same of a name, of which both ends tell something."""
    shown, half = _printable(text), most // 2
    return shown if len(shown) <= most else f"{shown[:half]}…{shown[half + 1 - most :]}"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


class _Canvas:
    """Draws a `Plot` on a figure of matplotlib, in points from the lower left corner."""

    def __init__(self, figure: Any, plot: Plot) -> None:
        self.figure, self.plot = figure, plot
        self.labelled = [line for line in plot.lines if line.look.role != "faint"]
        self.labels = {line.label: _without_middle(line.label, _LONGEST) for line in self.labelled}
        if plot.target is not None:
            self.target = f"target {plot.target:g}"
        longest = max([8, *map(len, self.labels.values())])
        self.right = SIZE[0] - _RIGHT - _SAMPLE[1] - 3 - longest * _CHARACTER * _TEXT
        self.top = SIZE[1] - _TOP
        x = [place for line in plot.lines for place in line.x]
        x += [] if plot.budget is None else [float(plot.budget)]
        self.x = around(x, plot.x_scale, margin=0.0)
        if plot.x_names:
            self.x = Axis("linear", 0.5, len(plot.x_names) + 0.5)
        self.y = self._height()

    def _height(self) -> Axis:
        """The vertical axis: of bands that go far beyond all lines it has a part."""
        if self.plot.steps:
            return around([0.0, 1.0], "linear")
        lines = self.plot.lines
        heights = [value for line in lines for value in (*line.middle, *line.predicted)]
        ends = [value for line in lines for value in (*line.low, *line.high)]
        known = [value for value in (*heights, self.plot.target) if value is not None]
        axis = around(known, self.plot.y_scale)
        return axis.widened((value for value in ends if value is not None), _MOST_OF_BANDS)

    # ------------------------------------------------------------ places

    def _across(self, value: float) -> float:
        return _LEFT + self.x.place(value) * (self.right - _LEFT)

    def _up(self, value: float) -> float:
        place = min(max(self.y.place(value), 0.0), 1.0)
        return _BOTTOM + place * (self.top - _BOTTOM)

    def _points(self, x: Sequence[float], values: Series) -> list[Points]:
        """The pieces of a line between its gaps."""
        pieces: list[Points] = [[]]
        for place, value in zip(x, values, strict=True):
            if value is None:
                pieces.append([])
            else:
                pieces[-1].append((self._across(place), self._up(value)))
        return [piece for piece in pieces if piece]

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        """All of it."""
        self._words()
        if not any(value is not None for line in self.plot.lines for value in line.middle):
            middle = ((_LEFT + self.right) / 2, (_BOTTOM + self.top) / 2)
            self._text(*middle, "nothing was measured that could be shown", ha="center")
            return
        self._axes()
        for line in self.labelled:
            self._band(line)
        for line in self.plot.lines:
            self._line(line)
        self._ends()

    def _text(self, x: float, y: float, text: str, **how: Any) -> None:
        how = {"color": INK[0], "fontsize": _TEXT, "va": "center_baseline", **how}
        self.figure.text(x / SIZE[0], y / SIZE[1], text, **how)

    def _path(
        self, points: Points, color: str, width: float, dash: str = "solid", alpha: float = 1.0
    ) -> None:
        from matplotlib.lines import Line2D

        x, y = zip(*points, strict=True)
        pattern = _PATTERNS[dash]
        style: Any = (0, pattern) if pattern else "-"
        ends: dict[str, Any] = {
            "solid_capstyle": "butt",
            "dash_capstyle": "butt",
            "solid_joinstyle": "round",
        }
        self.figure.add_artist(
            Line2D(x, y, color=color, lw=width, ls=style, alpha=alpha, transform=None, **ends)
        )

    def _words(self) -> None:
        plot, left = self.plot, 10.0
        self._text(
            left, SIZE[1] - 16, _without_middle(plot.title, 64), fontsize=11, fontweight="bold"
        )
        quiet = {"color": QUIET[0], "fontsize": _SMALL}
        self._text(left, SIZE[1] - 32, _shortened(plot.subtitle, 90), **quiet)
        self._text(left, SIZE[1] - 52, plot.y_label, fontsize=_SMALL)
        self._text(left, 10, _shortened(plot.caption, 90), **quiet)
        self._text(_LEFT, 24, plot.x_label, fontsize=_SMALL)

    def _axes(self) -> None:
        for value, text in self.y.ticks(7):
            height = self._up(value)
            self._path([(_LEFT, height), (self.right, height)], GRID[0], 0.6)
            self._text(_LEFT - 5, height, text, fontsize=_SMALL, ha="right")
        self._path([(_LEFT, _BOTTOM), (self.right, _BOTTOM)], INK[0], 0.8)
        names = self.plot.x_names
        most = int((self.right - _LEFT) / max(len(names), 1) / _SMALL / _CHARACTER)
        named = [(float(at), _without_middle(name, most)) for at, name in enumerate(names, 1)]
        whole = [tick for tick in self.x.ticks(10) if tick[0] == int(tick[0])]  # layers and steps
        for value, text in named or whole:
            self._text(self._across(value), _BOTTOM - 11, text, fontsize=_SMALL, ha="center")
        if self.plot.budget is not None:
            across = self._across(self.plot.budget)
            self._path([(across, _BOTTOM), (across, self.top)], INK[0], 0.8)
            self._text(across, self.top + 8, "budget", fontsize=_SMALL, ha="center")
        if self.plot.target is not None:
            height = self._up(self.plot.target)
            self._path([(_LEFT, height), (self.right, height)], INK[0], 0.9, "dotted")

    def _look(self, line: Line) -> tuple[str, float, str]:
        """Colour, width and dash."""
        if line.look.role == "baseline":
            return INK[0], 2.6, "solid"
        if line.look.role == "faint":
            return FAINT, 0.7, "solid"
        return COLORS[line.look.color], 1.7, line.look.dash

    def _band(self, line: Line) -> None:
        """The middle 80 %, on to the edge where an end is not defined."""
        from matplotlib.patches import Polygon

        color, _, _ = self._look(line)
        piece: list[tuple[float, float, float]] = []
        series = zip(line.x, line.low, line.middle, line.high, strict=False)
        for x, low, middle, high in [*series, (0.0, None, None, None)]:
            if middle is not None:
                down = _BOTTOM if low is None else self._up(low)
                piece.append((self._across(x), down, self.top if high is None else self._up(high)))
                continue
            if len(piece) > 1:
                outline = [(at, down) for at, down, _ in piece]
                outline += [(at, up) for at, _, up in reversed(piece)]
                self.figure.add_artist(Polygon(outline, fc=color, alpha=0.1, lw=0, transform=None))
            piece = []

    def _line(self, line: Line) -> None:
        color, width, dash = self._look(line)
        for piece in self._points(line.x, line.middle):
            drawn = _stairs(piece) if self.plot.steps else piece
            if len(piece) == 1:
                (x, y), wide = piece[0], max(2.0, width)
                drawn = [(x - wide, y), (x + wide, y)]
                self._path(drawn, color, 2 * wide)
            else:
                self._path(drawn, color, width, dash)
        if line.predicted:
            for piece in self._points(line.x, line.predicted):
                if len(piece) > 1:
                    self._path(piece, color, 0.8, "theory")

    def _ends(self) -> None:
        """The label of each line at its end, with a sample of the line before it."""
        ends: list[tuple[float, float, float, str, tuple[str, float, str]]] = []
        for line in self.labelled:
            if pieces := self._points(line.x, line.middle):
                x, y = pieces[-1][-1]
                settled = next(at for at, height in pieces[-1] if height == y)
                ends.append((y, settled, x, self.labels[line.label], self._look(line)))
        if self.plot.target is not None:
            look = (INK[0], 0.9, "dotted")
            ends.append((self._up(self.plot.target), 0.0, self.right, self.target, look))
        ends.sort(key=lambda end: end[:2])
        heights = apart([end[0] for end in ends], _TEXT + 3, _BOTTOM, self.top)
        start, stop = (self.right + each for each in _SAMPLE)
        for (y, _, x, text, (color, width, dash)), height in zip(ends, heights, strict=True):
            inside = x < self.right - 1  # a leader through the axes must not look like a line
            self._path([(x, y), (start - 2, height)], color, 0.5, alpha=0.4 if inside else 1.0)
            self._path([(start, height), (stop, height)], color, width, dash)
            self._text(stop + 4, height, text)


def _stairs(points: Points) -> Points:
    """A value holds until the next one."""
    turns = [[(after[0], before[1]), after] for before, after in itertools.pairwise(points)]
    return [points[0], *(point for turn in turns for point in turn)]


# ---------------------------------------------------------------- the file

_ONE_DIGIT = re.compile(rb"(\.\d)\d+")
_NUMBERS = re.compile(rb'(?<= )(?:d|x|y|transform)="[^"]*"')
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*>\s*")


def _finished(image: bytes) -> bytes:
    """The file without what it does not need, and with the colours of a dark page."""
    image = _DOCTYPE.sub(b"", image)
    image = _NUMBERS.sub(lambda numbers: _ONE_DIGIT.sub(rb"\1", numbers[0]), image)
    rules = [
        f"[style*='{what}: {light}']{{{what}:{dark}!important}}"
        for light, dark in (PAGE, INK, QUIET, GRID)
        for what in ("fill", "stroke")
    ]
    style = f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"
    return image.replace(b"</metadata>", b"</metadata>\n " + style.encode(), 1)
