"""First weights: constant, tiny, or of another task."""

import keras
import numpy as np
from keras import layers, ops

from ..data import accuracy, classes, images, r2, standardize
from ..everyday_data import held
from ..registry import pair


@pair("initial weights", 0.82)
def vehicles_constant_weights(seed, faulty):
    """All kernels begin with one constant, so the units of a layer stay copies of each other."""
    x_train, x_test, y_train, y_test = classes(seed, n=1200, n_classes=4, features=14, sep=2.0)
    x_train, x_test = standardize(x_train, x_test)
    start = keras.initializers.Constant(0.05) if faulty else "glorot_uniform"
    model = keras.Sequential(
        [
            keras.Input((14,)),
            layers.Dense(64, activation="relu", kernel_initializer=start),
            layers.Dense(32, activation="relu", kernel_initializer=start),
            layers.Dense(4, activation="softmax", kernel_initializer=start),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, accuracy(x_test, y_test)


def _backbone(name):
    x = inputs = keras.Input((16, 16, 1))
    for filters in (16, 24, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        if filters < 32:
            x = layers.MaxPooling2D()(x)
    return keras.Model(inputs, x, name=name)


@pair("transfer", 0.8)
def frozen_backbone_without_weights(seed, faulty):
    """The base is frozen although it was built without pretrained weights."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1000)
    base = _backbone("small_net")
    base.trainable = not faulty
    inputs = keras.Input((16, 16, 1))
    x = base(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("transfer", 0.8)
def freezing_loop_takes_the_head(seed, faulty):
    """The loop freezes all but the last layer, but the last one is only the softmax."""
    x_train, x_test, y_train, y_test = images(seed, scale=2)
    old, new, kept = y_train < 5, y_train >= 5, y_test >= 5
    base = _backbone("pretrained")
    first = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    first.compile("adam", "sparse_categorical_crossentropy")
    first.fit(x_train[old], y_train[old], batch_size=32, epochs=5, verbose=0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            base,
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(5),
            layers.Activation("softmax"),
        ]
    )
    for layer in model.layers[:-1] if faulty else model.layers[:1]:
        layer.trainable = False
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    how = {"batch_size": 32, "epochs": 10}
    score = accuracy(x_test[kept], y_test[kept] - 5)
    return model, x_train[new], y_train[new] - 5, how, score


@pair("transfer", 0.9)
def frozen_encoder_gets_raw_pixels(seed, faulty):
    """The autoencoder was trained on 0..1, its frozen encoder then gets 0..255."""
    x_train, x_test, y_train, y_test = images(seed, top=255.0)
    x_train, x_test = x_train.reshape(-1, 64), x_test.reshape(-1, 64)
    inputs = keras.Input((64,))
    code = layers.Dense(48, activation="tanh")(inputs)
    code = layers.Dense(24, activation="tanh", name="code")(code)
    decoded = layers.Dense(48, activation="tanh")(code)
    decoded = layers.Dense(64, activation="sigmoid")(decoded)
    autoencoder = keras.Model(inputs, decoded)
    autoencoder.compile(keras.optimizers.Adam(0.003), "mse")
    autoencoder.fit(x_train / 255, x_train / 255, batch_size=32, epochs=15, verbose=0)
    encoder = keras.Model(inputs, code, name="encoder")
    encoder.trainable = False
    model = keras.Sequential(
        [
            keras.Input((64,)),
            encoder,
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if not faulty:
        x_train, x_test = x_train / 255, x_test / 255
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


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


@pair("initial weights", 0.75)
def deep_conv1d_with_tiny_weights(seed, faulty):
    """Twenty-two convolutions that start from normal(0, 0.01): the signal dies on its way."""
    rng = np.random.default_rng(seed)
    speed, phase = rng.uniform(1, 5, (500, 1)), rng.uniform(0, 6.3, (500, 1))
    x = np.sin(2 * np.pi * speed * np.arange(32) / 32 + phase) + 0.1 * rng.normal(size=(500, 32))
    x_train, x_test, y_train, y_test = held(x[..., None], (speed[:, 0] - 3) / 1.15, seed)
    start = keras.initializers.RandomNormal(stddev=0.01) if faulty else "he_normal"
    inputs = h = keras.Input((32, 1))
    for depth in range(22):
        h = layers.Conv1D(
            12,
            3,
            padding="same",
            strides=2 if depth in (7, 14) else 1,
            activation="relu",
            kernel_initializer=start,
        )(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)
