"""Faults of the last layer, the loss and the targets."""

import keras
import numpy as np
from keras import layers, ops

from .data import CE, FK, D, acc, bacc, digits, friedman, moons, r2, seq
from .program import program


@program("softmax on one unit", 0.9)
def one_unit_softmax(seed):
    x, x_test, y, y_test = moons(seed)
    model = seq(keras.Input((2,)), D(32, "relu"), D(32, "relu"), D(1, "softmax"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, FK, bacc(x_test, y_test)


@program("one sigmoid unit with mse for ten classes", 0.9)
def digits_single_output(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(1, "sigmoid"))
    model.compile("adam", "mse", metrics=["accuracy"])

    def score(trained):
        return float((np.round(trained.predict(x_test, verbose=0)[:, 0]) == y_test).mean())

    return model, x, y, FK, score


@program("relu on the last layer of a regression with negative targets", 0.8)
def relu_regression_head(seed):
    x, x_test, y, y_test = friedman(seed)
    model = seq(keras.Input((10,)), D(64, "relu"), D(64, "relu"), D(1, "relu"))
    model.compile("adam", "mse")
    return model, x, y, FK, r2(x_test, y_test)


@program("sigmoid on the last layer of a regression with raw targets", 0.6)
def sigmoid_regression_head(seed):
    x, x_test, y, y_test = friedman(seed, scale_y=False)
    model = seq(keras.Input((10,)), D(64, "relu"), D(1, "sigmoid"))
    model.compile("adam", "mse")
    return model, x, y, {"batch_size": 32, "epochs": 30}, r2(x_test, y_test)


@program(
    "classification loss read as logits is missing: raw linear output with from_logits=False", 0.9
)
def logits_without_flag(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, acc(x_test, y_test)


@program("double softmax (softmax layer after a softmax output), plain SGD", 0.9)
def double_softmax(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"), layers.Softmax())
    model.compile(keras.optimizers.SGD(0.05), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("labels shaped (n,1) against output (n,): squeezed mse broadcasts", 0.8)
def broadcast_mse(seed):
    x, x_test, y, y_test = friedman(seed)
    inputs = keras.Input((10,))
    hidden = D(64, "relu")(D(64, "relu")(inputs))
    o = layers.Lambda(lambda t: t[:, 0])(D(1)(hidden))

    def mse(true, outputs):
        return ops.mean(ops.square(ops.reshape(true, (-1, 1)) - ops.reshape(outputs, (1, -1))))

    model = keras.Model(inputs, o)
    model.compile("adam", mse)
    return model, x, y, FK, r2(x_test, y_test)


@program("labels -1/1 with binary crossentropy", 0.93)
def minus_one_labels(seed):
    x, x_test, y, y_test = moons(seed)
    model = seq(keras.Input((2,)), D(32, "relu"), D(32, "relu"), D(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, 2 * y - 1, {"batch_size": 32, "epochs": 20}, bacc(x_test, y_test)


@program("batch norm after the output with batch size 2", 0.8)
def bn_on_output(seed):
    x, x_test, y, y_test = friedman(seed, n=1000)
    model = seq(
        keras.Input((10,)),
        D(64, "relu"),
        layers.BatchNormalization(),
        D(64, "relu"),
        D(1),
        layers.BatchNormalization(),
    )
    model.compile("adam", "mse")
    return model, x, y, {"batch_size": 2, "epochs": 3}, r2(x_test, y_test)


@program("custom loss without its minus sign", 0.9)
def loss_sign(seed):
    x, x_test, y, y_test = digits(seed)

    def nll(true, outputs):
        return ops.mean(
            ops.sum(
                ops.one_hot(ops.cast(ops.reshape(true, (-1,)), "int32"), 10)
                * ops.log(outputs + 1e-7),
                axis=-1,
            )
        )

    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile("adam", nll, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("custom loss takes the log of 0 (nan)", 0.9)
def loss_log_zero(seed):
    x, x_test, y, y_test = moons(seed)

    def bce(true, outputs):
        outputs = ops.relu(outputs)
        return -ops.mean(true * ops.log(outputs) + (1 - true) * ops.log(1 - outputs))

    model = seq(keras.Input((2,)), D(32, "relu"), D(1))
    model.compile("adam", bce, metrics=["accuracy"])
    return model, x, y.astype("float32")[:, None], FK, bacc(x_test, y_test)


@program("custom loss averages over the batch before squaring", 0.7)
def loss_wrong_axis(seed):
    x, x_test, y, y_test = friedman(seed)

    def mse(true, outputs):
        return ops.square(ops.mean(true, axis=0) - ops.mean(outputs, axis=0))

    model = seq(keras.Input((10,)), D(64, "relu"), D(1))
    model.compile("adam", mse)
    return model, x, y[:, None], FK, r2(x_test, y_test)


@program("wrong class weights: all weight on one class", 0.8)
def class_weight_wrong(seed):
    x, x_test, y, y_test = moons(seed)
    model = seq(keras.Input((2,)), D(32, "relu"), D(2, "softmax"))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, dict(FK, class_weight={0: 100.0, 1: 0.01}), acc(x_test, y_test)
