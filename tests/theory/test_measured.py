"""Mean-field predictions against what the probe measures, on wide networks over several seeds.

The networks are those that recipes name, made wider: the theory is of infinite width.
"""

import math
import random
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import models, theory
from zoo import recipe as recipes
from zoo.data import Dataset, Split
from zoo.models.mlp import MLP
from zoo.probe import Probe
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

TANH = theory.nonlinearity("tanh")
WIDTH = 512
SEEDS = 12
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


def arguments_of(arm: str, **changes: object) -> MLP:
    """The model arguments of an arm such as digits/activation/relu, but wide."""
    recipe, _, name = arm.rpartition("/")
    model = recipes.load(recipe).arms[name].spec.model
    return model.model_copy(update={"width": WIDTH, **changes})


def network(arguments: MLP, inputs: int) -> keras.Model:
    split = Split(np.zeros((1, inputs), np.float32), np.zeros(1, np.int32))
    return models.build(arguments, Dataset("wide", split, split, split, 10, "classification"))


def starts(model: keras.Model, arguments: MLP, inputs: int, seeds: int = SEEDS) -> Iterator[int]:
    """Puts the model to the start that each seed gives it."""
    for seed in range(seeds):
        random.seed(seed)  # Keras draws the seeds of its initializers from it
        model.set_weights(network(arguments, inputs).get_weights())
        yield seed


def log_gains(arguments: MLP, x: np.ndarray, seeds: int = SEEDS) -> np.ndarray:
    """ln of each hidden layer's delta^2 over the last one's, (seeds, hidden layers)."""
    y = np.random.default_rng(1).integers(0, 10, len(x))
    model = network(arguments, x.shape[1])
    measure = tf.function(Probe(model, LOSS, x, y).measure, autograph=False)
    logs = []
    for _ in starts(model, arguments, x.shape[1], seeds):
        deltas = measure()["delta_rms"].numpy()
        logs.append(2 * np.log(deltas[:-1] / deltas[-2]))  # the last of all is the output layer's
    return np.array(logs)


def assert_agree(measured: np.ndarray, predicted: np.ndarray | float) -> None:
    """The means over seeds are the predictions, at the 1 % level of Student's t over all layers.

    Args:
        measured: (seeds, layers).
        predicted: (layers,) or one for all.
    """
    seeds, layers = measured.shape
    error = measured.std(axis=0, ddof=1) / math.sqrt(seeds)
    assert (error < 0.04).all()  # as logarithms: the means are known to 4 % of delta^2
    tolerance = scipy.stats.t.ppf(1 - 0.01 / (2 * layers), seeds - 1) * error
    assert (np.abs(measured.mean(axis=0) - predicted) < tolerance).all()


