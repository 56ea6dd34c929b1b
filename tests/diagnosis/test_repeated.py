"""A model that is measured again and again stays as it was, though its graph puts nothing back."""

import numpy as np
import pytest
import tensorflow as tf

from tests.probe import dense_twin as twin
from tests.probe.test_effects import CHANGES, assign_in_python, counting, stateful
from zoo.diagnosis.repeated import RepeatedProbe
from zoo.probe.state import State

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("change", [*CHANGES, assign_in_python])
def test_what_a_pass_changes_is_put_back_however_it_does(change):
    (x, y), (model, counter) = twin.batch(), counting(change)
    repeated = RepeatedProbe(model, twin.CROSS_ENTROPY, x, y)
    for _ in range(3):
        repeated.measure()
        np.testing.assert_array_equal(counter, 0)
    assert repeated.compiled == (change is not assign_in_python)
    model(x)
    assert float(tf.reduce_sum(counter)) > 0


def test_moving_averages_and_random_generators_are_put_back():
    (x, y), model = twin.batch(), stateful()
    before = [variable.numpy() for variable in model.variables]
    repeated = RepeatedProbe(model, twin.CROSS_ENTROPY, x, y)
    first, second = repeated.measure(), repeated.measure()
    assert repeated.compiled
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
    assert repr(first) == repr(second)  # the same dropout, too


def test_which_variables_a_graph_may_write():
    (x, _), model = twin.batch(), stateful()
    graph = tf.function(lambda: model(x, training=True)).get_concrete_function().graph
    names = sorted(variable.name.split("/")[-1] for variable in State(model).written(graph))
    assert names == ["moving_mean:0", "moving_variance:0", *2 * ["seed_generator_state:0"]]
