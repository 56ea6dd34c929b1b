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
    bias.bias.assign(0.25)
    multiplier.scale.assign(-2)
    with tf.GradientTape() as tape:
        y = multiplier(bias(x))
        loss = tf.reduce_sum(y * [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(y, -2 * (x + 0.25))
    by_bias, by_scale = tape.gradient(loss, [bias.bias.value, multiplier.scale.value])
    assert by_bias == -2 * 10
    assert by_scale == 1.25 - 2 * 1.75 + 3 * 3.25 + 4 * 0.75


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
