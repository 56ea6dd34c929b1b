"""Whether what a record says of its run is what its curve says.

Records are files that anybody can edit: what is derived from the curve is derived again.
"""

import math
from collections.abc import Sequence

from zoo.evidence.record import RunRecord, TuningRun, time_to_target
from zoo.recipe import Arm


def contradiction(arm: Arm, record: RunRecord) -> str | None:
    """The first thing that cannot be so in a record of an arm; None if all can."""
    training, curve = arm.spec.training, record.evaluation
    if record.status == "failed":
        return None
    accuracies = [record.test_accuracy, *(curve.val_accuracy or [])]
    if not all(value is None or 0 <= value <= 1 for value in accuracies):
        return "an accuracy is none: it is between 0 and 1"
    losses = [record.test_loss, *curve.training_loss, *curve.val_loss]
    if not all(value is None or value >= 0 for value in losses):
        return "a loss is none: it is at least 0"
    if not all(value is None or value >= 0 for value in (record.seconds, record.seconds_per_step)):
        return "seconds are at least 0"
    end = record.diverged_at
    if end is not None and end > training.evaluation_steps[-1]:
        return f"diverged_at is {end}, after the last step"
    tested = record.test_accuracy is not None or record.test_loss is not None
    if end is not None and end <= training.steps and tested:
        return f"has a test metric at step {training.steps}, and diverged at {end}"
    if end is not None and (step := _measured_after(record, end)) is not None:
        return f"has gradients of step {step}, and diverged at {end}"
    if (end is None or end > training.steps) and _untested(record):
        return f"has no test metric at step {training.steps}, to which it came"
    reached = time_to_target(curve, arm.spec.target, training.steps)
    if record.steps_to_target != reached:
        return f"steps_to_target is {record.steps_to_target}, by its curve {reached}"
    status = "budget" if reached is None else "reached"
    return None if record.status == status else f"status is {record.status}, by its curve {status}"


def _measured_after(record: RunRecord, end: int) -> int | None:
    """The first step after the run's end at which its probe says that it measured something."""
    probe = record.probe
    for row, step in enumerate(probe.steps):
        values = [value for name in probe.quantities for value in (probe.quantity(name) or [])[row]]
        if step > end and any(value is not None for value in values):
            return step
    return None


def _untested(record: RunRecord) -> bool:
    """Whether a test metric is missing that is never undefined: a loss may be infinite."""
    if record.evaluation.val_accuracy is not None:
        return record.test_accuracy is None
    return record.test_loss is None and None not in record.evaluation.val_loss


def contradiction_in_search(arm: Arm, run: TuningRun) -> str | None:
    """The first thing that cannot be so in a run of an arm's search; None if all can."""
    training, time = arm.spec.training, run.steps_to_target
    if run.status == "failed":
        return None
    if (run.status == "reached") != (time is not None):
        return f"status is {run.status}, and steps_to_target {time}"
    if time is not None and (time > training.steps or time % training.evaluate_every):
        return f"steps_to_target is {time}, where no evaluation is"
    return None


def copies(records: Sequence[RunRecord]) -> list[int]:
    """The seeds of the first two records that have one curve: no two seeds train alike."""
    seeds: dict[tuple[float | None, ...], int] = {}
    for record in records:
        curve = (*record.evaluation.training_loss, *record.evaluation.val_loss)
        if curve in seeds and any(value is not None and math.isfinite(value) for value in curve):
            return [seeds[curve], record.seed]
        seeds[curve] = record.seed
    return []
