"""Models as people write them: parts, masks, losses and batches of many kinds, against a tape."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

from tests.probe.test_any_model import everything, gradients
from tests.probe.test_measure import CLASSES, RNG, SPARSE, ZEROS, X, mlp, of, refusal
from zoo import probe
from zoo.probe import activations
from zoo.probe.layers import survey

pytestmark = pytest.mark.usefixtures("one_thread")

SEQUENCES = RNG.normal(size=(10, 5, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(10, 6, 6, 2)).astype(np.float32)
WORDS = np.array([["a"], ["b"], ["c"], ["z"], ["a"]] * 2)


def sequence(*parts):
    return keras.Sequential([keras.Input((5, 3)), *parts])


def targets(*shape):
    return RNG.normal(size=(10, *shape)).astype(np.float32)


# ---------------------------------------------------------------- kinds of models


def masked():
    x = SEQUENCES.copy()
    x[:, 3:] = 0
    x[0, 1:] = 0
    parts = [layers.Masking(), layers.LSTM(4, return_sequences=True), layers.Dense(2)]
    return sequence(*parts), "mse", x, targets(5, 2)


def padded_words():
    tokens = RNG.integers(1, 7, (10, 5))
    tokens[:, 3:] = 0
    parts = [layers.Embedding(7, 4, mask_zero=True), layers.GRU(4, return_sequences=True)]
    model = keras.Sequential([keras.Input((5,)), *parts, layers.Dense(3, "softmax")])
    return model, "sparse_categorical_crossentropy", tokens, RNG.integers(0, 3, (10, 5))


def dropout_in_cells():
    parts = layers.Bidirectional(layers.LSTM(4, dropout=0.3, recurrent_dropout=0.2))
    return sequence(parts, layers.Dense(3)), "mse", SEQUENCES, ZEROS


def cells_in_a_stack():
    cells = [layers.LSTMCell(4, dropout=0.2), layers.GRUCell(3)]
    return sequence(layers.RNN(cells), layers.Dense(3)), "mse", SEQUENCES, ZEROS


def no_layer_with_a_z():
    return sequence(layers.LSTM(3)), "mse", SEQUENCES, ZEROS


def films():
    memory = layers.ConvLSTM2D(3, 3, dropout=0.2)
    model = keras.Sequential([keras.Input((4, 6, 6, 2)), memory, layers.Flatten(), layers.Dense(3)])
    return model, "mse", np.stack([IMAGES] * 4, 1), ZEROS


def frames():
    each = keras.Sequential([layers.Conv2D(3, 3, activation="relu"), layers.Flatten()])
    parts = [layers.TimeDistributed(each), layers.LSTM(4), layers.Dense(3)]
    return (
        keras.Sequential([keras.Input((4, 6, 6, 2)), *parts]),
        "mse",
        np.stack([IMAGES] * 4, 1),
        ZEROS,
    )


def twins():
    shared = keras.Sequential([keras.Input((8,)), layers.Dense(5, "tanh"), layers.Dense(4)])
    one, two = keras.Input((8,)), keras.Input((8,))
    apart = layers.Lambda(lambda pair: ops.abs(pair[0] - pair[1]))([shared(one), shared(two)])
    model = keras.Model([one, two], layers.Dense(1, "sigmoid")(apart))
    return model, "binary_crossentropy", [X, X[::-1].copy()], RNG.integers(0, 2, 10)


def words():
    inputs = keras.Input((1,), dtype="string")
    numbers = layers.StringLookup(vocabulary=["a", "b", "c"])(inputs)
    vectors = layers.Flatten()(layers.Embedding(5, 3)(numbers))
    return keras.Model(inputs, layers.Dense(3)(vectors)), "mse", WORDS, ZEROS


class Words(keras.Model):
    def __init__(self):
        super().__init__()
        self.numbers = layers.StringLookup(vocabulary=["a", "b"])
        self.vectors, self.head = layers.Embedding(4, 3), layers.Dense(3)

    def call(self, x):
        return self.head(self.vectors(self.numbers(x)))


def words_subclassed():
    model = Words()
    model(tf.constant(WORDS[:, 0]))
    return model, "mse", WORDS[:, 0].astype(object), ZEROS


def bins():
    inputs = keras.Input((1,))
    numbers = layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])(inputs)
    vectors = layers.Flatten()(layers.Embedding(5, 3)(numbers))
    return keras.Model(inputs, layers.Dense(3)(vectors)), "mse", X[:, :1], ZEROS


def augmented():
    parts = [layers.Rescaling(0.1), layers.RandomFlip(), layers.RandomRotation(0.1)]
    parts += [layers.Conv2D(3, 3, activation="relu"), layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input((6, 6, 2)), *parts, layers.Dense(3)])
    return model, "mse", RNG.integers(0, 255, (10, 6, 6, 2)).astype(np.uint8), ZEROS


def some_classes_ignored():
    parts = [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.Conv2D(3, 1)]
    model = keras.Sequential([keras.Input((6, 6, 2)), *parts, layers.Softmax()])
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=2)
    return model, loss, IMAGES, RNG.integers(0, 3, (10, 6, 6))


class Tied(keras.Model):
    def __init__(self):
        super().__init__()
        self.vectors, self.inner = layers.Embedding(9, 4), layers.Dense(4, "tanh")

    def call(self, x):
        return self.inner(self.vectors(x)) @ ops.transpose(self.vectors.embeddings)


def tied():
    model, tokens = Tied(), RNG.integers(0, 9, (10, 5))
    model(tokens)
    return model, SPARSE, tokens, tokens


class Helper:
    """No layer, and no module of TensorFlow's."""

    def __init__(self):
        self.calls = keras.Variable(0.0, trainable=False)


