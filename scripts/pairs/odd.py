"""Programs whose repaired variant looks odd but is healthy, and wiring mistakes in them."""

import keras
import numpy as np
from keras import layers, ops

from .data import images, split
from .more_data import hits_of, parts, r2_of, words
from .registry import pair


@pair("frozen batch normalization passes raw inputs on", 0.85)
def raw_pixels_frozen_norm(seed, faulty):
    """Raw pixels are harmless behind a normalization layer, unless it is frozen untrained."""
    x, xt, y, yt = images(seed, top=255.0)
    norm = layers.BatchNormalization()
    norm.trainable = not faulty
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            norm,
            layers.Dense(40, activation="sigmoid"),
            layers.Dense(20, activation="sigmoid"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.3, momentum=0.9), loss="sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(xt, yt)


@pair("learning rate too high for noisy rows one at a time", 0.15)
def noisy_online_rate(seed, faulty):
    """More than half of the target is noise; batches of one, SGD at 0.5 instead of 0.002."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 3))
    y = x[:, 0] - 0.5 * x[:, 1] + 1.3 * rng.normal(size=600)
    x, xt, y, yt = split(x, y, seed)
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.5 if faulty else 0.002), loss="mse")
    return model, x, y, {"batch_size": 1, "epochs": 5}, r2_of(xt, yt)


@pair("rate too low for a handful of large batches", 0.85)
def large_batches_low_rate(seed, faulty):
    """3,000 rows in batches of 512: 120 steps in all need the high rate of 0.03."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(3000, 3))
    y = np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2]
    x, xt, y, yt = split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(48, activation="relu"),
            layers.Dense(48, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(5e-5 if faulty else 0.03), loss="mse")
    return model, x, y, {"batch_size": 512, "epochs": 24}, r2_of(xt, yt)


@pair("the same column taken twice", 0.85)
def quadrants_same_column(seed, faulty):
    """Signs of two columns compared by four units; the slice picks the first column twice."""
    table = np.random.default_rng(seed).uniform(-1, 1, size=(400, 2))
    y = (table[:, 0] * table[:, 1] > 0).astype("int64")
    x, xt, y, yt = split(table[:, [0, 0]] if faulty else table, y, seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(6, activation="tanh"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), loss="mse")
    return model, x, y.reshape(-1, 1), {"batch_size": 20, "epochs": 30}, hits_of(xt, yt)


@pair("activity penalty holds the hidden units at zero", 0.75)
def slow_plateau_activity_penalty(seed, faulty):
    """A sine by plain SGD, slow but sure; an L2 activity penalty of 10 keeps it flat."""
    x = np.random.default_rng(seed).uniform(-1, 1, size=(200, 1))
    x, xt, y, yt = split(x, np.sin(4 * x) + 5.0, seed)
    rule = keras.regularizers.L2(10.0) if faulty else None
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(30, activation="tanh", activity_regularizer=rule),
            layers.Dense(30, activation="tanh", activity_regularizer=rule),
            layers.Dense(1, bias_initializer=keras.initializers.Constant(5.0)),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05), loss="mse")
    return model, x, y, {"batch_size": 4, "epochs": 80}, r2_of(xt, yt)


@pair("categorical cross-entropy for labels that are not exclusive", 0.85)
def multi_label_categorical(seed, faulty):
    """Six independent labels, one of them rare; the loss compares shares, not the units."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 10))
    z = x @ np.random.default_rng(2).normal(size=(10, 6)) / 3
    y = z > np.array([0, 0, 0.3, -0.3, 0.5, 1.2])
    x, xt, y, yt = split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.GaussianNoise(0.1),
            layers.Dense(32, activation="leaky_relu"),
            layers.Dense(6, activation="sigmoid"),
        ]
    )
    model.compile("adam", loss="categorical_crossentropy" if faulty else "binary_crossentropy")

    def right_labels(m):
        return float(((np.asarray(m(xt)) > 0.5) == yt).mean())

    return model, x, y, {"batch_size": 16, "epochs": 20}, right_labels


@pair("mask is inverted", 0.85)
def mean_of_padding(seed, faulty):
    """Masked mean of word vectors; the comparison keeps the padding and drops the words."""
    x, xt, y, yt = words(seed)
    x, xt = (np.pad(a, ((0, 0), (0, 8))) for a in (x, xt))
    ids = keras.Input((20,), dtype="int32", name="ids")
    keep = ops.equal(ids, 0) if faulty else ops.not_equal(ids, 0)
    keep = ops.expand_dims(ops.cast(keep, "float32"), -1)
    h = layers.Embedding(60, 4)(ids)
    h = ops.sum(h * keep, axis=1) / ops.sum(keep, axis=1)
    model = keras.Model({"ids": ids}, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.05), loss="binary_crossentropy")
    return model, {"ids": x}, y, {"batch_size": 32, "epochs": 15}, hits_of({"ids": xt}, yt)


@pair("decoder is not given the encoder's state", 0.8)
def decoder_without_state(seed, faulty):
    """Encoder and decoder GRU, inputs by name; initial_state is missing in the decoder."""
    source = np.random.default_rng(seed).normal(size=(500, 6, 2))
    mean = source.mean(axis=1)[:, None]
    y = 2 * mean * np.linspace(0.2, 1, 5)[None, :, None]
    start = np.zeros((500, 5, 1))
    x, xt, y, yt = parts({"start": start, "source": source}, {"future": y}, seed)
    ins = {
        "source": keras.Input((6, 2), name="source"),
        "start": keras.Input((5, 1), name="start"),
    }
    _, state = layers.GRU(16, return_state=True)(ins["source"])
    if faulty:
        state = None
    h = layers.GRU(16, return_sequences=True)(ins["start"], initial_state=state)
    model = keras.Model(ins, {"future": layers.Dense(2)(h)})
    model.compile(keras.optimizers.Adam(0.01), loss={"future": "mse"})
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(xt, yt["future"], "future")
