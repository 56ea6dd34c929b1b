"""Inputs that do not tell what is asked of them, and odd ones that do."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, drawn, names, network

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
