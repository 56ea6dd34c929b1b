"""Fixup: every block the identity at the start, its factor and scalars, what is saved of it."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.mitigations.fixup import ScalarBias, ScalarMultiplier, Scaled, branch_scale
from zoo.models.cnn import CNN
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
FACTOR = math.sqrt(0.1)  # of a scalar over the weight that it is kept as


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


def net(blocks: int = 2, preactivation: bool = False) -> keras.Model:
    """Three stages of so many blocks."""
    family = CNN(
        family="cnn",
        depth=2 + 6 * blocks,
        widths=[16, 32, 48],
        activation="relu",
        initializer="he_normal",
        skip="Add",
        preactivation=preactivation,
        fixup=True,
    )
    return family.build(Shapes((8, 8, 1), 10))


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 8, 8, 1)).astype(np.float32), rng.integers(0, 10, 6)


@pytest.mark.parametrize("preactivation", [False, True])
def test_at_the_start_every_block_is_the_identity_and_the_guess_uniform(preactivation):
    model = net(preactivation=preactivation)
    merges = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    x, y = batch()
    inside = keras.Model(model.input, [[*merge.input, merge.output] for merge in merges])
    assert len(merges) == 6
    for carried, branch, merged in inside(x):
        assert np.ptp(carried) > 0
        np.testing.assert_array_equal(branch, np.zeros(branch.shape))
        np.testing.assert_array_equal(merged, carried)
    logits = model(x)
    np.testing.assert_array_equal(logits, np.zeros((6, 10)))
    assert float(LOSS(y, logits)) == pytest.approx(math.log(10), rel=1e-6)


@pytest.mark.parametrize("blocks", [1, 3])
def test_branches_start_at_their_factor_of_he(blocks):
    model = net(blocks)
    for name, channels in (("stage_2_block_1_conv_1", 16), ("stage_3_block_1_conv_1", 32)):
        kernel = model.get_layer(name).kernel.numpy()
        expected = math.sqrt(2 / (9 * channels)) / math.sqrt(3 * blocks)
        assert kernel.std() == pytest.approx(expected, rel=4 / math.sqrt(2 * kernel.size))
    stem = model.get_layer("stem").kernel.numpy()
    assert stem.std() == pytest.approx(math.sqrt(2 / 9), rel=4 / math.sqrt(2 * stem.size))


@pytest.mark.parametrize(
    ("branches", "layers", "factor"), [(9, 2, 1 / 3), (16, 2, 1 / 4), (16, 3, 1 / 2), (1, 2, 1)]
)
def test_the_factor(branches, layers, factor):
    assert branch_scale(branches, layers) == pytest.approx(factor, rel=1e-12)


def test_a_bias_before_each_convolution_activation_and_the_classifier():
    model = net(blocks=1)
    biases = [layer for layer in model.layers if isinstance(layer, ScalarBias)]
    multipliers = [layer for layer in model.layers if isinstance(layer, ScalarMultiplier)]
    assert len(multipliers) == 3  # one a branch
    assert len(biases) == 2 + 3 * 4 + 1  # the stem's two, four a block, the classifier's
    kinds = (keras.layers.Conv2D, keras.layers.Activation, keras.layers.Dense)
    for layer in model.layers:
        if isinstance(layer, kinds):
            (source,) = layer._inbound_nodes[0].parent_nodes
            assert isinstance(source.operation, ScalarBias), layer.name


def test_scalars_by_hand():
    x = tf.constant([[1.0, -2.0], [3.0, 0.5]])
    bias, multiplier = ScalarBias(), ScalarMultiplier()
    np.testing.assert_array_equal(bias(x), x)
    np.testing.assert_array_equal(multiplier(x), x)
    bias.bias.assign(0.25 / FACTOR)
    multiplier.scale.assign(-2 / FACTOR)
    with tf.GradientTape() as tape:
        y = multiplier(bias(x))
        loss = tf.reduce_sum(y * [[1.0, 2.0], [3.0, 4.0]])
    rounding = 32 * 2.0**-24  # some ten float32 operations on terms of one size
    np.testing.assert_allclose(y, -2 * (x + 0.25), rtol=rounding)
    by_bias, by_scale = tape.gradient(loss, [bias.bias.value, multiplier.scale.value])
    assert float(by_bias) == pytest.approx(FACTOR * -2 * 10, rel=rounding)
    expected = 1.25 - 2 * 1.75 + 3 * 3.25 + 4 * 0.75
    assert float(by_scale) == pytest.approx(FACTOR * expected, rel=rounding)


# ---------------------------------------------------------------- a tenth of the rate

STEPS, RATE, MOMENTUM = 40, 2.0**-3, 0.875  # exact in float32, in which Keras keeps the rate


def regression() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Inputs, targets, and where each weight starts; of the scalars, the numbers themselves."""
    rng = np.random.default_rng(0)
    start = {"before": 0.0, "kernel": rng.normal(size=(3, 4)) / 2, "after": 0.0, "scale": 1.0}
    return rng.normal(size=(20, 3)) + 0.5, rng.normal(size=(20, 4)), start


