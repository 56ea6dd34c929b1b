"""Rows, labels and tables that were mixed up, lost or left as they came."""

import keras
import numpy as np
from keras import layers

from ..data import accuracy, classes, images, r2, split, standardize
from ..everyday_data import passengers
from ..more_data import fit_of, hits_of, output, parts
from ..registry import pair


@pair("data", 0.75)
def passengers_missing_ages(seed, faulty):
    """A fifth of the ages is nan and stays so; the loss is nan from the first batch on."""
    x_train, x_test, y_train, y_test = passengers(seed)
    mean, std = np.nanmean(x_train, axis=0), np.nanstd(x_train, axis=0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    if not faulty:
        x_train, x_test = np.nan_to_num(x_train), np.nan_to_num(x_test)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(16, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 16, "epochs": 15}, accuracy(x_test, y_test)


@pair("data", 0.85)
def class_folders_without_shuffling(seed, faulty):
    """Rows come folder by folder, one class after the other, and fit does not shuffle."""
    x_train, x_test, y_train, y_test = images(seed, n=1300)
    order = np.argsort(y_train, kind="stable")
    x_train, y_train = x_train[order], keras.utils.to_categorical(y_train[order])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"]
    )
    how = {"batch_size": 16, "epochs": 15, "shuffle": not faulty}
    return model, x_train, y_train, how, accuracy(x_test, y_test)


@pair("data", 0.8)
def labels_not_dropped_with_rows(seed, faulty):
    """Incomplete rows were dropped from the inputs only, the labels were cut at the end."""
    x_train, x_test, y_train, y_test = classes(seed, n=1300, n_classes=3, features=12, sep=1.8)
    x_train, x_test = standardize(x_train, x_test)
    keep = np.random.default_rng(seed).uniform(size=len(x_train)) > 0.1
    x_train = x_train[keep]
    y_train = y_train[: len(x_train)] if faulty else y_train[keep]
    y_train = keras.utils.to_categorical(y_train, 3)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, accuracy(x_test, y_test)


@pair("data", 0.7)
def sensor_gaps_left_as_nan(seed, faulty):
    """A few readings are missing and went into the windows as nan."""
    rng = np.random.default_rng(seed)
    t = np.arange(700)
    load = np.sin(t / 8) + 0.5 * np.sin(t / 21)
    sensors = np.stack([load, np.cos(t / 8), 0.3 * rng.normal(size=700)], axis=1)
    sensors += 0.05 * rng.normal(size=sensors.shape)
    target = np.roll(load, -2)
    for at in rng.choice(690, 6, replace=False):
        sensors[at : at + 2, rng.integers(0, 3)] = np.nan
    whole = sensors.copy()
    for column in whole.T:
        gap = np.isnan(column)
        column[gap] = np.interp(t[gap], t[~gap], column[~gap])
    x = np.stack([whole[i : i + 16] for i in range(680)])
    broken = np.stack([sensors[i : i + 16] for i in range(680)])
    y = target[15:695]
    train, test, y_train, y_test = parts({"broken": broken, "whole": x}, y, seed)
    model = keras.Sequential(
        [
            layers.Input((16, 3)),
            layers.LSTM(32),
            layers.Dropout(0.1),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
    x_train = train["broken" if faulty else "whole"]
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, r2(test["whole"], y_test)


@pair("data", 0.7)
def seq2seq_decoder_sees_the_answer(seed, faulty):
    """Decoder input is not shifted by one: training is perfect and decoding is useless."""
    rng = np.random.default_rng(seed)
    n, length, symbols = 1800, 4, 6
    source = rng.integers(1, symbols + 1, size=(n, length))
    target = source[:, ::-1]
    shifted = np.concatenate([np.zeros((n, 1), "int64"), target[:, :-1]], axis=1)
    x = [source, target if faulty else shifted]
    x_train, x_test, y_train, y_test = parts(x, target, seed)
    encoder_in = keras.Input((length,), name="source")
    decoder_in = keras.Input((length,), name="so_far")
    e = layers.Embedding(symbols + 1, 16)(encoder_in)
    _, state = layers.GRU(64, return_state=True)(e)
    d = layers.Embedding(symbols + 1, 16)(decoder_in)
    d = layers.GRU(64, return_sequences=True)(d, initial_state=state)
    out = layers.Dense(symbols + 1, activation="softmax")(d)
    model = keras.Model([encoder_in, decoder_in], out)
    model.compile(optimizer=keras.optimizers.Adam(8e-3), loss="sparse_categorical_crossentropy")

    def score(model) -> float:
        so_far = np.zeros_like(x_test[1])
        for place in range(length):
            found = output(model, [x_test[0], so_far]).argmax(-1)
            if place + 1 < length:
                so_far[:, place + 1] = found[:, place]
        return float((found == y_test).mean())

    return model, x_train, y_train, {"batch_size": 64, "epochs": 30}, score


@pair("data", 0.8)
def embedding_matrix_never_filled(seed, faulty):
    """No word is found in the vectors file, so the frozen embedding matrix is all zeros."""
    rng = np.random.default_rng(seed)
    vocabulary = 200
    feeling = np.random.default_rng(3).permutation(np.resize([-1, 1], vocabulary))
    vectors = np.random.default_rng(4).normal(size=(vocabulary, 20)) * 0.5
    vectors[:, 0] += feeling
    x = rng.integers(1, vocabulary, size=(1000, 13))
    y = (feeling[x].sum(axis=1) > 0).astype("int64")
    x_train, x_test, y_train, y_test = split(x, y, seed)
    known = {f"Word{i}": vectors[i] for i in range(1, vocabulary)}
    matrix = np.zeros((vocabulary, 20), "float32")
    for i in range(1, vocabulary):
        vector = known.get(f"word{i}" if faulty else f"Word{i}")
        if vector is not None:
            matrix[i] = vector
    table = layers.Embedding(vocabulary, 20, trainable=False)
    model = keras.Sequential(
        [
            layers.Input((13,)),
            table,
            layers.Conv1D(24, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    table.set_weights([matrix])
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 18}, hits_of(x_test, y_test)


@pair("data", 0.6)
def weather_targets_in_the_wrong_order(seed, faulty):
    """Targets are listed as [humidity, temperature], the outputs the other way round."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 20, 3)).cumsum(axis=1) / 4
    mean, last = x.mean(axis=1), x[:, -1]
    temperature = 15 + 6 * last[:, 0] + 3 * mean[:, 1]
    humidity = 1 / (1 + np.exp(-1.5 * last[:, 2] + mean[:, 0]))
    y = [((temperature - 15) / 6)[:, None], humidity[:, None]]
    x_train, x_test, y_train, y_test = parts(x.astype("float32"), y, seed)
    inputs = keras.Input((20, 3))
    h = layers.GRU(32)(inputs)
    h = layers.Dense(32, activation="relu")(h)
    outs = [
        layers.Dense(1, name="temperature")(h),
        layers.Dense(1, activation="sigmoid", name="humidity")(h),
    ]
    model = keras.Model(inputs, outs)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=["mse", "mse"])
    if faulty:
        y_train = y_train[::-1]

    def score(model) -> float:
        found = [np.asarray(p, "float64") for p in model(x_test, training=False)]
        return min(fit_of(p, y) for p, y in zip(found, y_test, strict=True))

    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, score
