"""What `measure` says of models and batches as people have them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zoo import probe
from zoo.errors import ZooError

pytestmark = pytest.mark.usefixtures("one_thread")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 8)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 10)
ZEROS = np.zeros((10, 3), np.float32)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def mlp(*parts, inputs=8):
    return keras.Sequential([keras.Input((inputs,)), *parts])


def of(measured, name):
    """A layer's quantities, by name."""
    row = measured["layers"].index(name)
    return {
        key: values[row]
        for key, values in measured.items()
        if isinstance(values, list) and len(values) == len(measured["layers"])
    }


def refusal(*arguments, **options):
    with pytest.raises(ZooError) as caught:
        probe.measure(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------- the model stays as it was


@pytest.mark.parametrize("broken", [False, True], ids=["measured", "raising"])
def test_states_of_recurrent_layers_and_normalized_kernels_are_put_back(broken):
    memory = layers.LSTM(4, stateful=True)
    model = keras.Sequential(
        [keras.Input(batch_shape=(5, 7, 3)), memory, layers.SpectralNormalization(layers.Dense(3))]
    )
    x = RNG.normal(size=(5, 7, 3)).astype(np.float32)
    model(x)
    before = [v.numpy() for v in (*model.variables, *memory.states)]
    attributes = [sorted(vars(layer)) for layer in model.layers]
    batch = np.full_like(x, np.nan) if broken else x
    if broken:
        refusal(model, SPARSE, batch, np.full(5, 99))  # a class that is none
    else:
        probe.measure(model, "mse", batch, np.zeros((5, 3)))
    for variable, value in zip((*model.variables, *memory.states), before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert [sorted(vars(layer)) for layer in model.layers] == attributes


def test_measuring_many_times_warns_of_nothing(recwarn, caplog):
    model = mlp(layers.Dense(4, "relu"), layers.Dense(3))
    for _ in range(10):
        probe.measure(model, SPARSE, X, CLASSES)
    assert not [w for w in recwarn if "retrac" in str(w.message)]
    assert "retrac" not in caplog.text


# ---------------------------------------------------------------- uses, activations, time


def test_every_use_of_a_shared_layer_counts():
    layer = layers.Dense(8, use_bias=False)
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layer(layer(inputs)))
    kernel = layer.kernel.numpy().astype(float)
    measured = probe.measure(model, "mse", X, np.zeros((10, 8)))
    x = X.astype(float)
    last = 2 * (x @ kernel @ kernel) / 80  # dL/dz of the second use, L the mean of the squares
    first = last @ kernel.T
    expected = np.sqrt((np.square(last).sum() + np.square(first).sum()) / 160)
    assert of(measured, layer.name)["delta_rms"] == pytest.approx(expected, rel=1e-5)


def test_frames_of_a_time_distributed_layer_all_count():
    inner = layers.Dense(4, name="inner")
    model = keras.Sequential([keras.Input((6, 3)), layers.TimeDistributed(inner)])
    x = RNG.normal(size=(5, 6, 3)).astype(np.float32)
    weights = np.arange(1, 7).reshape(1, 6, 1).astype(np.float32)  # later frames count more
    measured = probe.measure(model, lambda y, p: tf.reduce_sum(p * weights), x, np.zeros(5))
    expected = np.sqrt(np.mean(np.arange(1, 7.0) ** 2))
    assert of(measured, "inner")["delta_rms"] == pytest.approx(expected, rel=1e-6)


def test_an_activation_after_a_sum_belongs_to_no_layer():
    x = inputs = keras.Input((8,))
    a = layers.Dense(8, name="branch")(x)
    shortcut = layers.Dense(8, name="shortcut")(x)
    x = layers.ReLU()(layers.Add()([a, shortcut]))
    b = layers.ReLU()(layers.BatchNormalization()(layers.Dense(8, name="alone")(x)))
    model = keras.Model(inputs, layers.Dense(3)(b))
    measured = probe.measure(model, "mse", X, ZEROS)
    assert np.isnan([of(measured, name)["dead"] for name in ("branch", "shortcut")]).all()
    assert of(measured, "alone")["dead"] >= 0


@pytest.mark.parametrize("activation", ["relu", "relu6", tf.nn.relu, lambda z: tf.maximum(z, 0.0)])
def test_a_rectifier_is_known_by_what_it_does(activation):
    dense = layers.Dense(4, activation, bias_initializer=lambda *_, **__: [-99.0, 0, 0, -99.0])
    measured = probe.measure(mlp(dense, layers.Dense(3)), "mse", X, ZEROS)
    assert of(measured, dense.name)["dead"] >= 0.5


@pytest.mark.parametrize("activation", ["hard_sigmoid", "softsign", "hard_tanh", tf.tanh])
def test_saturation_is_known_by_what_it_does(activation):
    dense = layers.Dense(4, activation)
    far = probe.measure(mlp(dense, layers.Dense(3)), "mse", 1e4 * X, ZEROS)
    near = probe.measure(mlp(dense, layers.Dense(3)), "mse", 1e-3 * X, ZEROS)
    assert of(far, dense.name)["saturated"] > 0.9
    assert of(near, dense.name)["saturated"] == 0


@pytest.mark.parametrize("activation", ["softmax", "linear", "elu", "swish", "log_softmax"])
def test_other_activations_neither_saturate_nor_die(activation):
    dense = layers.Dense(4, activation)
    values = of(probe.measure(mlp(dense, layers.Dense(3)), "mse", X, ZEROS), dense.name)
    assert np.isnan([values["saturated"], values["dead"]]).all()


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
@pytest.mark.parametrize("size, share", [(0.0, 0.0), (1e4, 1.0)])
def test_gates_that_saturate(cell, size, share):
    memory = cell(4, kernel_initializer=keras.initializers.RandomNormal(stddev=1))
    model = keras.Sequential([keras.Input((5, 3)), memory, layers.Dense(3)])
    x = size * np.abs(RNG.normal(size=(6, 5, 3)) + 0.1).astype(np.float32)
    measured = probe.measure(model, "mse", x, np.zeros((6, 3)))
    assert of(measured, f"{memory.name}_recurrent_kernel")["saturated"] == pytest.approx(
        share, abs=0.05
    )


ONES = keras.initializers.Constant(1.0)


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_gates_of_masked_steps_do_not_count(cell):
    memory = cell(2, kernel_initializer=ONES, recurrent_initializer=ONES)
    model = keras.Sequential([keras.Input((5, 3)), layers.Masking(), memory, layers.Dense(3)])
    batch = np.zeros((10, 5, 3), np.float32)
    batch[:, :2] = 100.0
    measured = probe.measure(model, "mse", batch, ZEROS)
    assert of(measured, f"{memory.name}_recurrent_kernel")["saturated"] == 1.0


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_gates_start_from_the_state_that_is_given(cell):
    memory = cell(2, kernel_initializer=ONES, recurrent_initializer=ONES)
    x, state = keras.Input((1, 3)), keras.Input((2,))
    given = state if cell is layers.GRU else [state, state]
    model = keras.Model([x, state], layers.Dense(3)(memory(x, initial_state=given)))
    for size in (0.0, 100.0):
        batch = [np.zeros((10, 1, 3)), np.full((10, 2), size)]
        measured = probe.measure(model, "mse", batch, ZEROS)
        share = of(measured, f"{memory.name}_recurrent_kernel")["saturated"]
        assert share == (size > 0)


def test_gradients_by_time_are_those_of_the_tokens_not_of_their_positions():
    class Placed(layers.Layer):
        """Looks the places up last, and more of them than there are steps."""

        def __init__(self):
            super().__init__()
            self.tokens, self.places = layers.Embedding(7, 4), layers.Embedding(16, 4)

        def call(self, x):
            vectors = self.tokens(x)
            return vectors + self.places(keras.ops.arange(16)[None])[:, :10]

    tokens = keras.Input((10,), dtype="int32")
    late = layers.Cropping1D((9, 0))(Placed()(tokens))  # the last step alone
    model = keras.Model(tokens, layers.Dense(3)(layers.Flatten()(late)))
    batch = RNG.integers(0, 7, (6, 10))
    measured = probe.Probe(model, keras.losses.MeanSquaredError(), batch, np.zeros((6, 3)))
    sizes = measured.input_grad_rms()
    assert sizes.shape == (10,) and np.nonzero(sizes)[0].tolist() == [9]


# ---------------------------------------------------------------- the loss that fit descends


def test_penalties_and_weights_count_as_in_fit():
    dense = layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.3), use_bias=False)
    model = mlp(dense)
    kernel, x = dense.kernel.numpy().astype(float), X.astype(float)
    weights = np.arange(10.0)

    def gradient(sample=1.0, data=1.0, penalty=1.0):
        by_data = x.T @ (2 * (x @ kernel) * np.broadcast_to(sample, 10)[:, None]) / 30
        return np.linalg.norm(data * by_data + penalty * 2 * 0.3 * kernel)

    def size(*arguments, **options):
        return of(probe.measure(model, *arguments, X, ZEROS, **options), dense.name)[
            "kernel_grad_norm"
        ]

    assert size("mse") == pytest.approx(gradient(), rel=1e-5)
    assert size("mse", part="data") == pytest.approx(gradient(penalty=0), rel=1e-5)
    assert size("mse", part="penalty") == pytest.approx(gradient(data=0), rel=1e-5)
    loss = keras.losses.MeanSquaredError()
    assert size(loss, sample_weight=weights) == pytest.approx(gradient(weights), rel=1e-5)
    model.compile(loss="mse")
    assert size(None, sample_weight=weights) == pytest.approx(gradient(weights), rel=1e-5)


