"""Statistics on made-up data with known answers, and against scipy and brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from zoo.recipe.schema import Target
from zoo.results.statistics import (
    Speedup,
    capped,
    early_average,
    holm,
    median_time,
    met,
    sign_flip_p,
    speedup,
    steps_to_target,
    tune,
    verdict,
)

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


def test_an_undefined_or_infinite_metric_does_not_meet_a_target():
    assert not any(met(value, LOSS) for value in (None, math.nan, -math.inf))


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


# ---------------------------------------------------------------- the learning rate


def test_the_rate_with_the_lowest_mean_capped_time_wins():
    runs = {0.1: [30, None], 0.2: [20, 36], 0.4: [20, 40]}
    tuned = tune([0.1, 0.2, 0.4], runs, {}, ACCURACY, BUDGET)
    assert (tuned.learning_rate, tuned.at_edge, tuned.band) == (0.2, False, 2)


def test_ties_go_to_the_smaller_rate_and_the_edge_is_told():
    tuned = tune([0.1, 0.2], {0.1: [20, 20], 0.2: [10, 30]}, {}, ACCURACY, BUDGET)
    assert (tuned.learning_rate, tuned.at_edge) == (0.1, True)


def test_without_a_run_that_reaches_the_best_final_metric_decides():
    none = {0.1: [None], 0.2: [None], 0.3: [None]}
    finals = {0.1: [0.3], 0.2: [0.5], 0.3: [None]}
    tuned = tune([0.1, 0.2, 0.3], none, finals, ACCURACY, BUDGET)
    assert (tuned.learning_rate, tuned.at_edge, tuned.band) == (0.2, False, 0)
    assert tune([0.1, 0.2, 0.3], none, finals, LOSS, BUDGET).learning_rate == 0.1


def test_if_every_run_diverged_the_smallest_rate_is_taken_and_no_edge_is_claimed():
    tuned = tune([0.1, 0.2], {0.1: [None], 0.2: [None]}, {0.1: [None], 0.2: [None]}, LOSS, BUDGET)
    assert (tuned.learning_rate, tuned.at_edge, tuned.band) == (0.1, False, 0)


# ---------------------------------------------------------------- speedup


def test_speedup_is_the_ratio_of_mean_capped_times():
    assert speedup([40, 20], [10, 10], BUDGET).ratio == 3
    assert speedup([None, 20], [10, 10], BUDGET).ratio == 3  # censored counts as the budget


@pytest.mark.parametrize(
    ("baseline", "arm", "bound"),
    [
        ([40, 20], [10, 10], "none"),
        ([None, 20], [10, 10], "lower"),
        ([40, 20], [None, 10], "upper"),
        ([None, 20], [None, 10], "undetermined"),
        ([None, None], [None, None], "undetermined"),
    ],
)
def test_speedup_bound(baseline, arm, bound):
    assert speedup(baseline, arm, BUDGET).bound == bound


def test_all_censored_is_a_ratio_of_one_without_spread():
    assert speedup([None] * 5, [None] * 5, BUDGET) == Speedup(1.0, 1.0, 1.0, "undetermined")


def test_one_seed_has_no_interval():
    only = speedup([40], [10], BUDGET)
    assert (only.ratio, only.low, only.high) == (4.0, None, None)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(times, times), min_size=1, max_size=6))
def test_swapping_arm_and_baseline_inverts_everything(pairs):
    baseline, arm = ([pair[side] for pair in pairs] for side in (0, 1))
    there, back = speedup(baseline, arm, BUDGET), speedup(arm, baseline, BUDGET)
    swapped = {"none": "none", "lower": "upper", "upper": "lower", "undetermined": "undetermined"}
    assert math.isclose(there.ratio, 1 / back.ratio)
    assert back.bound == swapped[there.bound]
    if there.low is not None:
        # the quantile interpolates between resamples, and the inverse of a mean is not a mean
        assert math.isclose(there.low, 1 / back.high, rel_tol=1e-3)
        assert math.isclose(there.high, 1 / back.low, rel_tol=1e-3)
    differences = np.subtract(capped(baseline, BUDGET), capped(arm, BUDGET)).tolist()
    p = sign_flip_p(differences)
    assert math.isclose(p, sign_flip_p([-difference for difference in differences]))
    opposite = {"better": "worse", "worse": "better"}
    forward = verdict(baseline, arm, BUDGET, p)
    assert verdict(arm, baseline, BUDGET, p) == opposite.get(forward, forward)


def test_the_interval_of_ten_seeds_covers_about_91_percent():
    """The figure that the docstring, the README and the leaderboard's readers rely on."""
    rng = np.random.default_rng(7)
    truth, covered, trials = 2.0, 0, 400
    for _ in range(trials):
        base = np.rint(rng.lognormal(5, 0.3, 10)).astype(int).tolist()
        arm = np.rint(rng.lognormal(5 - math.log(truth), 0.3, 10)).astype(int).tolist()
        interval = speedup(base, arm, 10**6)
        covered += interval.low <= truth <= interval.high
    spread = math.sqrt(0.91 * 0.09 / trials)
    assert abs(covered / trials - 0.91) < 3 * spread


