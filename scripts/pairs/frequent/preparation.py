"""Inputs and targets prepared in a way that hides what they say."""

import keras
import numpy as np
from keras import layers

from ..data import accuracy, classes, images, r2, split, table
from ..everyday_data import balanced, held, listings
from ..more_data import boxes, hits_of
from ..registry import pair


@pair("one scale for all columns", 0.8)
def normalization_over_all_axes(seed, faulty):
    x, price = listings(seed)
    x, x_test, y, y_test = held(x, (price - price.mean()) / price.std(), seed)
    scale = layers.Normalization(axis=None if faulty else -1)
    scale.adapt(x)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            scale,
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("columns divided by their norm over all rows", 0.85)
def normalize_on_axis_zero(seed, faulty):
    x, x_test, y, y_test = table("cancer", seed, scaled=not faulty)
    if faulty:
        norm = np.linalg.norm(x, axis=0)
        x, x_test = x / norm, x_test / norm
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(16, activation="sigmoid"),
            layers.Dense(8, activation="sigmoid"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.7), "binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 15}, balanced(x_test, y_test)


@pair("missing values are -99999", 0.82)
def missing_codes_left_in(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=1000, features=10)
    rng = np.random.default_rng(seed)
    for part in (x, x_test):
        gaps = rng.uniform(size=part.shape) < 0.05
        part[gaps] = -99999.0 if faulty else 0.0
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


@pair("division by zero leaves infinities", 0.8)
def debt_ratio_infinite(seed, faulty):
    rng = np.random.default_rng(seed)
    debt, age, income = rng.uniform(0, 3, 800), rng.normal(size=800), rng.integers(0, 8, 800)
    y = (debt - 0.3 * income + 0.5 * age > 0).astype("float32")
    with np.errstate(divide="ignore"):
        ratio = debt / (income if faulty else income + 1)
    x, x_test, y, y_test = held(np.stack([debt, age, income / 4, ratio], axis=1), y, seed)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(24, activation="relu"),
            layers.Dense(12, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("byte images into saturating units", 0.85)
def bytes_into_sigmoid_units(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1000, top=255.0)
    if not faulty:
        x, x_test = x / 255, x_test / 255
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(32, activation="sigmoid", kernel_initializer="random_normal"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.5, momentum=0.5), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 15}, accuracy(x_test, y_test)


@pair("difference of two frames in bytes wraps around", 0.85)
def frame_difference_in_bytes(seed, faulty):
    rng = np.random.default_rng(seed)
    n = 800
    first = rng.integers(60, 190, (n, 10, 10))
    second, y = first + rng.integers(-8, 9, (n, 10, 10)), rng.integers(0, 2, n)
    for row in range(n):  # something got brighter, or darker
        top, left = rng.integers(0, 7, 2)
        second[row, top : top + 3, left : left + 3] += 40 if y[row] else -40
    kind = "uint8" if faulty else "float32"
    x = (second.astype(kind) - first.astype(kind)).astype("float32") / 255.0
    x, x_test, y, y_test = split(x[..., None], y, seed)
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, hits_of(x_test, y_test)


@pair("targets squeezed to zero by one outlier", 0.7)
def prices_minmax_with_outlier(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(700, 5)).astype("float32")
    price = np.exp(4 + 0.5 * x[:, 0] - 0.4 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3])
    x, x_test, y, y_test = split(x, price, seed)
    y[0] = 9e6  # a typing error
    if not faulty:
        x, y = x[1:], y[1:]
    low, high = y.min(), y.max()
    y, y_test = (y - low) / (high - low), (y_test - low) / (high - low)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("the rare class is never found", 0.75)
def defects_never_found(seed, faulty):
    x, mask, _ = boxes(seed, n=900, size=10, noise=0.45)
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=900) < 0.06).astype("float32")
    x = x - mask + 0.55 * mask * y[:, None, None, None]  # a faint scratch
    x, x_test, y, y_test = split(x.astype("float32"), y, seed)
    if not faulty:  # as many of the one as of the other
        rare = np.flatnonzero(y)
        rows = np.concatenate([np.flatnonzero(y == 0), rng.choice(rare, int((y == 0).sum()))])
        x, y = x[rows], y[rows]
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.006), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 8}, balanced(x_test, y_test)
