"""Gradient normalization: what comes back, what the probe sees of it, what is saved of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.mitigations.gradient_normalization import (
    GradientNormalization,
    GradientNormalizedActivation,
)
from zoo.models.mlp import MLP
from zoo.probe import Probe
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
UNIT = 2.0**-24  # roundoff of float32
PLACES = {
    "of z": {"normalization": KerasPart(class_name="GradientNormalization"),
             "activation": "sigmoid"},
    "of h": {"activation": KerasPart(
        class_name="GradientNormalizedActivation", config={"activation": "sigmoid"})},
}  # fmt: skip


def normalized(gradient: np.ndarray, epsilon: float = 1e-6) -> np.ndarray:
    g = gradient.astype(float)
    return (g - g.mean()) / (g.std() + epsilon)


def back(gradient: np.ndarray, epsilon: float = 1e-6) -> np.ndarray:
    """What a gradient is behind the layer."""
    x = tf.zeros(gradient.shape, gradient.dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = GradientNormalization(epsilon, dtype=gradient.dtype)(x)
    return tape.gradient(y, x, output_gradients=tf.constant(gradient)).numpy()


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_the_inputs_are_given_on_as_they_are(kind):
    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(kind)
    np.testing.assert_array_equal(GradientNormalization(dtype=kind)(x), x)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.floats(-25, 37),
    st.floats(-3, 3),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_comes_back_is_that_of_numpy_and_of_deviation_one(shape, magnitude, offset, seed):
    """From what float32 hardly holds to what it just holds, and of a single entry too."""
    drawn = np.random.default_rng(seed).normal(size=shape) + offset
    gradient = (10.0**magnitude * drawn / 8).astype(np.float32)
    given_back, twin = back(gradient), normalized(gradient)
    # Rounded once to float32; the mean of n entries is off by n roundings of float64.
    size = np.abs(gradient).max() / (gradient.astype(float).std() + 1e-6)
    bound = UNIT * np.abs(twin) + 4 * gradient.size * 2.0**-53 * (size + np.abs(twin)) + 1e-45
    assert given_back.dtype == np.float32
    assert (np.abs(given_back - twin) <= bound).all()
    deviation = gradient.astype(float).std()
    assert given_back.astype(float).std() == pytest.approx(
        deviation / (deviation + 1e-6), rel=1e-5, abs=bound.max()
    )


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1e-45, 3e38])
@pytest.mark.parametrize("shape", [(1,), (4, 3)])
def test_gradients_without_differences_come_back_as_zeros(shape, value):
    """And not as what 0 / 0 is."""
    given_back = back(np.full(shape, value, np.float32))
    assert np.abs(given_back).max() <= 1e-9


def naive(model: keras.Model, place: str, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """delta_rms and kernel_grad_norm of every layer, by hand."""
    weights = [w.astype(float) for w in model.get_weights()]
    kernels, biases = weights[::2], weights[1::2]
    h = [x.astype(float)]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        h.append(1 / (1 + np.exp(-(h[-1] @ kernel + bias))))
    logits = h[-1] @ kernels[-1] + biases[-1]
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    deltas = [(softmax - np.eye(logits.shape[1])[y]) / len(x)]
    for kernel, output in zip(kernels[:0:-1], h[:0:-1], strict=True):
        gradient, slope = deltas[0] @ kernel.T, output * (1 - output)
        at_z = normalized(gradient) * slope if place == "of h" else normalized(gradient * slope)
        deltas.insert(0, at_z)
    return {
        "delta_rms": np.array([np.sqrt(np.mean(d**2)) for d in deltas]),
        "kernel_grad_norm": np.array(
            [np.linalg.norm(a.T @ d) for a, d in zip(h, deltas, strict=True)]
        ),
    }


@pytest.fixture
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def network(place: str, depth: int = 6) -> keras.Model:
    keras.utils.set_random_seed(0)
    family = MLP(family="mlp", depth=depth, width=7, **PLACES[place])
    return family.build(Shapes((5,), 3))


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(16, 5)).astype(np.float32), rng.integers(0, 3, 16)


@pytest.mark.parametrize("place", PLACES)
def test_the_probe_sees_what_really_reaches_z_and_the_kernel(place, float64):
    """In float64: each layer divides by a deviation, and so multiplies what was rounded before."""
    model, (x, y) = network(place), batch()
    for variable in model.variables:
        variable.assign(variable + np.random.default_rng(2).normal(0, 0.3, variable.shape))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    measured, twin = Probe(model, loss, x, y).measure(), naive(model, place, x, y)
    for name, expected in twin.items():
        np.testing.assert_allclose(measured[name], expected, rtol=1e-9)
    if place == "of z":
        assert measured["delta_rms"].numpy()[:-1] == pytest.approx(np.ones(6), abs=1e-3)
    else:  # a sigmoid's derivative is 1/4 at most
        assert (measured["delta_rms"].numpy()[:-1] <= 0.25).all()


@pytest.mark.parametrize("place", PLACES)
def test_the_probe_knows_the_activation_behind_it(place):
    model, (x, y) = network(place, depth=2), batch()
    for layer in ("dense_1", "dense_2"):
        model.get_layer(layer).kernel.assign(40 * model.get_layer(layer).kernel)
    saturated = Probe(model, LOSS, x, y).measure()["saturated"].numpy()
    assert (saturated[:2] > 0.3).all()


@pytest.mark.parametrize("place", PLACES)
def test_config_and_file_bring_it_back(place, tmp_path):
    model, (x, y) = network(place, depth=2), batch()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    of_both = [Probe(each, LOSS, x, y).measure()["delta_rms"] for each in (loaded, model)]
    np.testing.assert_array_equal(*of_both)


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [(GradientNormalization, {}), (GradientNormalizedActivation, {"activation": "tanh"})],
    ids=["layer", "activation"],
)
def test_every_argument_is_in_the_config(cls, arguments):
    layer = cls(**arguments, epsilon=0.5)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config() and again.epsilon == 0.5
