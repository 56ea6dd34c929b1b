"""Recurrent networks on long, padded, masked or unscaled sequences."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


def first_sign(seed, n, length):
    """Rows of random signs; the class is the first of them."""
    x = np.random.default_rng(seed).choice([-1.0, 1.0], size=(n, length, 1))
    return data.split(x, (x[:, 0, 0] > 0).astype("int32"), seed)


@pair("plain RNN on a long sequence", 0.9)
def simple_rnn_long_memory(seed, faulty):
    """The first of 110 steps decides; the last state of a SimpleRNN has forgotten it."""
    x_train, x_test, y_train, y_test = first_sign(seed, 600, 110)
    inputs = keras.Input((110, 1))
    if faulty:
        h = layers.SimpleRNN(16)(inputs)
    else:
        h = layers.SimpleRNN(16, return_sequences=True)(inputs)
        h = layers.Flatten()(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 12}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("ReLU in an RNN explodes", 0.8)
def rnn_relu_explodes(seed, faulty):
    """Sign of the sum of the last five steps; a ReLU recurrence over 60 steps grows until inf."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 60, 2)).astype("float32")
    y = (x[:, -5:, 0].sum(axis=1) > 0).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((60, 2)),
            layers.SimpleRNN(
                32,
                activation="relu" if faulty else "tanh",
                recurrent_initializer="he_normal",
            ),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 20, "epochs": 12}
    return model, x[:350], y[:350], fit_kwargs, data.accuracy(x[350:], y[350:])


@pair("padding at the end without a mask", 0.85)
def reviews_padded_without_mask(seed, faulty):
    """Reviews of 4..9 words padded to 70; without mask_zero the RNN ends on 60 zeros."""
    rng = np.random.default_rng(seed)
    n, vocabulary, length = 900, 25, 70
    x = np.zeros((n, length), dtype="int32")
    feeling = np.random.default_rng(9).normal(size=vocabulary)
    total = np.zeros(n)
    for i in range(n):
        words = rng.integers(1, vocabulary, size=rng.integers(4, 10))
        x[i, : len(words)] = words
        total[i] = feeling[words].sum()
    y = (total > np.median(total)).astype("int32")
    model = keras.Sequential(
        [
            keras.Input((length,)),
            layers.Embedding(vocabulary, 12, mask_zero=not faulty),
            layers.SimpleRNN(16),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 10}
    return model, x[:700], y[:700], fit_kwargs, data.accuracy(x[700:], y[700:])


@pair("masking removes real zeros", 0.9)
def masking_real_zeros(seed, faulty):
    """Where is the one in a row of zeros? Masking(0.0) skips the zeros and so the place."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, 12, size=600)
    x = np.zeros((600, 12, 1), dtype="float32")
    x[np.arange(600), place, 0] = 1.0
    y = place // 4
    inputs = keras.Input((12, 1))
    h = layers.Masking(0.0 if faulty else -1.0)(inputs)
    h = layers.GRU(16)(h)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(h))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 20, "epochs": 20}
    return model, x[:450], y[:450], fit_kwargs, data.accuracy(x[450:], y[450:])


@pair("LSTM on an unscaled series", 0.8)
def passengers_unscaled(seed, faulty):
    """Monthly passengers in the hundreds; LSTM and Adam can't reach such targets in time."""
    rng = np.random.default_rng(seed)
    t = np.arange(300)
    series = 400 + 120 * np.sin(2 * np.pi * t / 12) + 0.3 * t + 8 * rng.normal(size=300)
    if not faulty:
        series = (series - series.mean()) / series.std()
    x, y = data.windows(series, 12)
    model = keras.Sequential([keras.Input((12, 1)), layers.LSTM(24), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mean_squared_error")
    return model, x[:220], y[:220], {"batch_size": 8, "epochs": 25}, data.r2(x[220:], y[220:])


@pair("series reshaped instead of transposed", 0.8)
def sequence_reshaped_across_examples(seed, faulty):
    """Series stored as (time, examples); reshape instead of transpose mixes the examples."""
    rng = np.random.default_rng(seed)
    phase, speed = rng.uniform(0, 6, size=500), rng.integers(1, 4, size=500)
    t = np.linspace(0, 2 * np.pi, 20)[:, None]
    stored = np.sin(speed * t + phase) + 0.1 * rng.normal(size=(20, 500))
    x = stored.reshape(500, 20, 1) if faulty else stored.T[..., None]
    y = speed - 1
    model = keras.Sequential(
        [
            keras.Input((20, 1)),
            layers.Conv1D(12, 3, activation="relu"),
            layers.GRU(12),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 25, "epochs": 15}
    return model, x[:380], y[:380], fit_kwargs, data.accuracy(x[380:], y[380:])