class Keeping(keras.Model):
    """Has variables in attributes and keeps what it has computed."""

    def __init__(self):
        super().__init__()
        self.way = keras.Variable(RNG.normal(size=(8, 4)).astype(np.float32), name="way")
        self.inner = self.add_weight(shape=(4, 4), name="inner")
        self.head = layers.Dense(3)
        self.calls, self.helper = tf.Variable(0.0, trainable=False), Helper()
        self.history, self.by_name = [], {}

    def call(self, x):
        self.calls.assign_add(1.0)
        self.helper.calls.assign_add(1.0)
        self.last = x @ self.way
        self.history.append(self.last)
        self.by_name["last"] = self.last
        return self.head(ops.tanh(self.last @ self.inner))


def keeping():
    model = Keeping()
    model(X)
    return model, "mse", X, ZEROS


class Variational(keras.Model):
    def __init__(self):
        super().__init__()
        self.mean, self.spread = layers.Dense(2), layers.Dense(2)
        self.out, self.seeds = layers.Dense(8), keras.random.SeedGenerator(1)

    def call(self, x):
        mean, spread = self.mean(x), self.spread(x)
        self.add_loss(-0.5 * ops.mean(1 + spread - ops.square(mean) - ops.exp(spread)))
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return self.out(mean + ops.exp(0.5 * spread) * noise)


def variational():
    model = Variational()
    model(X)
    return model, "mse", X, X


def wide():
    keras.config.set_dtype_policy("float64")
    try:
        model = mlp(layers.Dense(5, "relu"), layers.Dense(3))
    finally:
        keras.config.set_dtype_policy("float32")
    return model, "mse", X.astype(np.float64), ZEROS.astype(np.float64)


