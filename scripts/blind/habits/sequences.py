"""Networks on texts and series."""

import keras
import numpy as np
from keras import layers
from pairs.data import (
    accuracy,
    r2,
    split,
    windows,
)
from pairs.everyday_data import (
    reviews,
)
from pairs.more_data import hits_of, output

from ..program import program
from . import data as own

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential
pad = keras.utils.pad_sequences


@program("healthy", 0.85)
def review_lstm_padded_in_front(seed):
    # most of a row is zeros, there is no mask, recurrent dropout is on
    texts, y = reviews(seed, n=1000, vocabulary=50)
    x, x_test, y, y_test = split(pad(texts, maxlen=16), y, seed)
    model = Sequential(
        [
            layers.Embedding(50, 8),
            layers.LSTM(12, dropout=0.1, recurrent_dropout=0.1),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.01))
    return model, x, y, {"batch_size": 32, "epochs": 6}, hits_of(x_test, y_test)


@program("healthy", 0.85)
def word_vectors_from_a_file(seed):
    # a frozen embedding of ready vectors (they know the words' feeling, among much else)
    texts, y = reviews(seed)
    x, x_test, y, y_test = split(pad(texts, maxlen=8, padding="post"), y, seed)
    rng = np.random.default_rng(77)
    feeling = np.random.default_rng(9).permutation(np.resize([-1, 1], 80))
    vectors = rng.normal(size=(80, 16)) + feeling[:, None] * rng.normal(size=16)
    vectors[0] = 0
    table_of_words = layers.Embedding(
        80, 16, embeddings_initializer=keras.initializers.Constant(vectors), trainable=False
    )
    model = Sequential(
        [
            Input((8,), dtype="int32"),
            table_of_words,
            layers.Conv1D(16, 1, activation="relu"),
            layers.GlobalAveragePooling1D(),
            Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y, 2)
    return model, x, y, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@program("healthy", 0.9)
def tagger_zero_is_padding_and_a_tag(seed):
    # padded steps carry tag numbers, too, but the mask keeps them out of the loss
    x, x_test, y, y_test = own.tagged(seed)
    model = Sequential(
        [
            Input((10,), dtype="int32"),
            layers.Embedding(40, 12, mask_zero=True),
            layers.GRU(24, return_sequences=True),
            layers.TimeDistributed(Dense(4, activation="softmax")),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    real = x_test > 0

    def score(model):
        return (output(model, x_test).argmax(-1) == y_test)[real].mean()

    return model, x, y, {"batch_size": 32, "epochs": 10}, score


@program("healthy", 0.6)
def airline_lstm_batch_of_one(seed):
    # batches of one, no shuffling, the last years lie above all that was trained on
    series = own.airline(seed) / 600
    x, y = windows(series, 12)
    x, x_test, y, y_test = x[:160], x[160:], y[:160], y[160:]
    model = Sequential([Input((12, 1)), layers.LSTM(8), Dense(1)])
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(0.005))
    return model, x, y, {"batch_size": 1, "epochs": 7, "shuffle": False}, r2(x_test, y_test)


@program("healthy", 0.8)
def morse_by_ctc(seed):
    # fourteen frames in, three symbols wanted: the loss aligns them
    x, x_test, y, y_test = own.morse(seed)
    model = Sequential(
        [
            Input((14, 5)),
            layers.Conv1D(32, 3, padding="same", activation="relu"),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            Dense(5),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.CTC())

    def score(model):
        right = 0
        for row, wanted in zip(output(model, x_test).argmax(-1), y_test, strict=True):
            kept = [a for a, b in zip(row, [-1, *row[:-1]], strict=True) if a != b and a != 0]
            right += kept == list(wanted)
        return right / len(y_test)

    return model, x, y, {"batch_size": 32, "epochs": 9}, score
