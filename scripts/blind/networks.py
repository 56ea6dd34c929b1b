"""Faults of weights, activations and the graph."""

import keras
from keras import layers, ops

from .data import CE, FK, D, acc, bacc, digits, first_token, friedman, moons, r2, seq
from .program import program


@program("all weights start at zero", 0.9)
def zero_init(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(
        keras.Input((64,)),
        D(64, "relu", kernel_initializer="zeros"),
        D(64, "relu", kernel_initializer="zeros"),
        D(10, "softmax", kernel_initializer="zeros"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("all weights start equal (symmetry)", 0.9)
def constant_init(seed):
    x, x_test, y, y_test = digits(seed)
    k = keras.initializers.Constant(0.05)
    model = seq(
        keras.Input((64,)),
        D(64, "tanh", kernel_initializer=k),
        D(32, "tanh", kernel_initializer=k),
        D(10, "softmax", kernel_initializer=k),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("initial weights far too large with tanh (saturated)", 0.9)
def huge_init_tanh(seed):
    x, x_test, y, y_test = digits(seed)
    k = keras.initializers.RandomNormal(stddev=10.0)
    model = seq(
        keras.Input((64,)),
        *[D(64, "tanh", kernel_initializer=k) for _ in range(4)],
        D(10, "softmax"),
    )
    model.compile(keras.optimizers.SGD(0.01), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("dead relus from a large negative bias", 0.9)
def dead_relu_bias(seed):
    x, x_test, y, y_test = digits(seed)
    n = keras.initializers.Constant(-10.0)
    model = seq(
        keras.Input((64,)), D(64, "relu", bias_initializer=n), D(64, "relu"), D(10, "softmax")
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("deep sigmoid net: vanishing gradients", 0.9)
def deep_sigmoid(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), *[D(32, "sigmoid") for _ in range(12)], D(10, "softmax"))
    model.compile(keras.optimizers.SGD(0.1), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("deep tanh net with tiny initial weights: vanishing gradients", 0.9)
def deep_tanh_small(seed):
    x, x_test, y, y_test = digits(seed)
    k = keras.initializers.RandomNormal(stddev=0.01)
    model = seq(
        keras.Input((64,)),
        *[D(64, "tanh", kernel_initializer=k) for _ in range(10)],
        D(10, "softmax"),
    )
    model.compile(keras.optimizers.SGD(0.05), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("vanilla RNN on a long sequence whose first step matters", 0.85)
def rnn_forgets(seed):
    x, x_test, y, y_test = first_token(seed, n=1000, length=80)
    model = seq(keras.Input((80, 1)), layers.SimpleRNN(16), D(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 12}, bacc(x_test, y_test)


@program("no activations between layers (a linear model on moons)", 0.95)
def no_activations(seed):
    x, x_test, y, y_test = moons(seed)
    model = seq(keras.Input((2,)), D(64), D(64), D(64), D(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, FK, bacc(x_test, y_test)


@program("random body frozen, only the head over eight random features trains", 0.9)
def frozen_random_body(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(8, "relu"), D(10, "softmax"))
    for layer in model.layers[:2]:
        layer.trainable = False
    model.compile(keras.optimizers.Adam(3e-3), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("round in the graph: no gradient below it", 0.8)
def round_hidden(seed):
    x, x_test, y, y_test = friedman(seed)
    inputs = keras.Input((10,))
    hidden = layers.Lambda(lambda t: ops.round(t))(D(24, "sigmoid")(inputs))
    model = keras.Model(inputs, D(1)(D(32, "relu")(hidden)))
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model, x, y, FK, r2(x_test, y_test)


@program("argmax in the graph: all of the network below it gets no gradient", 0.9)
def argmax_code(seed):
    x, x_test, y, y_test = digits(seed)
    inputs = keras.Input((64,))
    hidden = D(10, "softmax")(D(64, "relu")(inputs))
    k = layers.Lambda(lambda t: ops.cast(ops.expand_dims(ops.argmax(t, -1), -1), "float32"))(hidden)
    model = keras.Model(inputs, D(10, "softmax")(k))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("stop_gradient in front of a bottleneck", 0.9)
def gradient_stopped(seed):
    x, x_test, y, y_test = digits(seed)
    inputs = keras.Input((64,))
    hidden = D(6, "tanh")(D(64, "relu")(inputs))
    hidden = layers.Lambda(lambda t: ops.stop_gradient(t))(hidden)
    model = keras.Model(inputs, D(10, "softmax")(hidden))
    model.compile(keras.optimizers.Adam(3e-3), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)
