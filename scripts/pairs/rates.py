"""Optimizers, schedules and what happens after the last step."""

import keras
import numpy as np
from keras import layers

from .data import blobs, circles, curve, images, moons, regression, split, standardize, table
from .more_data import hits_of, parts, r2_of
from .registry import pair


def stack(columns, *units, activation="relu", last=1, end=None):
    """Dense layers with an output layer."""
    hidden = [layers.Dense(n, activation=activation) for n in units]
    return keras.Sequential([keras.Input((columns,)), *hidden, layers.Dense(last, activation=end)])


@pair("gradients accumulated over more steps than the training has", 0.95)
def endless_accumulation(seed, faulty):
    """gradient_accumulation_steps=5000, but the whole training has about 600 steps."""
    x, xt, y, yt = moons(seed)
    model = stack(2, 24, 24, end="sigmoid")
    optimizer = keras.optimizers.Adam(0.02, gradient_accumulation_steps=5000 if faulty else 2)
    model.compile(optimizer, loss="binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 25}, hits_of(xt, yt)


@pair("weights replaced by an average that never caught up", 0.8)
def average_never_caught_up(seed, faulty):
    """use_ema with ema_momentum=0.99999: fit ends with an average of the first weights."""
    x, xt, y, yt = blobs(seed)
    model = stack(2, 20, last=5, end="softmax")
    momentum = 0.99999 if faulty else 0.95
    optimizer = keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=momentum)
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    return model, x / 8, y, {"batch_size": 30, "epochs": 20}, hits_of(xt / 8, yt)


@pair("Lion at a rate far too high", 0.85)
def lion_rate(seed, faulty):
    """Lion moves every weight by the full rate; 0.3 throws them about."""
    x, xt, y, yt = images(seed)
    x, xt = x.reshape(-1, 64), xt.reshape(-1, 64)
    model = stack(64, 48, 48, activation="tanh", last=10, end="softmax")
    model.compile(
        keras.optimizers.Lion(0.3 if faulty else 0.001), loss="sparse_categorical_crossentropy"
    )
    return model, x, y, {"batch_size": 32, "epochs": 15}, hits_of(xt, yt)


@pair("default rate of Adagrad for a training from scratch", 0.85)
def adagrad_default(seed, faulty):
    """Adagrad at 0.001, and its steps shrink from there."""
    x, xt, y, yt = circles(seed)
    model = stack(2, 24, 24, activation="selu", end="sigmoid")
    model.compile(keras.optimizers.Adagrad(0.001 if faulty else 0.3), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 8, "epochs": 25}, hits_of(xt, yt)


@pair("cosine decay over 30 steps instead of 30 epochs", 0.8)
def cosine_counts_epochs(seed, faulty):
    """decay_steps is the number of epochs, so the rate is zero from the second epoch on."""
    x, xt, y, yt = curve(lambda x: np.sin(5 * x), seed, n=500)
    steps = 30 if faulty else 30 * 44
    model = stack(1, 32, 32, activation="silu")
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps)), "mse")
    return model, x, y, {"batch_size": 8, "epochs": 30}, r2_of(xt, yt)


@pair("piecewise schedule with boundaries in epochs", 0.8)
def piecewise_boundaries(seed, faulty):
    """Rates 0.1, 1e-5, 1e-6 with boundaries 5 and 10, which are steps."""
    x, xt, y, yt = regression(seed)
    y, yt = standardize(y, yt)
    y, yt = np.tanh(2 * y), np.tanh(2 * yt)
    steps = 27
    edges = [5, 10] if faulty else [15 * steps, 18 * steps]
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(edges, [0.05, 1e-5, 1e-6])
    model = stack(8, 32, 16, activation="sigmoid")
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss="mse")
    return model, x, y[:, None], {"batch_size": 16, "epochs": 20}, r2_of(xt, yt)


@pair("inverse time decay that is far too fast", 0.8)
def inverse_time_decay(seed, faulty):
    """decay_rate 50 per step: the rate has fallen a hundredfold after two steps."""
    x, xt, y, yt = table("wine", seed)
    rate = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 50.0 if faulty else 0.005)
    model = stack(13, 16, 16, activation="softsign", last=3, end="softmax")
    model.compile(keras.optimizers.SGD(rate), loss="sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 4, "epochs": 15}, hits_of(xt, yt)


@pair("learning rate far too high for RMSprop", 0.8)
def rmsprop_rate(seed, faulty):
    """Eight noisy columns, a GELU net and RMSprop at a rate of three."""
    x = np.random.default_rng(seed).normal(size=(600, 8))
    y = np.abs(x[:, 0]) + np.sin(x[:, 1]) + 0.1 * x[:, 2] ** 3
    x, xt, y, yt = split(x, y[:, None], seed)
    model = stack(8, 32, 32, activation="gelu")
    model.compile(keras.optimizers.RMSprop(3.0 if faulty else 0.003), loss="huber")
    return model, x, y, {"batch_size": 32, "epochs": 40}, r2_of(xt, yt)


@pair("L1 penalty empties the kernels", 0.8)
def l1_empties_kernels(seed, faulty):
    """L1(0.5) on a multi-label network with two inputs, meant as 0.00005."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 6))
    y = np.column_stack([x[:, 0] > 0, x[:, 1] > x[:, 2], x[:, 3] + x[:, 4] > 0])
    x, xt, y, yt = parts([x[:, 3:], x[:, :3]], y, seed)
    left, right = keras.Input((3,)), keras.Input((3,))
    rule = keras.regularizers.L1(0.5 if faulty else 5e-5)
    h = [layers.Dense(16, activation="relu", kernel_regularizer=rule)(i) for i in (left, right)]
    h = layers.Concatenate()(h)
    out = layers.Dense(3, activation="sigmoid", kernel_regularizer=rule)(h)
    model = keras.Model([left, right], out)
    model.compile(keras.optimizers.Adam(0.005), loss="binary_crossentropy")

    def right_labels(m):
        return float(((np.asarray(m(xt)) > 0.5) == yt).mean())

    return model, x, y, {"batch_size": 16, "epochs": 20}, right_labels


@pair("Huber delta far too small for the rate", 0.6)
def huber_delta_tiny(seed, faulty):
    """With delta=1e-4 no gradient exceeds 1e-4, and SGD goes nowhere."""
    x, xt, y, yt = curve(lambda x: np.sin(4 * x), seed)
    model = stack(1, 40, 40, activation="tanh")
    model.compile(
        keras.optimizers.SGD(0.2, momentum=0.9),
        loss=keras.losses.Huber(delta=1e-4 if faulty else 1.0),
    )
    return model, x, y, {"batch_size": 8, "epochs": 40}, r2_of(xt, yt)
