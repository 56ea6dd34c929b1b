"""The recurrent network: what it is made of, and gradients through time against theory."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from zoo import models, recipe, theory
from zoo.data import Dataset, Split
from zoo.errors import ZooError
from zoo.models.rnn import RNN
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


GLOROT, ZEROS = part("glorot_uniform"), part("zeros")
LSTM_BIAS_0 = part("LSTM", unit_forget_bias=False)


def build(input_shape=(5, 3), outputs=4, **arguments) -> keras.Model:
    defaults = {
        "depth": 1, "width": 6, "cell": part("SimpleRNN"), "activation": None,
        "initializer": GLOROT, "recurrent_initializer": GLOROT, "bias_initializer": ZEROS,
    }  # fmt: skip
    data = {key: arguments.pop(key, None) for key in ("vocabulary", "target_length")}
    family = RNN(family="rnn", **{**defaults, **arguments})
    return family.build(Shapes(input_shape, outputs, **data))


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# ---------------------------------------------------------------- what it is made of


@pytest.mark.parametrize("target_length", [None, 1, 3, 5])
@pytest.mark.parametrize("depth", [1, 2])
def test_outputs_of_a_vanilla_network_by_hand(depth, target_length):
    model = build(depth=depth, target_length=target_length, bias_initializer=part("RandomNormal"))
    x = normal(2, 5, 3)
    weights = [w.astype(np.float64) for w in model.get_weights()]
    states = x.astype(np.float64)
    for layer in range(depth):
        kernel, state_kernel, bias = weights[3 * layer : 3 * layer + 3]
        h, rows = np.zeros((2, 6)), []
        for t in range(5):
            h = np.tanh(states[:, t] @ kernel + h @ state_kernel + bias)
            rows.append(h)
        states = np.stack(rows, axis=1)
    last = states[:, -1] if target_length is None else states[:, 5 - target_length :]
    expected = last @ weights[-2] + weights[-1]
    assert model(x).shape == expected.shape
    assert model(x).numpy() == pytest.approx(expected, abs=1e-5)


def test_a_sequence_of_numbers_has_one_feature():
    flat, with_feature = build((5,)), build((5, 1))
    with_feature.set_weights(flat.get_weights())
    x = normal(2, 5)
    assert np.array_equal(flat(x), with_feature(x[..., None]))


def test_the_parts_reach_their_places():
    model = build(
        cell=part("GRU", reset_after=False),
        activation=part("relu"),
        initializer=part("Constant", value=0.25),
        recurrent_initializer=part("Constant", value=0.5),
        bias_initializer=part("Constant", value=0.75),
        depth=2,
    )
    names = [layer.name for layer in model.layers[1:]]
    assert names == ["rnn_1", "rnn_2", "output"]
    for layer in model.layers[1:3]:
        assert type(layer) is keras.layers.GRU and layer.units == 6 and not layer.reset_after
        assert layer.activation is keras.activations.relu and not layer.unroll
        kernel, state_kernel, bias = layer.get_weights()
        assert (kernel == 0.25).all() and (state_kernel == 0.5).all() and (bias == 0.75).all()
    kernel, bias = model.layers[-1].get_weights()
    assert (kernel == 0.25).all() and not bias.any()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_without_an_activation_a_cell_has_its_own(name):
    assert build(cell=part(name)).get_layer("rnn_1").activation is keras.activations.tanh


@pytest.mark.parametrize(("cell", "bias"), [(part("LSTM"), 1), (LSTM_BIAS_0, 0)])
def test_the_forget_bias_is_the_one_of_the_cell(cell, bias):
    found = build(cell=cell).get_layer("rnn_1").get_weights()[2]
    assert found.reshape(4, 6).tolist() == [[0] * 6, [bias] * 6, [0] * 6, [0] * 6]


def test_a_text_ends_with_its_last_word():
    """Token 0, which fills what a text lacks, changes nothing."""
    model = build((7,), vocabulary=20, cell=part("LSTM"), depth=2)
    assert model.get_layer("embedding").get_weights()[0].shape == (20, 6)
    short = build((4,), vocabulary=20, cell=part("LSTM"), depth=2)
    short.set_weights(model.get_weights())
    tokens = np.array([[3, 9, 12, 1], [19, 2, 2, 7]], np.int32)
    filled = np.pad(tokens, ((0, 0), (0, 3)))
    assert model(filled).numpy() == pytest.approx(short(tokens).numpy(), abs=1e-6)


@keras.saving.register_keras_serializable(package="test_rnn")
class Leaky(keras.layers.Layer):
    """A cell of a user's own: h' = h / 2 + x W."""

    def __init__(self, units, kernel_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer=self.kernel_initializer
        )

    def call(self, inputs, states):
        h = states[0] / 2 + keras.ops.matmul(inputs, self.kernel)
        return h, [h]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@pytest.fixture
def leaky():
    keras.saving.get_custom_objects()["test_rnn>Leaky"] = Leaky  # another test may clear them


@pytest.mark.usefixtures("leaky")
def test_a_cell_of_a_users_own():
    model = build(cell=part("Leaky"), depth=2)
    first, second, kernel, _ = model.get_weights()
    x = normal(2, 5, 3)
    h = [x.astype(np.float64) @ first]
    for layer in range(2):
        rows = [h[layer][:, 0]]
        for t in range(1, 5):
            rows.append(rows[-1] / 2 + h[layer][:, t])
        h.append(np.stack(rows, axis=1) @ (second if layer == 0 else kernel))
    assert model(x).numpy() == pytest.approx(h[2][:, -1], abs=1e-5)


@pytest.mark.usefixtures("leaky")
@pytest.mark.parametrize(
    "arguments",
    [
        {"cell": part("SimpleRNN"), "activation": part("relu")},
        {"cell": part("SimpleRNN"), "activation": part("LeakyReLU", negative_slope=0.1)},
        {"cell": part("SimpleRNN"), "recurrent_initializer": part("identity")},
        {"cell": part("LSTM"), "target_length": 3},
        {"cell": LSTM_BIAS_0, "bias_initializer": part("Chrono", longest=5), "depth": 2},
        {"cell": part("GRU"), "vocabulary": 9, "input_shape": (5,)},
        {"cell": part("Leaky"), "depth": 2},
    ],
    ids=lambda arguments: " ".join(str(value) for value in arguments.values()),
)
def test_a_saved_model_gives_the_same_outputs(arguments, tmp_path):
    model = build(**arguments)
    x = np.arange(10).reshape(2, 5) % 9 if "vocabulary" in arguments else normal(2, 5, 3)
    expected = model(x).numpy()
    assert expected.any()
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "model.keras")(x), expected)
    model.save_weights(tmp_path / "model.weights.h5")
    twin = build(**arguments)
    twin.load_weights(tmp_path / "model.weights.h5")
    assert np.array_equal(twin(x), expected)


def test_images_are_no_sequence():
    with pytest.raises(ZooError, match=r"\(8, 8, 1\) are no sequence .* such as digits_rows$"):
        build((8, 8, 1))


def test_a_class_for_each_step_is_for_families_of_sequences():
    split = Split(np.zeros((1, 30, 10), np.float32), np.zeros((1, 10), np.int32))
    data = Dataset("copy_memory_10", split, split, split, 8, "classification")
    arguments = recipe.load("digits/residual").spec.model
    with pytest.raises(
        ZooError, match=r"^copy_memory_10: .* family cnn does not give: use rnn or transformer$"
    ):
        models.build(arguments, data)


@pytest.mark.parametrize("bias", [part("Chrono", longest=9), part("RandomNormal")])
def test_biases_that_keras_lstm_would_change_are_refused(bias):
    with pytest.raises(ZooError, match="needs an LSTM with unit_forget_bias: false"):
        build(cell=part("LSTM"), bias_initializer=bias)


SHAPES = {  # inputs, outputs, vocabulary, target length
    "adding_problem_50/gating": ((50, 2), 1, None, None),
    "adding_problem_100/gating": ((100, 2), 1, None, None),
    "copy_memory_20/gating": ((40, 10), 8, None, 10),
    "mnist1d/gating": ((40, 1), 10, None, None),
    "fashion_mnist_rows/gating": ((28, 28), 10, None, None),
    "imdb_reviews/gating": ((200,), 2, 10_000, None),
}


def parameters(arm: recipe.Arm) -> int:
    shape, outputs, vocabulary, length = SHAPES[arm.recipe]
    y = np.zeros((1, length) if length else (1,), np.int32)
    split = Split(np.zeros((1, *shape), np.float32), y)
    data = Dataset("", split, split, split, outputs, "classification", vocabulary)
    return models.build(arm.spec.model, data).count_params()


@pytest.mark.parametrize("recipe_id", SHAPES)
def test_the_wide_vanilla_network_is_as_large_as_the_lstm(recipe_id):
    arms = recipe.load(recipe_id).arms
    assert parameters(arms["rnn_wide"]) == pytest.approx(parameters(arms["lstm"]), rel=0.01)
    assert len({parameters(arms[name]) for name in ("lstm", "lstm_bias_0", "lstm_chrono")}) == 1
    small = {parameters(arms[name]) for name in ("rnn", "rnn_orthogonal", "rnn_identity_relu")}
    assert len(small) == 1


# ---------------------------------------------------------------- gradients through time


def by_state(model: keras.Model, steps: int, states: list, weights: np.ndarray) -> list:
    """The gradient of the weighted sum of last outputs of the recurrent layer by first states."""
    layer = model.get_layer("rnn_1")
    states = [tf.constant(state) for state in states]
    x = tf.zeros((len(weights), steps, model.input_shape[-1]))
    with tf.GradientTape() as tape:
        tape.watch(states)
        loss = tf.reduce_sum(layer(x, initial_state=states) * weights)
    return [gradient.numpy() for gradient in tape.gradient(loss, states)]


def by_input(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Gives the rms over batch and features of dL/dx at each time step, L a random linear loss."""

    @tf.function
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = model(x)
            loss = tf.reduce_sum(outputs * normal(*outputs.shape, seed=9))
        return tape.gradient(loss, x)

    return lambda x: np.sqrt((gradient(x).numpy().astype(np.float64) ** 2).mean(axis=(0, 2)))


