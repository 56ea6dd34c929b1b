"""What a row is computed from: the runs of an arm beside those of its baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from zoo.evidence.record import RunRecord, Series
from zoo.evidence.tuning import Tuned
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import Target
from zoo.results import statistics
from zoo.results.statistics import Speedup, Verdict


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

    @property
    def tested(self) -> float | None:
        """The mean of the test metric over the runs that came so far."""
        return _mean([getattr(record, self.metric) for record in self.records])

    @property
    def verdict(self) -> Verdict | None:
        """What the corrected p-value allows to say; None for the baseline itself."""
        if self.p_value is None:
            return None
        return statistics.verdict(self.base_times, self.times, self.budget, self.p_value)

    @property
    def step_cost(self) -> float | None:
        """The time of a step over the baseline's."""
        of_base = _median([record.seconds_per_step for record in self.base_records])
        return _ratio(self.median(lambda record: record.seconds_per_step), of_base)

    def median(self, value: Callable[[RunRecord], float | None]) -> float | None:
        """Of a value over the runs, without those that have none."""
        return _median([value(record) for record in self.records])

    # ------------------------------------------------------------ gradients

    def at_start(self, quantity: str) -> float | None:
        """A quantity of the first layer before the first step, the median over runs."""

        def first(record: RunRecord) -> float | None:
            rows = record.probe.quantity(quantity)
            return rows[0][0] if rows and record.probe.steps[0] == 0 else None

        return self.median(first)

    def early(self, quantity: str) -> float | None:
        """Its time average over the first tenth of the budget, the median over runs."""

        def average(record: RunRecord) -> float | None:
            rows = record.probe.quantity(quantity)
            if rows is None:
                return None
            values = [row[0] for row in rows]
            return statistics.early_average(record.probe.steps, values, round(self.budget / 10))

        return self.median(average)

    @property
    def delta_ratio(self) -> float | None:
        """The first over the last hidden layer at the start, the median over runs.

        Where gradients have steps of time: the first over the last tenth of those of dL/dx_t.
        """
        family = self.arm.spec.model

        def ratio(record: RunRecord) -> float | None:
            probe = record.probe
            if probe.steps[:1] != [0]:
                return None
            if family.gradient_by_time:
                by_time = probe.input_grad_rms[0] if probe.input_grad_rms else []
                tenth = max(1, len(by_time) // 10)
                return _ratio(_mean(by_time[:tenth]), _mean(by_time[-tenth:]))
            rows = probe.quantity("delta_rms") or [[]]
            deltas = dict(zip(probe.layers, rows[0], strict=False))
            hidden = [deltas.get(name) for name in family.hidden_layers(probe.layers)]
            known = [delta for delta in hidden if delta is not None]  # an embedding has none
            return _ratio(known[0], known[-1]) if len(known) > 1 else None

        return self.median(ratio)


def _median(values: Series) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(values: Series) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
