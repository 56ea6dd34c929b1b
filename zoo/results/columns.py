"""The columns of the leaderboard: an entry each, with its meaning, computation and print.

An entry is a field of `Row`: its name is the key in the JSON, its type that of the value, and its
`Column` says the rest. A column with a heading stands in the tables too, in the order given here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Annotated, Any

from zoo.evidence.record import RunRecord, Series, rounded
from zoo.evidence.target import median_time
from zoo.evidence.tuning import Tuned
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import Target
from zoo.recipe.values import Strict
from zoo.results import statistics
from zoo.results.statistics import Bound, Speedup, Verdict

DIGITS = 4  # of every number in a row


@dataclass(frozen=True)
class Comparison:
    """What a row is computed from: an arm and its baseline over the seeds that both have.

    Attributes:
        recipe: with the arm.
        arm: the one that the row is of.
        records: its runs, in the order of the seeds.
        base_records: those of the baseline.
        target: that the runs are scored against.
        times: steps-to-target of the runs; None for a censored one.
        base_times: the same of the baseline.
        speedup: of the arm over the baseline.
        p_value: of the comparison, corrected; None for the baseline itself.
        tuned: what the search says of the grid; None where there was none for this target.
    """

    recipe: Recipe
    arm: Arm
    records: Sequence[RunRecord]
    base_records: Sequence[RunRecord]
    target: Target
    times: Sequence[int | None]
    base_times: Sequence[int | None]
    speedup: Speedup
    p_value: float | None
    tuned: Tuned | None

    @property
    def budget(self) -> int:
        """B."""
        return self.recipe.spec.training.steps

    @property
    def metric(self) -> str:
        """The test metric of the task: `test_loss` where no run has an accuracy."""
        accuracies = [record.test_accuracy is not None for record in self.records]
        losses = [record.test_loss is not None for record in self.records]
        return "test_loss" if any(losses) and not any(accuracies) else "test_accuracy"


@dataclass(frozen=True)
class Column:
    """What a column is.

    Attributes:
        compute: its value.
        heading: above it in the tables; none for what stands in the JSON alone.
        meaning: one line of the legend.
        show: the text of its cell.
        when: whether the rows of a recipe have something to say there.
        left: whether texts stand to the left.
        spare: its turn to be left out where a table is too wide, from 1 on.
    """

    compute: Callable[[Comparison], Any]
    heading: str = ""
    meaning: str = ""
    show: "Callable[[Row], str]" = lambda row: ""
    when: "Callable[[Recipe, Sequence[Row]], bool]" = lambda recipe, rows: True
    left: bool = False
    spare: int = 0


# ---------------------------------------------------------------- computing


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None


def _at_start(of: Comparison, name: str) -> float | None:
    """A quantity of the first layer before the first step, the median over seeds."""
    return _median(
        rows[0][0]
        for record in of.records
        if record.probe.steps[:1] == [0] and (rows := record.probe.quantity(name))
    )


def _early(of: Comparison, name: str) -> float | None:
    """Its time average over the first tenth of the budget, the median over seeds."""
    return _median(
        statistics.early_average(
            record.probe.steps, [row[0] for row in rows], round(of.budget / 10)
        )
        for record in of.records
        if (rows := record.probe.quantity(name)) is not None
    )


def _delta_ratio(of: Comparison) -> float | None:
    """The first over the last hidden layer at the start, the median over seeds.

    Where gradients have steps of time: the first over the last tenth of those of dL/dx_t.
    """
    family, ratios = of.arm.spec.model, []
    for record in of.records:
        probe = record.probe
        if probe.steps[:1] != [0]:
            continue
        if family.gradient_by_time and probe.input_grad_rms:
            by_time = probe.input_grad_rms[0]
            tenth = max(1, len(by_time) // 10)
            ratios.append(_ratio(_mean(by_time[:tenth]), _mean(by_time[-tenth:])))
        elif len(hidden := family.hidden_layers(probe.layers)) > 1:
            deltas = dict(zip(probe.layers, _first(probe.quantity("delta_rms")), strict=True))
            ratios.append(_ratio(deltas[hidden[0]], deltas[hidden[-1]]))
    return _median(ratios)


def _first(rows: list[Series] | None) -> Series:
    return rows[0] if rows else []


def _tested(of: Comparison) -> float | None:
    """The mean over the runs that came so far."""
    return _mean(getattr(record, of.metric) for record in of.records)


def _step_cost(of: Comparison) -> float | None:
    return _ratio(
        _median(record.seconds_per_step for record in of.records),
        _median(record.seconds_per_step for record in of.base_records),
    )


def _verdict(of: Comparison) -> Verdict | None:
    if of.p_value is None:
        return None
    return statistics.verdict(of.base_times, of.times, of.budget, of.p_value)


# ---------------------------------------------------------------- printing


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: so many significant digits, no needless zeros, a dash for none."""
    if value is None:
        return "–"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text else text


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _shown_reached(row: "Row") -> str:
    diverged = f" ({row.diverged}✗)" if row.diverged else ""
    return f"{row.reached}/{row.seeds}{diverged}"


