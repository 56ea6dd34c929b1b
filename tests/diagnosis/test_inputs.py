"""Inputs that do not tell what is asked of them, and odd ones that do."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, drawn, examples, names, network

pytestmark = pytest.mark.usefixtures("patient")

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def diagnosed(model, x, y):
    import zoo

    return zoo.diagnose(model, x, y)


@pytest.mark.parametrize("numbers", [False, True])
def test_inputs_that_were_rounded_off_cannot_tell_their_targets(numbers):
    x, classes = drawn()
    y = x[:, :1] if numbers else classes
    loss, last = ("mse", dense(1)) if numbers else (CROSS_ENTROPY, dense(CLASSES, "softmax"))
    clipped = np.clip(np.round(np.abs(x) / 2), 0, 1)
    clipped[:, 3:] = 0
    [verdict, *_] = diagnosed(network(dense(8, "relu"), last, loss=loss), clipped, y).symptoms
    assert (verdict.symptom, verdict.place, verdict.sure) == ("examples alike", "inputs", "likely")


@pytest.mark.parametrize("wrong", [0.0, 0.2])
def test_a_truth_table_is_no_contradiction(wrong):
    from sklearn.utils import shuffle

    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    x = shuffle(np.repeat(table, 100, 0), random_state=0)
    y = (x.sum(1) == 1).astype(int)
    y = np.where(np.random.default_rng(0).random(len(y)) < wrong, 1 - y, y)
    model = network(dense(8, "tanh"), dense(1, "sigmoid"), inputs=(2,), loss="binary_crossentropy")
    assert "examples alike" not in names(diagnosed(model, x, y))


@pytest.mark.parametrize("learned", [True, False])
def test_an_input_that_is_the_same_for_all_may_be_a_start(learned):
    import keras

    x, classes = drawn()
    start = np.zeros((len(x), 2), "float32")
    y = classes if learned else np.random.default_rng(1).permutation(classes)
    inputs = [keras.Input((ENTRIES,)), keras.Input((2,))]
    hidden = keras.layers.Concatenate()([dense(32, "relu")(inputs[0]), dense(4)(inputs[1])])
    model = keras.Model(inputs, dense(CLASSES, "softmax")(hidden))
    model.compile("adam", CROSS_ENTROPY)
    assert ("examples alike" in names(diagnosed(model, [x, start], y))) != learned


def test_targets_that_a_loss_does_not_look_at_may_be_all_alike():
    x, _ = drawn()
    model = network(dense(8), dense(1), loss=lambda y, outputs: (outputs - 3) ** 2)
    assert diagnosed(model, x, np.zeros(len(x), "float32")).healthy
    model.compile("adam", "mse")
    assert "examples alike" in names(diagnosed(model, x, np.zeros(len(x), "float32")))


@pytest.mark.parametrize("order", [1, -1])
def test_an_input_by_name_that_changes_nothing_is_named(order):
    import keras

    x, classes = drawn()
    inputs = {"text": keras.Input((ENTRIES,)), "image": keras.Input((ENTRIES,))}
    hidden = dense(16, "relu")(inputs["text"] + 0 * inputs["image"])
    model = keras.Model(dict([*inputs.items()][::order]), dense(CLASSES, "softmax")(hidden))
    model.compile("adam", CROSS_ENTROPY)
    [verdict] = diagnosed(model, {"text": x, "image": x[::-1].copy()}, classes).symptoms
    assert (verdict.symptom, verdict.place) == ("unused", "inputs image")


def fits(kind, x):
    """A layer that rescales x, and what it is given: as it should, or not."""
    import keras

    if kind == "never adapted":
        return keras.layers.Normalization(), 500 * x + 3000
    if kind == "rescaled twice":
        return keras.layers.Rescaling(1 / 255), x / 255
    if kind == "one mean for all columns":
        layer, columns = keras.layers.Normalization(axis=None), x + 1e3 * np.arange(ENTRIES)
    else:
        layer, columns = keras.layers.Normalization(), x + 1e3 * np.arange(ENTRIES)
    layer.adapt(columns)
    return layer, columns


@pytest.mark.parametrize(
    "kind", ["never adapted", "rescaled twice", "one mean for all columns", "adapted"]
)
def test_what_a_layer_that_rescales_makes_of_the_inputs_is_looked_at(kind):
    import keras

    x, y = drawn()
    layer, x = fits(kind, x)
    layers = layer, dense(16, "tanh"), dense(CLASSES, "softmax")
    model = network(*layers, loss=CROSS_ENTROPY, optimizer=keras.optimizers.SGD(0.1))
    report = diagnosed(model, x.astype("float32"), y)
    told = [verdict for verdict in report.symptoms if verdict.symptom == "inputs unscaled"]
    assert len(told) == (kind != "adapted") and report.healthy == (kind == "adapted")
    for verdict in told:
        assert verdict.repair.startswith(f"in place of {layer.name}: Normalization(")


@pytest.mark.parametrize("kind", ["never adapted", "rescaled twice", "one mean for all columns"])
def test_inputs_are_standardized_past_such_a_layer(kind):
    from zoo.diagnosis import scale

    x, _ = drawn()
    layer, x = fits(kind, x)
    model = network(layer, dense(1))
    given = np.asarray(layer(scale.standardized_inputs(model, x)), "float64")
    np.testing.assert_allclose(given.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(given.std(0), 1, atol=1e-3)


def test_inputs_that_hardly_differ_are_named_whatever_their_mean():
    import keras

    def made(x):
        layers = dense(16, "tanh"), dense(CLASSES, "softmax")
        model = network(*layers, loss=CROSS_ENTROPY, optimizer=keras.optimizers.SGD(0.1))
        return names(diagnosed(model, x, y))

    x, y = drawn()
    assert made(1 + 0.01 * x)[:1] == ["inputs unscaled"]
    assert made(1 + x) == []


def test_an_output_without_a_bias_far_from_its_targets_is_named():
    import keras

    x, y, _ = examples(seed=1, count=2000)
    y = 30 + 6 * y / y.std()  # of which 50 steps teach a little, and 2,000 no more
    for bias in (True, False):
        keras.utils.set_random_seed(0)
        model = network(dense(1, use_bias=bias), optimizer=keras.optimizers.SGD(0.02))
        assert names(diagnosed(model, x, y)) == ([] if bias else ["targets unscaled"])


def test_a_loss_that_stays_above_that_of_a_constant_is_named_though_some_is_learned():
    import keras

    x, y, _ = examples()
    y = 0.8 * y / y.std()
    for bias in (True, False):
        keras.utils.set_random_seed(0)
        model = network(dense(1, use_bias=bias), optimizer=keras.optimizers.SGD(0.1))
        report = diagnosed(model, x, 3 + y)
        assert names(report) == ([] if bias else ["initial loss"])
        assert [each.repair for each in report.symptoms] == (
            [] if bias else ["use_bias=True in the last layer"]
        )
