"""Small networks and examples, for the tests of a diagnosis."""

import numpy as np

EXAMPLES, ENTRIES, CLASSES = 200, 16, 3


def examples(seed=0, count=EXAMPLES):
    """x (200, 16), numbers y of it, and classes of it."""
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(count, ENTRIES)).astype("float32")
    y = (x @ draws.normal(size=ENTRIES) / 4).astype("float32")
    return x, y, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


def drawn(count=400):
    """x (400, 16) and classes of it."""
    x, _, classes = examples(count=count)
    return x, classes


def network(*layers, inputs=(ENTRIES,), loss="mse", optimizer="adam"):
    """A compiled sequential model."""
    import keras

    model = keras.Sequential([keras.Input(inputs), *layers])
    model.compile(optimizer, loss)
    return model


def seed():
    """Makes the layers that are made after it the same at each call."""
    import keras

    keras.utils.set_random_seed(0)


def dense(*arguments, **keywords):
    import keras

    return keras.layers.Dense(*arguments, **keywords)


def classifier(depth=2, width=32, activation="relu", **keywords):
    """A multilayer perceptron for the classes, with a softmax."""
    layers = [dense(width, activation=activation, **keywords) for _ in range(depth)]
    return network(
        *layers,
        dense(CLASSES, activation="softmax"),
        loss="sparse_categorical_crossentropy",
        optimizer="sgd",
    )


def names(report):
    return [verdict.symptom for verdict in report.symptoms]
