"""Layers in the way, steps too small, and outputs that no target fits; each with its twin."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, drawn, names, network

pytestmark = pytest.mark.usefixtures("patient")

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def diagnosed(model, x, y):
    import zoo

    return zoo.diagnose(model, x, y)


def moons(count=600):
    from sklearn.datasets import make_moons

    x, y = make_moons(count, noise=0.1, random_state=0)
    return x.astype("float32"), y


@pytest.mark.parametrize("activation", [None, "relu"])
def test_layers_without_activation_want_one_where_the_classes_are_bent(activation):
    x, y = moons()
    hidden = [dense(32, activation) for _ in range(3)]
    model = network(*hidden, dense(1, "sigmoid"), inputs=(2,), loss="binary_crossentropy")
    report = diagnosed(model, x, y)
    if activation:
        assert report.healthy
        return
    [verdict] = report.symptoms
    assert verdict.symptom == "stagnating" and verdict.layers == tuple(e.name for e in hidden)
    assert [layer.activation.__name__ for layer in hidden] == ["linear"] * 3


@pytest.mark.parametrize("spread", [10.0, 0.2])
def test_weights_far_too_large_saturate(spread):
    import keras

    x, classes = drawn()
    start = keras.initializers.RandomNormal(stddev=spread)
    hidden = [dense(32, "tanh", kernel_initializer=start) for _ in range(3)]
    model = network(
        *hidden, dense(CLASSES, "softmax"), loss=CROSS_ENTROPY, optimizer=keras.optimizers.SGD(0.05)
    )
    before = [weight.numpy() for weight in model.weights]
    report = diagnosed(model, x, classes)
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    if spread < 1:
        assert report.healthy
        return
    [verdict, *_] = [each for each in report.symptoms if each.symptom == "saturated units"]
    assert verdict.layers[0] == hidden[0].name and "usual size" in verdict.because


def digits_():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:800] / 16).astype("float32"), y[:800]


@pytest.mark.parametrize(("activation", "units"), [("softmax", 32), ("relu", 1), ("relu", 32)])
def test_a_softmax_or_one_unit_in_the_middle_is_in_the_way(activation, units):
    x, y = digits_()
    layers = [dense(32, activation), dense(units, "tanh"), dense(10, "softmax")]
    report = diagnosed(network(*layers, inputs=(64,), loss=CROSS_ENTROPY), x, y)
    if (activation, units) == ("relu", 32):
        assert report.healthy
        return
    [verdict] = report.symptoms
    assert verdict.symptom == "stagnating"
    assert verdict.layers == (layers[0 if activation == "softmax" else 1].name,)


def test_an_autoencoder_may_have_a_narrow_code():
    x, _ = digits_()
    model = network(dense(32, "relu"), dense(3), dense(32, "relu"), dense(64), inputs=(64,))
    assert diagnosed(model, x, x).healthy


@pytest.mark.parametrize("last", [True, False])
def test_dropout_of_the_predictions(last):
    import keras

    x, _ = drawn()
    dropout, head = keras.layers.Dropout(0.3), dense(1)
    model = network(dense(16, "relu"), *([head, dropout] if last else [dropout, head]))
    symptoms = diagnosed(model, x, x[:, :1] + 3).symptoms
    assert [each.layers for each in symptoms] == ([(dropout.name,)] if last else [])


@pytest.mark.parametrize("units", [1, 2, 8])
def test_normalization_of_one_or_two_numbers_by_themselves(units):
    import keras

    x, classes = drawn()
    model = network(
        dense(units),
        keras.layers.LayerNormalization(),
        dense(16, "relu"),
        dense(CLASSES, "softmax"),
        loss=CROSS_ENTROPY,
    )
    assert ("examples alike" in names(diagnosed(model, x, classes))) == (units <= 2)


def test_clipping_that_leaves_nothing_is_a_rate_too_low():
    import keras

    x, _ = drawn()
    optimizer = keras.optimizers.SGD(0.05, clipnorm=1e-4)
    model = network(dense(32, "relu"), dense(1), optimizer=optimizer)
    assert names(diagnosed(model, x, x[:, :1])) == ["rate too low"]


def test_weights_of_a_truth_table_may_shrink_on_their_way():
    import keras

    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25, "float32")
    y = (x.sum(1) == 1).astype("float32")
    model = network(
        dense(8, "tanh"),
        dense(1, "sigmoid"),
        inputs=(2,),
        loss="binary_crossentropy",
        optimizer=keras.optimizers.SGD(0.5),
    )
    assert diagnosed(model, x, y).healthy


def images():
    """Pictures (6, 5, 1) of bright spots, and their pixels' classes (6, 5)."""
    x = np.random.default_rng(0).normal(size=(200, 6, 5, 1)).astype("float32")
    return x, (x[..., 0] > 0.5).astype(int)


@pytest.mark.parametrize("axis", [1, -1])
def test_a_softmax_over_another_axis_than_the_classes(axis):
    import keras

    x, y = images()
    convolve = keras.layers.Conv2D(2, 1, padding="same")
    model = network(
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        convolve,
        keras.layers.Softmax(axis=axis),
        inputs=(6, 5, 1),
        loss=CROSS_ENTROPY,
    )
    cannot = "output cannot express the target"
    assert (cannot in names(diagnosed(model, x, y))) == (axis == 1)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_targets_that_do_not_sum_to_1_are_none_of_a_softmax(activation, loss):
    x, classes = drawn()
    y = (classes[:, None] > np.arange(CLASSES - 1)).astype("float32")
    model = network(dense(16, "relu"), dense(CLASSES - 1, activation), loss=loss)
    cannot = "output cannot express the target"
    assert (cannot in names(diagnosed(model, x, y))) == (activation == "softmax")


