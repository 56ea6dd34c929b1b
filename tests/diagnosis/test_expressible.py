"""Heads that cannot give their targets, and those that can, whatever the training."""

import numpy as np
import pytest

from tests.diagnosis.networks import dense, examples, names, network

X, Y, CLASSES = examples()
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
TRUTH = (CLASSES > 1).astype("float32")
ONE_BELOW = np.r_[np.float32(-1), np.full(len(X) - 1, 5, "float32")]
CANNOT = "output cannot express the target"
LABELS = "labels do not fit"
LOGITS = "logits taken for probabilities"

# units, activation, loss, targets, symptom
FAULTS = {
    "softmax over one unit": (1, "softmax", "binary_crossentropy", TRUTH, CANNOT),
    "softmax over one unit, mse": (1, "softmax", "mse", Y, CANNOT),
    "sigmoid for any number": (1, "sigmoid", "mse", Y, CANNOT),
    "softmax for any numbers": (3, "softmax", "mse", 5 * ONE_HOT - 2, CANNOT),
    "tanh for large numbers": (1, "tanh", "mse", 10 * Y, CANNOT),
    "relu for numbers below 0": (1, "relu", "mae", Y, CANNOT),
    "relu before a cross-entropy": (3, "relu", "categorical_crossentropy", ONE_HOT, CANNOT),
    "tanh before a cross-entropy": (1, "tanh", "binary_crossentropy", TRUTH, CANNOT),
    "no activation before one": (*(3, None, "sparse_categorical_crossentropy", CLASSES, LOGITS),),
    "no activation before a binary one": (1, None, "binary_crossentropy", TRUTH, LOGITS),
    "truth of -1 and 1": (1, "sigmoid", "binary_crossentropy", 2 * TRUTH - 1, CANNOT),
    "classes for one sigmoid": (1, "sigmoid", "binary_crossentropy", CLASSES, CANNOT),
    "one class too many": (2, "softmax", "sparse_categorical_crossentropy", CLASSES, LABELS),
    "classes from 1 on": (3, "softmax", "sparse_categorical_crossentropy", CLASSES + 1, LABELS),
    "classes below 0": (3, "softmax", "sparse_categorical_crossentropy", CLASSES - 1, LABELS),
    "numbers for classes": (3, "softmax", "sparse_categorical_crossentropy", abs(Y), LABELS),
    "one-hot for a sparse loss": (
        *(3, "softmax", "sparse_categorical_crossentropy", ONE_HOT, LABELS),
    ),
    "classes for a loss of one-hot": (3, "softmax", "categorical_crossentropy", CLASSES, LABELS),
    "classes for three numbers": (3, None, "mse", CLASSES, LABELS),
    "two columns for three units": (3, None, "mse", np.c_[Y, Y], LABELS),
    "one sigmoid, over classes": (1, "sigmoid", "categorical_crossentropy", TRUTH, CANNOT),
    "a logarithm below 0": (1, None, "mean_squared_logarithmic_error", Y, CANNOT),
    "a logarithm of what a sigmoid cannot give": (
        *(1, "sigmoid", "mean_squared_logarithmic_error", ONE_BELOW, CANNOT),
    ),
    "counts below 0": (1, "softplus", "poisson", Y, CANNOT),
}
HEALTHY = {
    "sigmoid": (1, "sigmoid", "binary_crossentropy", TRUTH),
    "sigmoid, a column": (1, "sigmoid", "binary_crossentropy", TRUTH[:, None]),
    "softmax": (3, "softmax", "sparse_categorical_crossentropy", CLASSES),
    "softmax, a column": (3, "softmax", "sparse_categorical_crossentropy", CLASSES[:, None]),
    "softmax, one-hot": (3, "softmax", "categorical_crossentropy", ONE_HOT),
    "smoothed": (3, "softmax", "categorical_crossentropy", 0.9 * ONE_HOT + 0.1 / 3),
    "more units than classes": (5, "softmax", "sparse_categorical_crossentropy", CLASSES),
    "any number": (1, None, "mse", Y),
    "several labels": (3, "sigmoid", "binary_crossentropy", 1 - ONE_HOT),
    "softmax, mse": (3, "softmax", "mse", ONE_HOT),
    "tanh for -1 to 1": (1, "tanh", "mse", np.tanh(Y)),
    "relu for what is not negative": (1, "relu", "mse", abs(Y)),
    "hinge": (1, "tanh", "hinge", 2 * TRUTH - 1),
    "hinge of logits": (1, None, "hinge", 2 * TRUTH - 1),
    "counts": (1, "exponential", "poisson", CLASSES.astype("float32")),
    "a logarithm from 0 on": (1, "softplus", "mean_squared_logarithmic_error", abs(Y)),
    "sigmoid, over classes": (3, "sigmoid", "categorical_crossentropy", ONE_HOT),
    "softmax, binary": (3, "softmax", "binary_crossentropy", ONE_HOT),
    "cosine": (3, None, "cosine_similarity", ONE_HOT),
}


