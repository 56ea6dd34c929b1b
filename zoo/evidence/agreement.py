"""Whether two records of one run agree: to the last digit, or within a tolerance.

On the same versions and kind of processor a run is the same, bit for bit. Other kernels add in
another order: weights start the same, the first gradients differ by rounding, and as training is
chaotic what comes later is another run of the same kind. The tolerance is therefore narrow where a
run starts and wide where it ends; docs/method.md has what was measured.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from zoo.evidence.record import RunRecord
from zoo.evidence.target import ranked
from zoo.recipe import Arm

State = Literal["equal", "within tolerance", "differs"]

# What decides the digits of a run: where all of it is the same, so are they.
VERSIONS = ("gradient_zoo", "python", "tensorflow", "keras", "numpy", "threads")
PROCESSOR = ("platform", "cpu", "instructions", "kernel_variables")
BESIDE = ("cores", "git_commit")

# By these the start of a run is judged: they tell arms and seeds apart, and the last one rates.
AT_START = ("kernel_rms", "delta_rms", "kernel_grad_norm", "update_ratio")

# The tolerance, each part wider than what docs/method.md has as measured ("Training a row again").
PROBE = 0.005  # of AT_START before the first step: the share of the larger that two may be apart
PROBE_IN_HALF = 0.25  # the same in half precision, whose numbers have 8 or 11 bits
FIRST_LOSS = 0.05  # the same of the training loss up to the first evaluation
STEPS = 0.5  # the same of steps-to-target and of the step of divergence ...
EVALUATIONS = 5  # ... or so many evaluations, if that is more
LOSSES = math.log(4)  # |ln| of one validation loss over the other, mean over the evaluations
ACCURACIES = 0.2  # what validation accuracies are apart, mean over the evaluations
ACCURACY = 0.05  # what test accuracies are apart

SMALLEST_NORMAL = 2.0**-126  # of float32; some processors take what is smaller for 0


class Where(NamedTuple):
    """What a number of a record is: its name, and of which step and place it is."""

    name: str
    step: int | None = None
    place: str = ""


class Difference(NamedTuple):
    """A number that two records do not have alike; None is one that is not finite or not there."""

    where: Where
    recorded: Any
    now: Any

    @property
    def apart(self) -> float:
        """By which share of the larger."""
        return _apart(self.recorded, self.now)


@dataclass(frozen=True)
class Bound:
    """One part of the tolerance.

    Attributes:
        what: is bounded.
        apart: how far the two records are from each other there.
        most: how far they may be.
    """

    what: str
    apart: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether they are as near as that."""
        return self.apart <= self.most


@dataclass(frozen=True)
class Agreement:
    """A record beside that of the same run, trained again.

    Attributes:
        numbers: how many both have.
        differences: those that are not alike, in the order of the record.
        one_sided: the names of what the first alone has, and of what the second alone has.
        environment: what differs between their environments: of the first and the second, by key.
        same_kind: whether versions and kind of processor are known to be the same.
        bounds: the parts of the tolerance.
    """

    numbers: int
    differences: Sequence[Difference]
    one_sided: tuple[list[str], list[str]]
    environment: dict[str, tuple[Any, Any]]
    same_kind: bool
    bounds: Sequence[Bound]

    @property
    def state(self) -> State:
        """Equal in all recorded digits; else within the tolerance, if of another kind; or not."""
        if not self.differences:
            return "equal"
        if self.same_kind or not all(bound.kept for bound in self.bounds):
            return "differs"
        return "within tolerance"


def agreement(arm: Arm, recorded: RunRecord, now: RunRecord) -> Agreement:
    """Compares all that training decides, which seconds and environment are not.

    Args:
        arm: whose run it is.
        recorded: the record.
        now: that of the run as it was trained again.
    """
    before, after = _measured(recorded), _measured(now)
    names, names_now = ({where.name for where in each} for each in (before, after))
    lacking = [name for name in AT_START if name in names_now - names]  # nothing to judge it by
    differences = [
        Difference(where, before.get(where), after.get(where))
        for where in dict.fromkeys([*before, *after])
        if where.name in names & names_now
        and (where not in before or where not in after or before[where] != after[where])
    ]
    differences += [Difference(Where(name), None, "measured") for name in lacking]
    there, here = recorded.environment, now.environment
    deciding = (*VERSIONS, *PROCESSOR)
    return Agreement(
        len(before.keys() & after.keys()),
        differences,
        (sorted(names - names_now), sorted(names_now - names - set(lacking))),
        {
            key: (there.get(key), here.get(key))
            for key in (*deciding, *BESIDE)
            if there.get(key) != here.get(key)
        },
        # Many processors share a name; without their instructions it says nothing.
        bool(there.get("instructions"))
        and all(there.get(key) == here.get(key) for key in deciding),
        _bounds(arm, recorded, now),
    )