@pytest.mark.parametrize("steps", [1, 100])
@pytest.mark.parametrize("gain", [0.9, 1.0, 1.1])
def test_a_linear_orthogonal_network_scales_gradients_by_its_gain_each_step(gain, steps):
    orthogonal = part("orthogonal", gain=gain)
    model = build(width=24, activation=part("linear"), recurrent_initializer=orthogonal)
    weights = normal(4, 24, seed=1)
    [gradient] = by_state(model, steps, [normal(4, 24)], weights)
    ratio = np.linalg.norm(gradient, axis=1) / np.linalg.norm(weights, axis=1)
    assert ratio == pytest.approx(np.full(4, gain**steps), rel=1e-4)


def test_the_gradient_by_the_inputs_vanishes_by_the_gain_each_step():
    """With as many inputs as units, seen through an orthogonal kernel."""
    model = build(
        (40, 24),
        width=24,
        activation=part("linear"),
        initializer=part("orthogonal"),
        recurrent_initializer=part("orthogonal", gain=0.8),
    )
    measured = by_input(model)(normal(8, 40, 24))
    assert measured == pytest.approx(measured[-1] * 0.8 ** np.arange(39, -1, -1), rel=1e-4)


@pytest.mark.parametrize(("bias", "published"), [(1, 2.48e-14), (3, 7.76e-3), (5, 0.511)])
def test_an_lstm_forgets_by_the_sigmoid_of_its_forget_bias_each_step(bias, published):
    """With all kernels 0 and c = 0, h = tanh(c) / 2, so dc(T)/dc(0) is twice dh(T)/dc(0)."""
    model = build(cell=LSTM_BIAS_0, initializer=ZEROS, recurrent_initializer=ZEROS)
    layer = model.get_layer("rnn_1")
    kernel, state_kernel, biases = layer.get_weights()
    biases[6:12] = bias
    layer.set_weights([kernel, state_kernel, biases])
    weights = normal(2, 6)
    zeros = np.zeros((2, 6), np.float32)
    by_h, by_c = by_state(model, 100, [zeros, zeros], weights)
    assert not by_h.any()
    assert 2 * by_c / weights == pytest.approx(
        np.full((2, 6), theory.lstm_decay(bias, 100)), rel=1e-4
    )
    assert theory.lstm_decay(bias, 100) == pytest.approx(published, rel=2e-3)


