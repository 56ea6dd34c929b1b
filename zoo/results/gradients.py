"""What the probes of an arm's runs saw: gradients at the start and early, deltas, dead units."""

import functools
import math
import statistics as standard
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.evidence.record import RunRecord, Series
from zoo.recipe.schema import ArmSpec
from zoo.results import statistics
from zoo.results.decay import Decay, decay


@dataclass(frozen=True)
class Gradients:
    """Of the runs of an arm, by median or mean over them; None where no run has what is asked for.

    Attributes:
        arm: its settings.
        records: its runs.
    """

    arm: ArmSpec
    records: Sequence[RunRecord]

    def at_start(self, quantity: str) -> float | None:
        """A quantity of the first layer before the first step, the median over runs."""

        def first(record: RunRecord) -> float | None:
            rows = record.probe.quantity(quantity)
            return rows[0][0] if rows and record.probe.steps[0] == 0 else None

        return self._median(first)

    @property
    def first_layer_grad_rms(self) -> float | None:
        """The first layer's gradient norm over the root of its kernel's entries, at the start."""
        sizes = next((run.probe.kernel_sizes for run in self.records if run.probe.layers), [])
        return ratio(self.at_start("kernel_grad_norm"), math.sqrt(sizes[0]) if sizes else None)

    def early(self, quantity: str) -> float | None:
        """Its time average over the first tenth of the budget, the median over runs."""

        def average(record: RunRecord) -> float | None:
            rows = record.probe.quantity(quantity)
            if rows is None:
                return None
            values = [row[0] for row in rows]
            return statistics.early_average(
                record.probe.steps, values, round(self.arm.training.steps / 10)
            )

        return self._median(average)

    def dead(self, at: Literal["start", "budget"]) -> float | None:
        """The share of dead units, the mean over hidden layers that rectify, and over the runs.

        Args:
            at: before the first step, or after the budget's last; a run that diverged has none.
        """
        family, step = self.arm.model, 0 if at == "start" else self.arm.training.steps

        def share(record: RunRecord) -> float | None:
            rows = record.probe.quantity("dead")
            if rows is None or step not in record.probe.steps:
                return None
            of_layers = rows[record.probe.steps.index(step)]
            known = dict(zip(record.probe.layers, of_layers, strict=True))
            return mean([known[name] for name in family.hidden_layers(record.probe.layers)])

        return mean([share(record) for record in self.records])

    @property
    def delta_ratio(self) -> float | None:
        """The first over the last hidden layer at the start, the median over runs.

        Where gradients have steps of time: the first over the last tenth of those of dL/dx_t.
        """

        def first(record: RunRecord) -> float | None:
            ratios = self._delta_ratios(record, until=0)
            return ratios[0] if ratios and record.probe.steps[0] == 0 else None

        return self._median(first)

    @property
    def delta_ratio_early(self) -> float | None:
        """Its time average over the first tenth of the budget, the median over runs."""
        end = round(self.arm.training.steps / 10)

        def average(record: RunRecord) -> float | None:
            ratios = self._delta_ratios(record, until=end)
            return statistics.early_average(record.probe.steps[: len(ratios)], ratios, end)

        return self._median(average)

    def _delta_ratios(self, record: RunRecord, until: int) -> Series:
        """At the probes up to a step."""
        probe = record.probe
        rows = range(sum(step <= until for step in probe.steps))
        if self.arm.model.gradient_by_time:
            times = probe.input_grad_rms or [[]] * len(rows)
            tenth = max(1, len(times[0]) // 10) if times else 1
            return [ratio(mean(times[row][:tenth]), mean(times[row][-tenth:])) for row in rows]
        deltas = self._hidden_deltas(record, rows)
        return [ratio(of[0], of[-1]) if len(of) > 1 else None for of in deltas]

    def _hidden_deltas(self, record: RunRecord, rows: Iterable[int]) -> list[list[float]]:
        """The rms of dL/dz of the hidden layers that have a z, at some probes."""
        deltas = record.probe.quantity("delta_rms")
        if deltas is None:
            return [[] for _ in rows]
        layers = record.probe.layers
        places = [layers.index(name) for name in self._hidden_layers(record)]
        return [[d for place in places if (d := deltas[row][place]) is not None] for row in rows]

    def _hidden_layers(self, record: RunRecord) -> list[str]:
        return self.arm.model.hidden_layers(record.probe.layers)

    @functools.cached_property
    def decay(self) -> Decay | None:
        """How the deltas at the start fall from layer to layer, beside what theory says of it."""
        starts = [run for run in self.records if run.probe.steps[:1] == [0]]
        if self.arm.model.gradient_by_time or not starts:
            return None
        depth = len(self._hidden_layers(starts[0]))
        deltas = [self._hidden_deltas(run, [0])[0] for run in starts]
        if depth < 2 or any(len(of) < depth or not all(of) for of in deltas):
            return None
        first = starts[0]
        return decay(self.arm, first.input_shape, first.probe.input_rms, deltas)

    def _median(self, value: Callable[[RunRecord], float | None]) -> float | None:
        return median([value(record) for record in self.records])


def median(values: Series) -> float | None:
    """Of those that are numbers; None if none is."""
    known = [value for value in values if value is not None]
    return standard.median(known) if known else None


def mean(values: Series) -> float | None:
    """Of those that are numbers; None if none is."""
    known = [value for value in values if value is not None]
    return standard.mean(known) if known else None


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    """None if one is None, or the denominator 0."""
    return numerator / denominator if numerator is not None and denominator else None