# ---------------------------------------------------------------- the exact test


def brute_force_p(differences):
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    return sum(total >= abs(sum(differences)) for total in sums) / len(sums)


@given(st.lists(st.integers(-840, 840), min_size=1, max_size=9))
def test_sign_flip_p_counts_all_assignments(differences):
    assert math.isclose(sign_flip_p(differences), brute_force_p(differences))


def test_sign_flip_p_agrees_with_scipy():
    differences = [70, -14, 140, 35, 7, 0, 28]
    scipy_p = permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert math.isclose(sign_flip_p(differences), scipy_p)


def test_the_smallest_p_of_ten_pairs():
    assert sign_flip_p([7] * 10) == 2 / 2**10
    assert sign_flip_p([0] * 10) == 1
    assert sign_flip_p([7]) == 1  # one seed proves nothing


def test_sign_flip_p_of_many_seeds():
    assert math.isclose(sign_flip_p([1] * 40), 2 / 2**40)


def test_holm_over_a_family_of_which_only_some_are_at_hand():
    assert holm([0.01], family=3) == pytest.approx([0.03])
    assert holm([0.01, 0.02], family=3) == pytest.approx([0.03, 0.04])


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_helps_and_never_exceeds_bonferroni(p_values):
    for p, corrected in zip(p_values, holm(p_values), strict=True):
        assert p <= corrected <= min(1, p * len(p_values)) + 1e-12


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("baseline", "arm", "p_value", "expected"),
    [
        ([None] * 10, [None] * 10, 1.0, "neither learns"),
        ([None] * 10, [20] * 10, 0.01, "better"),
        ([20] * 10, [None] * 10, 0.01, "worse"),
        ([20] * 10, [None] * 10, 0.05, "worse"),
        ([20] * 10, [10] * 10, 0.051, "inconclusive"),
        ([None] * 10, [None] * 9 + [20], 1.0, "inconclusive"),
        ([None] * 9, [20] * 9, 0.01, "inconclusive"),  # too few seeds for a verdict
    ],
)
def test_verdict(baseline, arm, p_value, expected):
    assert verdict(baseline, arm, BUDGET, p_value) == expected


# ---------------------------------------------------------------- time averages


def test_early_average_weighs_by_time():
    assert early_average([0, 1, 3], [1.0, 1.0, 3.0], end=3) == pytest.approx((1 + 4) / 3)
    assert early_average([0, 2, 3], [1.0, 5.0, 99.0], end=2) == 3.0  # later probes are left out


def test_early_average_of_too_little_is_undefined():
    assert early_average([0], [1.0], end=3) is None
    assert early_average([0], [1.0], end=0) is None
    assert early_average([0, 1, 2], [1.0, 1.0, 1.0], end=3) is None  # the run ended before
    assert early_average([0, 1], [1.0, None], end=3) is None
