"""Preprocessing layers and preparation of tables: scaling, bins, normalization."""

import keras
import numpy as np
from keras import layers

from .data import circles, classes, images, split, table, truth_table
from .more_data import hits_of, parts, r2_of
from .registry import pair


def tanh_net(columns, *first, units=16, last=1, end=None):
    """Preparation layers and one hidden tanh layer."""
    return keras.Sequential(
        [
            keras.Input((columns,)),
            *first,
            layers.Dense(units, activation="tanh"),
            layers.Dense(last, activation=end),
        ]
    )


@pair("Normalization layer that was never adapted", 0.85)
def wine_not_adapted(seed, faulty):
    """Raw wine columns (alcohol 13, proline 1000) through a layer that changes nothing."""
    x, xt, y, yt = table("wine", seed, scaled=False)
    scaler = layers.Normalization(axis=-1)
    if not faulty:
        scaler.adapt(x)
    model = tanh_net(13, scaler, last=3, end="softmax")
    model.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 8, "epochs": 20}, hits_of(xt, yt)


@pair("Rescaling layer in the wrong direction", 0.85)
def digits_rescaled_up(seed, faulty):
    """Pixels 0..255 are multiplied by 255 and not divided."""
    x, xt, y, yt = images(seed, top=255.0)
    x, xt = np.rint(x).astype("uint8"), np.rint(xt).astype("uint8")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(255.0 if faulty else 1 / 255.0),
            layers.Flatten(),
            layers.Dense(32, activation="tanh"),
            layers.Dense(32, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy")
    return model, x, y.astype("uint8"), {"batch_size": 32, "epochs": 12}, hits_of(xt, yt)


@pair("bin edges in another unit than the data", 0.8)
def ages_in_one_bin(seed, faulty):
    """Ages in years, edges in months: everybody falls into the first bin."""
    age = np.random.default_rng(seed).uniform(18, 80, size=(700, 1))
    y = ((age > 30) & (age < 55)).astype("int64")
    x, xt, y, yt = split(age, y, seed)
    edges = [25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0]
    edges = [12 * edge for edge in edges] if faulty else edges
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Discretization(bin_boundaries=edges),
            layers.Embedding(9, 4),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(xt, yt)


@pair("one group per channel normalizes every unit away", 0.8)
def group_norm_single_units(seed, faulty):
    """GroupNormalization with as many groups as units: each value minus itself."""
    x, xt, y, yt = classes(seed, n_classes=3)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, activation="relu"),
            layers.GroupNormalization(groups=32 if faulty else 4),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="categorical_crossentropy")
    return model, x, np.eye(3)[y], {"batch_size": 16, "epochs": 30}, hits_of(xt, yt)


@pair("no biases anywhere", 0.9)
def circles_without_biases(seed, faulty):
    """A ReLU net without biases has the same sign along a whole ray from the origin."""
    x, xt, y, yt = circles(seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, activation="relu", use_bias=not faulty),
            layers.Dense(16, activation="relu", use_bias=not faulty),
            layers.Dense(1, activation="sigmoid", use_bias=not faulty),
        ]
    )
    model.compile(keras.optimizers.Nadam(0.01), loss="binary_crossentropy")
    return model, x, y.astype(bool), {"batch_size": 16, "epochs": 25}, hits_of(xt, yt)


@pair("max-norm constraint far too small", 0.9)
def max_norm_tiny(seed, faulty):
    """MaxNorm(0.01) on all layers leaves no signal; MaxNorm(3) is harmless."""
    x, xt, y, yt = table("cancer", seed)
    rule = keras.constraints.MaxNorm(0.01 if faulty else 3.0)
    model = keras.Sequential([keras.Input((30,))])
    for units in (16, 8):
        model.add(layers.Dense(units, activation="relu", kernel_constraint=rule))
    model.add(layers.Dense(1, activation="sigmoid", kernel_constraint=rule))
    model.compile(keras.optimizers.Adam(0.005), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 15}, hits_of(xt, yt)


