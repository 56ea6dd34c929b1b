"""Mean-field predictions against published numbers and Keras's definitions."""

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

import keras
import numpy as np
import pytest
import scipy.integrate
import tensorflow as tf

from zoo import recipe, theory
from zoo.recipe import schema
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

# Those of Keras that there is a prediction for.
FUNCTIONS = [name for name in dir(keras.activations) if theory.nonlinearity(name) is not None]
# A mean over the grid costs a product and an addition of float64 numbers of one sign for each node,
# in whatever order the processor's BLAS adds them.
MEAN_ROUNDING = 2 * 4096 * 2.0**-53
SELU = theory.nonlinearity("selu")
RELU = theory.nonlinearity("relu")
SIGMOID = theory.nonlinearity("sigmoid")
TANH = theory.nonlinearity("tanh")


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


# ---------------------------------------------------------------- published numbers


def published(digits: str) -> object:
    """A number as it was printed: anything that rounds to it, half a unit of its last digit off."""
    unit = Decimal(1).scaleb(Decimal(digits).as_tuple().exponent)
    return pytest.approx(float(digits), abs=float(unit / 2))


@pytest.mark.parametrize("scale, expected", [(2.0, 1.0), (1.0, 0.5), (3.0, 1.5)])
@pytest.mark.parametrize("q", [0.0, 1e-6, 1.0, 1e6])
def test_relu_keeps_half_of_the_weights_scale_at_any_signal(q, scale, expected):
    assert theory.chi(q, RELU, scale) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.25, 0.3, 1.0])
def test_leaky_relu(slope):
    leaky = theory.nonlinearity("LeakyReLU", {"negative_slope": slope})
    assert theory.chi(1.0, leaky, 2.0) == pytest.approx(1 + slope**2, rel=1e-9)


@pytest.mark.parametrize(
    "name, sigma_w2, sigma_b2, q, chi",
    [
        ("sigmoid", 1, 0, "0.2647", "0.05572"),
        ("sigmoid", 1, 1, None, "0.04196"),
        ("sigmoid", 16, 0, None, "0.40"),  # four times Glorot's bound
        ("sigmoid", 100, 0, None, "0.986"),
        ("tanh", 1.5, 0.05, None, "0.9386"),
        ("tanh", 2, 0, None, "1.1055"),
        ("tanh", 4, 0.05, None, "1.3424"),
        ("tanh", 1, 0, "0.0000", "1.0000"),
    ],
)
def test_fixed_points(name, sigma_w2, sigma_b2, q, chi):
    phi = theory.nonlinearity(name)
    found = theory.fixed_point(phi, sigma_w2, sigma_b2)
    assert theory.signal(found, phi, sigma_w2, sigma_b2) == pytest.approx(found, rel=1e-12)
    assert theory.chi(found, phi, sigma_w2) == published(chi)
    if q is not None:
        assert found == published(q)


def test_the_fixed_point_is_where_the_iteration_ends():
    q = 1.0
    for _ in range(400):
        q = theory.signal(q, TANH, 1.5, 0.05)
    assert theory.fixed_point(TANH, 1.5, 0.05) == pytest.approx(q, rel=1e-12)
    assert theory.fixed_point(TANH, 1.5, 0.05, start=30.0) == pytest.approx(q, rel=1e-12)


def test_relu_has_no_fixed_point_of_its_own():
    assert theory.fixed_point(RELU, 2.0, start=0.3) == 0.3
    assert theory.fixed_point(RELU, 1.9) == 0.0
    assert theory.fixed_point(RELU, 2.1) == math.inf


def test_edge_of_chaos_of_tanh():
    sigma_w2, q = theory.edge_of_chaos(TANH, 0.05)
    assert sigma_w2 == published("1.76095")
    assert q == published("0.570")
    assert theory.fixed_point(TANH, sigma_w2, 0.05) == pytest.approx(q, rel=1e-9)
    assert theory.chi(q, TANH, sigma_w2) == pytest.approx(1, rel=1e-12)
    sigma_w2, q = theory.edge_of_chaos(TANH, 0.0)
    assert q == 0
    assert sigma_w2 == pytest.approx(1, rel=MEAN_ROUNDING)
    with pytest.raises(ValueError, match="no edge of chaos"):
        theory.edge_of_chaos(RELU, 0.1)


