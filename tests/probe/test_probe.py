"""Each quantity of the probe against a twin in float64, and numbers at the edge of float32."""

import math
from collections.abc import Mapping

import hypothesis.extra.numpy
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tests.probe import dense_twin as twin
from zoo import probe
from zoo.probe import QUANTITIES, Probe
from zoo.probe.activations import dead_shares, kind_of, saturated_shares
from zoo.probe.layers import survey
from zoo.probe.quantities import norms

pytestmark = pytest.mark.usefixtures("one_thread")


def assert_quantities(
    found: Mapping[str, object], expected: dict[str, list[float]], rtol: float
) -> None:
    assert set(expected) == set(QUANTITIES) == set(found)
    for name, values in found.items():
        exact = name in ("saturated", "dead", "nonfinite", "zero_grads")
        np.testing.assert_allclose(
            values, expected[name], rtol=1e-15 if exact else rtol, err_msg=name
        )


@pytest.mark.parametrize(
    "build",
    [twin.sequential, twin.functional, twin.nested, twin.frozen, twin.frozen_from_the_start],
    ids=lambda f: f.__name__,
)
def test_a_dense_net_equals_its_float64_twin(build):
    start, later, last = twin.weights_of(0), twin.weights_of(2), twin.weights_of(3, scale=2.0)
    (x, y), model = twin.batch(), build()

    def put(weights: list[np.ndarray]) -> None:
        by_name = dict(zip(twin.NAMES, zip(weights[::2], weights[1::2], strict=True), strict=True))
        for layer in (each.layer for each in survey(model)[0]):
            layer.set_weights(by_name[layer.name])

    put(start)
    gradients = Probe(model, twin.CROSS_ENTROPY, x, y)
    assert gradients.layers == twin.NAMES  # from input to output
    gradients.start()
    measure, update_ratio = map(tf.function, (gradients.measure, gradients.update_ratio))
    expected = twin.quantities(start, start, x, y)
    assert 0 < expected["saturated"][0] < 1
    assert 0 < expected["saturated"][1] < 1
    assert 0.25 <= expected["dead"][2] < 1
    assert_quantities(measure(), expected, rtol=2e-5)
    for before, now in ((start, later), (later, last)):
        put(now)
        step = twin.quantities(now, before, x, y)["displacement"]  # from the weights last measured
        np.testing.assert_allclose(update_ratio(), step, rtol=1e-6)
        assert_quantities(measure(), twin.quantities(now, start, x, y), rtol=2e-5)
        np.testing.assert_array_equal(update_ratio(), np.zeros(4))


def test_a_brief_probe_leaves_out_what_kernels_alone_tell_and_counts():
    (x, y), model = twin.batch(), twin.sequential()
    model.set_weights(twin.weights_of())
    whole, brief = (Probe(model, twin.CROSS_ENTROPY, x, y, brief=brief) for brief in (False, True))
    whole.start(), brief.start()
    expected, graphs = whole.measure(), []
    for gradients in (whole, brief):
        measure = tf.function(lambda of=gradients: list(of.measure().values()))
        graphs.append(len(measure.get_concrete_function().graph.get_operations()))
    assert graphs[1] < graphs[0]
    for name, values in brief.measure().items():
        if name in ("displacement", "kernel_rms"):
            assert np.isnan(values).all()
        else:
            np.testing.assert_array_equal(values, expected[name], err_msg=name)
    assert np.isnan(brief.update_ratio()).all()
    x[0, 0] = np.nan
    broken = Probe(model, twin.CROSS_ENTROPY, x, y, brief=True).measure()
    assert np.isnan(broken["kernel_grad_norm"]).all() and not np.any(broken["nonfinite"])


def test_measure_is_the_probe_once():
    (x, y), model = twin.batch(), twin.sequential()
    model.set_weights(twin.weights_of())
    found = probe.measure(model, twin.CROSS_ENTROPY, x, y)
    assert found["layers"] == twin.NAMES
    assert_quantities(
        {name: found[name] for name in QUANTITIES},
        twin.quantities(twin.weights_of(), twin.weights_of(), x, y),
        rtol=2e-5,
    )


# ---------------------------------------------------------------- a convolutional net written out


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Cross-correlation without padding, (batch, rows, columns, channels), in x's precision."""
    rows, columns = (x.shape[axis] - kernel.shape[axis - 1] + 1 for axis in (1, 2))
    return sum(
        x[:, i : i + rows, j : j + columns] @ kernel[i, j]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    )


