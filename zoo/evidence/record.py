"""The run record: what one JSON file of evidence holds."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from zoo.evidence.digits import rounded as rounded
from zoo.evidence.target import DIGITS, steps_to_target
from zoo.recipe import Arm
from zoo.recipe.schema import BENCHMARK, Target
from zoo.recipe.values import PositiveFloat, Strict

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Status = Literal["reached", "budget", "failed"]
Series = list[float | None]


class Curve(Strict):
    """The evaluation grid: after `step` steps, the validation metrics of the whole split.

    `training_loss` is the mean over the batches since the evaluation before.
    """

    step: list[PositiveInt] = []
    training_loss: Series = []
    val_loss: Series = []
    val_accuracy: Series | None = None

    @model_validator(mode="after")
    def _equally_long(self) -> "Curve":
        for name in ("training_loss", "val_loss", "val_accuracy"):
            series = getattr(self, name)
            if series is not None and len(series) != len(self.step):
                raise ValueError(f"{name} has {len(series)} values, step {len(self.step)}")
        if self.step != sorted(set(self.step)):
            raise ValueError("step does not increase")
        return self


class ProbeRecord(Strict):
    """The measurements of `zoo.probe`: for each quantity a list over steps of lists over layers.

    The quantities are kept as they come, each under its name: those of `zoo.probe.QUANTITIES`, and
    `update_ratio`. In a file, one that is the same at all steps in all layers is that one value.
    `input_grad_rms`, of sequences alone, is a list over steps of lists over time. `kernel_sizes`
    are the entries of each layer's kernel, `input_rms` is that of the batch's inputs, if numbers.
    """

    model_config = ConfigDict(**{**Strict.model_config, "extra": "allow"})
    __pydantic_extra__: dict[str, list[Series]]

    steps: list[NonNegativeInt] = []
    layers: list[str] = []
    kernel_sizes: list[PositiveInt] = []
    input_rms: float | None = None
    input_grad_rms: list[Series] | None = None

    def quantity(self, name: str) -> list[Series] | None:
        """A quantity by its name; None if the record was made without it."""
        return self.__pydantic_extra__.get(name)

    @property
    def quantities(self) -> list[str]:
        """The names of those that were measured."""
        return list(self.__pydantic_extra__)

    @property
    def times(self) -> int:
        """Steps of time with a gradient of their own; 0 for none."""
        return len(self.input_grad_rms[0]) if self.input_grad_rms else 0

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, values: Any) -> Any:
        """Makes a list of lists of each quantity that a file holds as one value."""
        if not isinstance(values, dict):
            return values
        steps, layers = values.get("steps"), values.get("layers")
        if not isinstance(steps, list) or not isinstance(layers, list):
            return values
        return {
            name: value
            if name in cls.model_fields or isinstance(value, list)
            else [[value] * len(layers)] * len(steps)
            for name, value in values.items()
        }

    def compact(self) -> dict[str, Any]:
        """What a file holds."""
        values = self.model_dump()
        for name in self.quantities:
            different = {value for row in values[name] for value in row}
            if len(different) == 1:
                values[name] = different.pop()
        return values

    @model_validator(mode="after")
    def _rectangular(self) -> "ProbeRecord":
        for name, rows in self.__pydantic_extra__.items():
            if len(rows) != len(self.steps) or not set(map(len, rows)) <= {len(self.layers)}:
                raise ValueError(f"{name} is not a list over steps of lists over layers")
        if self.steps and not self.layers:
            raise ValueError("layers is empty")
        if self.kernel_sizes and len(self.kernel_sizes) != len(self.layers):
            raise ValueError("kernel_sizes is not a list over layers")
        by_time = self.input_grad_rms
        if by_time is not None and len(by_time) != len(self.steps):
            raise ValueError("input_grad_rms is not a list over steps")
        if by_time and (not by_time[0] or any(len(row) != self.times for row in by_time)):
            raise ValueError("input_grad_rms is not a list over steps of lists over time")
        return self


class Clipping(Strict):
    """What a run's gradients were before clipping.

    Attributes:
        clipped: share of the steps in which clipping changed a gradient.
        largest_norm: of all gradients together; None if none was finite.
    """

    clipped: float
    largest_norm: float | None


class RunRecord(Strict):
    """One run: one arm, one learning rate, one seed."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    benchmark: str = "none"  # of records older than benchmarks
    recipe: str
    arm: str
    seed: NonNegativeInt
    learning_rate: PositiveFloat
    arm_sha256: Sha256
    status: Status
    diverged_at: NonNegativeInt | None = None
    steps_to_target: PositiveInt | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    evaluation: Curve = Curve()
    probe: ProbeRecord = ProbeRecord.model_validate({})
    clipping: Clipping | None = None
    seconds: float | None = None
    seconds_per_step: float | None = None
    parameters: NonNegativeInt | None = None
    input_shape: list[PositiveInt] = []
    environment: dict[str, Any] = {}


