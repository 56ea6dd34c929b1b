"""What a row is computed from: the runs of an arm beside those of the one it is judged against."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from zoo.evidence.record import RunRecord, TuningRun, at_budget
from zoo.evidence.target import capped, met, ranked
from zoo.evidence.tuning import Tuned, first_runs
from zoo.recipe import Arm, Recipe
from zoo.recipe.pairs import differences
from zoo.recipe.schema import BENCHMARK, Target
from zoo.recipe.values import written
from zoo.results import statistics
from zoo.results.gradients import Gradients, median, ratio
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
        return ratio(None if self.speedup is None else self.speedup.ratio, self.step_cost)

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
        return ratio(*means)

    @property
    def step_cost(self) -> float | None:
        """The time of a step over the other's, each at its quickest; None of unlike machines.

        As it was measured in turn, or else while the runs were trained, beside other runs.
        """
        if None not in self.prices:
            return ratio(self.prices[1], self.prices[0])
        kinds = {
            tuple(str(record.environment.get(key)) for key in ("platform", "cpu", "cores"))
            for record in [*self.records, *self.other_records]
        }
        if len(kinds) > 1:
            return None
        return ratio(_quickest(self.records), _quickest(self.other_records))

    @functools.cached_property
    def gradients(self) -> Gradients:
        """What the probes of the runs saw."""
        return Gradients(self.arm.spec, self.records)

    def median(self, value: Callable[[RunRecord], float | None]) -> float | None:
        """Of a value over the runs, without those that have none."""
        return median([value(record) for record in self.records])


def _quickest(records: Sequence[RunRecord]) -> float | None:
    known = [record.seconds_per_step for record in records if record.seconds_per_step is not None]
    return min(known, default=None)