@pair("half-precision inputs overflow", 0.7)
def half_precision_overflow(seed, faulty):
    """Distances up to 300 km in metres are infinite in float16."""
    rng = np.random.default_rng(seed)
    far = rng.uniform(0, 300_000, size=(500, 2))
    y = np.cos(far[:, 0] / 80_000) + far[:, 1] / 200_000
    x, xt, y, yt = split(far if faulty else far / 150_000 - 1, y - y.mean(), seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, activation="relu", dtype="mixed_float16"),
            layers.Dense(32, activation="relu", dtype="mixed_float16"),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(xt, yt)


@pair("sign as activation has no gradient", 0.95)
def sign_activation(seed, faulty):
    """Unlike pairs among four bits with threshold units, 16 rows in all."""
    x, y = truth_table(lambda a, b, c, d: (a != b) or (c != d), 4)
    hidden = keras.ops.sign if faulty else "tanh"
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation=hidden),
            layers.Dense(6, activation=hidden),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 4, "epochs": 120}, hits_of(x, y)


@pair("rate too low for the units of the target", 0.95)
def fahrenheit_slow(seed, faulty):
    """Celsius to Fahrenheit from seven rows, one linear unit, Adam at its default rate."""
    x = np.array([[-40.0], [-10.0], [0.0], [8.0], [15.0], [22.0], [38.0]])
    y = 1.8 * x + 32
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.001 if faulty else 0.5), loss="mean_squared_error")
    xt = np.array([[-20.0], [5.0], [30.0]])
    return model, x, y, {"batch_size": 7, "epochs": 250}, r2_of(xt, 1.8 * xt + 32)


@pair("argmax in the middle cuts the gradient", 0.65)
def hard_choice_of_expert(seed, faulty):
    """Mixture of two linear experts; a hard choice never teaches the chooser."""
    x = np.random.default_rng(seed).normal(size=(600, 3))
    y = np.where(np.abs(x[:, 2]) > 0.7, 2 * x[:, 0], -2 * x[:, 0] + x[:, 1])
    x, xt, y, yt = split(x, y, seed)
    inputs = keras.Input((3,))
    gate = layers.Dense(12, activation="relu")(inputs)
    gate = layers.Dense(2, activation="softmax")(gate)
    if faulty:
        gate = keras.ops.one_hot(keras.ops.argmax(gate, axis=-1), 2)
    answer = keras.ops.sum(gate * layers.Dense(2)(inputs), axis=-1, keepdims=True)
    model = keras.Model(inputs, answer)
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    return model, x, y, {"batch_size": 20, "epochs": 50}, r2_of(xt, yt)


@pair("a constant column taken for every numeric input", 0.8)
def wide_and_deep_wrong_column(seed, faulty):
    """Wide and deep inputs as dict; the preparation takes the constant column for both."""
    rng = np.random.default_rng(seed)
    frame = np.column_stack([np.ones(700), rng.normal(size=(700, 3))])
    kind = rng.integers(0, 6, size=(700, 1))
    effect = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])[kind[:, 0]]
    y = np.sin(2 * frame[:, 1]) * 2 + frame[:, 2] * frame[:, 3] * 2 + 0.5 * effect
    use = [0, 0, 0] if faulty else [1, 2, 3]
    x, xt, y, yt = parts({"wide": frame[:, use], "kind": kind}, y, seed)
    ins = {"kind": keras.Input((1,), dtype="int64"), "wide": keras.Input((3,))}
    e = layers.Flatten()(layers.Embedding(6, 2)(ins["kind"]))
    h = layers.Concatenate()([e, ins["wide"]])
    h = layers.Dense(32, activation="relu")(h)
    h = layers.LayerNormalization()(layers.Dense(32, activation="relu")(h))
    model = keras.Model(ins, layers.Dense(1)(h))
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=1e-4), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 20}, r2_of(xt, yt)