def test_a_convolutional_net_equals_its_float64_twin():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3, 6, 5, 2)).astype(np.float32)
    y = rng.normal(size=(3, 1)).astype(np.float32)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.ZeroPadding2D(1),
            layers.Conv2D(4, 3, use_bias=False),
            layers.ReLU(),
            layers.Conv2D(2, 2, activation="sigmoid", use_bias=False),
            layers.Flatten(),
            layers.Dense(1, use_bias=False),
        ]
    )
    weights = [rng.normal(0, 2, w.shape).astype(np.float32) for w in model.get_weights()]
    weights[0][:, :, :, 1] = 0  # one channel of four is dead
    model.set_weights(weights)
    kernels = [w.astype(np.float64) for w in weights]
    shapes = [(3, 6, 5, 4), (3, 5, 4, 2), (3, 1)]
    padded = np.pad(x.astype(np.float64), [(0, 0), (1, 1), (1, 1), (0, 0)])

    def forward(kernels: list[np.ndarray], shifts: list[np.ndarray]) -> tuple[float, np.ndarray]:
        h = np.maximum(convolved(padded, kernels[0]) + shifts[0], 0)
        h = 1 / (1 + np.exp(-convolved(h, kernels[1]) - shifts[1]))
        output = h.reshape(len(x), -1) @ kernels[2] + shifts[2]
        return float(np.mean((output - y) ** 2)), h

    def gradient(parts: list[np.ndarray], number: int) -> np.ndarray:
        """Of the loss by one of the arrays, which are changed in place, by central differences."""
        slopes = np.zeros(parts[number].size)
        flat = parts[number].reshape(-1)
        for i, value in enumerate(flat.copy()):
            losses = []
            for step in (1e-6, -1e-6):
                flat[i] = value + step
                losses.append(forward(kernels, shifts)[0])
            flat[i] = value
            slopes[i] = (losses[0] - losses[1]) / 2e-6
        return slopes

    shifts = [np.zeros(shape) for shape in shapes]  # of z: the loss's slope by them is delta
    # A dead channel's z is exactly 0, where ReLU has no derivative: shifted below it.
    shifts[0][..., 1] = -1
    deltas = [gradient(shifts, number) for number in range(3)]
    grads = [gradient(kernels, number) for number in range(3)]
    _, sigmoid = forward(kernels, shifts)
    found = probe.measure(model, keras.losses.MeanSquaredError(), x, y)
    np.testing.assert_allclose(found["delta_rms"], [twin.rms(d) for d in deltas], rtol=1e-4)
    norms = [math.sqrt((g**2).sum()) for g in grads]
    np.testing.assert_allclose(found["kernel_grad_norm"], norms, rtol=1e-4)
    np.testing.assert_allclose(found["kernel_rms"], [twin.rms(k) for k in kernels], rtol=1e-6)
    flat = np.mean((sigmoid < 0.01) | (sigmoid > 0.99))
    assert 0 < flat < 1
    np.testing.assert_allclose(found["saturated"], [math.nan, flat, math.nan], rtol=1e-12)
    np.testing.assert_array_equal(found["dead"], [0.25, math.nan, math.nan])


# ---------------------------------------------------------------- numbers at the edge of float32


@pytest.mark.parametrize("size", [3e-20, 1e-30, 1.0, 1e20, 1e36])
def test_norms_neither_underflow_nor_overflow(size):
    x = np.array([3, -4, 0, 12], np.float32) * np.float32(size)
    found = norms([tf.constant(x), tf.constant(x[:2].reshape(2, 1))])
    exact = [math.hypot(*x.astype(float)), math.hypot(*x[:2].astype(float))]
    np.testing.assert_allclose(found, exact, rtol=1e-14)
    assert exact[0] == pytest.approx(13 * size, rel=1e-6)


MODERATE = st.floats(0.0001220703125, 8192, width=32)  # 2^-13 to 2^13


@given(
    hypothesis.extra.numpy.arrays(
        np.float32,
        st.integers(1, 30),
        elements=st.just(0.0) | MODERATE | MODERATE.map(lambda v: -v),
    ),
    st.integers(-100, 100),
    st.sampled_from([1, -1]),
)
@settings(max_examples=150, deadline=None)
def test_norms_scale_with_their_tensor(x, exponent, sign):
    """Over 60 orders of magnitude; a power of two scales without rounding."""
    factor = np.float32(sign * 2.0**exponent)
    scaled, plain = norms([tf.constant(factor * x), tf.constant(x)]).numpy()
    assert scaled == pytest.approx(2.0**exponent * plain, rel=1e-14)


