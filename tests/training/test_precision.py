"""Float16 loses small gradients, loss scaling brings them back, bfloat16 keeps them.

Micikevicius et al. 2018, arXiv:1710.03740. The net is a deep sigmoid MLP in plain Keras, the same
initial weights in every precision.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import bfloat16
from zoo import probe, recipe
from zoo.training import build_seeded

pytestmark = pytest.mark.usefixtures("one_thread")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
DEPTH, SMALLEST = 10, 2.0**-24  # the smallest float16 above 0
UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # roundoff: of 11 bits, and of 8
# What a layer adds to the relative error of the gradients below it, in units of roundoff. On the
# way back: its kernel as cast, 1; the product with it, 2, since TensorFlow's own bfloat16 product,
# for processors that oneDNN has none for, cuts off instead of rounding; s (1 - s) times that, 3.
# Through s, on the way forth: its own, 1; kernel, product and bias of z, 4, by a slope of 1/4: 1.
# Kernels are random: an error is carried on, on average, with the gain of what it is an error of.
ROUNDINGS = 8


@pytest.fixture(autouse=True)
def policy_kept():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def net(policy):
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(64, "sigmoid") for _ in range(DEPTH)]
    return keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])


def gradients(model, scale=lambda loss: loss):
    """Of every kernel, from first to last layer, of the loss as `scale` makes it."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(64, 64)).astype(np.float32), rng.integers(0, 10, 64)
    kernels = [layer.kernel.value for layer in model.layers]
    with tf.GradientTape() as tape:
        loss = scale(LOSS(y, model(x, training=True)))
    return [gradient.numpy() for gradient in tape.gradient(loss, kernels)]


def assert_equal_to_rounding(found, exact, precision):
    """Gradients of the last kernels, in order: each with the roundings of the layers down to it.

    The cast of dL/dlogits and the product that makes dL/dW of dL/dz are no more than those of one.
    """
    pairs = zip(found, exact, strict=True)
    errors = np.array([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs])
    layers = np.arange(len(errors), 0, -1)
    assert (errors < ROUNDINGS * layers * UNIT[precision]).all(), errors / UNIT[precision]


def test_float16_gradients_of_the_first_layers_are_exactly_0():
    exact, half = gradients(net("float32")), gradients(net("mixed_float16"))
    assert all(gradient.dtype == np.float32 for gradient in half)
    assert (half[0] == 0).all() and (half[1] == 0).all()
    assert all((gradient != 0).all() for gradient in exact)
    assert np.abs(exact[0]).max() < SMALLEST
    assert_equal_to_rounding(half[-3:], exact[-3:], "float16")  # what is large enough is right


def test_loss_scaling_brings_them_back():
    """To float16's own precision."""
    exact, model = gradients(net("float32")), net("mixed_float16")
    variables = [keras.Variable(np.zeros(gradient.shape), dtype="float32") for gradient in exact]
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0))
    optimizer.build(variables)
    scaled = gradients(model, optimizer.scale_loss)
    assert all(np.isfinite(gradient).all() for gradient in scaled)
    optimizer.apply([tf.constant(gradient) for gradient in scaled], variables)
    unscaled = [-variable.numpy() for variable in variables]  # the step of SGD at a rate of 1
    assert_equal_to_rounding(unscaled, exact, "float16")


@bfloat16.needed
def test_bfloat16_does_not_lose_them():
    """To bfloat16's own precision, which has 3 bits less."""
    exact, brain = gradients(net("float32")), gradients(net("mixed_bfloat16"))
    assert all((gradient != 0).mean() > 0.99 for gradient in brain)
    assert_equal_to_rounding(brain, exact, "bfloat16")


def test_the_recipes_arms_differ_in_it_at_the_start(digits):
    """The probe's share of gradients that are exactly 0, by layer."""
    arms = recipe.load("digits/precision").arms

    def zeros(name, scale):
        model = build_seeded(arms[name], digits, seed=0)
        measured = probe.Probe(model, LOSS, digits.train.x[:128], digits.train.y[:128], scale=scale)
        measured.start()
        return measured.measure()["zero_grads"].numpy()

    alone = zeros("float16", lambda: 1.0)
    assert (alone[:3] == 1).all() and (alone[-5:] < 0.01).all()
    assert zeros("float16_loss_scaling", lambda: 2.0**15).max() < 0.01
    assert not bfloat16.computes() or zeros("bfloat16", lambda: 1.0).max() < 0.01
    assert zeros("float32", lambda: 1.0).max() == 0
