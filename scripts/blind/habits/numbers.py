"""Networks whose targets or inputs are numbers of odd kinds and sizes."""

import keras
import numpy as np
from keras import layers, ops
from pairs.data import (
    r2,
    regression,
    split,
)
from pairs.more_data import houses, output, r2_of

from ..program import program
from . import data as own

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential


@program("healthy", 0.8)
def bicycles_by_hour_in_lambda(seed):
    # raw hours and degrees; a lambda turns hours into waves; targets in hundreds
    x, x_test, y, y_test = own.rides(seed)

    def clock(a):
        turn = a[:, :1] * (2 * np.pi / 24)
        waves = [f(k * turn) for k in (1, 2, 3) for f in (ops.sin, ops.cos)]
        return ops.concatenate([*waves, a[:, 1:] / 20], axis=1)

    model = Sequential(
        [Input((2,)), layers.Lambda(clock, output_shape=(7,)), Dense(64, "relu"), Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 40}, r2_of(x_test, y_test)


@program("healthy", 0.9)
def linear_in_hundreds_by_plain_sgd(seed):
    # targets in the hundreds, first loss in the ten thousands, plain SGD
    x, x_test, y, y_test = regression(seed)
    model = Sequential([Input((8,)), Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return model, x, y, {"batch_size": 20, "epochs": 15}, r2(x_test, y_test)


@program("healthy", 0.5)
def calls_poisson_exponential(seed):
    # exponential output; many targets are zero; scored on the noisy counts
    x, x_test, y, y_test = own.calls(seed)
    model = Sequential([Input((4,)), Dense(24, "softplus"), Dense(1, "exponential")])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.Poisson())
    return model, x, y, {"batch_size": 50, "epochs": 30}, r2_of(x_test, y_test)


@program("healthy", 0.75)
def stars_as_rising_thresholds(seed):
    # targets such as 1,1,0,0: four sigmoids for five grades
    x, x_test, y, y_test = own.stars(seed)
    model = Sequential([Input((6,)), Dense(32, "mish"), Dense(4)])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))

    def score(model):
        return ((output(model, x_test) > 0).sum(axis=1) == y_test).mean()

    rising = (y[:, None] > np.arange(4)).astype("float32")
    return model, x, rising, {"batch_size": 32, "epochs": 25}, score


@program("healthy", 0.95)
def wind_by_cosine_similarity(seed):
    # the loss falls towards -1; the length of the output does not matter
    x, x_test, y, y_test = own.headings(seed)
    model = Sequential([Input((8,)), Dense(16, "softsign"), Dense(2), layers.UnitNormalization()])
    model.compile(keras.optimizers.Adagrad(0.1), keras.losses.CosineSimilarity())

    def score(model):
        return (output(model, x_test) * y_test).sum(axis=1).mean()

    return model, x, y, {"batch_size": 32, "epochs": 15}, score


@program("healthy", 0.85)
def spectrum_parts_not_negative(seed):
    # last layer's weights must not be negative, in float64, gradients gathered over two batches
    x, x_test, y, y_test = own.spectra(seed)
    model = Sequential(
        [
            Input((60,), dtype="float64"),
            Dense(32, activation="tanh", dtype="float64"),
            Dense(2, kernel_constraint="non_neg", dtype="float64"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=2), "log_cosh")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(x_test, y_test)


@program("healthy", 0.75)
def defaults_in_thousandths(seed):
    # targets of a few thousandths, so that the loss prints as 0.0000; last layer starts small
    x, price, _ = houses(seed)
    x, x_test, y, y_test = split(x, 0.004 + 0.002 * price, seed)
    small = keras.initializers.RandomNormal(stddev=1e-3)
    model = Sequential(
        [Input((5,)), Dense(48, "relu"), Dense(48, "relu"), Dense(1, kernel_initializer=small)]
    )
    rate = keras.optimizers.schedules.PolynomialDecay(1e-3, 25 * 31, 1e-5)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(x_test, y_test)
