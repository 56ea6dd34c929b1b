"""Adaptive clipping by hand, and what holds for any gradients."""

import hypothesis.extra.numpy as arrays
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.mitigations.adaptive_clipping import AdaptiveClipping

pytestmark = pytest.mark.usefixtures("one_thread")


def clip(rule, gradient, weights, name="kernel"):
    variable = keras.Variable(np.asarray(weights, np.float32), name=name)
    (clipped,) = rule([tf.constant(gradient, tf.float32)], [variable])
    assert clipped.dtype == tf.float32
    return clipped.numpy()


# ---------------------------------------------------------------- by hand


def test_each_column_of_a_kernel_is_a_unit():
    kernel = [[3.0, 0.6, 0.0], [4.0, 0.8, 0.0]]  # columns of norm 5, 1 and 0
    gradient = [[0.6, 0.006, 0.0], [0.8, 0.008, 2.0]]  # of norm 1, 0.01 and 2
    # limits, a tenth of the weights' norm: 0.5, 0.1 and, by epsilon, 0.02
    found = clip(AdaptiveClipping(0.1, epsilon=0.2), gradient, kernel)
    np.testing.assert_allclose(found, [[0.3, 0.006, 0], [0.4, 0.008, 0.02]], rtol=1e-6)


def test_each_channel_of_a_convolution_is_a_unit():
    kernel = np.zeros((2, 2, 1, 2))
    kernel[..., 0], kernel[..., 1] = 1.0, 0.5  # norms 2 and 1
    found = clip(AdaptiveClipping(0.1), np.ones((2, 2, 1, 2)), kernel)  # norms 2 and 2
    np.testing.assert_allclose(found[..., 0], 0.1, rtol=1e-6)
    np.testing.assert_allclose(found[..., 1], 0.05, rtol=1e-6)


def test_a_bias_vector_and_a_scalar_are_units_as_a_whole():
    np.testing.assert_allclose(
        clip(AdaptiveClipping(0.1), [30.0, 40.0], [0.6, 0.8]), [0.06, 0.08], rtol=1e-6
    )
    np.testing.assert_allclose(clip(AdaptiveClipping(0.1), -7.0, 2.0), -0.2, rtol=1e-6)


def test_the_published_defaults_let_weights_that_are_0_grow():
    np.testing.assert_allclose(clip(AdaptiveClipping(), [3.0, 4.0], [0, 0]), [6e-6, 8e-6], 1e-6)
    assert AdaptiveClipping().get_config() == {"clipping": 0.01, "epsilon": 1e-3}


def test_norms_neither_overflow_nor_underflow():
    huge = clip(AdaptiveClipping(0.1), [[3e30], [4e30]], [[0.6], [0.8]])
    np.testing.assert_allclose(huge, [[0.06], [0.08]], rtol=1e-6)
    tiny = clip(AdaptiveClipping(0.1, epsilon=0.0), [[3e-30], [4e-30]], [[6e-31], [8e-31]])
    np.testing.assert_allclose(tiny, [[6e-32], [8e-32]], rtol=1e-6)


def test_the_last_layer_and_missing_gradients_pass():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(2, name="dense_1")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="output")(hidden))
    gradients = [tf.fill(variable.shape, 100.0) for variable in model.trainable_variables]
    gradients[1] = None
    kernel, bias, last_kernel, last_bias = AdaptiveClipping()(gradients, model.trainable_variables)
    assert (kernel.numpy() < 1).all() and bias is None
    assert (last_kernel.numpy() == 100).all() and (last_bias.numpy() == 100).all()


def test_a_sparse_gradient_is_clipped_like_the_same_dense_one():
    rows = tf.IndexedSlices(tf.constant([[3.0, 1.0]]), tf.constant([1]), tf.constant([2, 2]))
    table = keras.Variable(np.eye(2, dtype=np.float32))
    (found,) = AdaptiveClipping(0.1)([rows], [table])
    np.testing.assert_allclose(found, clip(AdaptiveClipping(0.1), [[0, 0], [3, 1]], np.eye(2)))


# ---------------------------------------------------------------- for any gradient

ENTRIES = st.floats(-(2.0**60), 2.0**60, width=32, allow_subnormal=False)
TINY = np.finfo(np.float32).tiny  # TensorFlow rounds what is smaller to 0
PAIRS = arrays.array_shapes(min_dims=0, max_dims=4, max_side=3).flatmap(
    lambda shape: st.tuples(*2 * [arrays.arrays(np.float32, shape, elements=ENTRIES)])
)


@given(PAIRS, st.floats(1e-3, 10.0), st.floats(1e-6, 1.0))
@settings(max_examples=100, deadline=None)
def test_no_gradient_grows_or_turns_and_every_unit_is_bounded(pair, clipping, epsilon):
    gradient, weights = pair
    clipped = clip(AdaptiveClipping(clipping, epsilon), gradient, weights)
    assert clipped.shape == gradient.shape
    assert (np.abs(clipped) <= np.abs(gradient)).all()
    units = gradient.shape[-1] if gradient.ndim > 1 else 1
    columns = (np.float64(x).reshape(-1, units).T for x in (gradient, weights, clipped))
    for g, w, c in zip(*columns, strict=True):
        limit = clipping * max(np.linalg.norm(w), epsilon)
        size = np.linalg.norm(g)
        assert np.linalg.norm(c) <= limit * (1 + 1e-6)
        expected = g * min(1, limit / size) if size else g
        np.testing.assert_allclose(c, expected, rtol=1e-6, atol=TINY)
        if size < limit * (1 - 1e-9):
            np.testing.assert_array_equal(c, g)


# ---------------------------------------------------------------- as parts of a recipe


def test_keras_saves_and_loads_the_rule():
    rule = AdaptiveClipping(0.25, epsilon=0.5)
    saved = keras.saving.serialize_keras_object(rule)
    assert saved["registered_name"] == f"zoo>{type(rule).__name__}"
    loaded = keras.saving.deserialize_keras_object(saved)
    assert type(loaded) is type(rule) and loaded.get_config() == rule.get_config()
