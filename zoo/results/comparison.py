"""What a row is computed from: the runs of an arm beside those of the one it is judged against."""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Literal

from zoo.evidence.record import RunRecord, Series, TuningRun, at_budget
from zoo.evidence.target import capped, met, ranked
from zoo.evidence.tuning import Tuned, first_runs
from zoo.recipe import Arm, Recipe
from zoo.recipe.pairs import differences
from zoo.recipe.schema import BENCHMARK, Target
from zoo.recipe.values import written
from zoo.results import statistics
from zoo.results.decay import Decay, decay
from zoo.results.statistics import Speedup, Verdict


@dataclass(frozen=True)
class Comparison:
    """What a row is computed from: an arm and the one it is judged against, over shared seeds.

    Attributes:
        recipe: with the arm.
        arm: the one that the row is of.
        records: its runs, in the order of the seeds.
        other_records: those of the arm it is judged against; of the baseline, which is judged
            against none, its own; empty if there is none.
        target: that the runs are scored against.
        times: steps-to-target of the runs; None for a censored one.
        other_times: the same of the other's.
        p_value: that the two do not differ, corrected; None where there is no verdict.
        lacking: why there is none, if evidence is missing.
        tuned: what the search says of the grid; None where there was none for this target.
        searches: the runs of the other's search for a rate, and of the arm's own.
        prices: the seconds of a step of the other and of its own, measured in turn.
    """

    recipe: Recipe
    arm: Arm
    records: Sequence[RunRecord]
    other_records: Sequence[RunRecord]
    target: Target
    times: Sequence[int | None]
    other_times: Sequence[int | None]
    p_value: float | None
    lacking: str | None
    tuned: Tuned | None
    searches: tuple[Sequence[TuningRun], Sequence[TuningRun]] = ((), ())
    prices: tuple[float | None, float | None] = (None, None)

    @property
    def benchmark(self) -> str:
        """The version of the benchmark."""
        return BENCHMARK

    @property
    def budget(self) -> int:
        """B."""
        return self.recipe.spec.training.steps

    @property
    def changes(self) -> dict[str, Any]:
        """What the arm has where it differs from the one it is judged against, by dotted key."""
        if self.arm.against is None:
            return {}
        spec, other = self.arm.spec, self.recipe.arms[self.arm.against].spec
        keys = [key.split(".") for key in differences(spec, other)]
        return {
            f"{section}.{name}": written(getattr(getattr(spec, section), name))
            for section, name in keys
        }

    @property
    def metric(self) -> str:
        """The test metric of the task: `test_loss` where no run has an accuracy."""
        accuracies = [record.test_accuracy is not None for record in self.records]
        losses = [record.test_loss is not None for record in self.records]
        return "test_loss" if any(losses) and not any(accuracies) else "test_accuracy"

    @property
    def tests(self) -> list[float]:
        """The test metric of the runs that came so far."""
        values = [getattr(record, self.metric) for record in self.records]
        return [value for value in values if value is not None]

    # ------------------------------------------------------------ times

    @property
    def reached(self) -> int:
        """How many runs reached the target."""
        return sum(time is not None for time in self.times)

    @property
    def kept(self) -> int:
        """How many of those still met it at the last evaluation in the budget."""
        return self._kept(self.records, self.times)

    def _kept(self, records: Sequence[RunRecord], times: Sequence[int | None]) -> int:
        last = [at_budget(record, self.target.metric, self.budget) for record in records]
        return sum(
            time is not None and met(value, self.target)
            for time, value in zip(times, last, strict=True)
        )

    @property
    def ranks(self) -> tuple[list[int], list[int]]:
        """The times of the other's runs and of the arm's, as a paired test takes them."""
        every = self.recipe.spec.training.evaluate_every
        return ranked(self.other_times, self.budget, every), ranked(self.times, self.budget, every)

    @property
    def gains(self) -> list[int]:
        """How many steps fewer the arm took than the other, pair by pair, as they are ranked."""
        other, arm = self.ranks
        return [theirs - own for theirs, own in zip(other, arm, strict=True)]

    @functools.cached_property
    def speedup(self) -> Speedup | None:
        """Of the arm over the other; None if that has no run."""
        if not self.other_times:
            return None
        return statistics.speedup(self.other_times, self.times, self.budget)

    @property
    def speedup_time(self) -> float | None:
        """The speedup in time rather than in steps."""
        return _ratio(None if self.speedup is None else self.speedup.ratio, self.step_cost)

    @property
    def p_faster(self) -> float | None:
        """The share of pairs that the arm won; None for the baseline."""
        if self.arm.against is None or not self.other_times:
            return None
        return statistics.share_won(*self.ranks)

    @property
    def verdict(self) -> Verdict | None:
        """What the corrected p-value allows to say; None where evidence is missing."""
        if self.p_value is None:
            return None
        return statistics.verdict(
            *self.ranks,
            self.p_value,
            learns=any(time is not None for time in [*self.times, *self.other_times]),
            keeps=2 * self.kept >= self.reached,
            other_keeps=2 * self._kept(self.other_records, self.other_times)
            >= sum(time is not None for time in self.other_times),
        )

    @property
    def resolution(self) -> float | None:
        """The smallest speedup that runs which scatter as these could call better."""
        if self.arm.against is None or not self.other_times:
            return None
        from zoo.results.resolution import resolution

        return resolution(self.other_times, self.times, self.recipe.comparisons)

    @property
    def speedup_at_other_rate(self) -> float | None:
        """Over the other, both at its learning rate, from the first stage of the searches.

        What is left of the speedup there is not the learning rate that the arm permits. None for
        the baseline, or where one of the two did not run at that rate.
        """
        if self.arm.against is None or not self.other_records or self.tuned is None:
            return None
        rate, training = self.other_records[0].learning_rate, self.recipe.spec.training
        seeds = {seed for _, seed in first_runs(training)}
        means = []
        for search in self.searches:
            at_rate = {run.seed: run for run in search if run.learning_rate == rate}
            if not seeds or not seeds <= at_rate.keys():
                return None
            times = [at_rate[seed].steps_to_target for seed in sorted(seeds)]
            if all(time is None for time in times):
                return None
            means.append(mean(capped(times, self.budget)))
        return _ratio(*means)

    @property
    def step_cost(self) -> float | None:
        """The time of a step over the other's, each at its quickest; None of unlike machines.

        As it was measured in turn, or else while the runs were trained, beside other runs.
        """
        if None not in self.prices:
            return _ratio(self.prices[1], self.prices[0])
        kinds = {
            tuple(str(record.environment.get(key)) for key in ("platform", "cpu", "cores"))
            for record in [*self.records, *self.other_records]
        }
        if len(kinds) > 1:
            return None
        return _ratio(_quickest(self.records), _quickest(self.other_records))

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

    @property
    def first_layer_grad_rms(self) -> float | None:
        """The first layer's gradient norm over the root of its kernel's entries, at the start."""
        sizes = next((run.probe.kernel_sizes for run in self.records if run.probe.layers), [])
        return _ratio(self.at_start("kernel_grad_norm"), math.sqrt(sizes[0]) if sizes else None)

    def early(self, quantity: str) -> float | None:
        """Its time average over the first tenth of the budget, the median over runs."""

        def average(record: RunRecord) -> float | None:
            rows = record.probe.quantity(quantity)
            if rows is None:
                return None
            values = [row[0] for row in rows]
            return statistics.early_average(record.probe.steps, values, round(self.budget / 10))

        return self.median(average)

    def dead(self, at: Literal["start", "budget"]) -> float | None:
        """The share of dead units, the mean over hidden layers that rectify, and over the runs.

        Args:
            at: before the first step, or after the budget's last; a run that diverged has none.
        """
        family, step = self.arm.spec.model, 0 if at == "start" else self.budget

        def share(record: RunRecord) -> float | None:
            rows = record.probe.quantity("dead")
            if rows is None or step not in record.probe.steps:
                return None
            of_layers = rows[record.probe.steps.index(step)]
            known = dict(zip(record.probe.layers, of_layers, strict=True))
            return _mean([known[name] for name in family.hidden_layers(record.probe.layers)])

        return _mean([share(record) for record in self.records])

    @property
    def delta_ratio(self) -> float | None:
        """The first over the last hidden layer at the start, the median over runs.

        Where gradients have steps of time: the first over the last tenth of those of dL/dx_t.
        """

        def first(record: RunRecord) -> float | None:
            ratios = self._delta_ratios(record, until=0)
            return ratios[0] if ratios and record.probe.steps[0] == 0 else None

        return self.median(first)

    @property
    def delta_ratio_early(self) -> float | None:
        """Its time average over the first tenth of the budget, the median over runs."""
        end = round(self.budget / 10)

        def average(record: RunRecord) -> float | None:
            ratios = self._delta_ratios(record, until=end)
            return statistics.early_average(record.probe.steps[: len(ratios)], ratios, end)

        return self.median(average)

    def _delta_ratios(self, record: RunRecord, until: int) -> Series:
        """At the probes up to a step."""
        probe = record.probe
        rows = range(sum(step <= until for step in probe.steps))
        if self.arm.spec.model.gradient_by_time:
            times = probe.input_grad_rms or [[]] * len(rows)
            tenth = max(1, len(times[0]) // 10) if times else 1
            return [_ratio(_mean(times[row][:tenth]), _mean(times[row][-tenth:])) for row in rows]
        deltas = self._hidden_deltas(record, rows)
        return [_ratio(of[0], of[-1]) if len(of) > 1 else None for of in deltas]

    def _hidden_deltas(self, record: RunRecord, rows: Iterable[int]) -> list[list[float]]:
        """The rms of dL/dz of the hidden layers that have a z, at some probes."""
        deltas = record.probe.quantity("delta_rms")
        if deltas is None:
            return [[] for _ in rows]
        layers = record.probe.layers
        places = [layers.index(name) for name in self._hidden_layers(record)]
        return [[d for place in places if (d := deltas[row][place]) is not None] for row in rows]

    def _hidden_layers(self, record: RunRecord) -> list[str]:
        return self.arm.spec.model.hidden_layers(record.probe.layers)

    @functools.cached_property
    def decay(self) -> Decay | None:
        """How the deltas at the start fall from layer to layer, beside what theory says of it."""
        starts = [run for run in self.records if run.probe.steps[:1] == [0]]
        if self.arm.spec.model.gradient_by_time or not starts:
            return None
        depth = len(self._hidden_layers(starts[0]))
        deltas = [self._hidden_deltas(run, [0])[0] for run in starts]
        if depth < 2 or any(len(of) < depth or not all(of) for of in deltas):
            return None
        first = starts[0]
        return decay(self.arm.spec, first.input_shape, first.probe.input_rms, deltas)


def _quickest(records: Sequence[RunRecord]) -> float | None:
    known = [record.seconds_per_step for record in records if record.seconds_per_step is not None]
    return min(known, default=None)


def _median(values: Series) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(values: Series) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
