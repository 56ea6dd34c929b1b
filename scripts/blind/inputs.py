"""Faults of the data."""

import keras
import numpy as np
from keras import layers

from .data import CE, FK, D, acc, bacc, cancer, digits, friedman, r2, seq, texts, waves
from .program import program


@program("unscaled inputs with plain SGD: diverges or stays put", 0.9)
def raw_inputs_sgd(seed):
    x, x_test, y, y_test = cancer(seed, scaled=False)
    model = seq(keras.Input((30,)), D(32, "relu"), D(16, "relu"), D(1, "sigmoid"))
    model.compile(keras.optimizers.SGD(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 16, "epochs": 20}, bacc(x_test, y_test)


@program("unscaled huge targets with a small rate", 0.6)
def raw_targets(seed):
    x, x_test, y, y_test = friedman(seed, scale_y=False)
    y, y_test = y * 20000, y_test * 20000
    model = seq(keras.Input((10,)), D(32, "relu"), D(1))
    model.compile("adam", "mse")
    return model, x, y, FK, r2(x_test, y_test)


@program("features shuffled apart from their labels", 0.9)
def shuffled_labels(seed):
    x, x_test, y, y_test = digits(seed)
    r = np.random.RandomState(seed)
    x = x[r.permutation(len(x))]
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("constant inputs: integer division wiped the pixels", 0.9)
def integer_division(seed):
    x, x_test, y, y_test = digits(seed, scale=1.0, flat=False)
    x, x_test = (
        (x.astype("uint8") // 255).astype("float32"),
        (x_test.astype("uint8") // 255).astype("float32"),
    )
    model = seq(
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        D(10, "softmax"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, acc(x_test, y_test)


@program("nan in the inputs: a constant column standardised", 0.9)
def nan_inputs(seed):
    x, x_test, y, y_test = digits(seed, scale=1.0)
    mu, sd = x.mean(0), x.std(0)
    with np.errstate(all="ignore"):
        x, x_test = (x - mu) / sd, (x_test - mu) / sd
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("texts cut at the wrong end: only padding is left", 0.85)
def all_padding(seed):
    x, x_test, y, y_test = texts(seed)
    x, x_test = x[:, 15:], x_test[:, 15:]
    model = seq(
        keras.Input((15,), dtype="int32"),
        layers.Embedding(500, 16),
        layers.GlobalAveragePooling1D(),
        D(16, "relu"),
        D(1, "sigmoid"),
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, FK, bacc(x_test, y_test)


@program("vocabulary too small: nearly every token becomes unknown", 0.85)
def tokens_clipped(seed):
    x, x_test, y, y_test = texts(seed)
    x, x_test = np.where(x > 5, 5, x), np.where(x_test > 5, 5, x_test)
    model = seq(
        keras.Input((30,), dtype="int32"),
        layers.Embedding(6, 16),
        layers.GlobalAveragePooling1D(),
        D(16, "relu"),
        D(1, "sigmoid"),
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, FK, bacc(x_test, y_test)


@program("masking hides every step (mask_value equals the fill of all steps)", 0.85)
def masks_everything(seed):
    x, x_test, y, y_test = waves(seed)
    x, x_test = np.clip(x, 2, 3), np.clip(x_test, 2, 3)
    model = seq(keras.Input((24, 1)), layers.Masking(2.0), layers.LSTM(16), D(1))
    model.compile("adam", "mse")
    return model, x, y, {"batch_size": 32, "epochs": 10}, r2(x_test, y_test)