def _shown_speedup(row: "Row") -> str:
    """The ratio with its bound and its interval."""
    if row.p_value is None:
        return "1"
    if row.speedup_bound == "undetermined" and not row.reached:
        return "–"
    sign = {"none": "", "lower": "≥ ", "upper": "≤ ", "undetermined": "≈ "}[row.speedup_bound]
    if row.speedup_low is None:
        return f"{sign}{number(row.speedup)}"
    low, high = number(row.speedup_low, 2), number(row.speedup_high, 2)
    return f"{sign}{number(row.speedup)} [{low}, {high}]"


# ---------------------------------------------------------------- the columns


class Row(Strict):
    """A row of the leaderboard: an arm against its baseline."""

    recipe: Annotated[str, Column(lambda of: of.recipe.id)]
    arm: Annotated[
        str, Column(lambda of: of.arm.name, "arm", "arm", lambda row: row.arm, left=True)
    ]
    baseline: Annotated[str, Column(lambda of: of.recipe.baseline)]
    changes: Annotated[dict[str, Any], Column(lambda of: of.arm.changes)]
    target: Annotated[dict[str, Any], Column(lambda of: of.target.model_dump())]
    budget: Annotated[int, Column(lambda of: of.budget)]
    seeds: Annotated[int, Column(lambda of: len(of.records))]
    reached: Annotated[
        int,
        Column(
            lambda of: sum(time is not None for time in of.times),
            "reached",
            "runs that reached the target, of all (✗: how many diverged)",
            _shown_reached,
        ),
    ]
    diverged: Annotated[
        int, Column(lambda of: sum(record.diverged_at is not None for record in of.records))
    ]
    steps_to_target: Annotated[
        int | None,
        Column(
            lambda of: median_time(of.times),
            "steps",
            "median steps to the target",
            lambda row: number(row.steps_to_target, 5),
        ),
    ]
    speedup: Annotated[
        float,
        Column(
            lambda of: of.speedup.ratio,
            "speedup",
            "mean steps of the baseline over the arm's, 95 % interval; ≥ ≤: a run was cut off",
            _shown_speedup,
        ),
    ]
    speedup_low: Annotated[float | None, Column(lambda of: of.speedup.low)]
    speedup_high: Annotated[float | None, Column(lambda of: of.speedup.high)]
    speedup_bound: Annotated[Bound, Column(lambda of: of.speedup.bound)]
    p_value: Annotated[float | None, Column(lambda of: of.p_value)]
    verdict: Annotated[
        Verdict | None,
        Column(
            _verdict,
            "verdict",
            "paired sign-flip test, Holm-corrected, at 0.05",
            lambda row: row.verdict or "baseline",
            left=True,
        ),
    ]
    learning_rate: Annotated[
        float,
        Column(
            lambda of: of.records[0].learning_rate,
            "rate",
            "learning rate chosen with the tuning seeds; *: at the edge of the grid",
            lambda row: number(row.learning_rate) + ("*" if row.lr_at_edge else ""),
        ),
    ]
    lr_at_edge: Annotated[bool | None, Column(lambda of: of.tuned.at_edge if of.tuned else None)]
    lr_band: Annotated[int | None, Column(lambda of: of.tuned.band if of.tuned else None)]
    first_layer_grad_norm: Annotated[
        float | None, Column(lambda of: _at_start(of, "kernel_grad_norm"))
    ]
    first_layer_grad_rms: Annotated[
        float | None, Column(lambda of: _at_start(of, "kernel_grad_rms"))
    ]
    first_layer_grad_norm_early: Annotated[
        float | None, Column(lambda of: _early(of, "kernel_grad_norm"))
    ]
    first_layer_update_ratio: Annotated[float | None, Column(lambda of: _early(of, "update_ratio"))]
    delta_ratio: Annotated[
        float | None,
        Column(
            _delta_ratio,
            "δ ratio",
            "dL/dz of the first over the last hidden layer, at the start",
            lambda row: number(row.delta_ratio, 2),
        ),
    ]
    test_accuracy: Annotated[
        float | None,
        Column(
            lambda of: _tested(of) if of.metric == "test_accuracy" else None,
            "test",
            "mean test accuracy (or loss) at the budget",
            lambda row: number(row.test_loss if row.test_accuracy is None else row.test_accuracy),
            spare=3,
        ),
    ] = None
    test_loss: Annotated[
        float | None, Column(lambda of: _tested(of) if of.metric == "test_loss" else None)
    ] = None
    parameters: Annotated[
        int | None,
        Column(lambda of: next((r.parameters for r in of.records if r.parameters), None)),
    ]
    seconds_per_run: Annotated[
        float | None, Column(lambda of: _median(record.seconds for record in of.records))
    ]
    step_cost: Annotated[
        float | None,
        Column(
            _step_cost,
            "cost",
            "time of a step over the baseline's",
            lambda row: number(row.step_cost, 2),
            spare=2,
        ),
    ]
    clipped: Annotated[
        float | None,
        Column(
            lambda of: _median(r.clipping.clipped for r in of.records if r.clipping),
            "clip",
            "share of the steps at which clipping changed a gradient, median of the runs",
            lambda row: _share(row.clipped),
            lambda recipe, rows: any(row.clipped is not None for row in rows),
        ),
    ]
    largest_norm: Annotated[
        float | None,
        Column(
            lambda of: _median(r.clipping.largest_norm for r in of.records if r.clipping),
            "norm",
            "largest norm of all gradients together, before clipping, median of the runs",
            lambda row: number(row.largest_norm, 2),
            lambda recipe, rows: any(row.clipped is not None for row in rows),
            spare=1,
        ),
    ]
    zero_grads: Annotated[
        float | None,
        Column(
            lambda of: _median(
                rows[0][0] for r in of.records if (rows := r.probe.quantity("zero_grads"))
            ),
            "zeros",
            "share of exact zeros in the first layer's gradient, at the start",
            lambda row: _share(row.zero_grads),
            lambda recipe, rows: any(
                "training.precision" in arm.changes for arm in recipe.arms.values()
            ),
        ),
    ]

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON has it: of the two test metrics, the one of the task."""
        values = self.model_dump()
        del values["test_accuracy" if self.test_loss is not None else "test_loss"]
        return values


COLUMNS: dict[str, Column] = {
    name: column
    for name, field in Row.model_fields.items()
    for column in field.metadata
    if isinstance(column, Column)
}


def row(of: Comparison) -> Row:
    """The row of a comparison, its numbers to `DIGITS` digits."""
    return Row(**{key: rounded(column.compute(of), DIGITS) for key, column in COLUMNS.items()})
