"""Programs with two faults at once, and classic toy programs."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


@pair("two faults: raw pixels and a high learning rate", 0.85)
def digits_raw_and_fast(seed, faulty):
    """Digits 0..255 with Adam at 0.3: most ReLU units die, the rest jump about."""
    x_train, x_test, y_train, y_test = data.images(seed, top=255.0)
    factor, rate = (1.0, 0.3) if faulty else (1 / 255.0, 0.003)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 32, "epochs": 12}
    score = data.accuracy(x_test * factor, y_test)
    return model, x_train * factor, y_train, fit_kwargs, score


@pair("two faults: no hidden activation and tanh output with cross-entropy", 0.9)
def circles_linear_and_tanh(seed, faulty):
    """Rings; the hidden layers are linear and the output goes from -1 to 1."""
    x_train, x_test, y_train, y_test = data.circles(seed, n=400)
    hidden, last = (None, "tanh") if faulty else ("tanh", "sigmoid")
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(13, activation=hidden),
            layers.Dense(7, activation=hidden),
            layers.Dense(1, activation=last),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 12, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("two faults: raw targets and a low learning rate", 0.8)
def rent_raw_and_slow(seed, faulty):
    """Rent by size and age; targets near 900 and SGD at 1e-6 against the NaN of before."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(450, 2))
    y = 900 + 350 * x[:, 0] - 120 * x[:, 1] + 80 * x[:, 0] * x[:, 1] + 15 * rng.normal(size=450)
    if not faulty:
        y = (y - 900) / 250
    x_train, x_test, y_train, y_test = data.split(x, y, seed)
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(11, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(1e-6 if faulty else 0.05), loss="mse", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 15, "epochs": 30}, data.r2(x_test, y_test)


@pair("two faults: one softmax unit and unscaled columns", 0.9)
def cancer_one_softmax_unscaled(seed, faulty):
    """Breast cancer, raw columns up to 4000 and softmax on one unit."""
    x_train, x_test, y_train, y_test = data.table("cancer", seed, scaled=not faulty)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(30, activation="sigmoid"),
            layers.Dense(15, activation="sigmoid"),
            layers.Dense(1, activation="softmax" if faulty else "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 20}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("learning rate of SGD too low for a toy problem", 1.0)
def xor_sgd_default(seed, faulty):
    """XOR, its four rows repeated, and SGD at 0.01: all outputs stay near 0.5."""
    x, y = data.truth_table(lambda a, b: a ^ b, 2)
    x, y = np.tile(x, (25, 1)), np.tile(y, (25, 1))
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(8, activation="tanh"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.01 if faulty else 0.5)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])

    def score(model):
        """Rows within 0.3 of their value: 0.51 against 0.49 is no answer."""
        return float((np.abs(np.asarray(model(x)) - y) < 0.3).mean())

    return model, x, y, {"batch_size": 4, "epochs": 50}, score


@pair("softmax for the two outputs of a full adder", 1.0)
def full_adder_softmax(seed, faulty):
    """Sum and carry of three bits; softmax can't say 1, 1 or 0, 0."""
    x, low = data.truth_table(lambda a, b, c: (a + b + c) % 2, 3)
    _, carry = data.truth_table(lambda a, b, c: (a + b + c) // 2, 3)
    y = np.hstack([low, carry])
    last, loss = ("softmax", "categorical_crossentropy")
    if not faulty:
        last, loss = ("sigmoid", "binary_crossentropy")
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(16, activation="tanh"), layers.Dense(2, last)]
    )
    model.compile(keras.optimizers.Adam(0.05), loss=loss)

    def score(model):
        return float(((np.asarray(model(x)) > 0.5) == (y > 0.5)).mean())

    return model, x, y, {"batch_size": 2, "epochs": 45}, score


@pair("no hidden layer", 1.0)
def multiplexer_no_hidden_layer(seed, faulty):
    """A multiplexer, a ? b : c, xor a fourth bit; one Dense layer alone is linear."""
    x, y = data.truth_table(lambda a, b, c, d: (b if a else c) ^ d, 4)
    model = keras.Sequential([keras.Input((4,))])
    if not faulty:
        model.add(layers.Dense(20, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 2, "epochs": 50}, data.accuracy(x, y)


@pair("raw income and age into saturating units", 0.85)
def credit_raw_income(seed, faulty):
    """Credit by income in dollars, age and number of cards; tanh units saturate on income."""
    rng = np.random.default_rng(seed)
    income = rng.integers(9_000, 160_000, size=800)
    age, cards = rng.integers(18, 80, size=800), rng.integers(0, 7, size=800)
    x = np.stack([income, age, cards], axis=1).astype("float32")
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = (z[:, 0] + 1.5 * z[:, 1] - z[:, 2] > 0).astype("int32")
    x_train, x_test, y_train, y_test = data.split(x if faulty else z, y, seed)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(17, activation="tanh"),
            layers.Dense(9, activation="tanh"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 10, "epochs": 25}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("word ids straight into Dense", 0.85)
def word_ids_into_dense(seed, faulty):
    """Reviews of 15 word ids; Dense takes the ids as amounts where an Embedding is needed."""
    rng = np.random.default_rng(seed)
    feeling = np.random.default_rng(4).normal(size=80)
    x = rng.integers(0, 80, size=(1200, 15))
    y = (feeling[x].sum(axis=1) > 0).astype("int32")
    inputs = keras.Input((15,))
    if faulty:
        h = layers.Rescaling(1 / 80.0)(inputs)
    else:
        h = layers.GlobalAveragePooling1D()(layers.Embedding(80, 16)(inputs))
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 20}
    return model, x[:900], y[:900], fit_kwargs, data.accuracy(x[900:], y[900:])
