"""More wrong outputs and losses."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


@pair("binary cross-entropy for real-valued targets", 0.92)
def prices_binary_crossentropy(seed, faulty):
    """Regression on standardized targets, compiled with a classification loss."""
    x_train, x_test, y_train, y_test = data.regression(seed)
    y_train, y_test = data.standardize(y_train, y_test)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    loss = "binary_crossentropy" if faulty else "mean_squared_error"
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=loss)
    return model, x_train, y_train, {"batch_size": 16, "epochs": 30}, data.r2(x_test, y_test)


@pair("percentage error on targets near zero", 0.8)
def sine_percentage_error(seed, faulty):
    """A sine; MAPE divides by targets near zero, so predicting about 0 is cheapest."""
    x_train, x_test, y_train, y_test = data.curve(
        lambda v: np.maximum(0, np.sin(3 * v)) ** 2, seed, n=500, noise=0.005
    )
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(30, activation="tanh"),
            layers.Dense(30, activation="tanh"),
            layers.Dense(1),
        ]
    )
    loss = "mean_absolute_percentage_error" if faulty else "mean_absolute_error"
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    return model, x_train, y_train, {"batch_size": 25, "epochs": 60}, data.r2(x_test, y_test)


@pair("two softmax units against one broadcast label column", 0.9)
def cancer_two_units_one_column(seed, faulty):
    """Breast cancer; mse broadcasts the one label column on two softmax units."""
    x_train, x_test, y_train, y_test = data.table("cancer", seed)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(15, activation="sigmoid"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse", metrics=["mae"])
    y = y_train.reshape(-1, 1) if faulty else keras.utils.to_categorical(y_train, 2)
    return model, x_train, y, {"batch_size": 20, "epochs": 25}, data.accuracy(x_test, y_test)


@pair("autoencoder output range misses the data", 0.6)
def autoencoder_sigmoid_on_standardized(seed, faulty):
    """Wine, standardized; a sigmoid decoder can't rebuild values below 0 or above 1."""
    x_train, x_test, _, _ = data.table("wine", seed)
    inputs = keras.Input((13,))
    code = layers.Dense(8, activation="tanh")(layers.Dense(24, activation="relu")(inputs))
    h = layers.Dense(24, activation="relu")(code)
    model = keras.Model(inputs, layers.Dense(13, "sigmoid" if faulty else "linear")(h))
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse")
    return model, x_train, x_train, {"batch_size": 8, "epochs": 35}, data.r2(x_test, x_test)


@pair("softmax applied twice", 0.85)
def digits_double_softmax(seed, faulty):
    """Digits; softmax in the last Dense and a Softmax layer after it: nearly uniform output."""
    x_train, x_test, y_train, y_test = data.table("digits", seed, scaled=False)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Rescaling(1 / 16),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax" if faulty else None),
            layers.Softmax(),
        ]
    )
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y_train, 10)
    return model, x_train, y, {"batch_size": 10, "epochs": 15}, data.accuracy(x_test, y_test)


@pair("Poisson loss on an output that can be negative", 0.7)
def counts_poisson_linear(seed, faulty):
    """Counts with many zeros; a linear output can sink below 0, where the loss makes no sense."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(1400, 3))
    mean = np.exp(0.2 + 1.2 * x[:, 0] + x[:, 1] * x[:, 2])
    y = rng.poisson(mean).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation=None if faulty else "softplus"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="poisson")
    return (
        model,
        x[:1000],
        y[:1000],
        {"batch_size": 32, "epochs": 30},
        data.r2(x[1000:], mean[1000:]),
    )


@pair("one hidden unit", 1.0)
def parity_one_hidden_unit(seed, faulty):
    """XOR of two of three bits; one tanh unit can only split the rows by a plane."""
    x, y = data.truth_table(lambda a, b, c: a ^ b, 3)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(1 if faulty else 12, activation="tanh"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 1, "epochs": 70}, data.accuracy(x, y)


@pair("ReLU output with categorical cross-entropy", 0.9)
def iris_relu_output(seed, faulty):
    """Iris; three ReLU outputs are no probabilities and go dead."""
    x_train, x_test, y_train, y_test = data.table("iris", seed)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(10, activation="relu"),
            layers.Dense(10, activation="relu"),
            layers.Dense(3, activation="relu" if faulty else "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y_train)
    return model, x_train, y, {"batch_size": 5, "epochs": 30}, data.accuracy(x_test, y_test)
