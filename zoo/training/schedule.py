"""When a run trains, evaluates and probes, and on which examples: the same for all arms."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.recipe import schema


class Segments(NamedTuple):
    """A run in stretches of steps; each attribute has an entry a segment, int32.

    The probe measures before a segment, the evaluation after it; a row of -1 stands for none.

    Attributes:
        first: the first step.
        stop: the step after the last.
        probe_row: where the probe's measurements go.
        curve_row: where the evaluation goes.
    """

    first: Any
    stop: Any
    probe_row: Any
    curve_row: Any

    def part(self, start: int, stop: int | None = None) -> "Segments":
        """The segments from one number on, to before another."""
        return Segments(*(column[start:stop] for column in self))

    def count_until(self, step: int) -> int:
        """How many segments begin before a step."""
        return int(np.searchsorted(self.first, step))


def batch_order(seed: int, examples: int, batch_size: int, steps: int) -> npt.NDArray[np.int32]:
    """The examples of every step, (steps, batch_size): a new permutation each epoch.

    Depends on nothing but its arguments, so that all arms of a seed see the same batches in the
    same order. What does not fill a batch at the end of an epoch is left out of that epoch.
    """
    per_epoch = examples // batch_size
    epochs = [
        np.random.default_rng([seed, epoch]).permutation(examples)[: per_epoch * batch_size]
        for epoch in range(math.ceil(steps / per_epoch))
    ]
    return np.concatenate(epochs).reshape(-1, batch_size)[:steps].astype(np.int32)


def probe_steps(steps: int) -> list[int]:
    """The steps at which a run of the given budget is probed: 0, 1, 2, 4 ... 64, each tenth."""
    early = [step for step in (0, 1, 2, 4, 8, 16, 32, 64) if step <= steps]
    return sorted({*early, *(round(steps * tenth / 10) for tenth in range(1, 11))})


def segments(training: schema.Training, probed: Sequence[int]) -> Segments:
    """A run to two evaluations past its budget, in segments.

    A probed segment is one step long, so that its update is that step's. One begins at each drop of
    the learning rate, and one ends at the budget.
    """
    grid = training.evaluation_steps
    ends = {training.steps, *grid, *training.drops, *probed, *(step + 1 for step in probed)}
    stops = sorted(ends - {0})
    probe_row = {step: row for row, step in enumerate(probed)}
    curve_row = {step: row for row, step in enumerate(grid)}
    firsts = [0, *stops[:-1]]
    columns = (
        firsts,
        stops,
        [probe_row.get(first, -1) for first in firsts],
        [curve_row.get(stop, -1) for stop in stops],
    )
    return Segments(*(np.array(column, np.int32) for column in columns))