def masks_by_hand():
    inputs, mask = keras.Input((5, 3)), keras.Input((5, 5), dtype="bool")
    x = layers.MultiHeadAttention(2, 3, dropout=0.1)(inputs, inputs, attention_mask=mask)
    model = keras.Model([inputs, mask], layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    return model, "mse", [SEQUENCES, np.tril(np.ones((10, 5, 5), bool))], ZEROS


def heads(named=False):
    inputs = keras.Input((8,))
    x = layers.Dense(5, "tanh")(inputs)
    outputs = {"one": layers.Dense(3, name="one")(x), "two": layers.Dense(1, name="two")(x)}
    return keras.Model(inputs, outputs if named else list(outputs.values()))


def no_loss_of_one_head():
    return heads(), ["mse", None], X, [ZEROS, targets(1)]


def losses_in_another_order():
    return heads(), {"two": "mae", "one": "mse"}, X, {"two": targets(1), "one": ZEROS}


def one_loss_of_two_heads():
    return heads(named=True), "mse", X, {"two": targets(1), "one": ZEROS}


def a_function_of_wide_targets():
    return mlp(layers.Dense(3)), lambda y, p: tf.reduce_mean((y - p) ** 2, -1), X, targets(3) * 1.0


def a_class_of_losses():
    return mlp(layers.Dense(3)), keras.losses.MeanAbsoluteError, X, targets(3)


def classes_as_ones_of_integers():
    y = np.eye(3, dtype=int)[CLASSES]
    return mlp(layers.Dense(3, "softmax")), "categorical_crossentropy", X, y


def frames_of_data():
    model = mlp(layers.Dense(3, "softmax"))
    return model, "sparse_categorical_crossentropy", pd.DataFrame(X), pd.Series(CLASSES)


def lists_of_numbers():
    return mlp(layers.Dense(3, "softmax")), "crossentropy", X.tolist(), CLASSES.tolist()


KINDS = [
    masked, padded_words, dropout_in_cells, cells_in_a_stack, no_layer_with_a_z, films, frames,
    twins, words, words_subclassed, bins, augmented, some_classes_ignored, tied, keeping,
    variational, wide, masks_by_hand, no_loss_of_one_head, losses_in_another_order,
    one_loss_of_two_heads, a_function_of_wide_targets, a_class_of_losses,
    classes_as_ones_of_integers, frames_of_data, lists_of_numbers,
]  # fmt: skip


def arrays(values):
    if isinstance(values, pd.DataFrame | pd.Series):
        return values.to_numpy()
    plain = isinstance(values, list) and np.ndim(values[0]) <= 1
    return np.asarray(values) if plain else values


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_people_have_is_measured_as_by_a_tape_and_left_as_it_was(kind):
    keras.utils.set_random_seed(0)
    model, loss, x, y = kind()
    before = everything(model)
    measured = probe.measure(model, loss, x, y)
    assert everything(model) == before
    model.compile(loss=loss)
    value, norms, _ = gradients(model, arrays(x), arrays(y))
    assert measured["loss"] == pytest.approx(value, rel=1e-5)
    paths = {each.name: each.kernel.path for each in survey(model)[0]}
    largest = max(norms.values())
    for name, size in zip(measured["layers"], measured["kernel_grad_norm"], strict=True):
        assert size == pytest.approx(norms[paths[name]], rel=1e-5, abs=1e-6 * largest), name
    matrices = {v.path for v in model.trainable_variables if len(v.shape) > 1}
    assert {path for path in matrices if "bias" not in path} <= set(paths.values())


# ---------------------------------------------------------------- losses


class OwnLoss(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.head = layers.Dense(4, "tanh"), layers.Dense(3)

    def call(self, x):
        y = self.head(self.inner(x))
        self.add_loss(ops.mean(ops.square(y)))
        return y


def test_a_loss_that_a_model_adds_itself_needs_no_targets():
    model = OwnLoss()
    model(X)
    expected = probe.measure(model, "mse", X, ZEROS, part="penalty")["kernel_grad_norm"]
    model.compile()
    assert probe.measure(model, None, X)["kernel_grad_norm"] == expected


def test_a_compute_loss_of_the_users_own_is_what_is_measured():
    class Cubed(OwnLoss):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.abs(y - y_pred) ** 3)  # and not what `call` adds

    model = Cubed()
    model(X)
    model.compile()
    value = float(np.mean(np.abs(model(X).numpy()) ** 3))
    assert probe.measure(model, None, X, ZEROS)["loss"] == pytest.approx(value, rel=1e-5)


def test_layers_that_a_loss_calls_are_measured():
    class Projected(OwnLoss):
        def __init__(self):
            super().__init__()
            self.projection = layers.Dense(2, name="projection")
            self.projection.build((None, 3))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(self.projection(y_pred)))

    model = Projected()
    model(X)
    model.compile()
    measured = probe.measure(model, None, X)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.projection(model(X)) ** 2)
    expected = np.linalg.norm(tape.gradient(loss, model.projection.kernel.value))
    assert measured["layers"][-1] == "projection" and measured["unmeasured"] == {}
    assert measured["kernel_grad_norm"][-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["mse", keras.losses.MeanSquaredError(), None])
