"""Wrong format or scale of labels and targets."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


@pair("labels 1/2 with sigmoid and binary cross-entropy", 0.9)
def moons_labels_one_two(seed, faulty):
    """Moons labelled 1/2; both labels pull the output to 1 and the loss turns negative."""
    x_train, x_test, y_train, y_test = data.moons(seed)
    y_train = y_train + 1 if faulty else y_train
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(16, activation="tanh"),
            layers.Dense(16, activation="tanh"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    fit_kwargs = {"batch_size": 32, "epochs": 40}
    return model, x_train, y_train.astype("float32"), fit_kwargs, data.accuracy(x_test, y_test)


@pair("mask labels 0..255 with sigmoid and binary cross-entropy", 0.9)
def segmentation_mask_255(seed, faulty):
    """Bright squares on noise, one label per pixel; the masks were read as 0/255."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.3, 0.12, size=(260, 16, 16, 1))
    mask = np.zeros_like(x)
    for i in range(len(x)):
        r, c = rng.integers(0, 9, size=2)
        mask[i, r : r + 7, c : c + 7] = 1.0
    x = (x + 0.35 * mask).clip(0, 1)
    y = mask * 255.0 if faulty else mask
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    fit_kwargs = {"batch_size": 20, "epochs": 12}
    return model, x[:200], y[:200], fit_kwargs, data.accuracy(x[200:], mask[200:])


@pair("targets in the hundred thousands, not scaled", 0.8)
def house_prices_raw(seed, faulty):
    """House prices in dollars with Adam at its default rate; the scores use dollars too."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=500, features=6)
    y_train, y_test = y_train * 900 + 250_000, y_test * 900 + 250_000
    mean, std = (0.0, 1.0) if faulty else (y_train.mean(), y_train.std())
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    score = data.r2(x_test, (y_test - mean) / std)
    return model, x_train, (y_train - mean) / std, {"batch_size": 32, "epochs": 40}, score


@pair("targets truncated to integers", 0.9)
def fractions_as_integers(seed, faulty):
    """Targets in 0..1 that were read with astype(int): all of them became 0."""
    x_train, x_test, y_train, y_test = data.curve(
        lambda v: 0.5 + 0.4 * np.sin(4 * v), seed, n=450, noise=0.01
    )
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(25, activation="tanh"),
            layers.Dense(25, activation="tanh"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    y = y_train.astype("int32") if faulty else y_train
    return model, x_train, y, {"batch_size": 16, "epochs": 50}, data.r2(x_test, y_test)


@pair("class numbers divided by 255 along with the images", 0.85)
def digits_labels_scaled(seed, faulty):
    """Digits 0..255; a loop scaled images and labels, and all class numbers round to 0."""
    x_train, x_test, y_train, y_test = data.images(seed, top=255.0)
    x_train, x_test = x_train / 255, x_test / 255
    y = y_train / 255.0 if faulty else y_train
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.005),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, x_train, y, {"batch_size": 32, "epochs": 12}, data.accuracy(x_test, y_test)


@pair("missing values in the targets", 0.3)
def diabetes_nan_targets(seed, faulty):
    """Diabetes; three targets are missing and were not dropped, so the loss is NaN."""
    x_train, x_test, y_train, y_test = data.table("diabetes", seed)
    y_train, y_test = y_train / 100.0, y_test / 100.0
    y = y_train.copy()
    y[[17, 101, 202]] = np.nan
    keep = np.ones(len(y), bool) if faulty else np.isfinite(y)
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(12, activation="elu"), layers.Dense(1)]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    return model, x_train[keep], y[keep], {"batch_size": 16, "epochs": 15}, data.r2(x_test, y_test)


@pair("targets off by one row", 0.85)
def rolled_targets(seed, faulty):
    """A table read with and without its header line: every row has its neighbour's label."""
    x_train, x_test, y_train, y_test = data.blobs(seed, n=500, centers=4, features=5)
    y = np.roll(y_train, 1) if faulty else y_train
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.BatchNormalization(),
            layers.Dense(20, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y, {"batch_size": 10, "epochs": 25}, data.accuracy(x_test, y_test)


@pair("tiny targets", 0.85)
def tiny_targets(seed, faulty):
    """Sensor currents of about 1e-5; the errors are far below what a step of Adam moves."""
    x_train, x_test, y_train, y_test = data.curve(
        lambda v: v * v - 0.5 * v, seed, n=300, noise=0.01
    )
    unit = 1e-5 if faulty else 1.0
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(40, activation="relu"),
            layers.Dense(40, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss="mse")
    fit_kwargs = {"batch_size": 10, "epochs": 40}
    return model, x_train, y_train * unit, fit_kwargs, data.r2(x_test, y_test * unit)