class TuningRun(Strict):
    """One run of the learning-rate search.

    `final_metric` is the target's metric at the budget, `final_loss` the validation loss; None if
    the run ended before.
    """

    learning_rate: PositiveFloat
    seed: NonNegativeInt
    status: Status
    steps_to_target: PositiveInt | None
    final_metric: float | None
    final_loss: float | None = None
    benchmark: str = "none"
    arm_sha256: Sha256
    imports: dict[str, str] = {}  # SHA-256 of the user's files, by name


def time_to_target(curve: Curve, target: Target, budget: int) -> int | None:
    """`steps_to_target` of a recorded curve."""
    return steps_to_target(curve.step, getattr(curve, target.metric) or [], target, budget)


def at_budget(record: RunRecord, metric: str, budget: int) -> float | None:
    """A metric at the last evaluation in the budget; None if the run ended before B."""
    curve = record.evaluation
    series = getattr(curve, metric)
    if series is None:  # the data has no such metric
        return None
    within = [value for step, value in zip(curve.step, series, strict=True) if step <= budget]
    ended = record.diverged_at is not None and record.diverged_at <= budget
    return within[-1] if within and not ended else None


def of_run(arm: Arm, result: dict[str, Any]) -> RunRecord:
    """The record of what `CompiledArm.run` returned, with its environment.

    What is measured is rounded; the learning rate is that of the grid, which tells runs apart.
    """
    result = {
        **rounded(result, DIGITS),
        "learning_rate": result["learning_rate"],
        "probe": rounded(result["probe"], 4),
    }
    curve = Curve(**result.pop("evaluation"))
    reached = time_to_target(curve, arm.spec.target, arm.spec.training.steps)
    return RunRecord(
        benchmark=BENCHMARK,
        recipe=arm.recipe,
        arm=arm.name,
        arm_sha256=arm.sha256,
        status="budget" if reached is None else "reached",
        steps_to_target=reached,
        evaluation=curve,
        probe=ProbeRecord(**result.pop("probe")),
        **result,
    )


def of_failure(arm: Arm, seed: int, learning_rate: float, environment: dict[str, Any]) -> RunRecord:
    """The record of a run that raised or whose worker was lost; its log says why."""
    return RunRecord(
        benchmark=BENCHMARK,
        recipe=arm.recipe,
        arm=arm.name,
        arm_sha256=arm.sha256,
        seed=seed,
        learning_rate=learning_rate,
        status="failed",
        environment=environment,
    )


def of_tuning(arm: Arm, record: RunRecord) -> TuningRun:
    """What is kept of a run of the learning-rate search."""
    target, budget = arm.spec.target, arm.spec.training.steps
    return TuningRun(
        learning_rate=record.learning_rate,
        seed=record.seed,
        status=record.status,
        steps_to_target=record.steps_to_target,
        final_metric=at_budget(record, target.metric, budget),
        final_loss=at_budget(record, "val_loss", budget),
        benchmark=record.benchmark,
        arm_sha256=record.arm_sha256,
        imports=record.environment.get("imports", {}),
    )
