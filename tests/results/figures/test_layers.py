"""Gradients and displacement by layer and by time, against NumPy on made-up evidence."""

import numpy as np
import pytest

from tests.made_up_evidence import BUDGET, YAML, filling, made_up_run, written
from zoo import theory
from zoo.results import figures
from zoo.results.figures.numbers import SHARES

WIDE = YAML.replace("depth: 2, width: 4", "depth: 2, width: 64")
RNN = YAML
for old, new in {
    "name: digits": "name: digits_rows",
    "family: mlp, depth: 2, width: 4, activation: sigmoid": "family: rnn, width: 4, cell: LSTM",
    "model.activation: tanh": "model.cell: GRU",
    "model.activation: relu": "model.cell: SimpleRNN",
}.items():
    RNN = RNN.replace(old, new)


def probed(arm, seed, **changes):
    """A run whose probe measured something else."""
    record = made_up_run(arm, seed, 20)
    return record.model_copy(update={"probe": record.probe.model_copy(update=changes)})


def by_label(plot):
    return {line.label: line for line in plot.lines}


def gradients(recipe, store):
    return figures.plots(recipe, store)[0]


def displacement(recipe, store):
    return figures.plots(recipe, store)[1]


def quantiles(rows):
    return np.quantile(np.array(rows), SHARES, axis=0)


def rows_at_each_step(*rows):
    """A quantity of two hidden layers and the output, at the steps of made-up runs."""
    return [[*row, 9.0] for row in rows]


def test_gradients_are_the_median_and_the_middle_of_the_seeds_with_the_profile_of_theory(
    tmp_path, store
):
    recipe = written(tmp_path, WIDE)
    deltas = [0.5, 1.0, 4.0, 0.25]
    filling(recipe, store)({"sigmoid": [None] * 4})
    for seed, delta in enumerate(deltas):
        arm = recipe.arms["sigmoid"]
        store.write_record(arm, made_up_run(arm, seed, None, first_delta=delta))
    plot = gradients(recipe, store)
    [line] = plot.lines
    expected = quantiles([[delta, 0.75] for delta in deltas])  # the output is no hidden layer
    assert line.x == [1, 2] and plot.y_scale == "log"
    for series, wanted in zip((line.low, line.middle, line.high), expected, strict=True):
        assert series == pytest.approx(wanted, rel=1e-3)
    profile = theory.predicted_profile(recipe.spec, [8, 8, 1])
    assert line.predicted == pytest.approx(0.75 * profile, rel=1e-3)
    assert line.predicted[-1] == line.middle[-1] and "theory" in plot.caption


def test_a_net_too_narrow_for_theory_has_no_dashes(recipe, store, fill):
    fill({"sigmoid": [None]})
    assert gradients(recipe, store).lines[0].predicted == []
    assert "theory" not in gradients(recipe, store).caption


def test_what_is_0_or_not_finite_is_a_gap_and_what_has_no_gradient_is_no_layer(recipe, store, fill):
    fill({"sigmoid": [None]})
    arm = recipe.arms["sigmoid"]
    for seed, first in enumerate([0.0, 0.0, 2.0]):
        store.write_record(arm, probed(arm, seed, delta_rms=[[first, 0.5, 1.0]] * 7))
    line = gradients(recipe, store).lines[0]
    assert line.middle == [None, 0.5] and line.low == [None, 0.5]
    assert line.high[0] == pytest.approx(np.quantile([0, 0, 2], 0.9), rel=1e-3)
    for seed, first in enumerate([None, None, 2.0]):
        store.write_record(arm, probed(arm, seed, delta_rms=[[first, 0.5, 1.0]] * 7))
    assert gradients(recipe, store).lines[0].middle == [None, 0.5]
    for seed in range(3):
        store.write_record(arm, probed(arm, seed, delta_rms=[[None, 0.5, 1.0]] * 7))
    assert gradients(recipe, store).lines[0].middle == [0.5]


def test_arms_of_unlike_depth_end_together_at_the_output(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    layers = ["dense_1", "dense_2", "dense_3", "dense_4", "output"]
    deeper = {
        **dict.fromkeys(made_up_run(recipe.arms["tanh"], 0, 20).probe.quantities, [[1.0] * 5] * 7),
        **{"layers": layers, "kernel_sizes": [16] * 5},
    }
    store.write_record(recipe.arms["tanh"], probed(recipe.arms["tanh"], 0, **deeper))
    for plot in (gradients(recipe, store), displacement(recipe, store)):
        lines = by_label(plot)
        assert lines["tanh"].x == [1, 2, 3, 4] and lines["sigmoid"].x == [3, 4]
        assert "shallower" in plot.x_label and plot.x_names == []


def test_few_layers_of_the_same_names_have_their_names(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    assert gradients(recipe, store).x_names == ["dense_1", "dense_2"]
    assert "shallower" not in gradients(recipe, store).x_label


def test_gradients_by_time_are_of_recurrent_networks(tmp_path, store):
    recipe = written(tmp_path, RNN)
    filling(recipe, store)({"sigmoid": [None], "tanh": [20]})
    draw = np.random.default_rng(0)
    by_time = draw.lognormal(sigma=3, size=(3, 40)).tolist()
    by_time[2][7] = 0.0
    arm = recipe.arms["sigmoid"]
    for seed, row in enumerate(by_time):
        store.write_record(arm, probed(arm, seed, input_grad_rms=[row] * 7))
    plot = gradients(recipe, store)
    [line] = plot.lines  # the other arm measured none
    assert line.x == list(range(1, 41)) and "time" in plot.x_label
    low, middle, high = quantiles(by_time)
    assert line.middle == pytest.approx(middle, rel=1e-3)
    assert line.high == pytest.approx(high, rel=1e-3)
    assert line.low == pytest.approx(low, rel=1e-3)


def test_displacement_is_that_at_the_budget_or_before_a_run_diverged(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    arm = recipe.arms["tanh"]
    to_the_end = rows_at_each_step(*([step / 10, step / 100] for step in range(7)))
    diverged = [*to_the_end[:4], *([[None] * 3] * 3)]
    later = [*to_the_end[:6], [7.0, 7.0, 9.0]]
    steps = [0, 1, 2, 4, 8, BUDGET, BUDGET + 10]
    alike = {"steps": steps}
    store.write_record(arm, probed(arm, 0, displacement=later, **alike))  # the last is too late
    store.write_record(arm, probed(arm, 1, displacement=diverged, **alike))
    store.write_record(arm, probed(arm, 2, displacement=later, **alike))
    line = by_label(displacement(recipe, store))["tanh"]
    expected = quantiles([[0.5, 0.05], [0.3, 0.03], [0.5, 0.05]])
    for series, wanted in zip((line.low, line.middle, line.high), expected, strict=True):
        assert series == pytest.approx(wanted, rel=1e-3)


def test_runs_without_a_probe_have_no_line(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    arm = recipe.arms["tanh"]
    empty = made_up_run(arm, 0, 20).probe.__class__.model_validate({})
    store.write_record(arm, made_up_run(arm, 0, 20).model_copy(update={"probe": empty}))
    assert list(by_label(gradients(recipe, store))) == ["sigmoid"]
    assert list(by_label(displacement(recipe, store))) == ["sigmoid"]