@pytest.mark.parametrize("inputs", [64, 256])
def test_a_vanilla_network_vanishes_at_the_rate_of_mean_field_theory(inputs):
    """Glorot kernels: sigma_w^2 = 1, and what the inputs add to the pre-activations is like a bias.

    The theory is of state kernels drawn anew at each step (Chen, Pennington and Schoenholz 2018).
    """
    width, seeds = 256, 6
    model = build((30, inputs), outputs=10, width=width)
    measure, rates = by_input(model), []
    for seed in range(seeds):
        keras.utils.set_random_seed(seed)
        model.set_weights(build((30, inputs), outputs=10, width=width).get_weights())
        gradient = measure(normal(16, 30, inputs, seed=seed))
        rates.append(-np.diff(np.log(gradient))[5:-5].mean())  # away from both ends
    tanh, added = theory.nonlinearity("tanh"), 2 * inputs / (inputs + width)
    chi = theory.chi(theory.fixed_point(tanh, 1.0, added), tanh, 1.0)
    error = np.std(rates, ddof=1) / seeds**0.5
    assert error < 0.005
    assert np.mean(rates) == pytest.approx(
        0.5 * np.log(chi), abs=scipy.stats.t.ppf(0.995, seeds - 1) * error
    )


def test_an_lstm_keeps_by_chrono_initialization_what_others_lose():
    """The rms of dL/dx over the first tenth of the time steps, over that of the last tenth."""
    arms = recipe.load("adding_problem_100/gating").arms

    median = {}
    for name in ("rnn", "lstm_bias_0", "lstm", "lstm_chrono"):
        arguments = dict(arms[name].spec.model)
        del arguments["family"]
        model = build((100, 2), 1, **arguments)
        measure, kept = by_input(model), []
        for seed in range(3):
            keras.utils.set_random_seed(seed)
            model.set_weights(build((100, 2), 1, **arguments).get_weights())
            squares = measure(normal(32, 100, 2)) ** 2
            kept.append((squares[:10].mean() / squares[-10:].mean()) ** 0.5)
        median[name] = np.median(kept)
    assert median["lstm_chrono"] > 0.05
    assert max(median["rnn"], median["lstm"]) < 1e-4
    assert median["lstm_bias_0"] < 1e-15
