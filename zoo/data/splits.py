"""The parts of a split in tensorflow-datasets's notation: readable, not empty, without overlap."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from zoo.data.raw import SPLITS
from zoo.errors import shown

_BOUND = r"-?[0-9][0-9_]*(?:(?:\.[0-9]+)?%|shard)?"
_SLICE = re.compile(rf"([\w-]+)(?:\[(?:({_BOUND})?:({_BOUND})?|([0-9]+)shard)\])?")
_EXAMPLE = "such as train[:90%], train[1000:2000] or train+test"

T = TypeVar("T")


def mistakes(
    wanted: Mapping[str, str], prepared: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    """The part of each mistake, and what is wrong with it.

    Args:
        wanted: for train, validation and test, a split in tensorflow-datasets's notation.
        prepared: what tensorflow-datasets knows of the splits of a set that is prepared, by name.
            Without it their sizes are unknown: an overlap counts if every size has it.
    """
    if prepared is None:
        return _of_all(wanted, _read, _Slice.empty, _Slice.overlaps)
    return _of_all(wanted, lambda split: _taken(split, prepared), _Taken.empty, _Taken.overlaps)


def _of_all(
    wanted: Mapping[str, str],
    read: Callable[[str], Sequence[T]],
    empty: Callable[[T], bool],
    overlap: Callable[[T, T], bool],
) -> list[tuple[str, str]]:
    wrong, slices = [], {}
    for part in SPLITS:
        try:
            slices[part] = read(wanted[part])
        except ValueError as error:
            wrong.append((part, str(error)))
            continue
        if all(map(empty, slices[part])):
            wrong.append((part, "holds no example"))
        if any(overlap(*pair) for pair in itertools.combinations(slices[part], 2)):
            wrong.append((part, "holds examples twice"))
    for one, other in itertools.combinations(slices, 2):
        if any(overlap(*pair) for pair in itertools.product(slices[one], slices[other])):
            wrong.append((other, f"has examples of {one} ({wanted[one]}) too: let none be in two"))
    return wrong


# ---------------------------------------------------------------- of a prepared set


class _Taken(NamedTuple):
    """Examples of a split, by their numbers."""

    name: str
    first: int
    stop: int

    def empty(self) -> bool:
        return self.first >= self.stop

    def overlaps(self, other: "_Taken") -> bool:
        return self.name == other.name and max(self.first, other.first) < min(self.stop, other.stop)


def _taken(split: str, prepared: Mapping[str, Any]) -> list[_Taken]:
    """What a split takes, as tensorflow-datasets reads it."""
    import tensorflow_datasets as tfds

    _read(split)  # which refuses more: 10:50% is no 10%:50%
    try:
        slices = tfds.core.splits.AbstractSplit.from_spec(split).to_absolute(prepared)
    except (ValueError, NotImplementedError) as error:
        raise ValueError(str(error).strip().split("\n")[0]) from None
    return [
        _Taken(
            each.splitname,
            each.from_ or 0,
            prepared[each.splitname].num_examples if each.to is None else each.to,
        )
        for each in slices
    ]


# ---------------------------------------------------------------- of a set of unknown size


class _Bound(NamedTuple):
    """Where a slice begins or ends: so many of a unit from the start, or before the end."""

    unit: str
    at: float

    def surely_before(self, other: "_Bound") -> bool:
        """Whether that holds at whatever size."""
        if self == other:
            return False
        same = self.unit == other.unit and (self.at < 0) == (other.at < 0)
        return self.at < other.at if same else self == _START or other == _END


_START, _END = _Bound("%", 0), _Bound("%", 100)


class _Slice(NamedTuple):
    """A part of a split, or all splits under the name all."""

    name: str
    first: _Bound
    stop: _Bound

    def empty(self) -> bool:
        return self.first == self.stop or self.stop.surely_before(self.first)

    def overlaps(self, other: "_Slice") -> bool:
        return (self.name == other.name or "all" in (self.name, other.name)) and all(
            one.first.surely_before(two.stop)
            for one, two in itertools.product((self, other), repeat=2)
        )


def _read(split: str) -> list[_Slice]:
    """The slices of a split.

    Raises:
        ValueError: saying why, if it is none.
    """
    slices = []
    for text in re.split(r"\s*\+\s*", split):
        match = _SLICE.fullmatch(text)
        if not match or (match[1] == "all" and text != "all"):
            raise ValueError(f"{shown(text)} is no split: write one {_EXAMPLE}")
        name, first, stop, shard = match.groups()
        if shard:
            first, stop = f"{shard}shard", f"{int(shard) + 1}shard"
        units = {bound.lstrip("-0123456789_.") for bound in (first, stop) if bound}
        if len(units) > 1 or (not units and text != name):
            raise ValueError(f"{shown(text)} should have bounds of one unit, {_EXAMPLE}")
        slices.append(_Slice(name, _bound(first, _START), _bound(stop, _END)))
    return slices


def _bound(text: str | None, without: _Bound) -> _Bound:
    if not text:
        return without
    number = text.rstrip("%shard")
    unit, at = text[len(number) :], float(number)
    if unit == "%":
        if abs(at) > 100:
            raise ValueError(f"{text} is more than all of a split")
        at = at if at >= 0 else 100 + at
    return _START if at == 0 else _Bound(unit, at)