@pytest.mark.parametrize("size", [3e-20, 1e20])
def test_gradients_that_a_float32_norm_loses(size):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = probe.measure(
        model, twin.LinearLoss(tf.constant(size, tf.float32)), x, np.zeros((5, 2))
    )
    delta = np.full((5, 2), size / 5)
    first, _, second, _ = (w.astype(np.float64) for w in model.get_weights())
    deltas = [delta @ second.T, delta]
    grads = [x.T @ deltas[0], (x @ first).T @ delta]
    np.testing.assert_allclose(
        found["delta_rms"], [twin.rms(d / size) * size for d in deltas], rtol=1e-5
    )
    norms = [np.linalg.norm(g / size) * size for g in grads]
    np.testing.assert_allclose(found["kernel_grad_norm"], norms, rtol=1e-5)
    assert found["nonfinite"] == [0, 0]


def test_what_is_not_finite_makes_norms_nan_and_is_counted():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="only")])
    x = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    slopes = np.array([[1, math.inf, 3], [2, 5, math.nan]], np.float32)
    found = probe.measure(model, twin.LinearLoss(tf.constant(slopes)), x, np.zeros((2, 3)))
    delta = np.array([[1, 0, 3], [2, 5, 0]]) / 2
    grad = np.zeros((4, 3))
    grad[:, 0] = x.T.astype(float) @ delta[:, 0]  # the other two columns have no finite entry
    assert found["nonfinite"] == [2 + 8]
    for name in ("delta_rms", "kernel_grad_norm"):
        assert np.isnan(found[name]).all()
    np.testing.assert_allclose(found["finite_delta_rms"], [twin.rms(delta)], rtol=1e-6)
    np.testing.assert_allclose(found["finite_kernel_grad_norm"], [np.linalg.norm(grad)], rtol=1e-6)
    assert np.isfinite(found["kernel_rms"]).all()


def test_weights_that_are_not_finite():
    model = twin.sequential()
    weights = twin.weights_of()
    model.set_weights(weights)
    (x, y), broken = twin.batch(), twin.weights_of()
    gradients = Probe(model, twin.CROSS_ENTROPY, x, y)
    gradients.start()
    broken[2][0, 0], broken[2][1, 1] = math.inf, math.nan
    model.set_weights(broken)
    found = {name: values.numpy() for name, values in gradients.measure().items()}
    np.testing.assert_array_equal(np.isnan(found["kernel_rms"]), [False, True, False, False])
    np.testing.assert_array_equal(found["displacement"], [0, math.nan, 0, 0])
    assert found["nonfinite"][1] > 0


# ---------------------------------------------------------------- saturated and dead


@pytest.mark.parametrize(
    "activation, values, share",
    [
        ("tanh", [-1, -0.991, -0.989, 0, 0.989, 0.991, 1, 0.5], 0.5),
        ("sigmoid", [0, 0.009, 0.011, 0.5, 0.5, 0.989, 0.991, 1], 0.5),
        ("relu", [0, 0, 1, 1], math.nan),
    ],
)
def test_saturated(activation, values, share):
    kind = kind_of(keras.activations.get(activation), (8,))
    found = saturated_shares([kind], [[tf.constant([values], tf.float32)]])
    np.testing.assert_array_equal(found, [share])


@pytest.mark.parametrize("shape", [(6, 4), (3, 2, 4), (1, 2, 3, 4)])
def test_dead_is_by_unit_or_channel_over_everything_else(shape):
    output = np.zeros(shape, np.float32)
    output[..., 1] = 2  # alive everywhere
    output[..., 3].flat[-1] = 1e-30  # alive at one place
    relu, tanh = (kind_of(keras.activations.get(name), shape[1:]) for name in ("relu", "tanh"))
    found = dead_shares([relu, tanh], [[tf.constant(output)]] * 2)
    np.testing.assert_array_equal(found, [0.5, math.nan])
    elsewhere = np.roll(output, 1, axis=-1)  # a second use: what lives in one of them is not dead
    both = [tf.constant(output), tf.constant(elsewhere)]
    np.testing.assert_array_equal(dead_shares([relu], [both]), [0.0])
