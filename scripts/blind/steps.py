"""Faults of rate, optimizer, precision and penalties."""

import keras
from keras import layers, ops

from .data import CE, FK, D, acc, digits, friedman, r2, seq
from .program import program


@program("learning rate far too high (Adam 1.0)", 0.9)
def adam_lr_one(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(1.0), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program(
    "learning rate far too high (SGD with momentum): the relus die and the mean is predicted", 0.7
)
def sgd_blows_up(seed):
    x, x_test, y, y_test = friedman(seed, scale_y=False)
    model = seq(keras.Input((10,)), D(64, "relu"), D(64, "relu"), D(1))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model, x, y, FK, r2(x_test, y_test)


@program("learning rate far too low (SGD 1e-6)", 0.85)
def sgd_crawls(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.SGD(1e-6), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("far too much dropout", 0.9)
def dropout_95(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(
        keras.Input((64,)),
        D(32, "relu"),
        layers.Dropout(0.95),
        D(32, "relu"),
        layers.Dropout(0.95),
        D(10, "softmax"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("far too strong L2 regularization", 0.9)
def l2_crushes(seed):
    x, x_test, y, y_test = digits(seed)
    r = keras.regularizers.L2(1.0)
    model = seq(
        keras.Input((64,)),
        D(64, "relu", kernel_regularizer=r),
        D(64, "relu", kernel_regularizer=r),
        D(10, "softmax", kernel_regularizer=r),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("batch norm statistics never move (momentum 0.9999)", 0.9)
def bn_slow_stats(seed):
    x, x_test, y, y_test = digits(seed, scale=0.1)
    model = seq(
        keras.Input((64,)),
        layers.BatchNormalization(momentum=0.99999),
        D(64, "relu"),
        layers.BatchNormalization(momentum=0.99999),
        D(64, "relu"),
        D(10, "softmax"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("mixed float16, no loss scaling, loss scaled down: gradients underflow to 0", 0.8)
def half_underflow(seed):
    x, x_test, y, y_test = friedman(seed)
    p = "mixed_float16"

    def loss(true, outputs):
        return ops.mean(ops.square(true - outputs), -1) * 1e-7

    model = seq(
        keras.Input((10,)),
        D(64, "relu", dtype=p),
        D(64, "relu", dtype=p),
        D(1, dtype=p),
        layers.Activation("linear", dtype="float32"),
    )
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-12), loss, auto_scale_loss=False)
    return model, x, y[:, None], FK, r2(x_test, y_test)


@program("learning rate far too high (linear model, SGD 1.0): runs to nan", 0.6)
def linear_diverges(seed):
    x, x_test, y, y_test = friedman(seed, scale_y=False)
    model = seq(keras.Input((10,)), D(1))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    return model, x, y, FK, r2(x_test, y_test)


@program("float16 Adam with epsilon that rounds to zero", 0.9)
def half_adam_nan(seed):
    x, x_test, y, y_test = digits(seed)
    half = "float16"
    model = seq(
        keras.Input((64,), dtype=half),
        D(64, "relu", dtype=half),
        D(64, "relu", dtype=half),
        D(10, "softmax", dtype=half),
    )
    model.compile(
        keras.optimizers.Adam(1e-3, epsilon=1e-8), CE, metrics=["accuracy"], auto_scale_loss=False
    )
    return model, x.astype(half), y, FK, acc(x_test.astype(half), y_test)


@program("clipping far too hard (SGD, clipnorm 1e-6)", 0.9)
def clip_hard(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.SGD(0.1, clipnorm=1e-6), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("weight decay far too strong (AdamW, 100)", 0.9)
def decay_strong(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=200.0), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("schedule decays the rate to nothing at once", 0.9)
def schedule_dies(seed):
    x, x_test, y, y_test = digits(seed)
    s = keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=1, decay_rate=0.8)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(s), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)