def test_weights_may_be_of_each_step(loss):
    model = keras.Sequential([keras.Input((5, 3)), layers.Dense(2, use_bias=False)])
    model.compile(loss="mse")
    weights = np.arange(50.0).reshape(10, 5)
    measured = probe.measure(model, loss, SEQUENCES, np.zeros((10, 5, 2)), sample_weight=weights)
    x, kernel = SEQUENCES.astype(float), model.layers[0].kernel.numpy().astype(float)
    by_kernel = np.einsum("nti,ntj->ij", x, weights[..., None] * 2 * (x @ kernel) / 100)
    assert measured["kernel_grad_norm"] == pytest.approx([np.linalg.norm(by_kernel)], rel=1e-5)


def test_weights_of_each_output():
    model, y = heads(named=True), {"one": ZEROS, "two": targets(1)}
    weights = {"one": np.arange(10.0), "two": np.zeros(10)}
    losses = {"one": "mse", "two": "mse"}
    measured = probe.measure(model, losses, X, y, sample_weight=weights)
    alone = probe.measure(model, {"one": "mse"}, X, y, sample_weight=np.arange(10.0))
    assert of(measured, "one")["kernel_grad_norm"] == of(alone, "one")["kernel_grad_norm"]
    assert of(measured, "two")["state"] == "zero"


def test_the_data_part_is_exact_beside_a_large_penalty():
    penalty = keras.regularizers.L2(1e8)
    with_penalty, without = mlp(layers.Dense(3, kernel_regularizer=penalty)), mlp(layers.Dense(3))
    without.set_weights(with_penalty.get_weights())
    sizes = []
    for model in (with_penalty, without):
        model.compile(loss="mse")
        sizes += probe.measure(model, None, X, ZEROS, part="data")["kernel_grad_norm"]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-6)


def test_a_call_that_is_a_graph_is_looked_into():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.head = layers.Dense(5, "tanh"), layers.Dense(3)

        def call(self, x):
            return self.head(self.first(x))

    class Compiled(Plain):
        call = tf.function(Plain.call)

    plain, compiled = Plain(), Compiled()
    for model in (plain, compiled):
        model(tf.constant(X))
    compiled.set_weights(plain.get_weights())
    eager, graph = (probe.measure(model, "mse", X, ZEROS) for model in (plain, compiled))
    assert graph["delta_rms"] == eager["delta_rms"] and min(eager["delta_rms"]) > 0
    assert not tf.config.functions_run_eagerly()


def test_a_layer_whose_pass_is_repeated_for_its_gradient_is_looked_into():
    keras.utils.set_random_seed(0)
    plain = mlp(layers.Dense(5, "tanh"), layers.Dense(3))
    with keras.RematScope(mode="full"):
        repeated = mlp(layers.Dense(5, "tanh"), layers.Dense(3))
    repeated.set_weights(plain.get_weights())
    sizes = [probe.measure(model, "mse", X, ZEROS)["delta_rms"] for model in (plain, repeated)]
    assert sizes[0] == sizes[1]


