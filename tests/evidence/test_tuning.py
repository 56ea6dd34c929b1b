"""The choice of a learning rate on made-up searches with known answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made_up_evidence import BUDGET, made_up_search, made_up_trial
from zoo.evidence import tuning


@pytest.fixture
def arm(recipe):
    return recipe.arms["tanh"]  # rates 0.1, 0.2, 0.4; one tuning seed, and one final


@pytest.fixture
def training(arm):
    return arm.spec.training


def test_the_second_stage_is_of_the_two_best_rates_alone(arm, training):
    first = [
        made_up_trial(arm, rate, 1000, time) for rate, time in ((0.1, 50), (0.2, 20), (0.4, 30))
    ]
    assert tuning.tune(training, first) is None
    wanted = {(0.1, 1000), (0.2, 1000), (0.4, 1000), (0.2, 1001), (0.4, 1001)}
    assert tuning.search(training, first) == wanted
    final = [made_up_trial(arm, 0.2, 1001, 90), made_up_trial(arm, 0.4, 1001, 30)]
    tuned = tuning.tune(training, first + final)
    assert (tuned.learning_rate, tuned.runner_up) == (0.4, (0.2, 55.0))
    assert (tuned.at_edge, tuned.band) == (True, 3)


def test_nothing_is_chosen_while_a_run_is_missing_or_failed(arm, training):
    runs = made_up_search(arm, (None, 20, 50))
    assert tuning.tune(training, runs).learning_rate == 0.2
    for number, run in enumerate(runs):
        others = runs[:number] + runs[number + 1 :]
        failed = run.model_copy(update={"status": "failed"})
        assert tuning.tune(training, others) is None
        assert tuning.tune(training, [*others, failed]) is None


def by_rate(arm, times, losses=None):
    losses = losses or {}
    return {
        rate: [
            made_up_trial(arm, rate, 1000 + number, time, loss)
            for number, (time, loss) in enumerate(
                zip(of_rate, losses.get(rate, [1.0] * len(of_rate)), strict=True)
            )
        ]
        for rate, of_rate in times.items()
    }


@pytest.mark.parametrize(
    ("times", "order"),
    [
        ({0.1: [30, 40], 0.2: [20, 36]}, [0.2, 0.1]),
        ({0.1: [BUDGET, BUDGET], 0.2: [BUDGET, None]}, [0.1, 0.2]),  # reaching comes first
        ({0.1: [10, None], 0.2: [80, 90]}, [0.2, 0.1]),  # 2 of 2, though later on average
        ({0.1: [20, 20], 0.2: [10, 30]}, [0.1, 0.2]),  # a tie
    ],
)
def test_how_many_reach_comes_first_then_the_steps_then_the_smaller_rate(arm, times, order):
    assert tuning.best_first(by_rate(arm, times), BUDGET) == order


def test_where_none_reaches_the_validation_loss_decides(arm, training):
    none = {0.1: [None, None], 0.2: [None, None], 0.4: [None, None]}
    losses = {0.1: [0.5, 0.7], 0.2: [0.5, 0.6], 0.4: [0.1, None]}  # None: it diverged
    assert tuning.best_first(by_rate(arm, none, losses), BUDGET) == [0.2, 0.1, 0.4]
    once = {0.1: [None, 90], **{rate: none[rate] for rate in (0.2, 0.4)}}
    assert tuning.best_first(by_rate(arm, once, losses), BUDGET)[0] == 0.1


def test_an_edge_is_told_also_where_nothing_learns(arm, training):
    tuned = tuning.tune(training, made_up_search(arm, (None, None, None)))
    assert (tuned.learning_rate, tuned.at_edge, tuned.band) == (0.1, True, 0)


def test_one_rate_is_not_searched_for(training):
    only = training.model_copy(update={"learning_rate": [0.1]})
    assert tuning.search(only, []) == set()
    assert tuning.reported_rate(only, []) == 0.1
    assert tuning.tune(only, []) is None


@given(
    st.lists(st.none() | st.integers(1, BUDGET), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(1, BUDGET), min_size=2, max_size=2),
)
def test_the_chosen_rate_is_no_worse_than_any_other_by_its_own_measure(first, final):
    from zoo.recipe.schema import Training

    training = Training(
        optimizer="SGD",
        learning_rate=[0.1, 0.2, 0.4],
        steps=BUDGET,
        evaluate_every=10,
        seeds=3,
        tuning_seeds=1,
        final_tuning_seeds=1,
    )

    class OfNone:
        sha256, arm_sha256 = "0" * 64, "0" * 64

    runs = [
        made_up_trial(OfNone, rate, 1000, time)
        for rate, time in zip(training.learning_rate, first, strict=True)
    ]
    two = tuning.finalists(training, runs)
    runs += [made_up_trial(OfNone, rate, 1001, time) for rate, time in zip(two, final, strict=True)]
    tuned = tuning.tune(training, runs)

    def measure(rate):
        times = [run.steps_to_target for run in runs if run.learning_rate == rate]
        reached = [time for time in times if time is not None]
        return -len(reached), sum(reached) + BUDGET * (len(times) - len(reached))

    assert {tuned.learning_rate, tuned.runner_up[0]} == set(two)
    assert measure(tuned.learning_rate) <= measure(tuned.runner_up[0])
