"""Layers put together so that they cannot give what is asked."""

import keras
import numpy as np
from keras import layers, ops

from ..data import accuracy, classes, r2, regression, split
from ..everyday_data import ratings
from ..more_data import hits_of, output, parts
from ..registry import pair


@pair("towers end in relu, the product is never negative", 0.88)
def towers_end_in_relu(seed, faulty):
    user, item, rate = ratings(seed, n=2400, users=30, items=24)
    x, x_test, y, y_test = parts([user, item], (rate > 3).astype("float32"), seed)
    inputs = [keras.Input((), dtype="int32"), keras.Input((), dtype="int32")]
    towers = []
    for ids, count in zip(inputs, (30, 24), strict=True):
        h = layers.Dense(24, activation="relu")(layers.Embedding(count, 16)(ids))
        towers.append(layers.Dense(8, activation="relu" if faulty else None)(h))
    model = keras.Model(inputs, layers.Activation("sigmoid")(layers.Dot(1)(towers)))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")

    def score(model):
        p = output(model, x_test)[:, 0] > 0.5
        return float(((p & (y_test == 1)).sum() / (y_test == 1).sum()
                      + (~p & (y_test == 0)).sum() / (y_test == 0).sum()) / 2)  # fmt: skip

    return model, x, y, {"batch_size": 64, "epochs": 10}, score


@pair("difference without its absolute value", 0.8)
def siamese_plain_difference(seed, faulty):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(1200, 8))
    same = rng.integers(0, 2, 1200)
    other = np.where(same[:, None], base, rng.normal(size=base.shape))
    other = other + 0.2 * rng.normal(size=base.shape)
    x = [base.astype("float32"), other.astype("float32")]
    x, x_test, y, y_test = parts(x, same, seed)
    tower = keras.Sequential([keras.Input((8,)), layers.Dense(16)])
    a, b = keras.Input((8,)), keras.Input((8,))
    gap = layers.Subtract()([tower(a), tower(b)])
    if not faulty:
        gap = layers.Lambda(ops.abs)(gap)
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(gap))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, hits_of(x_test, y_test)


@pair("no bias where all targets are far from zero", 0.8)
def temperature_without_bias(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 4)).astype("float32")
    y = 25 + x @ np.array([3.0, -2.0, 1.0, 2.0]) + 0.3 * rng.normal(size=600)
    x, x_test, y, y_test = split(x, y, seed)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=not faulty)])
    model.compile(keras.optimizers.SGD(0.02), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("skips multiplied instead of added", 0.8)
def skips_multiplied(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=4, features=16, sep=2.0)
    join = layers.Multiply if faulty else layers.Add
    inputs = keras.Input((16,))
    h = layers.Dense(32)(inputs)
    for _ in range(6):
        h = join()([h, layers.Dense(32, activation="relu")(h)])
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, accuracy(x_test, y_test)


@pair("exponential units on raw columns", 0.8)
def exponential_hidden_units(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=600, features=5)
    s, x, x_test = y.std(), 4 * x, 4 * x_test
    kind = "exponential" if faulty else "relu"
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(24, activation=kind),
            layers.Dense(24, activation=kind),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model, x, y / s, {"batch_size": 32, "epochs": 14}, r2(x_test, y_test / s)
