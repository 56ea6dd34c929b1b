"""Attention with its own gradient against Keras's: outputs, gradients, curvature, masks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.training.fused_attention import fuse

pytestmark = pytest.mark.usefixtures("one_thread")
BATCH, STEPS, WIDTH = 5, 6, 8


def layer_of(fused, dtype="float32", **arguments):
    """An attention layer with weights that do not depend on the other arguments."""
    layer = keras.layers.MultiHeadAttention(2, 4, dtype=dtype, **arguments)
    inputs = keras.Input((STEPS, WIDTH), dtype=dtype)
    model = keras.Model(inputs, layer(inputs, inputs))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    if fused:
        fuse(model)
    return layer


def computed(layer, mask=None, causal=False):
    """Output; gradients by input and weights; a product with the second derivatives."""
    rng = np.random.default_rng(0)
    dtype = layer.compute_dtype
    x, weights = (tf.constant(rng.normal(size=(BATCH, STEPS, WIDTH)), dtype) for _ in range(2))
    variables = [x, *(variable.value for variable in layer.trainable_variables)]
    ways = [tf.constant(rng.normal(size=part.shape), dtype) for part in variables]

    @tf.function
    def gradients():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, x, attention_mask=mask, use_causal_mask=causal, training=True)
                loss = tf.reduce_sum(y**2 * weights)
            first = tape.gradient(loss, variables)
            along = tf.add_n(
                [tf.reduce_sum(part * way) for part, way in zip(first, ways, strict=True)]
            )
        return y, first, outer.gradient(along, variables)

    y, first, second = gradients()
    return [y], first, second


def masks():
    rng = np.random.default_rng(2)
    padding = np.arange(STEPS) < rng.integers(1, STEPS + 1, (BATCH, 1, 1))
    nothing = padding & (np.arange(BATCH) > 0)[:, None, None]  # the first sequence is all padding
    pairs = rng.random((BATCH, STEPS, STEPS)) < 0.6
    return {"none": None, "padding": padding, "all padding": nothing, "pairs": pairs}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", masks())
def test_it_computes_what_keras_does_in_twice_the_digits(mask, causal):
    mask = masks()[mask]
    exact = computed(layer_of(fused=False, dtype="float64"), mask, causal)
    for expected, seen in zip(exact, computed(layer_of(fused=True), mask, causal), strict=True):
        largest = max(np.abs(part).max() for part in expected)  # a key's bias has no gradient
        for one, other in zip(expected, seen, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * largest)


def test_scores_and_what_is_not_training_are_as_before():
    x = tf.constant(np.random.default_rng(0).normal(size=(BATCH, STEPS, WIDTH)), "float32")
    for causal in (False, True):
        plain, fused = (
            layer_of(on)(x, x, return_attention_scores=True, use_causal_mask=causal)
            for on in (False, True)
        )
        for expected, seen in zip(plain, fused, strict=True):
            np.testing.assert_array_equal(seen, expected)
        plain, fused = (layer_of(on)(x, x, use_causal_mask=causal) for on in (False, True))
        np.testing.assert_array_equal(fused, plain)


@pytest.mark.parametrize(
    "arguments", [{"dtype": "mixed_float16"}, {"dropout": 0.1}, {"attention_axes": (1, 2)}]
)
def test_other_layers_stay_as_they_are(arguments):
    layer = keras.layers.MultiHeadAttention(2, 4, **arguments)
    inputs = keras.Input((STEPS, 3, WIDTH) if "attention_axes" in arguments else (STEPS, WIDTH))
    model = keras.Model(inputs, layer(inputs, inputs))
    before = layer._compute_attention
    fuse(model)
    assert layer._compute_attention == before