def test_class_weights_are_those_of_fit():
    model = mlp(layers.Dense(3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    by_class = {0: 2.0, 2: 0.5}
    weights = np.array([by_class.get(c, 1.0) for c in CLASSES])
    found = probe.measure(model, loss, X, CLASSES, class_weight=by_class)
    expected = probe.measure(model, loss, X, CLASSES, sample_weight=weights)
    assert found["kernel_grad_norm"] == expected["kernel_grad_norm"]


def test_several_inputs_and_outputs_by_list_and_by_name():
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    both = layers.Dense(4)(layers.Concatenate()([a, b]))
    heads = {"one": layers.Dense(3, name="one")(both), "two": layers.Dense(1, name="two")(both)}
    model = keras.Model({"a": a, "b": b}, heads)
    y = {"one": CLASSES, "two": np.ones((10, 1))}
    measured = probe.measure(model, {"one": SPARSE, "two": "mse"}, {"a": X, "b": X}, y)
    alone = probe.measure(model, {"two": "mse"}, {"a": X, "b": X}, y)
    assert of(measured, "one")["state"] == "" and of(alone, "one")["state"] == "not connected"
    assert of(measured, "two")["kernel_grad_norm"] == of(alone, "two")["kernel_grad_norm"]


# ---------------------------------------------------------------- nothing, and too much


def test_four_words_for_a_gradient_that_is_not_there():
    inputs = keras.Input((8,))
    x = layers.Dense(4, name="frozen", trainable=False)(inputs)
    head = layers.Dense(3, name="head")(x)
    idle = layers.Dense(2, name="idle")(x)
    model = keras.Model(inputs, {"head": head, "idle": idle})
    measured = probe.measure(model, {"head": "mse"}, X, {"head": ZEROS, "idle": ZEROS[:, :2]})
    words = {name: of(measured, name)["state"] for name in ("frozen", "head", "idle")}
    assert words == {"frozen": "frozen", "head": "", "idle": "not connected"}

    silent = layers.Dense(4, "relu", bias_initializer="zeros", name="silent")
    dead = mlp(silent, layers.Dense(3))
    silent.bias.assign([-1e3] * 4)
    assert of(probe.measure(dead, "mse", X, ZEROS), "silent")["state"] == "zero"

    deep = mlp(*[layers.Dense(4, "sigmoid") for _ in range(90)], layers.Dense(3))
    state = probe.measure(deep, SPARSE, X, CLASSES)["state"]
    assert state[0] == "underflowed" and state[-1] == ""
    assert "underflowed" in probe.table(probe.measure(deep, SPARSE, X, CLASSES))


def test_after_divergence_norms_are_nan_and_the_finite_part_stands_beside():
    batch = X.copy()
    batch[0, 0] = np.nan
    first, last = layers.Dense(4, "relu", name="first"), layers.Dense(3, name="last")
    measured = probe.measure(mlp(first, last), "mse", batch, ZEROS)
    assert np.isnan(measured["loss"]) and np.isnan(measured["kernel_grad_norm"]).all()
    assert measured["state"] == ["not finite"] * 2
    assert np.isfinite(measured["finite_kernel_grad_norm"]).all()
    assert "NaN" in probe.table(measured)


# ---------------------------------------------------------------- layers of other kinds


def test_what_is_not_measured_is_listed_with_the_reason():
    quantized = layers.Dense(6, name="quantized")
    model = mlp(quantized, layers.BatchNormalization(name="norm"), layers.Dense(3, name="last"))
    quantized.quantize("int8")
    measured = probe.measure(model, "mse", X, ZEROS)
    assert measured["layers"] == ["last"]
    assert "int8" in measured["unmeasured"]["quantized"]
    assert "vectors" in measured["unmeasured"]["norm"]
    assert "int8" in probe.table(measured)


def test_matrices_under_other_names_and_low_rank_ones_are_measured():
    class Twofold(keras.layers.Layer):
        def build(self, shape):
            self.activation = "relu"
            self.way_in = self.add_weight((shape[-1], 5), name="way_in")
            self.way_out = self.add_weight((5, 4), name="way_out")

        def call(self, x):
            return keras.ops.relu(x @ self.way_in) @ self.way_out

    twofold, low_rank = Twofold(name="twofold"), layers.Dense(4, name="low_rank")
    model = mlp(twofold, low_rank, layers.Dense(3))
    low_rank.enable_lora(2)
    names = probe.measure(model, "mse", X, ZEROS)["layers"]
    assert names[:2] == ["twofold/way_in", "twofold/way_out"]
    assert {"low_rank/lora_kernel_a", "low_rank/lora_kernel_b"} <= set(names)


@pytest.mark.parametrize(
    "activation", [None, "tanh", keras.ops.tanh], ids=["none", "name", "function"]
)
def test_a_users_own_layer_with_a_kernel_is_measured_as_a_dense_one(activation):
    class Own(keras.layers.Layer):
        def build(self, shape):
            self.activation = activation
            self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

        def call(self, x):
            z = x @ self.kernel
            if self.activation is None:
                return z
            return keras.ops.tanh(z) if self.activation == "tanh" else self.activation(z)

    users = mlp(Own(name="layer"), layers.Dense(3))
    dense = mlp(layers.Dense(4, activation, use_bias=False, name="layer"), layers.Dense(3))
    dense.set_weights(users.get_weights())
    of_users, of_dense = (
        of(probe.measure(model, "mse", X, ZEROS), "layer") for model in (users, dense)
    )
    assert of_users["kernel_grad_norm"] == of_dense["kernel_grad_norm"]
    if activation == "tanh":  # applied where nothing can see it
        assert np.isnan(of_users["delta_rms"])
    else:
        assert of_users["delta_rms"] == of_dense["delta_rms"]


def attention():
    inputs = keras.Input((5, 8))
    return keras.Model(inputs, layers.MultiHeadAttention(2, 3)(inputs, inputs))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        lambda: layers.Conv1D(3, 2),
        lambda: layers.Conv1DTranspose(3, 2),
        lambda: layers.SeparableConv1D(3, 2),
        lambda: layers.DepthwiseConv1D(2),
        lambda: layers.EinsumDense("btd,de->bte", output_shape=(5, 3)),
        attention,
        lambda: layers.SimpleRNN(3),
        lambda: layers.LSTM(3),
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        lambda: layers.TimeDistributed(layers.Dense(3)),
        lambda: keras.Sequential([layers.Flatten(), layers.Embedding(9, 2)]),
    ],
)
def test_every_matrix_is_measured_of_frozen_layers_too(kind, frozen):
    layer = kind()
    layer.trainable = not frozen
    model = keras.Sequential(
        [keras.Input((5, 8)), layer, layers.Flatten(), layers.Dense(3, name="last")]
    )
    model.build()
    batch = RNG.integers(0, 9, (10, 5, 8)).astype(np.float32)
    measured = probe.measure(model, "mse", batch, ZEROS)
    matrices = [v for v in layer.weights if len(v.shape) > 1 and "bias" not in v.name]
    assert len(measured["layers"]) == len(matrices) + 1 > 1
    words = ["frozen" in state for state in measured["state"]]
    assert words == [frozen] * len(matrices) + [False]


