"""What the zoo relies on in names that Keras and TensorFlow may change with any release."""

import logging
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from zoo import keras_private

pytestmark = pytest.mark.usefixtures("one_thread")


def test_keras_draws_its_seeds_from_the_generator_and_from_its_own_again():
    def kernel():
        layer = keras.layers.Dense(3)
        layer.build((None, 4))
        return layer.kernel.numpy()

    keras.utils.set_random_seed(0)
    before = kernel()
    for _ in range(2):
        with keras_private.seeds_from(random.Random(5)):
            first = kernel()
        keras.utils.set_random_seed(1)  # has no part in it
        with keras_private.seeds_from(random.Random(5)):
            np.testing.assert_array_equal(kernel(), first)
    with pytest.raises(ZeroDivisionError), keras_private.seeds_from(random.Random(5)):
        1 / 0  # noqa: B018
    keras.utils.set_random_seed(0)
    np.testing.assert_array_equal(kernel(), before)


def test_the_seed_that_all_share_is_put_back_also_where_there_is_none_yet():
    def drawn():
        return keras.random.uniform((3,)).numpy()

    for draws_before in (0, 2):
        rows = []
        for within in (0, 5):
            keras.utils.set_random_seed(0)
            keras.src.backend.common.global_state.set_global_attribute(
                keras.src.random.seed_generator.GLOBAL_SEED_GENERATOR, None
            )
            state = random.getstate()
            for _ in range(draws_before):
                drawn()
            after = random.getstate() if draws_before else state
            with keras_private.shared_seed_kept():
                for _ in range(within):
                    drawn()
            random.setstate(after)
            rows.append(drawn())
        np.testing.assert_array_equal(*rows)


def test_names_are_counted_from_zero_and_then_go_on():
    def names():
        return [keras.layers.Dense(1).name for _ in range(2)]

    before = int(names()[1].rpartition("_")[2])
    for _ in range(2):
        with keras_private.names_from_zero():
            assert names() == ["dense", "dense_1"]
    assert names() == [f"dense_{before + 1}", f"dense_{before + 2}"]


def test_inner_layers_are_those_right_inside_in_their_order():
    one, two = keras.layers.Dense(2), keras.layers.Dense(3)
    inside = keras.Sequential([one, two])
    both = keras.layers.Bidirectional(keras.layers.LSTM(2))
    model = keras.Sequential([keras.Input((4, 2)), inside, both])
    assert keras_private.inner_layers(model)[1:] == [inside, both]  # the input comes first
    assert keras_private.inner_layers(inside)[1:] == [one, two]
    assert keras_private.inner_layers(both) == [both.forward_layer, both.backward_layer]
    assert keras_private.inner_layers(one) == []


def test_a_counted_loss_is_what_keras_reports():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    keras_private.count_loss(model, 1.0, 3)
    keras_private.count_loss(model, 2.0, 1)
    assert float(model.get_metrics_result()["loss"]) == pytest.approx(1.25)


def test_an_optimizer_on_one_replica_takes_the_same_steps():
    def stepped(optimizer):
        variable = keras.Variable(np.ones(3, np.float32))
        optimizer.build([variable])
        for _ in range(2):
            optimizer.apply([tf.constant([1.0, -2.0, 3.0])], [variable])
        return variable.numpy()

    changed = keras_private.on_one_replica(keras.optimizers.SGD(0.1, momentum=0.9))
    np.testing.assert_array_equal(
        stepped(changed), stepped(keras.optimizers.SGD(0.1, momentum=0.9))
    )
    gradients = [(tf.constant(1.0), keras.Variable(0.0))]
    assert changed._all_reduce_sum_gradients(gradients) is gradients


def test_a_function_that_is_not_inlined_says_so_to_tensorflow():
    function = keras_private.not_inlined(lambda x: x + 1)
    concrete = function.get_concrete_function(tf.TensorSpec([], tf.float32))
    assert concrete.function_def.attr["_noinline"].b
    assert float(function(tf.constant(1.0))) == 2.0


