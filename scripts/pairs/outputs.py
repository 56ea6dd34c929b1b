"""Wrong last activation, wrong loss, wrong number of units, logits confusions."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from . import data
from .registry import pair


@pair("softmax on a single output unit", 1.0)
def xor_softmax_one_unit(seed, faulty):
    """XOR; softmax over one unit is always 1, so every row is called positive."""
    x, y = data.truth_table(lambda a, b: a ^ b, 2)
    last = "softmax" if faulty else "sigmoid"
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(16, activation="tanh"), layers.Dense(1, activation=last)]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.08), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model, x, y, {"batch_size": 1, "epochs": 60}, data.accuracy(x, y)


@pair("one regression unit for ten classes", 0.88)
def digits_class_number_as_regression(seed, faulty):
    """Digits; the class number is regressed by one unit with mse and rounded by the user."""
    x_train, x_test, y_train, y_test = data.images(seed, n=1200)
    units, last, loss = (1, "relu", "mse")
    if not faulty:
        units, last, loss = (10, "softmax", "sparse_categorical_crossentropy")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(50, activation="relu"),
            layers.Dense(units, activation=last),
        ]
    )
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])

    def score(model):
        p = np.asarray(model(x_test))
        found = np.rint(p[:, 0]) if p.shape[1] == 1 else p.argmax(axis=1)
        return float((found == y_test).mean())

    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, score


@pair("no sigmoid before a loss that expects probabilities", 0.9)
def circles_linear_output(seed, faulty):
    """Rings; the last layer has no activation but the loss expects probabilities."""
    x_train, x_test, y_train, y_test = data.circles(seed, n=500)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(24, activation="relu"),
            layers.Dense(12, activation="relu"),
            layers.Dense(1, activation=None if faulty else "sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy"]
    )
    fit_kwargs = {"batch_size": 10, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


def logits_loss(y_true, y_pred):
    """TensorFlow's cross-entropy, which applies softmax itself."""
    labels = tf.cast(tf.reshape(y_true, (-1,)), "int32")
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=y_pred)


@pair("softmax output into a loss that applies softmax itself", 0.85)
def digits_softmax_as_logits(seed, faulty):
    """Digits; probabilities go in as logits, so that the loss is flat and learning crawls."""
    x_train, x_test, y_train, y_test = data.images(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
            layers.Activation("softmax" if faulty else "linear"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.03), loss=logits_loss, metrics=["accuracy"])
    fit_kwargs = {"batch_size": 64, "epochs": 20}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("logits given to a loss that expects probabilities", 0.9)
def wine_logits_without_flag(seed, faulty):
    """Wine; the last layer gives logits but from_logits was not set."""
    x_train, x_test, y_train, y_test = data.table("wine", seed)
    inputs = keras.Input((13,))
    h = layers.Dense(16, activation="relu")(inputs)
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(3)(h))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not faulty)
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=loss, metrics=["accuracy"])
    return (
        model,
        x_train,
        y_train,
        {"batch_size": 8, "epochs": 30},
        data.accuracy(x_test, y_test),
    )


@pair("sigmoid output for targets outside 0..1", 0.9)
def cubic_sigmoid_output(seed, faulty):
    """A cubic in -8..8; the sigmoid can only say 0..1."""
    x_train, x_test, y_train, y_test = data.curve(lambda v: v**3 - v, seed, low=-2.2, high=2.2)
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid" if faulty else None),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 20, "epochs": 40}, data.r2(x_test, y_test)


@pair("ReLU output for negative targets", 0.9)
def temperature_relu_output(seed, faulty):
    """Winter temperatures, nearly all below zero; the ReLU output can't go there."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 4))
    y = -6 + 3 * np.sin(x[:, :1]) + 2 * x[:, 1:2] - x[:, 2:3] + 0.2 * rng.normal(size=(500, 1))
    x_train, x_test, y_train, y_test = data.split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(20, activation="tanh"),
            layers.Dense(1, activation="relu" if faulty else "linear"),
        ]
    )
    model.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mae")
    return model, x_train, y_train, {"batch_size": 10, "epochs": 40}, data.r2(x_test, y_test)


@pair("softmax for labels that aren't exclusive", 0.8)
def tags_softmax(seed, faulty):
    """Six independent tags per row; softmax makes them compete for one unit of probability."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 10))
    y = (x @ np.random.default_rng(5).normal(size=(10, 6)) > 0).astype("float32")
    x_train, x_test, y_train, y_test = data.split(x, y, seed)
    last, loss = ("softmax", "categorical_crossentropy")
    if not faulty:
        last, loss = ("sigmoid", "binary_crossentropy")
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(64, activation="relu"), layers.Dense(6, last)]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss=loss)

    def score(model):
        return float(((np.asarray(model(x_test)) > 0.5) == (y_test > 0.5)).mean())

    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, score


@pair("categorical cross-entropy on a single sigmoid unit", 0.9)
def classes_categorical_one_unit(seed, faulty):
    """Two classes; categorical cross-entropy of one unit is always 0."""
    x_train, x_test, y_train, y_test = data.classes(seed, sep=2.0)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(40, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    loss = "categorical_crossentropy" if faulty else "binary_crossentropy"
    model.compile(optimizer="rmsprop", loss=loss, metrics=["accuracy"])
    y = y_train.reshape(-1, 1).astype("float32")
    return model, x_train, y, {"batch_size": 10, "epochs": 30}, data.accuracy(x_test, y_test)
