"""Optimizers, their schedules and clipping, and penalties."""

import keras
import numpy as np
from keras import layers, regularizers

from ..data import accuracy, blobs, classes, images, r2, standardize, windows
from ..everyday_data import held
from ..more_data import hits_of
from ..registry import pair
from .layers import Positions, encoder_block


@pair("optimizer", 0.85)
def digits_cnn_adam_rate_of_sgd(seed, faulty):
    """Adam with 0.1, a rate from an SGD recipe; the ReLU layers die."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.Conv2D(16, 3, activation="relu", strides=2),
            layers.Conv2D(32, 3, activation="relu", strides=2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    rate = 0.1 if faulty else 0.001
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("optimizer", 0.85)
def fine_tuning_rate_from_scratch(seed, faulty):
    """SGD(1e-4), a rate for fine-tuning a pretrained network, on a new one."""
    x_train, x_test, y_train, y_test = blobs(seed, n=1000, centers=6, std=1.2, features=8)
    x_train, x_test = standardize(x_train, x_test)
    inputs = keras.Input((8,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(6, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    rate = 1e-4 if faulty else 1e-2
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=rate, momentum=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    y_train = keras.utils.to_categorical(y_train, 6)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, accuracy(x_test, y_test)


@pair("regularization", 0.85)
def digits_cnn_heavy_l2(seed, faulty):
    """L2 of 0.1 on every kernel pulls all weights to zero."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1000)
    l2 = regularizers.l2(0.1 if faulty else 1e-4)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu", kernel_regularizer=l2),
            layers.Dense(10, activation="softmax", kernel_regularizer=l2),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("regularization", 0.85)
def keep_probability_given_as_rate(seed, faulty):
    """Dropout(0.9) in three layers: the old keep_prob was taken for the rate."""
    x_train, x_test, y_train, y_test = blobs(seed, n=1000, centers=8, std=2.0, features=10)
    x_train, x_test = standardize(x_train, x_test)
    rate = 0.9 if faulty else 0.1
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(32, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(8, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@pair("optimizer", 0.85)
def warmup_longer_than_training(seed, faulty):
    """The warm-up takes 20000 steps, the whole training about 400."""
    x_train, x_test, y_train, y_test = images(seed, n=1200)
    warm, total = (20000, 100000) if faulty else (40, 400)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=total,
        warmup_target=2e-3,
        warmup_steps=warm,
    )
    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(inputs)
    x = layers.Dense(96, activation="gelu")(x)
    x = layers.LayerNormalization()(x)
    x = layers.Dense(64, activation="gelu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 16}, accuracy(x_test, y_test)


@pair("optimizer", 0.95)
def gradients_clipped_to_a_thousandth(seed, faulty):
    """clipnorm=0.001 with plain SGD: every step is tiny."""
    x_train, x_test, y_train, y_test = classes(seed, n=900, features=14, sep=1.8)
    x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            keras.Input((14,)),
            layers.Dense(32, activation="elu", kernel_initializer="he_normal"),
            layers.Dense(32, activation="elu", kernel_initializer="he_normal"),
            layers.Dense(1),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=0.001 if faulty else 1.0),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test, threshold=0.0)


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


@pair("optimizer", 0.7)
def batchnorm_averages_never_arrive(seed, faulty):
    """momentum=0.999 and a hundred steps: the moving averages are still near the start."""
    rng = np.random.default_rng(seed)
    x = np.stack(
        [
            20 + 6 * rng.normal(size=1000),
            60 + 15 * rng.normal(size=1000),
            1012 + 9 * rng.normal(size=1000),
            4 + 2 * rng.random(1000),
        ],
        axis=1,
    )
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = z[:, 0] + 0.6 * z[:, 1] - 0.5 * z[:, 2] + 0.3 * z[:, 0] * z[:, 3]
    x_train, x_test, y_train, y_test = held(x, y, seed)
    momentum = 0.999 if faulty else 0.9
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.BatchNormalization(momentum=momentum),
            layers.Dense(64, activation="relu"),
            layers.BatchNormalization(momentum=momentum),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 64, "epochs": 12}, r2(x_test, y_test)


@pair("optimizer", 0.9)
def learning_rate_decays_every_five_steps(seed, faulty):
    """decay_steps was meant in epochs but counts batches: the rate is gone in no time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 6))
    angle = x[:, :3]
    y = np.stack(
        [np.sin(angle).sum(1), np.cos(angle[:, 0]) * x[:, 3], x[:, 4] - 0.5 * x[:, 5] ** 2], axis=1
    )
    x_train, x_test, y_train, y_test = held(x, y, seed)
    rate = keras.optimizers.schedules.ExponentialDecay(
        2e-3, decay_steps=5 if faulty else 500, decay_rate=0.9
    )
    model = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(64, activation="swish"),
            layers.Dropout(0.05),
            layers.Dense(64, activation="swish"),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=keras.losses.Huber())
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, r2(x_test, y_test)


@pair("optimizer", 0.6)
def transformer_forecast_at_high_rate(seed, faulty):
    """Adam at 0.05 on two attention blocks: they collapse to one answer for every window."""
    rng = np.random.default_rng(seed)
    t = np.arange(620)
    series = np.sin(t / 5) + 0.6 * np.sin(t / 13) + 0.1 * rng.normal(size=620)
    x, y = windows(series / series.std(), 20)
    x_train, x_test, y_train, y_test = held(x, y, seed)
    inputs = keras.Input((20, 1))
    h = Positions()(layers.Dense(24)(inputs))
    h = encoder_block(h, 2, 12, 48, 0.1)
    h = encoder_block(h, 2, 12, 48, 0.1)
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(24, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(0.05 if faulty else 1e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, r2(x_test, y_test)
