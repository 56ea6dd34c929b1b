"""The arithmetic under every figure, against NumPy, and what its digest is of."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.evidence.record import rounded
from zoo.results.figures.numbers import (
    MOST_POINTS,
    SHARES,
    Line,
    Look,
    Plot,
    in_order,
    line,
    over_seeds,
    thinned,
)

FAR = 1e200  # stands for infinity where a twin has to compute with it

values = st.none() | st.floats(1e-12, 1e12)
rows = st.integers(1, 4).flatmap(
    lambda points: st.lists(
        st.lists(values, min_size=points, max_size=points), min_size=1, max_size=11
    )
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows, st.sampled_from([math.inf, -math.inf]))
def test_quantiles_over_seeds_are_those_of_numpy_where_runs_are_missing_too(runs, missing):
    worst = math.copysign(FAR, missing)
    full = np.array([[worst if value is None else value for value in run] for run in runs])
    expected = np.quantile(full, SHARES, axis=0)
    for series, wanted in zip(over_seeds(runs, missing).values(), expected, strict=True):
        for value, right in zip(series, wanted, strict=True):
            if abs(right) > math.sqrt(FAR):
                assert value is None
            else:
                assert value == pytest.approx(right, rel=1e-3)  # four digits of it


def test_a_median_stands_while_half_of_the_runs_do():
    three, two = [[1.0], [2.0], [None]], [[1.0], [None], [None]]
    assert over_seeds(three, math.inf)["middle"] == [2.0]
    assert over_seeds(two, math.inf) == {"low": [None], "middle": [None], "high": [None]}
    assert over_seeds([[2.0]], math.inf) == {"low": [2.0], "middle": [2.0], "high": [2.0]}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 20_000))
def test_long_curves_keep_points_evenly_far_apart_with_the_last(count):
    kept = thinned(count)
    assert len(kept) <= MOST_POINTS and kept[-1:] == [count - 1] * (count > 0)
    assert len({after - before for before, after in itertools.pairwise(kept)}) <= 1
    assert count > MOST_POINTS or kept == list(range(count))
    assert count < MOST_POINTS or len(kept) > MOST_POINTS / 2


def plot(**changes):
    look = Look(role="told apart", color="blue", dash="solid")
    lines = [Line(label="tanh", look=look, x=[1.0, 2.0], middle=[0.1234, None])]
    words = dict.fromkeys(("title", "subtitle", "caption", "x_label", "y_label"), "")
    return Plot(**{**words, "lines": lines, **changes})


def test_the_digest_is_of_every_number_and_word():
    [tanh] = plot().lines
    others = [
        plot(title="x"),
        plot(x_scale="log"),
        plot(target=0.9),
        plot(budget=3),
        plot(lines=[]),
        *(
            plot(lines=[tanh.model_copy(update=change)])
            for change in (
                {"middle": [0.1235, None]},
                {"middle": [0.1234, 0.0]},
                {"x": [1.0, 2.5]},
                {"low": [0.1]},
                {"high": [0.1]},
                {"predicted": [0.1]},
                {"label": "relu"},
                {"look": Look(role="faint")},
                {"look": Look(role="told apart", color="blue", dash="dotted")},
            )
        ),
    ]
    digests = {each.digest for each in [plot(), *others]}
    assert len(digests) == len(others) + 1 and plot().digest == plot().digest


def test_numbers_have_four_digits():
    assert over_seeds([[1.23456]], math.inf)["middle"] == [rounded(1.23456, 4)] == [1.235]


def test_a_faint_line_is_a_line_alone_and_lies_below_the_baseline():
    series = over_seeds([[1.0], [3.0]], math.inf)
    faint = line("relu", Look(role="faint"), [1], series, [2.0])
    assert (faint.middle, faint.low, faint.high, faint.predicted) == ([2.0], [], [], [])
    baseline = line("tanh", Look(role="baseline"), [1], series, [2.0])
    assert (baseline.low, baseline.high, baseline.predicted) == ([1.2], [2.8], [2.0])
    told = line("elu", Look(role="told apart", color="blue", dash="solid"), [1], series)
    assert [each.label for each in in_order([told, baseline, faint])] == ["relu", "tanh", "elu"]