def as_the_zoo_trains(nesterov: bool) -> dict[str, np.ndarray]:
    """scale * tanh((x + before) kernel + after), of Keras layers in float64."""
    x, y, start = regression()
    layers = {
        "before": ScalarBias(dtype="float64"),
        "kernel": keras.layers.Dense(4, use_bias=False, dtype="float64"),
        "after": ScalarBias(dtype="float64"),
        "tanh": keras.layers.Activation("tanh", dtype="float64"),
        "scale": ScalarMultiplier(dtype="float64"),
    }
    model = keras.Sequential([keras.Input((3,), dtype="float64"), *layers.values()])
    layers["kernel"].kernel.assign(start["kernel"])
    layers["scale"].scale.assign(np.float64(1 / FACTOR))  # which Keras rounds to float32
    optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM, nesterov=nesterov)
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [w.value for w in weights]), weights)
    return {
        "before": FACTOR * layers["before"].bias.numpy(),
        "kernel": layers["kernel"].kernel.numpy(),
        "after": FACTOR * layers["after"].bias.numpy(),
        "scale": FACTOR * layers["scale"].scale.numpy(),
    }


def as_published(nesterov: bool, scalar_rate: float) -> dict[str, np.ndarray]:
    """The same in NumPy, the scalars kept as they are, at a rate of their own."""
    x, y, w = regression()
    rates = {name: RATE * (1 if name == "kernel" else scalar_rate) for name in w}
    velocity = {name: np.zeros_like(value) for name, value in w.items()}
    for _ in range(STEPS):
        shifted = x + w["before"]
        a = np.tanh(shifted @ w["kernel"] + w["after"])
        by_output = 2 * (w["scale"] * a - y) / y.size
        delta = by_output * w["scale"] * (1 - a**2)
        gradients = {
            "before": (delta @ w["kernel"].T).sum(),
            "kernel": shifted.T @ delta,
            "after": delta.sum(),
            "scale": (by_output * a).sum(),
        }
        for name, gradient in gradients.items():
            velocity[name] = MOMENTUM * velocity[name] - rates[name] * gradient
            step = velocity[name]
            if nesterov:
                step = MOMENTUM * velocity[name] - rates[name] * gradient
            w[name] = w[name] + step
    return w


@pytest.mark.parametrize("nesterov", [False, True])
def test_scalars_learn_as_plain_ones_do_at_a_tenth_of_the_rate(nesterov):
    """Under momentum, all along a trajectory: to the roundings of float64 in every step."""
    trained, twin = as_the_zoo_trains(nesterov), as_published(nesterov, 0.1)
    full_rate = as_published(nesterov, 1.0)
    for name, expected in twin.items():
        np.testing.assert_allclose(trained[name], expected, rtol=STEPS * 200 * 2.0**-53)
        assert np.max(np.abs(trained[name] - regression()[2][name])) > 1e-3, name  # it moved
        assert np.max(np.abs(trained[name] - full_rate[name])) > 1e-3, name


def test_it_learns_from_the_second_step_on_in_every_layer():
    """The classifier moves first, then the branches' last layers, then all."""
    model = net(blocks=1)
    x, y = batch()
    model.compile(keras.optimizers.SGD(0.1), LOSS, run_eagerly=True)
    start = model.get_weights()
    moved = []
    for _ in range(3):
        model.train_on_batch(x, y)
        now = zip(start, model.get_weights(), model.weights, strict=True)
        kernels = [np.any(was != w) for was, w, variable in now if variable.name == "kernel"]
        moved.append(kernels)
    assert moved[0] == [False] * 7 + [True]
    assert moved[1] == [True, *[False, True] * 3, True]
    assert moved[2] == [True] * 8


@pytest.mark.parametrize("inner", ["he_normal", keras.initializers.GlorotUniform(seed=4)])
def test_a_scaled_initializer_through_its_config(inner):
    scaled = Scaled(inner, 0.25)
    again = keras.initializers.deserialize(keras.initializers.serialize(scaled))
    assert isinstance(again, Scaled)
    assert again.get_config() == scaled.get_config()
    if not isinstance(inner, str):
        expected = 0.25 * keras.initializers.GlorotUniform(seed=4)((5, 6))
        np.testing.assert_array_equal(again((5, 6), dtype="float32"), expected)
