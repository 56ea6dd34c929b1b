"""Normalization by the whole tensor: a twin in float64, its averages, what is saved of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.mitigations.tensor_normalization import TensorNormalization
from zoo.models.mlp import MLP
from zoo.probe import Probe
from zoo.recipe.families import Shapes

pytestmark = pytest.mark.usefixtures("one_thread")
EPSILON = 1e-5


def drawn(shape: tuple[int, ...] = (6, 5), seed: int = 0) -> np.ndarray:
    """Entries whose units differ in mean and scale."""
    rng = np.random.default_rng(seed)
    return 3 + rng.normal(size=shape) * np.linspace(0.5, 4, shape[-1])


@pytest.mark.parametrize("shape", [(6, 5), (3, 4, 2), (2, 3, 4, 2)])
def test_outputs_and_gradients_in_training_are_those_of_numpy(shape):
    """One mean and one deviation of all entries, through both of which gradients come back."""
    x, weights = drawn(shape), np.random.default_rng(1).normal(size=shape)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = TensorNormalization(dtype="float64")(inputs, training=True)
        loss = tf.reduce_sum(outputs * weights)
    deviation = np.sqrt(x.var() + EPSILON)
    expected = (x - x.mean()) / deviation
    np.testing.assert_allclose(outputs, expected, rtol=1e-12)
    by_x = (weights - weights.mean() - expected * (weights * expected).mean()) / deviation
    np.testing.assert_allclose(tape.gradient(loss, inputs), by_x, rtol=1e-10, atol=1e-12)


def test_units_keep_the_differences_between_them():
    """Which batch normalization takes away."""
    x = drawn((400, 5))
    y = TensorNormalization(dtype="float64")(x, training=True).numpy()
    assert y.mean() == pytest.approx(0, abs=1e-12)
    assert y.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(y.std(0) / y.std(0)[0], x.std(0) / x.std(0)[0], rtol=1e-12)


def test_evaluation_is_by_averages_that_training_alone_moves():
    layer = TensorNormalization(momentum=0.75, dtype="float64")
    mean, variance = 0.0, 1.0
    for seed in range(4):
        x = drawn(seed=seed)
        layer(x, training=True)
        mean, variance = 0.75 * mean + 0.25 * x.mean(), 0.75 * variance + 0.25 * x.var()
    y = layer(x, training=False)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + EPSILON), rtol=1e-12)
    assert layer.moving_mean.numpy() == pytest.approx(mean, rel=1e-12)
    np.testing.assert_array_equal(layer(x), y)  # evaluation without a word, and it moved nothing
    # An example's output does not depend on the others of its batch.
    np.testing.assert_array_equal(layer(x[2:3]), y[2:3])
    assert not layer.trainable_weights


@pytest.mark.parametrize("value", [0.0, 7.5])
def test_entries_without_differences_become_zeros(value):
    y = TensorNormalization()(np.full((4, 3), value, np.float32), training=True)
    np.testing.assert_array_equal(y, np.zeros((4, 3)))


def test_squares_that_float16_does_not_hold_are_taken_in_float32():
    x = (1000 * drawn()).astype(np.float16)
    y = TensorNormalization(dtype="mixed_float16")(x, training=True)
    expected = (x.astype(float) - x.astype(float).mean()) / x.astype(float).std()
    assert y.dtype == tf.float16
    # Rounded once to float16; before it in float32, and by the epsilon.
    np.testing.assert_allclose(y, expected, rtol=2.0**-11 + 2.0**-18, atol=2.0**-18)


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    part = {"class_name": "TensorNormalization", "config": {"momentum": 0.5, "epsilon": EPSILON}}
    family = MLP(family="mlp", depth=2, width=6, activation="sigmoid", normalization=part)
    return family.build(Shapes((5,), 3))


def test_the_probe_knows_the_activation_behind_it_and_puts_averages_back():
    model, x, y = network(), drawn().astype(np.float32), np.arange(6) % 3
    for layer in ("normalization_1", "normalization_2"):
        model.get_layer(layer).moving_mean.assign(0.25)
    before = [weight.copy() for weight in model.get_weights()]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    measured = Probe(model, loss, x, y).measure()
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert np.isfinite(measured["saturated"][:2]).all()
    # In training mode, whatever the averages: delta is that of the batch's own statistics.
    for layer in ("normalization_1", "normalization_2"):
        model.get_layer(layer).moving_variance.assign(1e6)
    again = Probe(model, loss, x, y).measure()
    np.testing.assert_array_equal(again["delta_rms"], measured["delta_rms"])


def test_config_and_file_bring_it_back(tmp_path):
    model, x = network(), drawn().astype(np.float32)
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    layer = loaded.get_layer("normalization_1")
    assert (layer.momentum, layer.epsilon) == (0.5, EPSILON)
    assert layer.moving_mean.numpy() != 0
    np.testing.assert_array_equal(loaded(x), model(x))