def test_selu_keeps_mean_and_variance_and_its_gradient_grows():
    assert theory.gaussian_mean(SELU.phi) == pytest.approx(0, abs=1e-9)
    assert theory.signal(1.0, SELU, 1.0) == pytest.approx(1, rel=1e-9)
    assert theory.chi(1.0, SELU, 1.0) == published("1.0716")


@pytest.mark.parametrize(
    "name, chi",
    [
        ("swish", "0.379"), ("gelu", "0.456"), ("mish", "0.479"), ("relu", "0.500"),
        ("elu", "0.668"), ("selu", "1.0716"),
    ],
)  # fmt: skip
def test_a_ranking_of_activations_at_one_variance_is_one_of_their_gains(name, chi):
    assert theory.chi(1.0, theory.nonlinearity(name), 1.0) == published(chi)


@pytest.mark.parametrize(
    "name, q, mean, share",
    [("relu", 1.0, 0.0, 0.5), ("linear", 1.0, 0.0, 1.0), ("relu", 4.0, -4.0, 0.02275)],
)
def test_participation_is_the_share_of_units_that_are_not_flat(name, q, mean, share):
    phi = theory.nonlinearity(name)
    assert theory.participation(q, phi, mean) == pytest.approx(share, rel=1e-4)


def test_few_units_of_a_saturated_layer_take_part():
    """As many as are steep: of tanh at a large q, E[sech^4]^2 / E[sech^8] over z's density at 0."""
    q = 1e6
    expected = (4 / 3) ** 2 / (32 / 35) / math.sqrt(2 * math.pi * q)
    assert theory.participation(q, TANH) == pytest.approx(expected, rel=1e-4)


def test_depth_scale():
    assert theory.depth_scale(math.exp(-0.25)) == pytest.approx(4)
    assert theory.depth_scale(math.exp(0.25)) == pytest.approx(4)
    assert theory.depth_scale(1.0) == math.inf


@pytest.mark.parametrize("bias, decay", [(1, "2.48e-14"), (3, "7.76e-03"), (5, "5.11e-01")])
def test_lstm_decay(bias, decay):
    assert theory.lstm_decay(bias, 100) == published(decay)


def test_lstm_decay_is_that_of_a_keras_cell():
    cell = keras.layers.LSTMCell(3, kernel_initializer="zeros", recurrent_initializer="zeros")
    cell.build((2, 1))
    cell.bias.assign([0, 0, 0, 3, 3, 3, 0, 0, 0, 0, 0, 0])  # input, forget, cell, output
    first = tf.random.stateless_normal([2, 3], [0, 0])
    with tf.GradientTape() as tape:
        tape.watch(first)
        states = [tf.zeros([2, 3]), first]
        for _ in range(20):
            _, states = cell(tf.ones([2, 1]), states)
    np.testing.assert_allclose(
        tape.gradient(states[1], first), np.full((2, 3), theory.lstm_decay(3, 20)), rtol=1e-5
    )


def test_critical_tanh_gradients_fall_like_one_over_depth():
    part_of = {"activation": part("tanh"), "initializer": part("glorot_uniform")}
    first = [
        theory.delta_profile(**part_of, inputs=512, width=512, depth=depth)[0] ** 2
        for depth in (100, 1000)
    ]
    assert first[0] / first[1] == pytest.approx(10, rel=0.02)


