"""The columns of the leaderboard: an entry each, with its meaning, its computation and its cell.

An entry is a field of `Row`: its name is the key in the JSON, its type that of the value, and its
`Column` says the rest. A column with a heading stands in the tables too, in the order given here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

from zoo.evidence.digits import rounded
from zoo.evidence.target import capped, median_time
from zoo.recipe.values import Strict
from zoo.results import cells
from zoo.results.statistics import Bound, Verdict

if TYPE_CHECKING:  # rows that are there already are read without it
    from zoo.results.comparison import Comparison

DIGITS = 4  # of every number in a row that is measured
DYING = 0.2  # so many dead units in some row, and all rows say how many they have
GIVEN = ("changes", "target", "learning_rate", "runner_up")  # what a person gave is in them


@dataclass(frozen=True)
class Column:
    """What a column is.

    Attributes:
        compute: its value.
        heading: above it in the tables; none for what stands in the JSON alone.
        meaning: one line of the legend.
        show: the text of its cell.
        when: whether rows of one recipe have something to say there.
        left: whether texts stand to the left.
        spare: its turn to be left out where a table is too wide, from 1 on.
    """

    compute: "Callable[[Comparison], Any]"
    heading: str = ""
    meaning: str = ""
    show: "Callable[[Row], str]" = lambda row: ""
    when: "Callable[[Sequence[Row]], bool]" = lambda rows: True
    left: bool = False
    spare: int = 0


def _mean(values: Sequence[float]) -> float | None:
    return mean(values) if values else None


class RunnerUp(Strict):
    """The learning rate that came second in the search."""

    learning_rate: float
    mean_steps: float


def _runner_up(of: "Comparison") -> RunnerUp | None:
    if of.tuned is None:
        return None
    rate, steps = of.tuned.runner_up
    return RunnerUp(learning_rate=rate, mean_steps=rounded(steps, DIGITS))


class Row(Strict):
    """A row of the leaderboard: an arm and the one it is judged against."""

    benchmark: Annotated[str, Column(lambda of: of.benchmark)]
    recipe: Annotated[str, Column(lambda of: of.recipe.id)]
    arm: Annotated[
        str, Column(lambda of: of.arm.name, "arm", "arm", lambda row: row.arm, left=True)
    ]
    baseline: Annotated[str, Column(lambda of: of.recipe.baseline)]
    against: Annotated[
        str | None,
        Column(
            lambda of: of.arm.against,
            "against",
            "the arm it is judged against",
            lambda row: row.against or "",
            lambda rows: any(row.against not in (None, row.baseline) for row in rows),
            left=True,
            spare=9,
        ),
    ]
    changes: Annotated[dict[str, Any], Column(lambda of: of.changes)]
    target: Annotated[dict[str, Any], Column(lambda of: of.target.model_dump())]
    budget: Annotated[int, Column(lambda of: of.budget)]
    seeds: Annotated[int, Column(lambda of: len(of.records))]
    reached: Annotated[
        int,
        Column(
            lambda of: of.reached,
            "reached",
            "runs that reached the target, of all (✗: how many diverged)",
            cells.reached,
        ),
    ]
    kept: Annotated[
        int,
        Column(
            lambda of: of.kept,
            "kept",
            "of those, runs that still met it at the end of the budget",
            lambda row: str(row.kept),
            lambda rows: any(row.kept < row.reached for row in rows),
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
            lambda row: cells.number(row.steps_to_target, 5),
        ),
    ]
    mean_steps: Annotated[float, Column(lambda of: mean(capped(of.times, of.budget)))]
    speedup: Annotated[
        float | None,
        Column(
            lambda of: of.speedup and of.speedup.ratio,
            "speedup",
            "mean steps of the other arm over its own, 95 % interval; ≥ ≤: runs of one of them "
            "were cut off, ≈: of both",
            cells.speedup,
        ),
    ]
    speedup_low: Annotated[float | None, Column(lambda of: of.speedup and of.speedup.low)]
    speedup_high: Annotated[float | None, Column(lambda of: of.speedup and of.speedup.high)]
    speedup_bound: Annotated[Bound | None, Column(lambda of: of.speedup and of.speedup.bound)]
    speedup_time: Annotated[float | None, Column(lambda of: of.speedup_time)]
    speedup_at_other_rate: Annotated[float | None, Column(lambda of: of.speedup_at_other_rate)]
    resolution: Annotated[float | None, Column(lambda of: of.resolution)]
    p_faster: Annotated[float | None, Column(lambda of: of.p_faster)]
    p_value: Annotated[float | None, Column(lambda of: of.p_value)]
    verdict: Annotated[
        Verdict | None,
        Column(
            lambda of: of.verdict,
            "verdict",
            "paired sign-flip test, Holm-corrected, at 0.05; –: evidence is missing",
            lambda row: "baseline" if row.against is None else row.verdict or "–",
            left=True,
        ),
    ]
    lacking: Annotated[str | None, Column(lambda of: of.lacking)]
    learning_rate: Annotated[
        float,
        Column(
            lambda of: of.records[0].learning_rate,
            "rate",
            "learning rate chosen with the tuning seeds; *: at the edge of the grid",
            lambda row: cells.number(row.learning_rate) + ("*" if row.lr_at_edge else ""),
            spare=8,
        ),
    ]
    runner_up: Annotated[
        RunnerUp | None,
        Column(
            _runner_up,
            "second",
            "the rate that came second, and its mean steps in tuning",
            cells.runner_up,
            lambda rows: any(row.runner_up for row in rows),
            spare=3,
        ),
    ]
    lr_at_edge: Annotated[bool | None, Column(lambda of: of.tuned.at_edge if of.tuned else None)]
    lr_band: Annotated[int | None, Column(lambda of: of.tuned.band if of.tuned else None)]
    first_layer_grad_norm: Annotated[
        float | None,
        Column(
            lambda of: of.gradients.at_start("kernel_grad_norm"),
            "gradient",
            "norm of the first layer's gradient: at the start → mean over a tenth of the budget",
            lambda row: cells.then(row.first_layer_grad_norm, row.first_layer_grad_norm_early),
        ),
    ]
    first_layer_grad_rms: Annotated[
        float | None, Column(lambda of: of.gradients.first_layer_grad_rms)
    ]
    first_layer_grad_norm_early: Annotated[
        float | None, Column(lambda of: of.gradients.early("kernel_grad_norm"))
    ]
    first_layer_update_ratio: Annotated[
        float | None, Column(lambda of: of.gradients.early("update_ratio"))
    ]
    delta_ratio: Annotated[
        float | None,
        Column(
            lambda of: of.gradients.delta_ratio,
            "δ ratio",
            "dL/dz of the first over the last hidden layer, of sequences dL/dx of the first over "
            "the last tenth of time: at the start → mean over a tenth of the budget",
            lambda row: cells.then(row.delta_ratio, row.delta_ratio_early),
        ),
    ]
    delta_ratio_early: Annotated[float | None, Column(lambda of: of.gradients.delta_ratio_early)]
    delta_decay: Annotated[
        float | None,
        Column(
            lambda of: of.gradients.decay and of.gradients.decay.measured,
            "decay",
            "by what ln δ falls a layer towards the input, at the start (what mean-field theory "
            "predicts; how many standard errors off)",
            cells.decay,
            lambda rows: any(row.delta_decay_theory is not None for row in rows),
            spare=1,
        ),
    ]
    delta_decay_theory: Annotated[
        float | None, Column(lambda of: of.gradients.decay and of.gradients.decay.predicted)
    ]
    delta_decay_z: Annotated[
        float | None, Column(lambda of: of.gradients.decay and of.gradients.decay.z)
    ]
    test_accuracy: Annotated[
        float | None,
        Column(
            lambda of: _mean(of.tests) if of.metric == "test_accuracy" else None,
            "test",
            "mean test accuracy (or loss) at the budget",
            lambda row: cells.number(
                row.test_loss if row.test_accuracy is None else row.test_accuracy
            ),
            spare=6,
        ),
    ] = None
    test_loss: Annotated[
        float | None, Column(lambda of: _mean(of.tests) if of.metric == "test_loss" else None)
    ] = None
    test_runs: Annotated[int, Column(lambda of: len(of.tests))]
    parameters: Annotated[
        int | None,
        Column(
            lambda of: next((r.parameters for r in of.records if r.parameters), None),
            "weights",
            "numbers that the model learns",
            lambda row: cells.number(row.parameters, 6),
            spare=5,
        ),
    ]
    seconds_per_run: Annotated[float | None, Column(lambda of: of.median(lambda run: run.seconds))]
    step_cost: Annotated[
        float | None,
        Column(
            lambda of: of.step_cost,
            "cost",
            "time of a step over the other arm's",
            lambda row: cells.number(row.step_cost, 2),
            spare=4,
        ),
    ]
    clipped: Annotated[
        float | None,
        Column(
            lambda of: of.median(lambda run: run.clipping.clipped if run.clipping else None),
            "clip",
            "share of the steps at which clipping changed a gradient, median of the runs",
            lambda row: cells.share(row.clipped),
            lambda rows: any(row.clipped is not None for row in rows),
        ),
    ]
    largest_norm: Annotated[
        float | None,
        Column(
            lambda of: of.median(lambda run: run.clipping.largest_norm if run.clipping else None),
            "norm",
            "largest norm of all gradients together, before clipping, median of the runs",
            lambda row: cells.number(row.largest_norm, 2),
            lambda rows: any(row.clipped is not None for row in rows),
            spare=2,
        ),
    ]
    dead: Annotated[
        float | None,
        Column(
            lambda of: of.gradients.dead("start"),
            "dead",
            "share of the hidden units that are 0 on the whole probe batch: at the start → at the "
            "budget",
            cells.dead,
            lambda rows: any(max(row.dead or 0, row.dead_after or 0) > DYING for row in rows),
            spare=7,
        ),
    ]
    dead_after: Annotated[float | None, Column(lambda of: of.gradients.dead("budget"))]
    zero_grads: Annotated[
        float | None,
        Column(
            lambda of: of.gradients.at_start("zero_grads"),
            "zeros",
            "share of exact zeros in the first layer's gradient, at the start",
            lambda row: cells.share(row.zero_grads),
            lambda rows: any("training.precision" in row.changes for row in rows),
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


def row(of: "Comparison") -> Row:
    """The row of a comparison: what a person gave as it is, all else to `DIGITS` digits."""
    values = {key: column.compute(of) for key, column in COLUMNS.items()}
    return Row(**{key: v if key in GIVEN else rounded(v, DIGITS) for key, v in values.items()})