def _measured(record: RunRecord) -> dict[Where, Any]:
    """All that training decides of a record."""
    curve, probe = record.evaluation, record.probe
    single = ("diverged_at", "steps_to_target", "test_accuracy", "test_loss", "parameters")
    values = {Where(name): getattr(record, name) for name in (*single, "input_shape")}
    if record.clipping is not None:
        values |= {Where(name): value for name, value in record.clipping.model_dump().items()}
    for name in ("training_loss", "val_loss", "val_accuracy"):
        for step, value in zip(curve.step, getattr(curve, name) or [], strict=False):
            values[Where(name, step)] = value
    for layer, size in zip(probe.layers, probe.kernel_sizes, strict=False):
        values[Where("kernel_sizes", None, layer)] = size
    if probe.input_rms is not None:
        values[Where("input_rms")] = probe.input_rms
    tables = {name: (probe.layers, probe.quantity(name)) for name in probe.quantities}
    times = [f"time {time}" for time in range(probe.times)]
    tables["input_grad_rms"] = times, probe.input_grad_rms
    for name, (places, rows) in tables.items():
        for step, row in zip(probe.steps, rows or [], strict=False):
            for place, value in zip(places, row, strict=True):
                values[Where(name, step, place)] = value
    return values


# ---------------------------------------------------------------- the tolerance


def _bounds(arm: Arm, one: RunRecord, other: RunRecord) -> list[Bound]:
    """What holds of two honest records of one run, whatever processors they are of."""
    here, there = one.evaluation, other.evaluation
    first = zip(here.training_loss[:1], there.training_loss[:1], strict=False)
    losses = zip(here.val_loss, there.val_loss, strict=False)  # until one of them diverged
    accuracies = zip(here.val_accuracy or [], there.val_accuracy or [], strict=False)
    tests = [(one.test_accuracy, other.test_accuracy)]
    budget, every = arm.spec.training.steps, arm.spec.training.evaluate_every
    times = ranked([one.steps_to_target, other.steps_to_target], budget, every)
    half = arm.spec.training.precision not in (None, "float32")
    return [
        Bound("model and grid", _shape_apart(one, other), 0.0),
        Bound("probe at step 0", _start_apart(one, other), PROBE_IN_HALF if half else PROBE),
        Bound(
            "first training loss", max((_apart(*pair) for pair in first), default=0.0), FIRST_LOSS
        ),
        _steps("steps to the target", times[0], times[1], every),
        _steps("step of divergence", one.diverged_at, other.diverged_at, every),
        Bound("validation losses, |ln| of the ratio", _mean_apart(losses, _logs_apart), LOSSES),
        Bound("validation accuracies", _mean_apart(accuracies, _difference), ACCURACIES),
        Bound("test accuracy", _mean_apart(tests, _difference), ACCURACY),
    ]


def _apart(one: Any, other: Any) -> float:
    """By which share of the larger two numbers differ; infinitely, if one is none."""
    numbers = (int, float)
    if one == other:
        return 0.0
    if not isinstance(one, numbers) or not isinstance(other, numbers):
        return math.inf
    return abs(one - other) / max(abs(one), abs(other))


def _logs_apart(one: float, other: float) -> float:
    return abs(math.log(one) - math.log(other)) if one and other else 0.0


def _difference(one: float, other: float) -> float:
    return abs(one - other)


def _mean_apart(
    pairs: Iterable[tuple[float | None, float | None]], apart: Callable[[float, float], float]
) -> float:
    """The mean over the pairs of two numbers; 0 of none."""
    known = [apart(one, other) for one, other in pairs if one is not None and other is not None]
    return math.fsum(known) / max(1, len(known))


def _shape_apart(one: RunRecord, other: RunRecord) -> float:
    """0 if both are of one model, evaluated and probed at the same steps until one diverged."""
    ends = [record.diverged_at for record in (one, other) if record.diverged_at is not None]
    end = min(ends, default=math.inf)

    def shape(record: RunRecord) -> tuple[Any, ...]:
        probed, evaluated = record.probe.steps, record.evaluation.step
        return (
            *(record.parameters, record.input_shape, record.probe.layers),
            *([step for step in steps if step < end] for steps in (probed, evaluated)),
        )

    return 0.0 if shape(one) == shape(other) else math.inf


def _start_apart(one: RunRecord, other: RunRecord) -> float:
    """The most by which a value of `AT_START` differs, of any layer before the first step."""
    worst = 0.0
    for name in AT_START:
        rows = [record.probe.quantity(name) or [] for record in (one, other)]
        if any(record.probe.steps[:1] != [0] for record in (one, other)) or [] in rows:
            return math.inf
        worst = max(worst, *map(_normal_apart, *(of[0] for of in rows)))
    return worst


def _normal_apart(one: float | None, other: float | None) -> float:
    """`_apart`, but 0 of two numbers that float32 holds with fewer digits, or as 0."""
    if one is not None and other is not None and max(one, other) < SMALLEST_NORMAL:
        return 0.0
    return _apart(one, other)


def _steps(what: str, one: int | None, other: int | None, every: int) -> Bound:
    """Of two steps, both in the units of the evaluations between them."""
    if one is None or other is None:
        return Bound(what, 0.0 if one == other else math.inf, EVALUATIONS)
    most = max(EVALUATIONS, STEPS * max(one, other) / every)
    return Bound(f"{what}, in evaluations", abs(one - other) / every, most)
