"""Trains a recorded run again, as a worker does, and says whether its record is what comes out."""

from collections.abc import Callable, Sequence
from typing import Any

from zoo.errors import ZooError, said_by
from zoo.evidence import record as records
from zoo.evidence.agreement import Agreement, Difference
from zoo.evidence.record import RunRecord
from zoo.evidence.store import Store
from zoo.parts import user_files
from zoo.recipe import Arm
from zoo.sweep import workers

FIRST, LARGEST = 3, 3  # differences that are shown of each kind
WIDTH = 100
_VALUE = 36  # columns of a value of the environment


def recorded(store: Store, arm: Arm, seed: int | None = None) -> RunRecord:
    """The record of a run that ended.

    Args:
        store: the evidence.
        arm: whose run.
        seed: by default the first reported one that has such a record.

    Raises:
        ZooError: if there is none, or as `Store.records`.
    """
    kept = store.records(arm)
    failed = [each for each, record in kept.items() if record.status == "failed"]
    reported = range(arm.spec.training.seeds) if seed is None else [seed]
    with_record = [each for each in reported if each in kept]
    for each in with_record:
        if each not in failed:
            return kept[each]
    if with_record:
        reason = "failed: there is nothing to compare with; zoo run tries it again"
        raise ZooError(f"{store.root}: {arm.id}: seed {with_record[0]} {reason}")
    which = "of a reported seed" if seed is None else f"of seed {seed}"
    hint = f"seeds with one: {', '.join(map(str, kept))}" if kept else f"run: zoo run {arm.recipe}"
    raise ZooError(f"{store.root}: no record of {arm.id} {which}; {hint}")


def train_again(
    arm: Arm,
    record: RunRecord,
    imports: Sequence[user_files.Source] = (),
    at_budget: Callable[[Any], None] | None = None,
) -> RunRecord:
    """The record of the same run as it is trained here, in this process.

    Args:
        arm: whose run.
        record: of the run.
        imports: name and text of the user's files that it was trained with.
        at_budget: given the model when the run is at its budget, if it did not diverge.

    Raises:
        ZooError: if it was trained with other files of the user's, or cannot be trained here.
    """
    before, now = record.environment.get("imports", {}), user_files.digests(imports)
    if before != now:
        names = ", ".join(sorted(before.keys() | now.keys()))
        raise ZooError(
            f"{arm.id}: seed {record.seed} was trained with another --import ({names}): "
            "give the same"
        )
    try:
        result = workers.train(imports, arm, record.learning_rate, record.seed, True, at_budget)
    except ZooError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {said_by(error)}"
        raise ZooError(f"{arm.id}: seed {record.seed}: cannot be trained here: {reason}") from None
    return records.of_run(arm, result)


# ---------------------------------------------------------------- what is printed


def text(of: Agreement) -> str:
    """What differs, in lines of at most 100 columns, and in the last line what it comes to."""
    lines = []
    if of.environment:
        lines += [f"{'environment':16}  {'recorded':{_VALUE}}  here"]
        lines += [
            f"{key:16}  {_said(there):{_VALUE}}  {_said(here)}"
            for key, (there, here) in of.environment.items()
        ]
    for names, when in zip(of.one_sided, ("only recorded", "only now"), strict=True):
        if names:
            lines.append(_cut(f"{when}: {', '.join(names)}"))
    if of.differences:
        lines += ["", f"{'what':32}  {'step':>6}  {'recorded':>13}  {'now':>13}  apart"]
        lines += [_line(difference) for difference in _chosen(of.differences)]
        lines += ["", f"{'tolerance':40}  {'apart':>8}  {'at most':>8}"]
        lines += [
            f"{bound.what:40}  {bound.apart:8.2g}  {bound.most:8.2g}"
            f"{'' if bound.kept else '  beyond'}"
            for bound in of.bounds
            if bound.apart
        ]
    return "\n".join([*lines, *([""] if lines else []), _conclusion(of)])


def _chosen(differences: Sequence[Difference]) -> list[Difference]:
    """Those without a step, the first ones, and of the others the largest."""
    single = [each for each in differences if each.where.step is None][:FIRST]
    by_step = [each for each in differences if each not in single]
    by_step.sort(key=lambda each: each.where.step or 0)
    first, rest = by_step[:FIRST], by_step[FIRST:]
    largest = sorted(rest, key=lambda each: -each.apart)[:LARGEST]
    return [*single, *first, *largest]


def _line(of: Difference) -> str:
    what = f"{of.where.name} {of.where.place}".strip()
    step = "" if of.where.step is None else of.where.step
    values = (_said(value, 13) for value in (of.recorded, of.now))
    return (
        f"{_cut(what, 32):32}  {step:>6}  {'  '.join(f'{v:>13}' for v in values)}  {of.apart:.2g}"
    )


def _said(value: Any, width: int = _VALUE) -> str:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return _cut("none" if value is None else str(value), width)


def _cut(line: str, width: int = WIDTH) -> str:
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _conclusion(of: Agreement) -> str:
    count = f"{len(of.differences)} of {of.numbers} numbers"
    if of.state == "equal":
        return f"equal: {of.numbers} numbers, in all recorded digits"
    if of.state == "within tolerance":
        return f"within tolerance: {count} differ, as on another version or kind of processor"
    if not of.same_kind:
        return f"differs: {count}, by more than another version or kind of processor explains"
    return f"differs: {count}, on the same versions and kind of processor, where all are equal"
