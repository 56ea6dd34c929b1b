"""Layers that are put together wrongly, or fed in another order than they want."""

import keras
import numpy as np
from keras import layers

from ..data import accuracy, r2
from ..everyday_data import customers, held, rings
from ..more_data import fit_of, hits_of, output, parts, r2_of
from ..registry import pair


@pair("wiring", 0.85)
def layers_called_on_the_input_again(seed, faulty):
    """Each layer is called on the input instead of on the layer before; only the last counts."""
    x_train, x_test, y_train, y_test = rings(seed)
    inputs = keras.Input((6,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(inputs if faulty else x)
    outputs = layers.Dense(3, activation="softmax")(inputs if faulty else x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, accuracy(x_test, y_test)


@pair("wiring", 0.88)
def numbers_branch_left_out(seed, faulty):
    """The plan's embedding is concatenated twice, the branch of the numbers is forgotten."""
    x_train, x_test, y_train, y_test = parts(*customers(seed), seed)
    a = keras.Input((4,), name="numbers")
    b = keras.Input((1,), name="plan", dtype="int32")
    c = keras.Input((1,), name="region", dtype="int32")
    dense = layers.Dense(32, activation="relu")(a)
    dense = layers.Dense(16, activation="relu")(dense)
    plan = layers.Reshape((3,))(layers.Embedding(6, 3)(b))
    region = layers.Reshape((5,))(layers.Embedding(20, 5)(c))
    x = layers.concatenate([plan, region, plan if faulty else dense])
    x = layers.Dense(32, activation="relu")(x)
    out = layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(inputs={"numbers": a, "plan": b, "region": c}, outputs=out)
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test)


@pair("wiring", 0.75)
def same_branch_concatenated_twice(seed, faulty):
    """The series branch is joined with itself; the table branch hangs loose."""
    rng = np.random.default_rng(seed)
    series = rng.normal(size=(900, 20, 1)).cumsum(axis=1) / 3
    facts = rng.normal(size=(900, 4))
    y = series[:, -5:, 0].mean(axis=1) * 0.8 + facts[:, 0] + facts[:, 1] * facts[:, 2]
    x_train, x_test, y_train, y_test = parts([series, facts], y / y.std(), seed)
    series_in, facts_in = keras.Input((20, 1), name="series"), keras.Input((4,), name="facts")
    a = layers.Conv1D(16, 3, activation="relu")(series_in)
    a = layers.Conv1D(16, 3, activation="relu")(a)
    a = layers.Flatten()(a)
    a = layers.Dense(16, activation="relu")(a)
    b = layers.Dense(32, activation="relu")(facts_in)
    b = layers.Dense(16, activation="relu")(b)
    h = layers.concatenate([a, a] if faulty else [a, b])
    h = layers.Dense(32, activation="relu")(h)
    model = keras.Model([series_in, facts_in], layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2_of(x_test, y_test)


@pair("state", 0.7)
def stateful_lstm_fed_shuffled(seed, faulty):
    """A stateful LSTM gets one time step per batch, and fit shuffles the batches."""
    rng = np.random.default_rng(seed)
    steps, series = 90, 8
    phase = rng.uniform(0, 2 * np.pi, size=(series + 8, 1))
    waves = np.sin(np.pi / 3 * np.arange(steps + 1) + phase)
    x = waves[:series, :-1].T.reshape(-1, 1, 1)
    y = waves[:series, 1:].T.reshape(-1, 1)
    x_test, y_test = waves[series:, :30], waves[series:, 1:31]
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(series, 1, 1)),
            layers.LSTM(24, stateful=True),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")

    def score(model) -> float:
        model.layers[0].reset_states()
        found = [output(model, x_test[:, i].reshape(-1, 1, 1)) for i in range(30)]
        return fit_of(np.concatenate(found, axis=1)[:, 5:], y_test[:, 5:])

    return model, x, y, {"batch_size": series, "epochs": 14, "shuffle": faulty}, score


@pair("time axis", 0.75)
def channels_reshaped_instead_of_transposed(seed, faulty):
    """(channels, time) is turned into (time, channels) by reshape, which mixes them up."""
    rng = np.random.default_rng(seed)
    n, t = 700, np.arange(36) / 36
    speed, phase = rng.uniform(2, 9, (n, 3, 1)), rng.uniform(0, 6.3, (n, 3, 1))
    x = np.sin(2 * np.pi * speed * t + phase) + 0.1 * rng.normal(size=(n, 3, 36))
    y = speed[:, 0, 0] - speed[:, 1, 0]
    x = x.reshape(n, 36, 3) if faulty else x.transpose(0, 2, 1)
    x_train, x_test, y_train, y_test = held(x, y / y.std(), seed)
    model = keras.Sequential(
        [
            layers.Input((36, 3)),
            layers.Conv1D(32, 5, activation="relu"),
            layers.Conv1D(32, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(4e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 35}, r2(x_test, y_test)