def test_a_divergence_wants_distributions():
    x, classes = drawn()
    shares = np.eye(CLASSES, dtype="float32")[classes]
    for last, faulty in (("softmax", False), (None, True)):
        model = network(dense(16, "relu"), dense(CLASSES, last), loss="kl_divergence")
        said = "logits taken for probabilities" in names(diagnosed(model, x, shares))
        assert said == faulty, last


def test_weights_that_no_step_has_moved():
    import keras

    x, classes = drawn()
    optimizer = keras.optimizers.Adam(0.01, gradient_accumulation_steps=100_000)
    layers = [dense(16, "relu"), dense(CLASSES, "softmax")]
    model = network(*layers, loss=CROSS_ENTROPY, optimizer=optimizer)
    assert names(diagnosed(model, x, classes)) == ["rate too low"]


def test_seven_rows_that_a_line_fits_are_learned_at_a_high_rate():
    import keras

    x = np.array([[-40.0], [-10.0], [0.0], [8.0], [15.0], [22.0], [38.0]], "float32")
    model = network(dense(1), inputs=(1,), optimizer=keras.optimizers.Adam(0.5))
    assert diagnosed(model, x, 1.8 * x + 32).healthy


@pytest.mark.parametrize("batch_size", [1, 8])
def test_batches_of_one_leave_nothing_to_normalize(batch_size):
    import keras

    import zoo

    x, classes = drawn(120)
    normalized = [dense(16, "relu"), keras.layers.BatchNormalization()]
    model = network(*normalized, dense(CLASSES, "softmax"), loss=CROSS_ENTROPY)
    report = zoo.diagnose(model, x, classes, batch_size=batch_size)
    assert names(report) == (["examples alike"] if batch_size == 1 else [])


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("as_layer", [True, False])
def test_weights_of_attention_that_are_all_1(axis, as_layer):
    import keras
    from keras import ops

    x = np.random.default_rng(0).normal(size=(400, 6, 2)).astype("float32")
    y = (x[..., 1] * (x[..., 0] == x[..., 0].max(1, keepdims=True))).sum(1)
    inputs = keras.Input((6, 2))
    hidden = dense(16, "tanh")(inputs)
    if as_layer or axis == 1:
        weights = keras.layers.Softmax(axis=axis)(dense(1)(hidden))
    else:
        weights = dense(1, "softmax")(hidden)
    model = keras.Model(inputs, dense(1)(ops.sum(weights * dense(8)(inputs), axis=1)))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    verdicts = [e for e in diagnosed(model, x, y).symptoms if e.symptom == "unused"]
    assert ["the one number" in each.because for each in verdicts] == [True] * (axis == -1)


def test_attention_to_one_key_alone_is_none_of_these():
    import keras

    x, classes = drawn()
    inputs = keras.Input((ENTRIES,))
    token = keras.layers.Reshape((1, ENTRIES))(dense(ENTRIES, "relu")(inputs))
    attended = keras.layers.MultiHeadAttention(2, 8)(token, token)
    hidden = keras.layers.Flatten()(keras.layers.Add()([token, attended]))
    model = keras.Model(inputs, dense(CLASSES, "softmax")(hidden))
    model.compile("adam", CROSS_ENTROPY)
    assert diagnosed(model, x, classes).healthy


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("highest", [255, 1])
def test_brightness_for_bytes_on_images_from_0_to_1(highest, nested):
    import keras

    x, y = digits_()
    change = [keras.layers.RandomBrightness(0.2, value_range=(0, highest))]
    change.append(keras.layers.RandomTranslation(0.05, 0.05))
    model = network(
        *([keras.Sequential(change)] if nested else change),
        keras.layers.Flatten(),
        dense(32, "relu"),
        dense(10, "softmax"),
        inputs=(8, 8, 1),
        loss=CROSS_ENTROPY,
    )
    verdicts = diagnosed(model, x.reshape(-1, 8, 8, 1), y).symptoms
    if highest == 1:
        assert not verdicts
        return
    assert ["in training it changes" in each.because for each in verdicts][:1] == [True]


@pytest.mark.parametrize("kept", ["bare", "added", "fixed"])
def test_numbers_that_keras_does_not_train(kept):
    import keras
    import tensorflow as tf
    from keras import ops

    class Matches(keras.layers.Layer):
        def build(self, shape):
            if kept == "added":
                self.table = self.add_weight(shape=(20, 4), initializer="normal")
            else:
                start = tf.random.normal((20, 4), stddev=0.05, seed=1)
                self.table = tf.Variable(start, trainable=kept == "bare")

        def call(self, pairs):
            rows = ops.take(ops.convert_to_tensor(self.table), ops.cast(pairs, "int32"), axis=0)
            return ops.sum(rows[:, 0] * rows[:, 1], axis=-1, keepdims=True)

    draws = np.random.default_rng(0)
    x, tastes = draws.integers(0, 20, (800, 2)), draws.normal(size=(20, 2))
    y = (tastes[x[:, 0]] * tastes[x[:, 1]]).sum(1, keepdims=True).astype("float32")
    inputs = keras.Input((2,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Add()([Matches()(inputs), dense(1)(inputs)]))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    places = [e.place for e in diagnosed(model, x, y).symptoms if e.symptom == "frozen"]
    assert [place.endswith(".table") for place in places] == [True] * (kept == "bare")
