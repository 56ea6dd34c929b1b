"""Inputs that aren't scaled, or were spoiled on the way."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


@pair("columns of very different size", 0.88)
def wine_raw_columns(seed, faulty):
    """Wine with proline in the thousands beside hues near 1, trained with plain SGD."""
    x_train, x_test, y_train, y_test = data.table("wine", seed, scaled=not faulty)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(20, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.01),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return (
        model,
        x_train,
        y_train,
        {"batch_size": 4, "epochs": 40},
        data.accuracy(x_test, y_test),
    )


@pair("pixels 0..255 not scaled", 0.85)
def digits_raw_pixels(seed, faulty):
    """Digits 0..255 into sigmoid units, which saturate at once."""
    x_train, x_test, y_train, y_test = data.images(seed, scale=2, top=255.0)
    factor = 1.0 if faulty else 1 / 255.0
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="sigmoid"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy"
    )
    return (
        model,
        x_train * factor,
        y_train,
        {"batch_size": 32, "epochs": 20},
        data.accuracy(x_test * factor, y_test),
    )


@pair("ids used as numbers", 0.85)
def product_ids_as_numbers(seed, faulty):
    """120 product ids, each with its own price; dividing the id by 120 gives no order to use."""
    rng = np.random.default_rng(seed)
    prices = rng.normal(size=120)
    ids = rng.integers(0, 120, size=(2000, 1))
    y = prices[ids[:, 0]] + 0.1 * rng.normal(size=2000)
    inputs = keras.Input((1,))
    if faulty:
        h = layers.Rescaling(1 / 120.0)(inputs)
    else:
        h = layers.Flatten()(layers.Embedding(120, 6)(inputs))
    h = layers.Dense(32, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    return (
        model,
        ids[:1500],
        y[:1500],
        {"batch_size": 50, "epochs": 30},
        data.r2(ids[1500:], y[1500:]),
    )


@pair("inputs and labels shuffled apart", 0.85)
def shuffled_apart(seed, faulty):
    """Digits; the inputs were permuted and the labels were not."""
    x_train, x_test, y_train, y_test = data.table("digits", seed)
    order = np.random.default_rng(seed).permutation(len(x_train))
    y_train = y_train if faulty else y_train[order]
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(48, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return (
        model,
        x_train[order],
        y_train,
        {"batch_size": 32, "epochs": 20},
        data.accuracy(x_test, y_test),
    )


@pair("images became all zeros by integer division", 0.8)
def integer_division_images(seed, faulty):
    """Digits 0..254 as uint8; x // 255 leaves only zeros."""
    x_train, x_test, y_train, y_test = data.images(seed, top=254.0)
    x_train, x_test = x_train.astype("uint8"), x_test.astype("uint8")
    x_train, x_test = (v // 255 if faulty else v / 255 for v in (x_train, x_test))
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return (
        model,
        x_train,
        y_train,
        {"batch_size": 64, "epochs": 15},
        data.accuracy(x_test, y_test),
    )


@pair("each row scaled to unit length", 0.9)
def circles_unit_rows(seed, faulty):
    """Rings; Normalizer scales rows, not columns, and takes the radius away."""
    x_train, x_test, y_train, y_test = data.circles(seed)
    if faulty:
        x_train, x_test = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x_train, x_test))
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    return (
        model,
        x_train,
        y_train,
        {"batch_size": 16, "epochs": 30},
        data.accuracy(x_test, y_test),
    )


@pair("a Unix timestamp among the inputs", 0.85)
def raw_timestamp(seed, faulty):
    """Load by hour and temperature; a column of seconds since 1970 drowns the others."""
    rng = np.random.default_rng(seed)
    n = 700
    stamp = 1.6e9 + np.sort(rng.uniform(0, 6e7, size=n))
    hour, warm = rng.uniform(-1, 1, size=n), rng.normal(size=n)
    y = np.cos(3 * hour) + 0.5 * warm**2 + 0.1 * rng.normal(size=n)
    if not faulty:
        stamp = (stamp - stamp.mean()) / stamp.std()
    x = np.stack([stamp, hour, warm], axis=1)
    x_train, x_test, y_train, y_test = data.split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model, x_train, y_train, {"batch_size": 8, "epochs": 40}, data.r2(x_test, y_test)


@pair("missing values in the inputs", 0.9)
def cancer_nan_inputs(seed, faulty):
    """Breast cancer with a few missing cells; one of them makes every weight NaN."""
    x_train, x_test, y_train, y_test = data.table("cancer", seed)
    rows = np.random.default_rng(seed).choice(len(x_train), 5, replace=False)
    x_train[rows, [3, 8, 8, 20, 27]] = np.nan if faulty else 0.0
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="nadam", loss="binary_crossentropy", metrics=["accuracy"])
    return (
        model,
        x_train,
        y_train,
        {"batch_size": 32, "epochs": 15},
        data.accuracy(x_test, y_test),
    )


@pair("images divided by 255 twice", 0.8)
def scaled_twice(seed, faulty):
    """Digits; divided by 255 in the loader and again by the Rescaling layer."""
    x_train, x_test, y_train, y_test = data.images(seed, scale=2, n=1000, top=255.0)
    factor = 1 / 255.0 if faulty else 1.0
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Rescaling(1 / 255.0),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.8), "sparse_categorical_crossentropy")
    return (
        model,
        x_train * factor,
        y_train,
        {"batch_size": 10, "epochs": 12},
        data.accuracy(x_test * factor, y_test),
    )
