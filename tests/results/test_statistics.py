"""Statistics on made-up data with known answers, and against scipy and brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from zoo.evidence.target import capped
from zoo.results.statistics import (
    Speedup,
    early_average,
    holm,
    share_won,
    sign_flip_p,
    smallest_p,
    speedup,
    verdict,
)

BUDGET = 40

times = st.one_of(st.none(), st.integers(1, BUDGET))


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


def test_all_censored_is_a_ratio_of_one_without_an_interval():
    assert speedup([None] * 5, [None] * 5, BUDGET) == Speedup(1.0, None, None, "undetermined")


@given(st.lists(st.tuples(times, times), min_size=2, max_size=6))
def test_a_bound_has_no_limit_on_its_far_side(pairs):
    other, arm = ([pair[side] for pair in pairs] for side in (0, 1))
    result = speedup(other, arm, BUDGET)
    assert (result.high is None) == (None in other)  # the other might have needed any number
    assert (result.low is None) == (None in arm)


def test_the_same_ratio_in_every_pair_is_that_of_every_resample_to_the_last_bit():
    arm = [16 * step for step in (1, 2, 4, 3, 7, 5, 11, 13, 6, 9)]
    found = speedup([time * 17 // 16 for time in arm], arm, 1000)
    assert (found.ratio, found.low, found.high) == (17 / 16, 17 / 16, 17 / 16)


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
    for side, opposite in ((there.low, back.high), (there.high, back.low)):
        assert (side is None) == (opposite is None)
        # the quantile interpolates between resamples, and the inverse of a mean is not a mean
        assert side is None or math.isclose(side, 1 / opposite, rel_tol=1e-3)
    differences = np.subtract(capped(baseline, BUDGET), capped(arm, BUDGET)).tolist()
    p = sign_flip_p(differences)
    assert math.isclose(p, sign_flip_p([-difference for difference in differences]))
    assert math.isclose(
        share_won(capped(baseline, BUDGET), capped(arm, BUDGET)),
        1 - share_won(capped(arm, BUDGET), capped(baseline, BUDGET)),
    )


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
    assert sign_flip_p([7] * 10) == smallest_p(10) == 2 / 2**10
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
    ("other", "arm", "p_value", "expected"),
    [
        ([20] * 10, [10] * 10, 0.05, "better"),
        ([10] * 10, [20] * 10, 0.05, "worse"),
        ([20] * 10, [10] * 10, 0.051, "inconclusive"),
    ],
)
def test_a_verdict_is_whether_the_arms_differ_and_then_how(other, arm, p_value, expected):
    assert verdict(other, arm, p_value, learns=True, keeps=True, other_keeps=True) == expected


def test_no_arm_is_better_that_loses_the_target_again():
    other, arm = [20] * 10, [10] * 10
    loses, kept = {"learns": True, "keeps": False}, {"learns": True, "keeps": True}
    assert verdict(other, arm, 0.01, **loses, other_keeps=True) == "inconclusive"
    assert verdict(arm, other, 0.01, **loses, other_keeps=True) == "worse"
    assert verdict(arm, other, 0.01, **kept, other_keeps=False) == "inconclusive"
    assert verdict(other, arm, 0.01, **kept, other_keeps=False) == "better"


def test_where_no_run_learns_nothing_is_compared():
    assert (
        verdict([50] * 10, [50] * 10, 1.0, learns=False, keeps=True, other_keeps=True)
        == "neither learns"
    )


def test_the_share_of_pairs_that_an_arm_wins_counts_ties_half():
    assert share_won([20, 20, 20, 20], [10, 20, 30, 10]) == 0.625


# ---------------------------------------------------------------- time averages


def test_early_average_weighs_by_time():
    assert early_average([0, 1, 3], [1.0, 1.0, 3.0], end=3) == pytest.approx((1 + 4) / 3)
    assert early_average([0, 2, 3], [1.0, 5.0, 99.0], end=2) == 3.0  # later probes are left out


def test_early_average_of_too_little_is_undefined():
    assert early_average([0], [1.0], end=3) is None
    assert early_average([0], [1.0], end=0) is None
    assert early_average([0, 1, 2], [1.0, 1.0, 1.0], end=3) is None  # the run ended before
    assert early_average([0, 1], [1.0, None], end=3) is None
