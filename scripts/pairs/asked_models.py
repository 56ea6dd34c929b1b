"""Programs as asked about: losses of their own, wiring, likelihoods, physics, labelled steps."""

import keras
import numpy as np
from keras import layers, ops

from .data import r2, split, standardize
from .more_data import fit_of, output, parts, r2_of
from .registry import pair


def held(x, y, seed: int):
    """Split and cast to float32."""
    return split(np.asarray(x, "float32"), np.asarray(y, "float32"), seed)


class PairsOfColumns(layers.Layer):
    """Factorization machine: a linear term and products of columns."""

    def __init__(self, size, start, **kwargs):
        super().__init__(**kwargs)
        self.size, self.start = size, start

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 1), initializer="zeros", name="w")
        self.v = self.add_weight(shape=(shape[-1], self.size), initializer=self.start, name="v")
        self.b = self.add_weight(shape=(1,), initializer="zeros", name="b")

    def call(self, x):
        linear = ops.matmul(x, self.w) + self.b
        both = ops.square(ops.matmul(x, self.v)) - ops.matmul(ops.square(x), ops.square(self.v))
        return linear + 0.5 * ops.sum(both, axis=1, keepdims=True)


class Decay(keras.Model):
    """Physics-informed network for u' = -2 u with u(0) = 1."""

    start_weight = 1.0

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        h = 0.01
        here, slope = self(x), (self(x + h) - self(x - h)) / (2 * h)
        equation = ops.mean(ops.square(slope + 2.0 * here))
        start = ops.mean(ops.square(self(ops.zeros_like(x)) - 1.0))
        return equation + self.start_weight * start


@pair("initial weights", 0.8)
def factorization_machine_stays_linear(seed, faulty):
    """The factors start at zero, where their gradient is zero: no product is ever learned."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 8))
    v = rng.normal(size=(8, 2))
    y = x @ rng.normal(size=(8, 1)) + 0.5 * ((x @ v) ** 2 - (x**2) @ (v**2)).sum(1, keepdims=True)
    x_train, x_test, y_train, y_test = held(x, y / y.std(), seed)
    inputs = keras.Input((8,))
    model = keras.Model(inputs, PairsOfColumns(4, "zeros" if faulty else "glorot_uniform")(inputs))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("input scale", 0.7)
def sgd_on_years_and_square_feet(seed, faulty):
    """Columns in the thousands go into plain SGD: the loss is nan in the first epoch."""
    rng = np.random.default_rng(seed)
    n = 800
    x = np.stack(
        [
            rng.uniform(500, 4000, n),
            rng.integers(1950, 2015, n),
            rng.integers(1, 6, n),
            rng.uniform(1000, 12000, n),
            rng.uniform(0, 40, n),
        ],
        axis=1,
    )
    y = 0.001 * x[:, 0] + 0.02 * (x[:, 1] - 1980) + 0.2 * x[:, 2] - 0.03 * x[:, 4]
    y = y + 0.2 * np.sin(x[:, 3] / 1500) + 0.1 * rng.normal(size=n)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    if not faulty:
        x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="sgd", loss="mean_squared_error", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("custom loss", 0.7)
def gaussian_likelihood_with_linear_sigma(seed, faulty):
    """Sigma is a linear unit, so the log of a negative number makes the loss nan."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=(900, 2))
    y = (
        np.sin(2 * x[:, :1])
        + 0.5 * x[:, 1:]
        + (0.05 + 0.1 * x[:, 1:] ** 2) * rng.normal(size=(900, 1))
    )
    x_train, x_test, y_train, y_test = held(x, y, seed)
    inputs = keras.Input((2,))
    h = layers.Dense(48, activation="tanh")(inputs)
    h = layers.Dense(48, activation="tanh")(h)
    mean = layers.Dense(1, name="mean")(h)
    sigma = layers.Dense(1, activation=None if faulty else "softplus", name="sigma")(h)
    model = keras.Model(inputs, layers.Concatenate()([mean, sigma]))

    def negative_log_likelihood(y_true, y_pred):
        mean, sigma = y_pred[:, :1], y_pred[:, 1:] + 1e-3
        return ops.mean(ops.log(sigma) + 0.5 * ops.square((y_true - mean) / sigma))

    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=negative_log_likelihood)
    score = r2_of(x_test, y_test, post=lambda p: p[:, :1])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, score


