"""Losses of one's own, and a softmax over the wrong axis."""

import keras
import numpy as np
from keras import layers, ops

from ..data import images, moons, r2, regression
from ..more_data import hits_of, houses, parts, r2_of, words
from ..registry import pair


@pair("loss is the plain difference, without abs or square", 0.8)
def custom_loss_mean_difference(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=600, features=5)
    s = y.std()
    y, y_test = y[:, None] / s, y_test[:, None] / s

    def loss(y_true, y_pred):
        error = y_true - ops.cast(y_pred, y_true.dtype)
        return ops.mean(error) if faulty else ops.mean(ops.abs(error))

    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("own crossentropy lacks the term of the zeros", 0.8)
def own_crossentropy_half(seed, faulty):
    x, x_test, y, y_test = moons(seed, n=800)

    def loss(y_true, y_pred):
        p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        zeros = 0.0 if faulty else (1 - y_true) * ops.log(1 - p)
        return -ops.mean(y_true * ops.log(p) + zeros)

    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    y = y.astype("float32")[:, None]
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@pair("loss does not see scale and level", 0.8)
def correlation_as_loss(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=640, features=6)
    s = y.std()
    y, y_test = 3 + y[:, None] / s, 3 + y_test[:, None] / s

    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        a, b = y_true - ops.mean(y_true), y_pred - ops.mean(y_pred)
        bottom = ops.sqrt(ops.mean(a**2) * ops.mean(b**2)) + 1e-6
        gap = 0.0 if faulty else ops.mean((y_true - y_pred) ** 2)
        return 1 - ops.mean(a * b) / bottom + gap

    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x, y, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("softmax over the batch", 0.8)
def softmax_down_the_batch(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900)
    head = layers.Softmax(axis=0) if faulty else layers.Activation("sigmoid")
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(60, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
            head,
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("loss with its sign reversed", 0.8)
def similarity_maximised_as_loss(seed, faulty):
    x, x_test, _, _ = images(seed, n=800)
    x, x_test = x.reshape(-1, 64), x_test.reshape(-1, 64)

    def cosine(y_true, y_pred):
        top = ops.sum(y_true * y_pred, axis=-1)
        like = top / (ops.norm(y_true, axis=-1) * ops.norm(y_pred, axis=-1) + 1e-6)
        return like if faulty else -like

    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(48, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(64, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), cosine)

    def score(model):
        p = np.asarray(model(x_test, training=False))
        norms = np.linalg.norm(p, axis=1) * np.linalg.norm(x_test, axis=1)
        return float(((p * x_test).sum(axis=1) / (norms + 1e-9)).mean())

    return model, x, x, {"batch_size": 32, "epochs": 10}, score


@pair("second output without a loss", 0.7)
def second_head_without_loss(seed, faulty):
    x, price, luxury = houses(seed, n=700)
    x, x_test, y, y_test = parts(x, {"price": price, "luxury": luxury}, seed)
    inputs = keras.Input((5,))
    h = layers.Dense(48, activation="relu")(inputs)
    h = layers.Dense(48, activation="relu")(h)
    outs = {
        "price": layers.Dense(1, name="price")(h),
        "luxury": layers.Dense(1, activation="sigmoid", name="luxury")(h),
    }
    model = keras.Model(inputs, outs)
    losses = {"price": None if faulty else "mse", "luxury": "binary_crossentropy"}
    model.compile(keras.optimizers.Adam(0.01), losses)
    score = r2_of(x_test, y_test["price"], "price")
    return model, x, y, {"batch_size": 32, "epochs": 20}, score
