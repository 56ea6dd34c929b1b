"""Steps-to-target on made-up curves with known answers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.evidence.record import rounded
from zoo.evidence.target import DIGITS, median_time, met, ranked, steps_to_target
from zoo.recipe.schema import Target

ACCURACY = Target(metric="val_accuracy", mode="max", value=0.9)
LOSS = Target(metric="val_loss", mode="min", value=0.1)
GRID = [10, 20, 30, 40, 50, 60]  # a budget of 40 and the two evaluations past it
BUDGET = 40

times = st.one_of(st.none(), st.integers(1, BUDGET))


# ---------------------------------------------------------------- steps to target


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.9, 0.9, 0.9, 0.1, 0.1], 20),  # exactly the target is enough
        ([0.1, 0.95, 0.8, 0.95, 0.95, 0.95], 40),  # a spike is not learning
        ([0.1, 0.1, 0.1, 0.95, 0.95, 0.95], 40),  # a late hit, confirmed past the budget
        ([0.1, 0.1, 0.1, 0.1, 0.95, 0.95], None),  # past the budget is too late
        ([0.1, 0.1, 0.1, 0.95, 0.95, 0.1], None),  # not confirmed twice
        ([0.95] * 6, 10),
        ([0.1] * 6, None),
        ([None, 0.95, 0.95, 0.95, 0.95, 0.95], 20),
        ([math.nan, 0.95, math.nan, 0.95, 0.95, 0.95], 40),
    ],
)
def test_steps_to_target(values, expected):
    assert steps_to_target(GRID, values, ACCURACY, BUDGET) == expected


def test_divergence_after_reaching_leaves_the_run_reached():
    assert steps_to_target(GRID[:4], [0.95, 0.95, 0.95, 0.2], ACCURACY, BUDGET) == 10


def test_divergence_before_the_target_is_confirmed_censors():
    assert steps_to_target(GRID[:2], [0.95, 0.95], ACCURACY, BUDGET) is None
    assert steps_to_target([], [], ACCURACY, BUDGET) is None


def test_a_loss_target_is_met_from_above():
    assert steps_to_target(GRID, [1, 0.1, 0.1, 0.05, 1, 1], LOSS, BUDGET) == 20


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.integers(1, 60))
def test_steps_to_target_does_what_its_definition_says(values, budget):
    hits = [
        step
        for index, step in enumerate(GRID)
        if step <= budget and len(values[index : index + 3]) == 3
        if min(values[index : index + 3]) >= ACCURACY.value
    ]
    assert steps_to_target(GRID, values, ACCURACY, budget) == (min(hits) if hits else None)


@given(st.lists(st.none() | st.floats(0, 1), max_size=6), st.integers(1, 60))
def test_no_value_that_is_missing_counts_as_met(values, budget):
    """A metric that the data lacks has no values at all, a record cut short too few."""
    time = steps_to_target(GRID, values, ACCURACY, budget)
    if time is not None:
        three = values[GRID.index(time) :][:3]
        assert len(three) == 3 and all(value is not None and value >= 0.9 for value in three)


def test_an_undefined_or_infinite_metric_does_not_meet_a_target():
    assert not any(met(value, LOSS) for value in (None, math.nan, -math.inf))


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_a_share_that_is_the_target_meets_it_though_a_record_rounds(share):
    """340 of 360 is recorded as 0.944444, and the target is 0.94444444."""
    right, of = share
    target = Target(metric="val_accuracy", mode="max", value=right / of)
    assert met(rounded(right / of, DIGITS), target)
    assert right == 1 or not met(rounded((right - 1) / of, DIGITS), target)
    below = Target(metric="val_loss", mode="min", value=right / of)
    assert met(rounded(right / of, DIGITS), below)
    assert not met(rounded((right + 1) / of, DIGITS), below)


def test_a_censored_run_ranks_after_one_that_took_all_of_the_budget():
    assert ranked([None, BUDGET, 10], BUDGET, 10) == [50, BUDGET, 10]
    assert ranked([None], 45, 10) == [50]  # the next evaluation


# ---------------------------------------------------------------- medians


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([10, 30, 20], 20),
        ([10, 20, 30, 40], 20),
        ([10, 20, None, None], 20),  # half reach: the median is the last that did
        ([10, None, None], None),  # fewer than half
        ([None], None),
        ([10], 10),
    ],
)
def test_median_time(runs, expected):
    assert median_time(runs) == expected