def diagnosed(units, activation, loss, y):
    import zoo

    model = network(dense(8, activation="relu"), dense(units, activation=activation), loss=loss)
    return zoo.diagnose(model, X, y, steps=2)


@pytest.mark.parametrize("case", FAULTS)
def test_a_head_that_cannot_give_its_targets_is_named(one_thread, case):
    *head, symptom = FAULTS[case]
    report = diagnosed(*head)
    assert symptom in names(report)
    [verdict, *_] = [each for each in report.symptoms if each.symptom == symptom]
    assert verdict.sure == "certain" and verdict.repair and verdict.healthy


@pytest.mark.parametrize("case", HEALTHY)
def test_one_that_can_is_not(one_thread, case):
    report = diagnosed(*HEALTHY[case])
    assert not {CANNOT, LABELS, LOGITS} & set(names(report))


def with_logits(activation, from_logits):
    import keras

    import zoo

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model = network(dense(3, activation=activation), loss=loss)
    return zoo.diagnose(model, X, CLASSES, steps=2)


def test_logits_where_the_loss_takes_them_are_well(one_thread):
    assert LOGITS not in names(with_logits(None, True))


def test_a_softmax_that_keras_undoes_is_a_note(one_thread):
    report = with_logits("softmax", True)
    assert LOGITS not in names(report)
    assert LOGITS in [verdict.symptom for verdict in report.notes]


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_logits_of_one_sign_alone_are_named(one_thread, activation):
    assert CANNOT in names(with_logits(activation, True))


def test_the_head_is_the_last_activation_whatever_layer_gives_it(one_thread):
    import keras

    import zoo

    heads = {
        "a layer": [dense(1), keras.layers.Activation("softmax")],
        "a softmax": [dense(1), keras.layers.Softmax()],
        "nested": [keras.Sequential([keras.Input((8,)), dense(1, activation="softmax")])],
    }
    for name, layers in heads.items():
        model = network(dense(8, activation="relu"), *layers, loss="binary_crossentropy")
        assert CANNOT in names(zoo.diagnose(model, X, TRUTH, steps=2)), name


def test_a_subclassed_model_has_its_head_seen_too(one_thread):
    import keras

    import zoo

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(8, activation="relu")
            self.last = keras.layers.Dense(1, activation="softmax", name="answer")

        def call(self, x):
            return self.last(self.first(x))

    model = Model()
    model(X[:2])
    model.compile("adam", "binary_crossentropy")
    report = zoo.diagnose(model, X, TRUTH, steps=2)
    [verdict] = [each for each in report.symptoms if each.symptom == CANNOT]
    assert "answer" in verdict.place


def test_each_output_is_judged_by_its_own_loss_and_targets(one_thread):
    import keras

    import zoo

    given = keras.Input((16,))
    hidden = keras.layers.Dense(8, activation="relu")(given)
    outputs = {
        "number": keras.layers.Dense(1, name="number")(hidden),
        "answer": keras.layers.Dense(1, activation="softmax", name="answer")(hidden),
    }
    model = keras.Model(given, outputs)
    model.compile("adam", {"number": "mse", "answer": "binary_crossentropy"})
    report = zoo.diagnose(model, X, {"number": Y, "answer": TRUTH}, steps=2)
    wrong = [verdict for verdict in report.symptoms if verdict.symptom == CANNOT]
    assert [verdict.place for verdict in wrong] == ["output answer"]