def test_a_z_that_no_tape_sees_has_no_delta_rather_than_none():
    class Hidden(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(4, "tanh", name="inner")

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return tf.recompute_grad(self.inner)(x)

    measured = probe.measure(mlp(Hidden(), layers.Dense(3)), "mse", X, ZEROS)
    values = of(measured, "inner")
    assert np.isnan(values["delta_rms"]) and values["kernel_grad_norm"] > 0


# ---------------------------------------------------------------- half precision


def in_half(parts):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return mlp(*parts())
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_unit_that_is_dead_in_half_precision_is_zero_and_not_underflowed():
    low = keras.initializers.Constant(-1e3)
    model = in_half(lambda: [layers.Dense(5, "relu", bias_initializer=low), layers.Dense(3)])
    assert probe.measure(model, "mse", X, ZEROS)["state"] == ["zero", "zero"]


def test_a_loss_that_fit_scales_is_scaled_and_the_gradients_are_not():
    def small(y, outputs):
        return 2.0**-30 * tf.reduce_mean(outputs, -1)  # half precision ends at 2^-24

    model = in_half(lambda: [layers.Dense(5, "tanh"), layers.Dense(3, dtype="float32")])
    plain = probe.measure(model, small, X, ZEROS)
    model.compile("adam", small)
    scaled = probe.measure(model, None, X, ZEROS)
    assert plain["state"] == ["underflowed", ""] and scaled["state"] == ["", ""]
    assert scaled["loss"] == pytest.approx(plain["loss"])
    last = [each["kernel_grad_norm"][1] for each in (plain, scaled)]
    assert last[0] == pytest.approx(last[1], rel=1e-5)


# ---------------------------------------------------------------- layers


def test_of_a_layer_with_two_matrices_it_is_not_said_whose_z_is_activated():
    class Twofold(layers.Layer):
        def build(self, shape):
            self.activation = keras.activations.relu
            self.way_in = self.add_weight(shape=(shape[-1], 5), name="way_in")
            self.way_out = self.add_weight(shape=(5, 4), name="way_out")

        def call(self, x):
            return self.activation(x @ self.way_in) @ self.way_out

    measured = probe.measure(mlp(Twofold(), layers.Dense(3)), "mse", X, ZEROS)
    assert np.isnan(measured["delta_rms"]).tolist() == [True, True, False]


@pytest.mark.parametrize("function", [keras.activations.relu, layers.PReLU(shared_axes=[1, 2])])
def test_an_activation_is_tried_on_few_numbers_however_large_an_image_is(function, monkeypatch):
    sizes = []

    def constant(values):
        sizes.append(np.size(values))
        return tf.convert_to_tensor(values)

    monkeypatch.setattr(activations.tf, "constant", constant)
    assert activations.kind_of(function, (512, 512, 64)).rectifies
    assert max(sizes) < 512 * 512


# ---------------------------------------------------------------- one line for the rest


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return X, ZEROS


@pytest.mark.parametrize(
    "batches",
    [
        lambda: iter([(X, ZEROS)]),
        Batches,
        lambda: tf.data.Dataset.from_tensors((X, ZEROS)),
    ],
)
def test_batches_are_no_batch(batches):
    assert "measure one: x, y = next(iter(" in refusal(mlp(layers.Dense(3)), "mse", batches())


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((SPARSE, X, np.eye(3, dtype=int)[CLASSES]), {}, "rank"),
        (("mse", [[1.0], [1.0, 2.0]], ZEROS), {}, "the batch: "),
        (("mse", pd.DataFrame(X).assign(c=list("abcdefghij")), ZEROS), {}, "are no numbers"),
        (("mse", X, [ZEROS, ZEROS]), {}, "structures"),
        (("mse", X, ZEROS), {"sample_weight": ["a"] * 10}, "sample_weight: "),
        (("mse", X, ZEROS), {"sample_weight": {"one": X[:3]}}, "sample_weight: has shape"),
        ((SPARSE, X, np.zeros((10, 4, 4))), {"class_weight": {0: 2.0}}, "one class an example"),
        (({"head": "mse"}, X, ZEROS), {}, "the outputs have no names: give one loss"),
        ((3, X, ZEROS), {}, "is no loss"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(arguments, options, said):
    assert said in refusal(mlp(layers.Dense(3)), *arguments, **options)


@pytest.mark.parametrize("kind", [tf.sparse.from_dense, tf.RaggedTensor.from_tensor])
def test_what_is_not_dense_is_one_line(kind):
    assert "is not dense: give an array" in refusal(mlp(layers.Dense(3)), "mse", kind(X), ZEROS)


def test_what_is_no_model_of_this_keras_is_one_line():
    assert "is no model of Keras 3" in refusal(object(), "mse", X, ZEROS)


def test_matrices_that_were_never_to_learn_are_listed():
    class Features(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 6), trainable=False, name="kernel")

        def call(self, x):
            return ops.cos(x @ self.kernel)

    measured = probe.measure(mlp(Features(name="features"), layers.Dense(3)), "mse", X, ZEROS)
    assert "not given to learn" in measured["unmeasured"]["features"]
