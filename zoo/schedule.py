"""When a run trains, evaluates and probes, and on which examples: the same for all arms."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zoo import schema


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


def steps_in_all(training: schema.Training) -> int:
    """The steps of a run: to the second evaluation past the budget, which may confirm a target."""
    return (training.steps // training.evaluate_every + 2) * training.evaluate_every


def probe_steps(steps: int) -> list[int]:
    """The steps at which a run of the given budget is probed: 0, 1, 2, 4, 8, 16 and each tenth."""
    early = [step for step in (0, 1, 2, 4, 8, 16) if step <= steps]
    return sorted({*early, *(round(steps * tenth / 10) for tenth in range(1, 11))})


def segments(training: schema.Training, probed: Sequence[int]) -> npt.NDArray[np.int32]:
    """A run in segments, (segments, 4): first step, step after the last, probe row, curve row.

    The probe measures before a segment, the evaluation after it; -1 stands for none. A probed
    segment is one step long, so that its update is that step's. One begins at each drop of the
    learning rate, and one ends at the budget.
    """
    every, total = training.evaluate_every, steps_in_all(training)
    grid = list(range(every, total + 1, every))
    ends = {training.steps, *grid, *training.drops, *probed, *(step + 1 for step in probed)}
    stops = sorted(ends - {0})
    probe_row = {step: row for row, step in enumerate(probed)}
    curve_row = {step: row for row, step in enumerate(grid)}
    return np.array(
        [
            (first, stop, probe_row.get(first, -1), curve_row.get(stop, -1))
            for first, stop in itertools.pairwise([0, *stops])
        ],
        np.int32,
    )
