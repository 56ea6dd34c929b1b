"""Curves and waiting runs over the steps, against NumPy; the performance profile, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_up_evidence import BUDGET, EVERY, YAML, filling, made_up_run, written
from zoo.results import figures
from zoo.results.figures.numbers import SHARES
from zoo.results.figures.performance import FARTHEST, profile
from zoo.results.figures.runs import still_waiting

times = st.lists(st.none() | st.integers(1, BUDGET), min_size=1, max_size=12)
ratios = st.lists(st.none() | st.floats(1, 40), min_size=1, max_size=9)


def by_label(plot):
    return {line.label: line for line in plot.lines}


def curves(recipe, store):
    return figures.plots(recipe, store)[2]


def waiting(recipe, store):
    return figures.plots(recipe, store)[3]


# ---------------------------------------------------------------- curves


def test_a_diverged_run_counts_as_the_worst_and_a_median_ends_with_half_of_them(
    recipe, store, fill
):
    fill({"sigmoid": [20, 40, None], "tanh": [20, None], "relu": [50, 20, 60]})
    for name, seed in (("sigmoid", 2), ("tanh", 1)):
        arm = recipe.arms[name]
        store.write_record(arm, made_up_run(arm, seed, None, diverged_at=30))
    lines = by_label(curves(recipe, store))
    steps = np.arange(EVERY, BUDGET + 2 * EVERY + 1, EVERY)
    assert all(line.x == steps.tolist() for line in lines.values())

    relu = np.where(steps >= np.array([[50], [20], [60]]), 0.95, 0.1)
    expected = np.quantile(relu, SHARES, axis=0)
    of_relu = (lines["relu"].low, lines["relu"].middle, lines["relu"].high)
    for series, wanted in zip(of_relu, expected, strict=True):
        assert series == pytest.approx(wanted, rel=1e-3)

    # Of three runs the median is that of the two that go on, the lower one of them.
    ended = steps > 30
    slower = np.where(steps >= 40, 0.95, 0.1)
    of_sigmoid = lines["sigmoid"]
    assert np.array(of_sigmoid.middle)[ended] == pytest.approx(slower[ended])
    assert [value is None for value in of_sigmoid.low] == ended.tolist()
    # Of two runs one is half: the median would lie between a value and none.
    assert [value is None for value in lines["tanh"].middle] == ended.tolist()


def test_a_loss_has_a_logarithmic_axis_and_its_worst_is_the_largest(tmp_path, store):
    text = YAML.replace("metric: val_accuracy, mode: max", "metric: val_loss, mode: min")
    recipe = written(tmp_path, text.replace("value: 0.9}", "value: 0.05}"))
    filling(recipe, store)({"sigmoid": [None, None, None]})
    arm = recipe.arms["sigmoid"]
    store.write_record(arm, made_up_run(arm, 0, None, diverged_at=30))
    plot = curves(recipe, store)
    assert (plot.y_scale, plot.y_label, plot.target) == ("log", "validation loss", 0.05)
    assert plot.lines[0].low[-1] == 0.1 and plot.lines[0].high[-1] is None
    for seed in range(3):
        run = made_up_run(arm, seed, None)
        losses = [0.0, *run.evaluation.val_loss[1:]]
        curve = run.evaluation.model_copy(update={"val_loss": losses})
        store.write_record(arm, run.model_copy(update={"evaluation": curve}))
    assert curves(recipe, store).lines[0].middle[:2] == [None, 0.1]  # 0 has no logarithm


def test_an_arm_whose_runs_have_no_value_has_no_curve_but_still_waits(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [None]})
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 0, None, diverged_at=1))  # before any evaluation
    assert list(by_label(curves(recipe, store))) == ["sigmoid"]
    assert by_label(waiting(recipe, store))["tanh"].middle == [1.0, 1.0]


# ---------------------------------------------------------------- waiting


@settings(max_examples=200, deadline=None, derandomize=True)
@given(times)
def test_the_share_that_waits_falls_from_1_to_the_share_that_is_censored(of_runs):
    x, share = still_waiting(of_runs, BUDGET)
    assert (x[0], share[0], x[-1]) == (0, 1.0, BUDGET)
    assert x == sorted(set(x)) and share == sorted(share, reverse=True)
    assert share[-1] == pytest.approx(of_runs.count(None) / len(of_runs), rel=1e-3)
    late = np.array([np.inf if time is None else time for time in of_runs])
    for step in range(BUDGET + 1):
        at = max(place for place in range(len(x)) if x[place] <= step)
        assert share[at] == pytest.approx(np.mean(late > step), rel=1e-3)


def test_waiting_runs_by_hand(recipe, store, fill):
    fill({"sigmoid": [None] * 2, "tanh": [20, 50], "relu": [100, None]})
    lines = by_label(waiting(recipe, store))
    assert (lines["sigmoid"].x, lines["sigmoid"].middle) == ([0, 100], [1, 1])
    assert (lines["tanh"].x, lines["tanh"].middle) == ([0, 20, 50, 100], [1, 0.5, 0, 0])
    assert (lines["relu"].x, lines["relu"].middle) == ([0, 100], [1, 0.5])
    assert waiting(recipe, store).steps and waiting(recipe, store).budget == BUDGET


# ---------------------------------------------------------------- profile


def test_a_profile_by_hand():
    lines = by_label(profile({"gating": [1.0, 2.0, None, 4.0], "residual": [20.0], "none": []}))
    assert list(lines) == ["gating", "residual"]
    assert lines["gating"].x == [1, 2, 4, FARTHEST]
    assert lines["gating"].middle == [0.25, 0.5, 0.75, 0.75]
    assert (lines["residual"].x, lines["residual"].middle) == ([1, FARTHEST], [0, 0])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from("abcdefghijkl"), ratios, min_size=1))
def test_a_profile_is_the_share_within_x_and_those_that_solve_most_are_told_apart(of_kinds):
    lines = by_label(profile(of_kinds))
    assert lines.keys() == of_kinds.keys()
    for label, line in lines.items():
        far = np.array([np.inf if ratio is None else ratio for ratio in of_kinds[label]])
        assert (line.x[0], line.x[-1]) == (1, FARTHEST)
        assert line.middle[0] == pytest.approx(np.mean(far <= 1), abs=1e-3)
        assert line.middle[-1] == pytest.approx(np.mean(far <= FARTHEST), abs=1e-3)
        assert line.middle == sorted(line.middle)
    told = [label for label, line in lines.items() if line.look.role == "told apart"]
    faint = lines.keys() - set(told)
    assert len(told) == min(8, len(lines))
    assert all(lines[one].middle[-1] >= lines[two].middle[-1] for one in told for two in faint)
