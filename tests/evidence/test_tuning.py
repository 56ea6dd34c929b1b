"""The choice of a learning rate on made-up searches with known answers."""

from zoo.evidence.tuning import tune
from zoo.recipe.schema import Target

ACCURACY = Target(metric="val_accuracy", mode="max", value=0.9)
LOSS = Target(metric="val_loss", mode="min", value=0.1)
GRID = [10, 20, 30, 40, 50, 60]  # a budget of 40 and the two evaluations past it
BUDGET = 40


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
