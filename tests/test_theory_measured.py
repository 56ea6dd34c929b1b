"""Mean-field predictions against what the probe measures, on wide networks over several seeds."""

import math
import random
from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from zoo import theory
from zoo.models.mlp import mlp
from zoo.probe import QUANTITIES, Probe
from zoo.schema import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

TANH = theory.nonlinearity("tanh")
SEEDS = 12
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


def log_gains(build: Callable[[], keras.Model], x: np.ndarray, seeds: int = SEEDS) -> np.ndarray:
    """ln of each hidden layer's delta^2 over the last one's, (seeds, hidden layers)."""
    y = np.random.default_rng(1).integers(0, 10, len(x))
    model = build()
    measure = tf.function(Probe(model, LOSS, x, y).measure)
    logs = []
    for seed in range(seeds):
        random.seed(seed)  # Keras draws the seeds of its initializers from it
        model.set_weights(build().get_weights())
        deltas = measure().numpy()[QUANTITIES.index("delta_rms")]
        logs.append(2 * np.log(deltas[:-1] / deltas[-2]))  # the last of all is the output layer's
    return np.array(logs)


def assert_agree(measured: np.ndarray, predicted: np.ndarray) -> None:
    """The means over seeds are the predictions, at the 1 % level of Student's t over all layers."""
    seeds, layers = measured.shape[0], measured.shape[1] - 1  # the last one is 1 by definition
    error = measured.std(axis=0, ddof=1) / math.sqrt(seeds)
    assert (error < 0.04).all()  # in ln: the means are known to 4 % of delta^2
    tolerance = scipy.stats.t.ppf(1 - 0.01 / (2 * layers), seeds - 1) * error
    assert (np.abs(measured.mean(axis=0) - predicted)[:-1] < tolerance[:-1]).all()


def batch(inputs: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((size, inputs)).astype(np.float32)


def normal(sigma_w2: float, fan_in: int = 512) -> KerasPart:
    return part("RandomNormal", stddev=math.sqrt(sigma_w2 / fan_in))


@pytest.mark.parametrize(
    "activation, initializer, inputs, depth",
    [
        ("relu", part("he_normal"), 256, 8),
        ("relu", part("glorot_uniform"), 256, 8),
        ("sigmoid", part("glorot_uniform"), 256, 8),
        ("tanh", part("glorot_uniform"), 512, 10),
        ("tanh", part("orthogonal"), 512, 5),
        ("tanh", normal(2.0), 512, 10),
        ("tanh", normal(4.0), 256, 8),
        ("gelu", part("he_normal"), 256, 5),
    ],
    ids=lambda value: str(value),
)
def test_measured_deltas_follow_the_recursion(activation, initializer, inputs, depth):
    x = batch(inputs)
    model = {"depth": depth, "width": 512}
    parts = {"activation": part(activation), "initializer": initializer, "normalization": None}
    measured = log_gains(lambda: mlp((inputs,), 10, **model, **parts), x)
    predicted = theory.delta_profile(**parts, inputs=inputs, **model, q=float(np.mean(x**2)))
    assert_agree(measured, 2 * np.log(predicted))
    if initializer == normal(2.0):  # the recursion's start matters: q* would be far off
        chi = theory.chi(theory.fixed_point(TANH, 2.0), TANH, 2.0)
        with pytest.raises(AssertionError):
            assert_agree(measured, math.log(chi) * np.arange(depth)[::-1])


def test_measured_deltas_follow_the_recursion_with_biases():
    """tanh at (1.5, 0.05), in a model made by hand, since the zoo's biases start at 0."""
    depth, width, inputs, sigma_w2, sigma_b2 = 8, 512, 512, 1.5, 0.05

    def build() -> keras.Model:
        layers = [
            keras.layers.Dense(
                width,
                "tanh",
                kernel_initializer=keras.initializers.RandomNormal(stddev=(sigma_w2 / n) ** 0.5),
                bias_initializer=keras.initializers.RandomNormal(stddev=sigma_b2**0.5),
            )
            for n in (inputs, *[width] * (depth - 1))
        ]
        return keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(10)])

    x = batch(inputs)
    predicted = theory.delta_profile(
        part("tanh"), normal(1.5), inputs, width, depth, q=float(np.mean(x**2)), sigma_b2=sigma_b2
    )
    measured = log_gains(build, x)
    assert_agree(measured, 2 * np.log(predicted))


def test_batch_norm_makes_relu_deltas_grow_towards_the_input():
    """Yang et al. 2019, in the limit of large batches: two batch sizes extrapolated in 1 / batch.

    The first layer's z has the variance of the inputs instead, so the growth starts at the second.
    """
    depth, seeds = 10, 6
    parts = {"activation": part("relu"), "initializer": part("he_normal")}
    parts["normalization"] = part("BatchNormalization")

    def growth(size: int) -> np.ndarray:
        logs = log_gains(
            lambda: mlp((256,), 10, depth=depth, width=512, **parts), batch(256, size), seeds
        )
        return logs[:, 1] / (depth - 2)

    small, large = growth(128), growth(256)
    extrapolated = 2 * large - small
    error = extrapolated.std(ddof=1) / math.sqrt(seeds)
    assert error < 0.01
    predicted = math.log(theory.BATCH_NORM_RELU_GROWTH)
    assert predicted == pytest.approx(math.log(1.467), abs=1e-4)
    assert abs(extrapolated.mean() - predicted) < 3 * error