@pytest.mark.parametrize("quiet", [True, False])
def test_functions_of_many_arms_are_traced_without_a_warning(quiet):
    """TensorFlow takes functions of one code for one, and warns where it traced it often."""
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    tf.get_logger().addHandler(handler)
    try:
        for number in range(8):

            def function(x, number=number):
                return x + number

            compiled = (
                keras_private.traced_without_warning(function) if quiet else tf.function(function)
            )
            assert float(compiled(tf.constant(1.0))) == 1.0 + number
    finally:
        tf.get_logger().removeHandler(handler)
    assert (not said) == quiet, said


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [({}, True), ({"dropout": 0.5}, False), ({"attention_axes": (1, 2)}, False)],
)
def test_attention_over_time_alone_is_told_from_others(arguments, alone):
    layer = keras.layers.MultiHeadAttention(2, 3, **arguments)
    layer(*[np.zeros((2, 4, 5, 6)) if "attention_axes" in arguments else np.zeros((2, 4, 6))] * 2)
    assert keras_private.attends_over_time_alone(layer) is alone


def test_a_replaced_attention_gets_projections_and_masks():
    given = []

    def seen(query, key, value, mask):
        given.append((query.shape, mask))
        return value

    layer = keras.layers.MultiHeadAttention(2, 3)
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
    layer(x, x)
    keras_private.replace_attention(layer, seen)
    mask = np.arange(4) < 3
    layer(x, x, training=True)
    layer(x, x, training=True, use_causal_mask=True)
    layer(x, x, training=True, attention_mask=mask[None, None], use_causal_mask=True)
    layer(x, x)
    assert [tuple(shape) for shape, _ in given] == [(2, 4, 2, 3)] * 3
    causal = np.tril(np.ones((4, 4), bool))
    assert given[0][1] is None
    np.testing.assert_array_equal(given[1][1], causal[None])
    np.testing.assert_array_equal(given[2][1], (causal & mask)[None])


def test_graphs_are_run_as_they_were_traced_and_optimized_again_afterwards():
    def kinds():
        """The operations that are run for two constants added, and a number."""
        function = tf.function(lambda x: x + (tf.constant(2.0) * tf.constant(3.0)))
        concrete = function.get_concrete_function(tf.TensorSpec([2]))
        context.context().enable_run_metadata()
        try:
            np.testing.assert_array_equal(concrete(tf.ones([2])), [7.0, 7.0])
            graphs = context.context().export_run_metadata().partition_graphs
        finally:
            context.context().disable_run_metadata()
        return {node.op for graph in graphs for node in graph.node}

    assert "Mul" not in kinds()  # folded
    with keras_private.not_optimized():
        assert "Mul" in kinds()
    with pytest.raises(ZeroDivisionError), keras_private.not_optimized():
        1 / 0  # noqa: B018
    assert "Mul" not in kinds()


def test_fused_batch_norm_gives_the_unbiased_variance():
    x = np.random.default_rng(0).normal(3, 2, (4, 5, 6, 2)).astype(np.float32)
    scale, offset = np.array([1.0, 2.0], np.float32), np.array([0.5, 0.0], np.float32)
    y, mean, variance = keras_private.fused_batch_norm(x, scale, offset, 1e-3)
    wide = x.astype(np.float64)
    axes = (0, 1, 2)
    np.testing.assert_allclose(mean, wide.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(variance, wide.var(axes, ddof=1), rtol=1e-4)
    expected = (wide - wide.mean(axes)) / np.sqrt(wide.var(axes) + 1e-3) * scale + offset
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)


def test_losses_are_those_that_fit_descends_with_penalties_and_without():
    dense = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5))
    model = keras.Sequential([keras.Input((2,)), dense])
    x, y = np.ones((3, 2), np.float32), np.zeros((3, 1))
    model.compile(loss="mae")
    said = float(model.test_on_batch(x, y))
    outputs, weights = model(x), np.array([0.0, 1.0, 2.0], np.float32)
    assert float(keras_private.compute_loss(model, x, y, outputs, None)) == pytest.approx(said)
    data = keras_private.compiled_data_loss(model)
    assert float(data(y, outputs)) == pytest.approx(said - float(model.losses[0]))
    given = keras_private.compiled_loss(model, "mae")
    assert float(given(y, outputs, sample_weight=weights)) == pytest.approx(float(data(y, outputs)))

    class Own(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return 7.0

    users = Own([keras.Input((2,)), keras.layers.Dense(1)])
    users.compile()
    assert keras_private.compute_loss(users, x, y, outputs, None) == 7.0
    assert keras_private.compiled_data_loss(users) is None


def test_a_layer_made_to_repeat_its_pass_says_so():
    plain = keras.layers.Dense(1)
    with keras.RematScope(mode="full"):
        repeating = keras.layers.Dense(1)
    assert keras_private.repeats_its_pass(repeating) and not keras_private.repeats_its_pass(plain)
    setattr(repeating, keras_private.REPEATING, None)
    assert not keras_private.repeats_its_pass(repeating)
