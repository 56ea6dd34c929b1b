"""Fused batch normalization against Keras's own: outputs, gradients, moving averages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import bfloat16
from zoo.training.fused_batch_norm import fuse

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(shape, fused, policy, **arguments):
    """What a step in training mode gives, and what it leaves."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(2, 3, (16, *shape)).astype(np.float32))
    weights = tf.constant(rng.normal(size=(16, *shape)).astype(np.float32))
    layer = keras.layers.BatchNormalization(momentum=0.9, dtype=policy, **arguments)
    model = keras.Sequential([keras.Input(shape), layer])
    model.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in model.get_weights()])
    before = layer.call
    if fused:
        fuse(model)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * weights)
    gradients = tape.gradient(loss, [x, *(v.value for v in model.trainable_variables)])
    after = model(x, training=False)
    return layer.call != before, [y, *gradients, *model.get_weights(), after]


@pytest.mark.parametrize(
    ("policy", "rtol"),
    [
        ("float32", 1e-5),
        ("mixed_float16", 2e-3),
        pytest.param("mixed_bfloat16", 2e-2, marks=bfloat16.needed),
    ],
)
@pytest.mark.parametrize("shape", [(7,), (12, 5), (6, 5, 4), (1, 1, 3)])
def test_it_computes_what_keras_does(shape, policy, rtol):
    (_, plain), (changed, fused) = (trained(shape, fused, policy) for fused in (False, True))
    assert changed
    for expected, found in zip(plain, fused, strict=True):
        expected, found = np.asarray(expected, float), np.asarray(found, float)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("arguments", [{"axis": 1}, {"scale": False}, {"center": False}])
def test_other_layers_stay_as_they_are(arguments):
    changed, _ = trained((6, 5, 4), True, "float32", **arguments)
    assert not changed
