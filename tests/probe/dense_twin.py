"""A small dense net in several Keras forms, and the quantities of it written out by hand."""

import itertools
import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIZES = (7, 6, 5, 8, 3)
ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear")
NAMES = ["first", "second", "third", "head"]


def weights_of(seed: int = 0, scale: float = 1.5) -> list[np.ndarray]:
    """Kernels and biases in turn; large enough to saturate, two of the eight ReLU units dead."""
    rng = np.random.default_rng(seed)
    weights = []
    for fan_in, fan_out in itertools.pairwise(SIZES):
        weights += [rng.normal(0, scale, (fan_in, fan_out)), rng.normal(0, 0.5, fan_out)]
    weights[5][:2] = -50
    return [w.astype(np.float32) for w in weights]


def batch(size: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(size, SIZES[0])).astype(np.float32), rng.integers(0, SIZES[-1], size)


def rms(x: np.ndarray) -> float:
    return math.sqrt(np.mean(np.square(x)))


def quantities(
    weights: list[np.ndarray], first: list[np.ndarray], x: np.ndarray, y: np.ndarray
) -> dict[str, list[float]]:
    """The quantities of the dense net with the softmax cross-entropy, in float64 by hand."""
    weights = [w.astype(np.float64) for w in weights]
    kernels, biases = weights[::2], weights[1::2]
    h, zs, hs = x.astype(np.float64), [], []
    for kernel, bias, name in zip(kernels, biases, ACTIVATIONS, strict=True):
        hs.append(h)
        zs.append(h @ kernel + bias)
        z = zs[-1]
        h = {
            "tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z)), "relu": np.maximum(z, 0),
            "linear": z,
        }[name]  # fmt: skip
    outputs = [*hs[1:], h]
    softmax = np.exp(h) / np.exp(h).sum(axis=1, keepdims=True)
    delta = (softmax - np.eye(SIZES[-1])[y]) / len(x)
    deltas = [delta]
    for kernel, z, name in zip(kernels[:0:-1], zs[-2::-1], ACTIVATIONS[-2::-1], strict=True):
        slope = {
            "tanh": 1 - np.tanh(z) ** 2, "sigmoid": np.exp(-z) / (1 + np.exp(-z)) ** 2,
            "relu": (z > 0).astype(float),
        }[name]  # fmt: skip
        delta = (delta @ kernel.T) * slope
        deltas.insert(0, delta)
    grads = [h.T @ delta for h, delta in zip(hs, deltas, strict=True)]
    start = [w.astype(np.float64) for w in first[::2]]
    tanh, sigmoid, relu, _ = outputs
    nan = math.nan
    return {
        "delta_rms": [rms(delta) for delta in deltas],
        "kernel_grad_norm": [math.sqrt((grad**2).sum()) for grad in grads],
        "displacement": [
            math.sqrt(((k - s) ** 2).sum() / (s**2).sum())
            for k, s in zip(kernels, start, strict=True)
        ],
        "kernel_rms": [rms(kernel) for kernel in kernels],
        "saturated": [
            np.mean(np.abs(tanh) > 0.99), np.mean((sigmoid < 0.01) | (sigmoid > 0.99)), nan, nan,
        ],
        "dead": [nan, nan, np.mean((relu == 0).all(axis=0)), nan],
        "nonfinite": [0, 0, 0, 0],
        "zero_grads": [np.mean(grad == 0) for grad in grads],
    }  # fmt: skip


def dense(number: int, **arguments: object) -> layers.Dense:
    return layers.Dense(SIZES[number + 1], name=NAMES[number], **arguments)


def sequential() -> keras.Model:
    """The activations inside the Dense layers."""
    blocks = [dense(number, activation=ACTIVATIONS[number]) for number in range(4)]
    return keras.Sequential([keras.Input(SIZES[:1]), *blocks])


def functional() -> keras.Model:
    """The activations in layers of their own, after something between, one of them a ReLU layer."""
    x = inputs = keras.Input(SIZES[:1])
    x = layers.Activation("tanh")(layers.Activation("linear")(dense(0)(x)))
    x = layers.Activation("sigmoid")(layers.Dropout(0.0)(dense(1)(x)))
    x = layers.ReLU()(dense(2)(x))
    return keras.Model(inputs, dense(3)(x))


def nested() -> keras.Model:
    """A functional model in a sequential one in a functional one."""
    x = between = keras.Input(SIZES[1:2])
    x = dense(2)(dense(1, activation="sigmoid")(x))
    inside = keras.Model(between, x)
    middle = [keras.Input(SIZES[:1]), dense(0), layers.Activation("tanh"), inside, layers.ReLU()]
    inputs = keras.Input(SIZES[:1])
    return keras.Model(inputs, dense(3)(keras.Sequential(middle)(inputs)))


def frozen() -> keras.Model:
    model = sequential()
    model.trainable = False
    return model


def frozen_from_the_start() -> keras.Model:
    blocks = [
        dense(number, activation=ACTIVATIONS[number], trainable=number > 1) for number in range(4)
    ]
    return keras.Sequential([keras.Input(SIZES[:1]), *blocks])


class LinearLoss(keras.Loss):
    """The sum of the outputs with given weights: dL/dz of a linear layer is weights / batch."""

    def __init__(self, weights: object) -> None:
        super().__init__()
        self.weights = weights

    def call(self, y_true: object, y_pred: object) -> object:
        return tf.reduce_sum(self.weights * y_pred, axis=-1)