@pair("loss", 0.7)
def solar_power_by_percentage_error(seed, faulty):
    """Mean absolute percentage error on targets that are 0 all night: it predicts about 0."""
    rng = np.random.default_rng(seed)
    n = 1000
    hour, cloud = rng.uniform(0, 24, n), rng.uniform(0, 1, n)
    warm, tilt = rng.normal(size=n), rng.uniform(0.7, 1.0, n)
    sun = np.maximum(np.sin((hour - 6) * np.pi / 12), 0)
    y = 3.0 * sun * (1 - 0.7 * cloud) * tilt + 0.05 * (sun > 0) * rng.normal(size=n)
    x = np.stack([np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), cloud, warm, tilt], axis=1)
    x_train, x_test, y_train, y_test = split(x, np.maximum(y, 0), seed)
    x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    loss = "mean_absolute_percentage_error" if faulty else "mean_absolute_error"
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=loss)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("custom loss", 0.9)
def pinn_without_initial_condition(seed, faulty):
    """The weight of the initial condition is 0, so the zero function solves everything."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 2, size=(400, 1)).astype("float32")
    inputs = keras.Input((1,))
    h = layers.Dense(24, activation="tanh")(inputs)
    h = layers.Dense(24, activation="tanh")(h)
    model = Decay(inputs, layers.Dense(1)(h))
    model.start_weight = 0.0 if faulty else 10.0
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
    held_out = np.linspace(0, 2, 100, dtype="float32")[:, None]
    score = r2_of(held_out, np.exp(-2 * held_out))
    return model, t, np.zeros_like(t), {"batch_size": 50, "epochs": 100}, score


@pair("weights", 0.8)
def tagger_weights_only_the_padding(seed, faulty):
    """The per-step sample weights are the wrong way round: 1 for padding and 0 for words."""
    rng = np.random.default_rng(seed)
    n, length = 800, 16
    sizes = rng.integers(5, 14, size=n)
    x = rng.integers(1, 40, size=(n, length))
    before = np.concatenate([np.zeros((n, 1), "int64"), x[:, :-1]], axis=1)
    tag = 1 + (x % 3) * (before % 2 == 0)
    real = np.arange(length) < sizes[:, None]
    x, tag = x * real, tag * real
    data = {"x": x, "real": real}
    train, test, y_train, y_test = parts(data, tag, seed)
    inputs = keras.Input((length,), dtype="int32")
    h = layers.Embedding(40, 16)(inputs)
    h = layers.Bidirectional(layers.GRU(24, return_sequences=True))(h)
    h = layers.TimeDistributed(layers.Dense(24, activation="relu"))(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(h))
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy")
    weights = (train["x"] == 0 if faulty else train["x"] != 0).astype("float32")

    def score(model) -> float:
        found = output(model, test["x"]).argmax(-1)
        return float((found == y_test)[test["real"]].mean())

    how = {"batch_size": 32, "epochs": 12, "sample_weight": weights}
    return model, train["x"], y_train, how, score


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


@pair("optimizer", 0.7)
def clipnorm_far_too_small(seed, faulty):
    """clipnorm=0.001, set against an exploding loss, leaves SGD steps of next to nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 24, 2)).cumsum(axis=1) / 5
    y = x[:, -6:, 0].mean(axis=1) + 0.5 * x[:, :12, 1].max(axis=1)
    x_train, x_test, y_train, y_test = held(x, (y - y.mean()) / y.std(), seed)
    model = keras.Sequential(
        [
            layers.Input((24, 2)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9, clipnorm=0.001 if faulty else 1.0)
    model.compile(optimizer=optimizer, loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, r2(x_test, y_test)


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
