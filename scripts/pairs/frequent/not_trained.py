"""Weights that no step reaches."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from ..data import accuracy, circles, classes, moons, split
from ..more_data import hits_of, waves, words
from ..registry import pair


class Mix(layers.Layer):
    """A dense layer of one's own that may draw its weights anew in each call."""

    def __init__(self, units, redraw):
        super().__init__()
        self.units, self.redraw = units, redraw

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="he_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, x):
        w = self.w
        if self.redraw:
            w = tf.random.normal((x.shape[-1], self.units), stddev=0.4)
        return ops.relu(ops.matmul(x, w) + self.b)


@pair("own layer draws its weights in call", 0.8)
def layer_draws_weights_in_call(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=10, sep=2.0)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            Mix(32, faulty),
            Mix(32, faulty),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


class Bells(layers.Layer):
    """Radial units."""

    def __init__(self, units, learn):
        super().__init__()
        self.units, self.learn = units, learn

    def build(self, shape):
        start = keras.initializers.RandomNormal(stddev=0.05)
        self.centre = self.add_weight(
            shape=(shape[-1], self.units), initializer=start, trainable=self.learn
        )

    def call(self, x):
        return ops.exp(-2 * ops.sum((x[:, :, None] - self.centre[None]) ** 2, axis=1))


@pair("weight of an own layer added as not trainable", 0.9)
def radial_centres_not_trainable(seed, faulty):
    x, x_test, y, y_test = moons(seed, n=700)
    model = keras.Sequential(
        [keras.Input((2,)), Bells(24, not faulty), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 15}, hits_of(x_test, y_test)


@pair("layers inside a Lambda are not trained", 0.85)
def hidden_layer_inside_lambda(seed, faulty):
    x, x_test, y, y_test = circles(seed, n=800)
    inner, second = layers.Dense(16, activation="relu"), layers.Dense(1)
    inner.build((None, 2)), second.build((None, 16))
    inputs = keras.Input((2,))
    if faulty:
        h = layers.Lambda(lambda t: second(inner(t)), output_shape=(1,))(inputs)
    else:
        h = second(inner(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 15}, hits_of(x_test, y_test)


@pair("embedding frozen at random numbers", 0.8)
def word_vectors_frozen_random(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900, vocabulary=120)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(120, 6, trainable=not faulty),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


def _real_and_fake(seed, n=700):
    """Series of a process and what a poor generator makes of them."""
    rng = np.random.default_rng(seed)
    real = waves(seed, n)[..., 0]
    fake = np.sort(rng.normal(size=(n, 24)), axis=1)[:, rng.permutation(24)]
    fake = 0.5 * fake + 0.5 * waves(seed + 50, n)[..., 0]
    x = np.concatenate([real, fake]).astype("float32")
    return split(x, np.repeat([1.0, 0.0], n), seed)


@pair("discriminator still set to not trainable", 0.85)
def discriminator_left_untrainable(seed, faulty):
    x, x_test, y, y_test = _real_and_fake(seed, 500)
    body = keras.Sequential(
        [
            keras.Input((24,)),
            layers.Dense(64),
            layers.LeakyReLU(0.2),
            layers.Dense(32),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ]
    )
    if faulty:  # for the generator's turn, and never taken back
        body.trainable = False
    scale = layers.Dense(1, activation="sigmoid")
    inputs = keras.Input((24,))
    model = keras.Model(inputs, scale(body(inputs)))
    model.compile(keras.optimizers.Adam(0.001, beta_1=0.5), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(x_test, y_test)
