"""Custom losses and layers, Lambda, several inputs or outputs, wrong axis, wrong reshape."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from . import data
from .registry import pair


@pair("rounding inside the network has no gradient", 0.9)
def circles_round_in_lambda(seed, faulty):
    """Rings; a Lambda rounds the hidden sigmoids, so the layer below gets no gradient."""
    x_train, x_test, y_train, y_test = data.circles(seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(12, activation="tanh"),
            layers.Dense(4, activation="sigmoid"),
            layers.Lambda(lambda v: ops.round(v) if faulty else v),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("custom loss with the wrong sign", 0.9)
def dice_wrong_sign(seed, faulty):
    """Two classes; the loss returns the Dice overlap itself and not one minus it."""
    x_train, x_test, y_train, y_test = data.classes(seed, sep=2.0)

    def dice(y_true, y_pred):
        y_true = ops.cast(y_true, "float32")
        overlap = 2 * ops.sum(y_true * y_pred) + 1.0
        value = overlap / (ops.sum(y_true) + ops.sum(y_pred) + 1.0)
        return value if faulty else 1.0 - value

    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss=dice, metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 25}
    y = y_train.reshape(-1, 1)
    return model, x_train, y, fit_kwargs, data.accuracy(x_test, y_test)


class SquaredError(keras.losses.Loss):
    """Mean squared error by hand."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))


@pair("custom loss broadcasts (n,) against (n, 1)", 0.85)
def loss_broadcasts(seed, faulty):
    """A curve; every prediction is compared with every target, so the mean is best."""
    x_train, x_test, y_train, y_test = data.curve(lambda v: np.sin(5 * v) + v, seed)
    y = y_train[:, 0] if faulty else y_train
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(32, activation="tanh"),
            layers.Dense(32, activation="tanh"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss=SquaredError())
    return model, x_train, y, {"batch_size": 20, "epochs": 40}, data.r2(x_test, y_test)


@pair("the second input is never used", 0.85)
def product_of_two_inputs(seed, faulty):
    """Product of two inputs; a copied line merges the first branch with itself."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-1, 1, size=(2, 700, 2))
    y = (a * b).sum(axis=1)
    first, second = keras.Input((2,)), keras.Input((2,))
    left = layers.Dense(24, activation="relu")(first)
    right = layers.Dense(24, activation="relu")(second)
    h = layers.Concatenate()([left, left if faulty else right])
    h = layers.Dense(48, activation="relu")(h)
    model = keras.Model([first, second], layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse")
    fit_kwargs = {"batch_size": 10, "epochs": 30}
    return model, [a[:500], b[:500]], y[:500], fit_kwargs, data.r2([a[500:], b[500:]], y[500:])


@pair("one of two losses drowns the other", 0.85)
def two_outputs_one_loss_drowns(seed, faulty):
    """Class and price from one trunk; the price loss in dollars squared takes all the steps."""
    x_train, x_test, y_train, y_test = data.classes(seed, n=900, n_classes=3)
    price = 20000.0 + 9000.0 * np.tanh(x_train[:, 0]) * x_train[:, 1]
    price = price if faulty else (price - 20000.0) / 10000.0
    inputs = keras.Input((12,))
    h = layers.Dense(48, activation="relu")(inputs)
    h = layers.Dense(24, activation="relu")(h)
    label = layers.Dense(3, activation="softmax", name="label")(h)
    cost = layers.Dense(1, name="cost")(h)
    model = keras.Model(inputs, {"label": label, "cost": cost})
    model.compile("adam", loss={"label": "sparse_categorical_crossentropy", "cost": "mse"})

    def score(model):
        found = np.asarray(model(x_test)["label"]).argmax(axis=1)
        return float((found == y_test).mean())

    return (
        model,
        x_train,
        {"label": y_train, "cost": price},
        {"batch_size": 32, "epochs": 40},
        score,
    )


@pair("normalization over the wrong axis", 0.9)
def moons_normalized_per_row(seed, faulty):
    """Moons; LayerNormalization of a row of two leaves only which of the two is larger."""
    x_train, x_test, y_train, y_test = data.moons(seed, n=500)
    inputs = keras.Input((2,))
    h = (layers.LayerNormalization() if faulty else layers.BatchNormalization())(inputs)
    h = layers.Dense(24, activation="relu")(h)
    h = layers.Dense(24, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("reshape instead of transpose", 0.85)
def digits_reshape_not_transpose(seed, faulty):
    """Digits stored as (pixels, examples), as in MATLAB; reshape mixes the examples."""
    x_train, x_test, y_train, y_test = data.table("digits", seed, scaled=False)
    x_train, x_test = x_train.T / 16.0, x_test.T / 16.0
    if faulty:
        x_train, x_test = x_train.reshape(-1, 8, 8, 1), x_test.reshape(-1, 8, 8, 1)
    else:
        x_train, x_test = x_train.T.reshape(-1, 8, 8, 1), x_test.T.reshape(-1, 8, 8, 1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 32, "epochs": 12}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


class Classifier(keras.Model):
    """Two hidden layers; with skip=True each line of call starts from the inputs again."""

    def __init__(self, skip):
        super().__init__()
        self.skip = skip
        self.hidden1 = layers.Dense(32, activation="relu")
        self.hidden2 = layers.Dense(32, activation="relu")
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        h = self.hidden1(inputs)
        h = self.hidden2(h)
        return self.out(inputs if self.skip else h)


@pair("call() forgets the hidden layers", 0.9)
def moons_subclass_skips_hidden(seed, faulty):
    """Checkerboard; call() passes the inputs to the last layer, which makes it linear."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(700, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("float32")
    x_train, x_test, y_train, y_test = data.split(x, y, seed)
    model = Classifier(skip=faulty)
    model(x_train[:1])
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("custom loss takes the log of zero", 0.9)
def cancer_log_of_zero(seed, faulty):
    """Breast cancer, columns blown up by ten; log(0) * 0 in a loss without clipping is NaN."""
    x_train, x_test, y_train, y_test = data.table("cancer", seed)
    x_train, x_test = x_train * 10, x_test * 10

    def cross_entropy(y_true, y_pred):
        p = y_pred if faulty else tf.clip_by_value(y_pred, 1e-6, 1 - 1e-6)
        return -tf.reduce_mean(y_true * tf.math.log(p) + (1 - y_true) * tf.math.log(1 - p))

    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss=cross_entropy, metrics=["accuracy"])
    y = y_train.reshape(-1, 1).astype("float32")
    return model, x_train, y, {"batch_size": 16, "epochs": 20}, data.accuracy(x_test, y_test)
