"""The smallest speedup that runs can call better, against the test it is about."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.results.resolution import resolution
from zoo.results.statistics import LEVEL, MOST_LISTED, sign_flip_p

TIMES = st.lists(st.tuples(st.integers(50, 500), st.integers(50, 500)), min_size=10, max_size=12)


@settings(deadline=None, max_examples=50)
@given(TIMES, st.integers(1, 12))
def test_runs_so_much_quicker_are_called_better_and_less_so_are_not(pairs, comparisons):
    other, arm = (list(times) for times in zip(*pairs, strict=True))
    ratio = resolution(other, arm, comparisons)

    def p_value(speedup):
        """At a thousandth of a step, for a test that takes whole numbers."""
        factor = np.mean(other) / np.mean(arm) / speedup
        return sign_flip_p([round(1000 * (o - factor * a)) for o, a in pairs])

    if ratio is None:  # no factor would do
        assert p_value(100.0) > LEVEL / comparisons
    else:
        assert p_value(ratio * 1.002) <= LEVEL / comparisons
        assert ratio < 1.003 or p_value(ratio / 1.002) > LEVEL / comparisons


def test_equal_scatter_in_both_arms_hides_no_speedup():
    times = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
    assert resolution(times, times, 5) == pytest.approx(1, abs=1e-4)


def test_more_scatter_hides_more():
    rng = np.random.default_rng(0)
    scattered = [np.exp(sd * rng.normal(size=(2, 10))) for sd in (0.05, 0.2, 0.4)]
    found = [resolution(*(1000 * pair).round().astype(int).tolist(), 10) for pair in scattered]
    assert found == sorted(found) and found[0] < 1.2 < found[-1]


def test_no_answer_where_scatter_is_not_known():
    times = list(range(100, 110))
    assert resolution([*times[:-1], None], times, 1) is None
    assert resolution(times, [*times[:-1], None], 1) is None
    assert resolution([100], [50], 1) is None
    assert resolution([100] * (MOST_LISTED + 1), [50] * (MOST_LISTED + 1), 1) is None
    assert resolution(times[:3], times[:3], 1) is None  # 3 pairs have a p of 0.25 at least