def batch(inputs: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((size, inputs)).astype(np.float32)


def normal(sigma_w2: float, fan_in: int = WIDTH) -> KerasPart:
    return part("RandomNormal", stddev=math.sqrt(sigma_w2 / fan_in))


def compared(arguments: MLP, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """ln of each hidden layer's delta^2 over the last one's: measured for each seed, predicted.

    Without the last layer itself, where it is 0.
    """
    x = batch(inputs)
    profile = theory.delta_profile(
        arguments.activation,
        arguments.initializer,
        inputs,
        arguments.width,
        arguments.depth,
        q=float(np.mean(x**2)),
        sigma_b2=bias_variance(arguments),
    )
    return log_gains(arguments, x)[:, :-1], 2 * np.log(profile)[:-1]


def bias_variance(arguments: MLP) -> float:
    bias = arguments.bias_initializer
    assert bias.class_name in ("zeros", "RandomNormal")
    return bias.config.get("stddev", 0.0) ** 2


AGAIN = [
    *((f"digits/activation/{name}", 256) for name in ("prelu", "gelu")),
    ("digits/activation/tanh", 512),
    *((f"digits/initialization/{name}", 64) for name in ("glorot", "normal_large")),
    *(
        (f"digits/edge_of_chaos/{name}", 512)
        for name in ("critical", "ordered", "chaotic", "orthogonal_critical")
    ),
]


@pytest.mark.parametrize(
    "arm, inputs",
    [
        *((f"digits/activation/{name}", 256) for name in ("sigmoid", "relu_he")),
        *(pytest.param(*each, marks=pytest.mark.combination) for each in AGAIN),
    ],
)
def test_measured_deltas_follow_the_recursion(arm, inputs):
    assert_agree(*compared(arguments_of(arm, depth=8), inputs))


def test_measured_deltas_follow_the_recursion_with_biases():
    """tanh at (1.5, 0.05)."""
    biases = part("RandomNormal", stddev=0.05**0.5)
    point = {"initializer": normal(1.5), "bias_initializer": biases}
    arguments = arguments_of("digits/activation/tanh", depth=8, **point)
    assert_agree(*compared(arguments, WIDTH))


# ---------------------------------------------------------------- whatever an arm is made of

INPUT_SHAPE = (16, 16, 1)
DRAWN_DEPTH, DRAWN_SEEDS = 5, 8

SCALED = {"mode": "fan_avg", "distribution": "uniform"}
STARTS = [
    part("he_normal"),
    part("lecun_normal"),
    part("glorot_uniform"),
    part("VarianceScaling", scale=16.0, **SCALED),
    part("Orthogonal", gain=1.2),
    part("RandomNormal", stddev=0.06),
    part("TruncatedNormal", stddev=0.06),
    part("RandomUniform", minval=-0.1, maxval=0.1),
]
SLOPE = {"class_name": "Constant", "config": {"value": 0.25}}
ACTIVATIONS = [
    *map(part, ("relu", "elu", "selu", "gelu", "swish", "mish", "softsign", "tanh", "sigmoid")),
    part("PReLU", alpha_initializer=SLOPE),
    part("LeakyReLU", negative_slope=0.1),
    part("ELU", alpha=0.5),
    part("ReLU", negative_slope=0.3),
    part("hard_tanh"),
    part("ReLU", max_value=1.0),
    part("GaussianNoise", stddev=1.0),
]
BIASES = [
    part("zeros"),
    part("ones"),
    part("Constant", value=-0.5),
    part("RandomNormal", mean=0.3, stddev=0.5),
    part("RandomUniform", minval=-2.0, maxval=2.0),
    part("TruncatedNormal", stddev=2.0),
]
LAYERS = [part("Dense"), part("WeightNormDense"), part("DataDependentWeightNormDense")]


def predicted_of(arguments: MLP) -> np.ndarray | None:
    spec = recipes.load("digits/activation").arms["tanh"].spec
    return theory.predicted_profile(spec.model_copy(update={"model": arguments}), INPUT_SHAPE)


def assert_predicted_right(arguments: MLP, predicted: np.ndarray) -> None:
    """The mean of delta^2 over seeds, by that of the last layer, at the 0.1 % level of Student's t.

    But for what infinite width leaves open: 5 depth / width, as logarithms.
    """
    x = batch(math.prod(INPUT_SHAPE), 32)
    model = network(arguments, x.shape[1])
    probe = Probe(model, LOSS, x, np.random.default_rng(1).integers(0, 10, len(x)))
    squares = np.array(
        [
            probe.measure()["delta_rms"].numpy()[:-1] ** 2
            for _ in starts(model, arguments, x.shape[1], DRAWN_SEEDS)
        ]
    )

    def logs(of_seeds: np.ndarray) -> np.ndarray:
        means = of_seeds.mean(axis=0)
        return np.log(means[:-1] / means[-1])

    others = [logs(np.delete(squares, seed, axis=0)) for seed in range(DRAWN_SEEDS)]
    error = np.std(others, axis=0) * math.sqrt(DRAWN_SEEDS - 1)  # the jackknife's
    assert (error < 0.2).all()
    layers = len(predicted) - 1
    tolerance = scipy.stats.t.ppf(1 - 0.001 / (2 * layers), DRAWN_SEEDS - 1) * error
    off = np.abs(logs(squares) - 2 * np.log(predicted)[:-1])
    assert (off < tolerance + 5 * layers / WIDTH).all(), (arguments, off, tolerance)


@pytest.mark.parametrize(
    "activation, initializer, biases",
    [
        ("sigmoid", "glorot_uniform", part("ones")),
        ("sigmoid", part("VarianceScaling", scale=16.0, **SCALED), part("zeros")),
        ("relu", "he_normal", part("Constant", value=-0.2)),
        ("tanh", "lecun_normal", part("RandomNormal", mean=0.3, stddev=0.5)),
        (part("PReLU", alpha_initializer=SLOPE), "he_normal", part("zeros")),
    ],
    ids=["ones", "gain 4", "one value", "normal", "slope"],
)
def test_biases_gains_and_slopes_are_predicted_right(activation, initializer, biases):
    arguments = MLP(
        family="mlp",
        depth=DRAWN_DEPTH,
        width=WIDTH,
        activation=activation,
        initializer=initializer,
        bias_initializer=biases,
    )
    predicted = predicted_of(arguments)
    assert predicted is not None
    assert_predicted_right(arguments, predicted)


def drawn_arguments() -> st.SearchStrategy[MLP]:
    """Arms, most of which there is a prediction for."""
    common = {"normalization": None, "dense": LAYERS[0]}
    odd = st.sampled_from(
        [
            {"normalization": part("LayerNormalization"), "dense": LAYERS[0]},
            *({"normalization": None, "dense": each} for each in LAYERS[1:]),
        ]
    )
    rest = st.integers(0, 7).flatmap(lambda which: odd if which == 7 else st.just(common))
    parts = st.tuples(
        st.sampled_from(ACTIVATIONS), st.sampled_from(STARTS), st.sampled_from(BIASES), rest
    )
    return parts.map(
        lambda drawn: MLP(
            family="mlp",
            depth=DRAWN_DEPTH,
            width=WIDTH,
            activation=drawn[0],
            initializer=drawn[1],
            bias_initializer=drawn[2],
            **drawn[3],
        )
    )


def assert_none_or_right(arguments: MLP) -> None:
    predicted = predicted_of(arguments)
    if predicted is not None:
        assert_predicted_right(arguments, predicted)


@settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(drawn_arguments())
def test_an_arm_has_no_prediction_or_a_right_one(arguments):
    assert_none_or_right(arguments)


@pytest.mark.combination
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(drawn_arguments())
def test_any_arm_has_no_prediction_or_a_right_one(arguments):
    assert_none_or_right(arguments)


# ---------------------------------------------------------------- where the recursion starts


def test_the_recursion_starts_at_the_inputs():
    """tanh at (2, 0), where the fixed point predicts other gains for the first layers."""
    depth = 10
    arguments = arguments_of("digits/activation/tanh", depth=depth, initializer=normal(2.0))
    measured, predicted = compared(arguments, WIDTH)
    assert_agree(measured, predicted)
    chi = theory.chi(theory.fixed_point(TANH, 2.0), TANH, 2.0)
    with pytest.raises(AssertionError):
        assert_agree(measured, math.log(chi) * np.arange(1, depth)[::-1])


@pytest.mark.parametrize(
    "name, chi",
    [
        ("glorot", 1.0),
        ("critical", 1.0),
        ("orthogonal_critical", 1.0),
        ("ordered", 0.759),
        ("chaotic", 1.3424),
    ],
)
def test_an_arm_of_the_recipe_lies_in_the_phase_it_is_named_for(name, chi):
    arguments = arguments_of(f"digits/edge_of_chaos/{name}")
    kernel, sigma_b2 = arguments.initializer, bias_variance(arguments)
    sigma_w2 = WIDTH * theory.weight_variance(kernel.class_name, kernel.config, WIDTH, WIDTH)
    found = theory.chi(theory.fixed_point(TANH, sigma_w2, sigma_b2), TANH, sigma_w2)
    assert found == pytest.approx(chi, abs=1e-4)
    if chi == 1.0:
        assert sigma_w2 == pytest.approx(theory.edge_of_chaos(TANH, sigma_b2)[0], rel=1e-6)


def test_selu_keeps_its_fixed_point_and_its_gradient_grows():
    """Mean 0 and variance 1 of the activations at any depth; dL/dz^2 grows 1.0716 a layer."""
    depth, x = 10, batch(WIDTH)
    arguments = arguments_of("digits/activation/selu", depth=depth)
    model = network(arguments, WIDTH)
    outputs = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    activations = keras.Model(model.input, outputs)
    values = np.array(
        [np.array(activations(x), float) for _ in starts(model, arguments, WIDTH)]
    )  # (seeds, layers, batch, units)
    assert values.shape[1] == depth
    assert_agree(values.mean(axis=(2, 3)), 0.0)
    assert_agree(values.var(axis=(2, 3)), 1.0)
    measured, predicted = compared(arguments, WIDTH)
    np.testing.assert_allclose(predicted, math.log(1.0716) * np.arange(1, depth)[::-1], rtol=0.01)
    assert_agree(measured, predicted)


@pytest.mark.parametrize("depth", [1, 3, 9])
def test_narrow_relu_nets_are_born_dead_as_often_as_lu_says(depth):
    """Lu et al. 2019: for one input, of which nothing comes through a layer that is silent."""
    width, seeds = 2, 100
    arguments = arguments_of("digits/dying_relu/relu", depth=depth, width=width)
    model = network(arguments, 64)
    hidden = [each for each in model.layers if isinstance(each, keras.layers.Activation)]
    taps = keras.Model(model.input, [*(each.output for each in hidden), model.output])
    through = tf.function(lambda x: taps(x, training=False))
    x, dead = tf.constant(batch(64)[:1]), 0
    for _ in starts(model, arguments, 64, seeds):
        *layers, outputs = through(x)
        silent = any(not np.any(layer) for layer in layers)
        assert silent == (not np.any(outputs))  # biases are 0: so is all that follows
        dead += silent
    expected = theory.born_dead(width, depth)
    assert abs(dead / seeds - expected) < 4 * math.sqrt(expected * (1 - expected) / seeds)


def test_orthogonal_kernels_keep_every_norm_in_a_deep_linear_network():
    """Saxe et al. 2014: an isometry times the gain, exact for each example, forward and back."""
    depth, x, weights = 20, batch(64), batch(10)
    arguments = arguments_of("digits/initialization/orthogonal", depth=depth)
    gain = arguments.initializer.config["gain"]

    def norms(initializer: KerasPart) -> tuple[np.ndarray, np.ndarray]:
        """Of z and of dL/dz, (hidden layers, batch), less the growth by the gain."""
        changes = {"activation": part("linear"), "initializer": initializer}
        random.seed(0)
        model = network(arguments.model_copy(update=changes), 64)
        layers = [model.get_layer(f"dense_{number}") for number in range(1, depth + 1)]
        taps = keras.Model(model.input, [*(layer.output for layer in layers), model.output])
        with tf.GradientTape() as tape:
            *zs, outputs = taps(x)
            loss = tf.reduce_sum(outputs * weights)  # whose gradient does not depend on outputs
        deltas = tape.gradient(loss, zs)
        growth = gain ** np.arange(1, depth + 1)[:, None]
        signal, delta = (np.linalg.norm(np.array(v, float), axis=2) for v in (zs, deltas))
        return signal / growth, delta * growth / growth[-1]

    signal, delta = norms(arguments.initializer)
    rounding = depth * 64 * 2.0**-24  # float32 sums of 64 terms in every layer
    np.testing.assert_allclose(
        signal, np.tile(np.linalg.norm(x, axis=1), (depth, 1)), rtol=rounding
    )
    np.testing.assert_allclose(delta, np.tile(delta[-1], (depth, 1)), rtol=rounding)
    # Gaussian kernels of the same variance keep them in the mean alone.
    signal, delta = norms(normal(gain**2))
    assert (signal[-1] / signal[0]).std() > 0.05
    assert (delta[0] / delta[-1]).std() > 0.05


def test_batch_norm_makes_relu_deltas_grow_towards_the_input():
    """Yang et al. 2019, in the limit of large batches: two batch sizes extrapolated in 1 / batch.

    The first layer's z has the variance of the inputs instead, so the growth starts at the second.
    """
    depth, seeds = 10, 6
    parts = {"activation": part("relu"), "initializer": part("he_normal")}
    arguments = arguments_of("digits/normalization/batch", depth=depth, **parts)

    def growth(size: int) -> np.ndarray:
        logs = log_gains(arguments, batch(256, size), seeds)
        return logs[:, 1] / (depth - 2)

    small, large = growth(128), growth(256)
    extrapolated = 2 * large - small
    error = extrapolated.std(ddof=1) / math.sqrt(seeds)
    assert error < 0.01
    predicted = math.log(theory.BATCH_NORM_RELU_GROWTH)
    assert predicted == pytest.approx(math.log(1.467), abs=1e-4)
    assert abs(extrapolated.mean() - predicted) < 3 * error
