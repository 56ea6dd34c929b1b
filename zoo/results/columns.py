"""The columns of the leaderboard: an entry each, with its meaning, computation and print.

An entry is a field of `Row`: its name is the key in the JSON, its type that of the value, and its
`Column` says the rest. A column with a heading stands in the tables too, in the order given here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from zoo.evidence.record import rounded
from zoo.evidence.target import median_time
from zoo.recipe import Recipe
from zoo.recipe.values import Strict
from zoo.results.comparison import Comparison
from zoo.results.statistics import Bound, Verdict

DIGITS = 4  # of every number in a row that is measured
GIVEN = ("changes", "target", "learning_rate")  # by a person, not measured


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
            lambda of: of.verdict,
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
        float | None, Column(lambda of: of.at_start("kernel_grad_norm"))
    ]
    first_layer_grad_rms: Annotated[float | None, Column(lambda of: of.at_start("kernel_grad_rms"))]
    first_layer_grad_norm_early: Annotated[
        float | None, Column(lambda of: of.early("kernel_grad_norm"))
    ]
    first_layer_update_ratio: Annotated[float | None, Column(lambda of: of.early("update_ratio"))]
    delta_ratio: Annotated[
        float | None,
        Column(
            lambda of: of.delta_ratio,
            "δ ratio",
            "dL/dz of the first over the last hidden layer, at the start",
            lambda row: number(row.delta_ratio, 2),
        ),
    ]
    test_accuracy: Annotated[
        float | None,
        Column(
            lambda of: of.tested if of.metric == "test_accuracy" else None,
            "test",
            "mean test accuracy (or loss) at the budget",
            lambda row: number(row.test_loss if row.test_accuracy is None else row.test_accuracy),
            spare=3,
        ),
    ] = None
    test_loss: Annotated[
        float | None, Column(lambda of: of.tested if of.metric == "test_loss" else None)
    ] = None
    parameters: Annotated[
        int | None,
        Column(lambda of: next((r.parameters for r in of.records if r.parameters), None)),
    ]
    seconds_per_run: Annotated[float | None, Column(lambda of: of.median(lambda run: run.seconds))]
    step_cost: Annotated[
        float | None,
        Column(
            lambda of: of.step_cost,
            "cost",
            "time of a step over the baseline's",
            lambda row: number(row.step_cost, 2),
            spare=2,
        ),
    ]
    clipped: Annotated[
        float | None,
        Column(
            lambda of: of.median(lambda run: run.clipping.clipped if run.clipping else None),
            "clip",
            "share of the steps at which clipping changed a gradient, median of the runs",
            lambda row: _share(row.clipped),
            lambda recipe, rows: any(row.clipped is not None for row in rows),
        ),
    ]
    largest_norm: Annotated[
        float | None,
        Column(
            lambda of: of.median(lambda run: run.clipping.largest_norm if run.clipping else None),
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
            lambda of: of.at_start("zero_grads"),
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
    """The row of a comparison: what a person gave as it is, all else to `DIGITS` digits."""
    values = {key: column.compute(of) for key, column in COLUMNS.items()}
    return Row(**{key: v if key in GIVEN else rounded(v, DIGITS) for key, v in values.items()})
