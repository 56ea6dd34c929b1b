"""An axis: which values are at its ends, where a value lies, and where numbers stand."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from zoo.results import cells
from zoo.results.figures.numbers import Scale

_FARTHEST = 1e30  # a value beyond it is drawn there
_FLATTEST = 0.01  # of a linear one, over its farthest value
_SHORTEST = 0.5  # of a logarithmic axis, in decades


@dataclass(frozen=True)
class Axis:
    """The part of a scale that is drawn; `low` and `high` are logarithms if it is logarithmic."""

    scale: Scale
    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        return (placed(value, self.scale) - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Round values on the axis, about as many as asked for at most, with their texts."""
        low, high = self.low, self.high
        values: list[float] = []
        if self.scale == "log":
            values = self._inside(_powers(low, high, most))
            low, high = 10**low, 10**high
        if len(values) < 3:
            values = self._inside(_evenly(low, high, most))
        for digits in range(3, 7):  # as many as tell them apart
            texts = [cells.number(value, digits) for value in values]
            if len(set(texts)) == len(texts):
                break
        return list(zip(values, texts, strict=True))

    def _inside(self, values: Iterable[float]) -> list[float]:
        return [value for value in values if -1e-9 <= self.place(value) <= 1 + 1e-9]

    def widened(self, values: Iterable[float], most: float) -> "Axis":
        """With room for more values, but on each side for no more than a share of its length."""
        places = [placed(value, self.scale) for value in values]
        room = most * (self.high - self.low)
        low = max(min([self.low, *places]), self.low - room)
        return replace(self, low=low, high=min(max([self.high, *places]), self.high + room))


def placed(value: float, scale: Scale) -> float:
    """A value on the axis's own scale."""
    if scale == "log":
        return math.log10(min(max(value, 1 / _FARTHEST**2), _FARTHEST))
    return min(max(value, -_FARTHEST), _FARTHEST)


def around(values: Iterable[float], scale: Scale, margin: float = 0.04) -> Axis:
    """The axis that has all of the values, and a share of its length more on both sides."""
    places = [placed(value, scale) for value in values] or [0.0, 1.0]
    low, high = min(places), max(places)
    least = _SHORTEST if scale == "log" else _FLATTEST * max(abs(low), abs(high), _FLATTEST)
    missing = max(0.0, least - (high - low)) / 2
    low, high = low - missing, high + missing
    return Axis(scale, low - margin * (high - low), high + margin * (high - low))


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten between two, given by their logarithms; of near ones 2 and 5 of each too."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    if high - low < 2:
        return [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
    stride = math.ceil((high - low) / most)
    return [10.0**exponent for exponent in exponents if exponent % stride == 0]


def _evenly(low: float, high: float, most: int) -> list[float]:
    """Multiples of a round number between two values."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{count * step:.12g}") for count in range(first, last + 1)]
