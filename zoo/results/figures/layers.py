"""Figures over the layers of a network, and over the steps of time of a recurrent one."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from zoo import theory
from zoo.evidence.digits import rounded
from zoo.evidence.record import ProbeRecord, RunRecord, Series
from zoo.recipe import Recipe
from zoo.results.eligibility import ArmEvidence
from zoo.results.figures.numbers import (
    DIGITS,
    Look,
    Plot,
    faint_ones,
    in_order,
    line,
    over_seeds,
    positive,
    thinned,
)

FEW = 4  # layers: so many have room for their names

# A row of a probe, by layer.
ByLayer = dict[str, float | None]


def gradients(
    recipe: Recipe, of_arms: Mapping[str, ArmEvidence], looks: Mapping[str, Look]
) -> Plot:
    """The rms of dL/dz of each hidden layer before the first step, beside mean-field theory's.

    Of a family whose gradients have steps of time: that of dL/dx_t. A line that falls to the left,
    towards the input, is a vanishing gradient, one that rises an exploding one. Theory predicts a
    profile; its line ends where the measured one does. A line has a gap where the median is 0 or
    not finite.
    """
    if recipe.spec.model.gradient_by_time:
        return _by_time(recipe, of_arms, looks)

    def at_start(record: RunRecord) -> ByLayer:
        rows = record.probe.quantity("delta_rms")
        known = rows if rows and record.probe.steps[:1] == [0] else [[]]
        return dict(zip(record.probe.layers, known[0], strict=False))

    return _by_layer(
        recipe,
        of_arms,
        looks,
        at_start,
        predicted=_predicted,
        title=f"{recipe.id}: gradient by layer at the start",
        y_label="rms of dL/dz before the first step",
        caption="median and middle 80 % of the seeds",
    )


def displacement(
    recipe: Recipe, of_arms: Mapping[str, ArmEvidence], looks: Mapping[str, Look]
) -> Plot:
    """How far each hidden layer's kernel has come from its start, over the norm it had there.

    After the budget; of a run that diverged, at its last probe before that. A layer that starves
    stays where it was.
    """
    budget = recipe.spec.training.steps

    def at_end(record: RunRecord) -> ByLayer:
        probe = record.probe
        rows = probe.quantity("displacement") or []
        measured = [
            row
            for step, row in zip(probe.steps, rows, strict=False)
            if 0 < step <= budget and any(value is not None for value in row)
        ]
        return dict(zip(probe.layers, measured[-1], strict=True)) if measured else {}

    return _by_layer(
        recipe,
        of_arms,
        looks,
        at_end,
        title=f"{recipe.id}: how far each layer has moved",
        y_label="norm of the change of W over that of its start, after the budget",
        caption="median and middle 80 % of the seeds; diverged runs: at their last probe",
    )


def _by_layer(
    recipe: Recipe,
    of_arms: Mapping[str, ArmEvidence],
    looks: Mapping[str, Look],
    row_of: Callable[[RunRecord], ByLayer],
    predicted: Callable[[ArmEvidence, Series], Series] | None = None,
    **words: Any,
) -> Plot:
    """A figure of one value a hidden layer; the last layers of all arms stand below each other."""
    layers: dict[str, list[str]] = {}
    series: dict[str, dict[str, Series]] = {}
    for name, of in of_arms.items():
        rows = [row for record in of.records.values() if (row := row_of(record))]
        hidden = of.arm.spec.model.hidden_layers(list(rows[0])) if rows else []
        measured = [layer for layer in hidden if any(row[layer] is not None for row in rows)]
        if measured:
            layers[name] = measured
            over = over_seeds([[row[layer] for layer in measured] for row in rows], math.inf)
            series[name] = {key: positive(values) for key, values in over.items()}
    deepest = max(map(len, layers.values()), default=0)
    first = next(iter(layers.values()), [])
    alike = all(each == first for each in layers.values())
    of_equal_depth = all(len(each) == deepest for each in layers.values())
    lines = []
    for name, of_line in series.items():
        said = predicted(of_arms[name], of_line["middle"]) if predicted else []
        x = range(deepest - len(layers[name]) + 1, deepest + 1)
        lines.append(line(name, looks[name], x, of_line, said))
    if any(each.predicted for each in lines):
        words["caption"] += "; thin dashes: mean-field theory"
    words["caption"] += faint_ones(lines)
    ends = "" if of_equal_depth else "; shallower arms stand at the right"
    return Plot(
        subtitle=recipe.title,
        x_label=f"hidden layer, from input to output{ends}",
        x_names=first if alike and deepest <= FEW else [],
        y_scale="log",
        lines=in_order(lines),
        **words,
    )


def _predicted(of: ArmEvidence, middle: Series) -> Series:
    """What mean-field theory says of the arm, from its last measured layer back; or nothing."""
    record = next(iter(of.records.values()))
    shape, input_rms = record.input_shape, record.probe.input_rms
    profile = theory.predicted_profile(of.arm.spec, shape, input_rms)
    if profile is None or len(profile) != len(middle) or middle[-1] is None:
        return []
    return positive([rounded(middle[-1] * float(value), DIGITS) for value in profile])


def _by_time(recipe: Recipe, of_arms: Mapping[str, ArmEvidence], looks: Mapping[str, Look]) -> Plot:
    lines = []
    for name, of in of_arms.items():
        rows = [_at_start(record.probe) for record in of.records.values()]
        known = [values for values in rows if values]
        if not known:
            continue
        over = over_seeds(known, missing=math.inf)
        kept = thinned(len(known[0]))
        series = {key: positive([values[at] for at in kept]) for key, values in over.items()}
        lines.append(line(name, looks[name], [at + 1 for at in kept], series))
    return Plot(
        title=f"{recipe.id}: gradient by step of time at the start",
        subtitle=recipe.title,
        caption=f"median and middle 80 % of the seeds{faint_ones(lines)}",
        x_label="step of time, from first to last",
        y_label="rms of dL/dx before the first training step",
        y_scale="log",
        lines=in_order(lines),
    )


def _at_start(probe: ProbeRecord) -> Series:
    return probe.input_grad_rms[0] if probe.input_grad_rms and probe.steps[:1] == [0] else []