# ---------------------------------------------------------------- against independent definitions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_those_of_keras(name):
    x = np.linspace(-20, 20, 1001)  # 0 is in it, where a kinked function has no derivative
    phi, derivative = theory.nonlinearity(name)
    with tf.GradientTape() as tape:
        z = tf.constant(x)
        tape.watch(z)
        output = keras.activations.get(name)(z)
    np.testing.assert_allclose(phi(x), output, rtol=1e-6, atol=1e-7)
    expected = tape.gradient(output, z).numpy()
    np.testing.assert_allclose(
        np.delete(derivative(x), 500), np.delete(expected, 500), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("q", [1e-3, 1.0, 50.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, -0.4, 3.0, -5.5, 40.0])
def test_expectations_agree_with_adaptive_quadrature(name, q, shift):
    """Around a mean of so many standard deviations."""
    phi, center = theory.nonlinearity(name), shift * math.sqrt(q)

    def mean(function: Callable[[np.ndarray], np.ndarray]) -> float:
        def integrand(z: float) -> float:
            return function(np.array([center + math.sqrt(q) * z]))[0] ** 2 * math.exp(-z * z / 2)

        near = 20 / math.sqrt(q)
        edges = [-12, -1, -near - shift, -shift, near - shift, 1, 12]
        pieces = np.unique(np.clip(edges, -12, 12))
        parts = [
            scipy.integrate.quad(integrand, low, high, epsabs=1e-14, epsrel=1e-11, limit=200)[0]
            for low, high in itertools.pairwise(pieces)
        ]
        return sum(parts) / math.sqrt(2 * math.pi)

    # What little is left beyond 7 standard deviations may be much of what there is below ReLU's 0.
    close = {"rel": 1e-8, "abs": 0.0 if shift == 0 else 1e-11 * max(1.0, q)}
    assert theory.signal(q, phi, 1.0, mean=center) == pytest.approx(mean(phi.phi), **close)
    assert theory.chi(q, phi, 1.0, mean=center) == pytest.approx(mean(phi.derivative), **close)


def test_biases_of_one_value_shift_a_linear_net_and_change_no_gain():
    """E[(m + sqrt(q) z)^2] = m^2 + q."""
    linear = theory.nonlinearity("linear")
    assert theory.signal(0.25, linear, 2.0, 0.5, mean=3.0) == pytest.approx(2 * 9.25 + 0.5)
    assert theory.chi(0.25, linear, 2.0, mean=3.0) == pytest.approx(2.0)
    assert theory.chi(0.0, RELU, 2.0, mean=3.0) == pytest.approx(2.0)
    assert theory.chi(0.0, RELU, 2.0, mean=-3.0) == pytest.approx(0.0)


def test_a_function_is_found_by_each_of_its_keras_names():
    x = np.linspace(-3, 3, 50)  # without 0
    same = {
        "relu": [("ReLU", {}), ("ReLU", {"negative_slope": 0.0, "max_value": None}), ("PReLU", {})],
        "leaky_relu": [("LeakyReLU", {"negative_slope": 0.2}), ("ReLU", {"negative_slope": 0.2})],
        "elu": [("ELU", {}), ("ELU", {"alpha": 1.0})],
        "silu": [("swish", {})],
    }
    for name, others in same.items():
        for class_name, config in others:
            found = theory.nonlinearity(class_name, config)
            np.testing.assert_array_equal(found.phi(x), theory.nonlinearity(name).phi(x))
    alpha = {"class_name": "Constant", "config": {"value": 0.25}}
    found = theory.nonlinearity("PReLU", {"alpha_initializer": alpha})
    np.testing.assert_array_equal(found.phi(x), keras.ops.leaky_relu(x, 0.25))
    np.testing.assert_allclose(
        theory.nonlinearity("LeakyReLU").phi(x), keras.layers.LeakyReLU()(x), rtol=1e-6
    )


@pytest.mark.parametrize(
    "class_name, config",
    [
        ("softmax", {}),
        ("my_activation", {}),
        ("ReLU", {"max_value": 6.0}),
        ("ReLU", {"threshold": 1.0}),
        ("PReLU", {"alpha_initializer": "glorot_uniform"}),
        ("PReLU", {"alpha_initializer": {"class_name": "RandomUniform", "config": {}}}),
        ("PReLU", {"alpha_regularizer": "l2"}),
        ("ELU", {"dtype": "float16"}),
        ("LeakyReLU", {"alpha": 0.1}),
        ("GaussianNoise", {"stddev": 0.1}),
        ("Dropout", {"rate": 0.5}),
        ("tanh", {"steepness": 2.0}),
    ],
)
def test_no_prediction_for_other_functions(class_name, config):
    assert theory.nonlinearity(class_name, config) is None


SCALINGS = [
    ("VarianceScaling", {"scale": scale, "mode": mode, "distribution": distribution})
    for scale, mode in ((0.5, "fan_in"), (3.0, "fan_out"), (2.0, "fan_avg"))
    for distribution in ("truncated_normal", "untruncated_normal", "uniform")
]


@pytest.mark.parametrize(
    "class_name, config",
    [
        *((f"{family}_{kind}", {}) for family in ("glorot", "he", "lecun")
          for kind in ("uniform", "normal")),
        ("GlorotUniform", {}), ("HeNormal", {}), ("LecunNormal", {}),
        *SCALINGS,
        ("VarianceScaling", {}), ("variance_scaling", {"scale": 2.0}),
        ("RandomNormal", {}), ("random_normal", {"stddev": 0.3}),
        ("TruncatedNormal", {}), ("truncated_normal", {"stddev": 0.3}),
        ("RandomUniform", {}), ("random_uniform", {"minval": -0.3, "maxval": 0.3}),
    ],
)  # fmt: skip
def test_weight_variance_is_that_of_keras(class_name, config):
    fan_in, fan_out = 400, 150
    make = {"class_name": class_name, "config": {**config, "seed": 3}}
    squares = keras.initializers.get(make)((fan_in, fan_out)).numpy().astype(float) ** 2
    error = squares.std() / math.sqrt(squares.size)
    found = theory.weight_variance(class_name, config, fan_in, fan_out)
    assert abs(squares.mean() - found) < 4 * error


@pytest.mark.parametrize("fan_in, fan_out", [(60, 60), (90, 40), (40, 90)])
@pytest.mark.parametrize("class_name", ["Orthogonal", "orthogonal", "OrthogonalInitializer"])
def test_weight_variance_of_orthogonal_kernels(class_name, fan_in, fan_out):
    kernel = keras.initializers.Orthogonal(gain=1.5, seed=0)((fan_in, fan_out)).numpy()
    found = theory.weight_variance(class_name, {"gain": 1.5}, fan_in, fan_out)
    assert found == pytest.approx((kernel.astype(float) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize(
    "class_name, config",
    [
        ("identity", {}),
        ("zeros", {}),
        ("my_initializer", {}),
        ("RandomNormal", {"mean": 0.1}),
        ("TruncatedNormal", {"mean": -0.1}),
        ("RandomUniform", {"minval": 0.0, "maxval": 0.1}),
    ],
)
def test_no_prediction_for_other_initializers(class_name, config):
    assert theory.weight_variance(class_name, config, 10, 10) is None


@pytest.mark.parametrize("class_name", ["glorotuniform", "glorotUniform", "my>HeNormal", "Normal"])
def test_no_prediction_for_what_a_user_may_have_named_like_that(class_name):
    """Keras has GlorotUniform and glorot_uniform."""
    assert theory.weight_variance(class_name, {}, 10, 10) is None
    assert theory.biases(class_name, {}) is None


@pytest.mark.parametrize(
    "class_name, config",
    [
        ("zeros", {}), ("Zeros", {}), ("ones", {}), ("Ones", {}),
        ("Constant", {"value": -0.7}), ("constant", {"value": 0.2}),
        ("RandomNormal", {"mean": 0.4, "stddev": 0.3}), ("random_normal", {}),
    ],
)  # fmt: skip
def test_biases_are_those_of_keras(class_name, config):
    made = {"class_name": class_name, "config": config}
    values = keras.initializers.get(made)((4000,)).numpy().astype(float)
    mean, variance = theory.biases(class_name, config)
    assert abs(values.mean() - mean) <= 4 * values.std() / math.sqrt(values.size) + 1e-7
    assert values.var() == pytest.approx(variance, rel=4 * math.sqrt(2 / values.size), abs=1e-12)


@pytest.mark.parametrize(
    "class_name, config",
    [
        ("RandomUniform", {"minval": -1.0, "maxval": 1.0}),
        ("TruncatedNormal", {"stddev": 0.3}),
        ("glorot_normal", {}),
        ("Orthogonal", {}),
        ("Chrono", {"longest": 9}),
        ("Constant", {"value": [1.0, 2.0]}),
    ],
)
def test_no_prediction_for_biases_of_another_distribution(class_name, config):
    assert theory.biases(class_name, config) is None


def test_profile_is_none_where_there_is_no_prediction():
    sizes = {"inputs": 64, "width": 64, "depth": 3}
    tanh, glorot = part("tanh"), part("glorot_uniform")
    assert theory.delta_profile(tanh, glorot, **sizes).shape == (3,)
    assert theory.delta_profile(part("mine"), glorot, **sizes) is None
    assert theory.delta_profile(tanh, part("zeros"), **sizes) is None
    normalization = part("BatchNormalization")
    assert theory.delta_profile(tanh, glorot, **sizes, normalization=normalization) is None


IMAGE = (8, 8, 1)


def arm(
    data: str = "digits",
    precision: str | None = None,
    scale: str = "standard",
    **model: object,
) -> schema.ArmSpec:
    """The arm digits/activation/tanh, changed."""
    spec = recipe.load("digits/activation").arms["tanh"].spec
    return spec.model_copy(
        update={
            "data": spec.data.model_copy(update={"name": data, "scale": scale}),
            "model": spec.model.model_copy(update=model),
            "training": spec.training.model_copy(update={"precision": precision}),
        }
    )


def test_an_arm_of_plain_layers_has_the_profile_of_its_parts():
    biases = part("RandomNormal", mean=0.2, stddev=0.3)
    profile = theory.predicted_profile(arm(bias_initializer=biases), IMAGE)
    expected = theory.delta_profile(
        part("tanh"), part("glorot_uniform"), 64, 64, 10, sigma_b2=0.09, bias_mean=0.2
    )
    np.testing.assert_array_equal(profile, expected)
    assert theory.predicted_profile(arm(precision="float32"), IMAGE) is not None
    assert theory.predicted_profile(arm("digits_rows"), (8, 8)) is not None


@pytest.mark.parametrize(
    "changed, input_shape",
    [
        (arm("imdb_reviews"), (200,)),  # tokens
        (arm("adding_problem_50"), (50, 2)),
        (arm("copy_memory_50"), (70, 10)),
        (arm(), (4, 4, 1)),  # few numbers, each example with another mean square
        (arm(), ()),
        (arm(precision="mixed_float16"), IMAGE),
        (arm(precision="mixed_bfloat16"), IMAGE),
        (arm(normalization=part("BatchNormalization")), IMAGE),
        (arm(normalization=part("GradientNormalization")), IMAGE),
        (arm(activation=part("GradientNormalizedActivation", activation="tanh")), IMAGE),
        (arm(skip=part("Add")), IMAGE),
        (arm(scale="unit"), IMAGE),
        (arm(dense=part("WeightNormDense")), IMAGE),
        (arm(dense=part("DataDependentWeightNormDense")), IMAGE),
        (arm(dense=part("Dense", use_bias=False)), IMAGE),
        (arm(dense=part("Dense", kernel_initializer="ones")), IMAGE),
        (arm(activation=part("GaussianNoise", stddev=1.0)), IMAGE),
        (arm(bias_initializer=part("RandomUniform", minval=-2.0, maxval=2.0)), IMAGE),
        (arm(bias_initializer=part("my>biases")), IMAGE),
        (arm(depth=65), IMAGE),  # than it is wide
        (arm(depth=300, width=512, activation=part("sigmoid")), IMAGE),  # 10^-188
        (arm(depth=60, initializer=part("RandomNormal", stddev=5.0)), IMAGE),
        (arm(initializer=part("RandomNormal", stddev=0.0)), IMAGE),
        # Biases that switch off all but a few of the last units.
        (arm(activation=part("relu"), bias_initializer=part("Constant", value=-0.5)), IMAGE),
        (arm(activation=part("relu"), bias_initializer=part("Constant", value=-50.0)), IMAGE),
        (recipe.load("digits/residual").arms["plain"].spec, IMAGE),
        (recipe.load("adding_problem_50/gating").arms["rnn"].spec, (50, 2)),
    ],
)
def test_no_prediction_for_an_arm_that_the_theory_does_not_cover(changed, input_shape):
    assert theory.predicted_profile(changed, input_shape) is None


def test_only_the_first_kernel_sees_the_number_of_inputs():
    """A ReLU's gain depends on no q, that of tanh on the q of the first layer."""
    relu, tanh, he = part("relu"), part("tanh"), part("he_normal")
    np.testing.assert_allclose(theory.delta_profile(relu, he, 7, 64, 4), np.ones(4))
    glorot = part("glorot_uniform")
    few, many = (theory.delta_profile(tanh, glorot, n, 64, 1 + 1)[0] for n in (16, 256))
    q = [2 * n / (n + 64) for n in (16, 256)]
    assert few**2 == pytest.approx(theory.chi(q[0], TANH, 1.0))
    assert many**2 == pytest.approx(theory.chi(q[1], TANH, 1.0))


def test_the_import_is_light():
    code = "import sys, zoo.theory; print(*{'tensorflow', 'keras', 'scipy'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == ""