def test_layers_stand_in_the_order_in_which_they_are_computed():
    class Backwards(keras.Model):
        def __init__(self):
            super().__init__()
            self.b, self.a = layers.Dense(3, name="b"), layers.Dense(4, name="a")
            self.unused = layers.Dense(2, name="unused")
            self.unused.build((None, 4))

        def call(self, x):
            return self.b(self.a(x))

    model = Backwards()
    model(X)
    measured = probe.measure(model, "mse", X, ZEROS)
    assert measured["layers"] == ["a", "b"]
    assert measured["unmeasured"] == {"unused": "neither the model nor its loss calls it"}


# ---------------------------------------------------------------- one line for the rest


@pytest.mark.parametrize(
    ("model", "arguments", "said"),
    [
        (lambda: keras.Sequential([layers.Dense(3)]), ("mse", X, ZEROS), "call it once"),
        (lambda: mlp(layers.Flatten()), ("mse", X, X), "not built, or without weights"),
        (lambda: mlp(layers.Dense(3)), (None, X, ZEROS), "has no loss"),
        (lambda: mlp(layers.Dense(3)), ("mze", X, ZEROS), "mze"),
        (lambda: mlp(layers.Dense(3)), ("mse", X, ZEROS[:4]), "4 and 10 examples"),
        (lambda: mlp(layers.Dense(3)), ("mse", X[:0], ZEROS[:0]), "the batch is empty"),
        (lambda: mlp(layers.Dense(3)), ("mse", X, np.array(list("abcdefghij"))), "no numbers"),
        (lambda: mlp(layers.Dense(3)), (SPARSE, X, CLASSES + 7), "outside the valid range"),
        (lambda: mlp(layers.Dense(3)), (SPARSE, X[:, :5], CLASSES), "incompatible"),
        (lambda: mlp(layers.Dense(3)), ("mse",), "give a batch"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(model, arguments, said):
    assert said in refusal(model(), *arguments)


def test_a_stateful_network_with_another_batch_size_is_one_line():
    inputs = keras.Input(batch_shape=(4, 7, 3))
    model = keras.Model(inputs, layers.Dense(3)(layers.LSTM(4, stateful=True)(inputs)))
    assert "batch size" in refusal(model, "mse", np.zeros((5, 7, 3), np.float32), np.zeros((5, 3)))
