"""Sequences of which too little, or the wrong part, is read."""

import keras
import numpy as np
from keras import layers, ops

from ..data import accuracy, classes, r2, split
from ..everyday_data import held, reviews
from ..more_data import hits_of, motif
from ..registry import pair


@pair("return_sequences, and the label broadcast to all steps", 0.8)
def forgotten_return_sequences(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(700, 15, 1)).astype("float32")
    y = x[:, -3:].sum(axis=1) - x[:, -6:-3].sum(axis=1)
    x, x_test, y, y_test = split(x, y / y.std(), seed)
    model = keras.Sequential(
        [
            keras.Input((15, 1)),
            layers.LSTM(24, return_sequences=faulty),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")

    def score(model):
        p = np.asarray(model(x_test, training=False)).reshape(len(x_test), -1)
        return 1 - float(((p - y_test) ** 2).mean() / y_test.var())

    return model, x, y, {"batch_size": 32, "epochs": 18}, score


@pair("state of the first step taken", 0.8)
def first_state_taken(seed, faulty):
    x, x_test, y, y_test = motif(seed, n=600, length=20)
    at = 0 if faulty else -1
    model = keras.Sequential(
        [
            keras.Input((20, 1)),
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.GRU(16, return_sequences=True),
            layers.Lambda(lambda h: h[:, at]),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("texts cut at the wrong end", 0.8)
def texts_cut_before_the_verdict(seed, faulty):
    texts, y = reviews(seed, n=900, vocabulary=60, low=4, high=7)
    rng = np.random.default_rng(seed)
    texts = [np.r_[rng.integers(60, 90, 12), text] for text in texts]  # the plot, then the verdict
    end = "post" if faulty else "pre"
    x = keras.utils.pad_sequences(texts, maxlen=12, truncating=end, padding="post")
    x, x_test, y, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(90, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(x_test, y_test)


@pair("attention mask the wrong way round", 0.8)
def attention_mask_inverted(seed, faulty):
    texts, y = reviews(seed, n=800, vocabulary=50, low=4, high=8)
    x = keras.utils.pad_sequences(texts, maxlen=16, padding="post")
    x, x_test, y, y_test = split(x, y, seed)
    ids = keras.Input((16,), dtype="int32")
    h = layers.Embedding(50, 16)(ids)
    there = ops.equal(ids, 0) if faulty else ops.not_equal(ids, 0)
    query = ops.mean(h, axis=1, keepdims=True) * 0 + 1  # one learned question
    h = layers.MultiHeadAttention(2, 8)(query, h, attention_mask=there[:, None, :])
    h = layers.Flatten()(h)
    model = keras.Model(ids, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("kernel of width 1 cannot see shapes", 0.8)
def motif_kernel_of_one(seed, faulty):
    x, x_test, y, y_test = motif(seed, n=700)
    model = keras.Sequential(
        [
            keras.Input((40, 1)),
            layers.Conv1D(24, 1 if faulty else 5, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("too many recurrent layers", 0.85)
def four_lstm_layers(seed, faulty):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6.28, (400, 1))
    speed = rng.uniform(0.2, 0.8, (400, 1))
    series = np.sin(phase + speed * np.arange(13)[None])
    x, x_test, y, y_test = held(series[:, :12, None], series[:, 12:], seed)
    depth = 4 if faulty else 1
    model = keras.Sequential(
        [
            keras.Input((12, 1)),
            *(layers.LSTM(12, return_sequences=i < depth - 1) for i in range(depth)),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("global maximum over the columns of a table", 0.85)
def table_as_series_with_pooling(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=12, sep=2.0)
    x, x_test = x[..., None], x_test[..., None]
    model = keras.Sequential(
        [
            keras.Input((12, 1)),
            layers.Conv1D(32, 1 if faulty else 3, activation="relu"),
            layers.GlobalMaxPooling1D() if faulty else layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)
