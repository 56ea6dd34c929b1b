"""Initial weights of a wrong size, and too much or too little regularization."""

import keras
import numpy as np
from keras import layers
from keras.initializers import RandomNormal

from ..data import accuracy, classes, images
from ..everyday_data import levels
from ..more_data import hits_of
from ..registry import pair


@pair("normal weights of deviation 1 in a deep net", 0.75)
def deep_net_unit_normal_weights(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=16, sep=2.0)
    start = RandomNormal(stddev=1.0) if faulty else "he_normal"
    body = [layers.Dense(64, activation="tanh", kernel_initializer=start) for _ in range(8)]
    model = keras.Sequential([keras.Input((16,)), *body, layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.02), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("weights of deviation 0.01 in a deep net", 0.7)
def plain_convnet_of_small_weights(seed, faulty):
    x, x_test, y, y_test = images(seed, n=800)
    start = RandomNormal(stddev=0.01) if faulty else "he_normal"

    def conv(filters):
        return layers.Conv2D(
            filters, 3, padding="same", activation="relu", kernel_initializer=start
        )

    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            conv(12), conv(12), layers.MaxPooling2D(), conv(24), conv(24), conv(24),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    optimizer = keras.optimizers.SGD(0.03, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 14}, accuracy(x_test, y_test)


@pair("penalty on the weights too strong", 0.8)
def conv_filters_under_l1(seed, faulty):
    x, x_test, y, y_test = images(seed, n=800)
    penalty = keras.regularizers.L1(0.1) if faulty else keras.regularizers.L1(1e-5)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", kernel_regularizer=penalty),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu", kernel_regularizer=penalty),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.004), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("dropout far too strong", 0.75)
def words_dropout_everywhere(seed, faulty):
    x, x_test, y, y_test = levels(seed, n=1500, columns=5, count=8)
    rate = 0.93 if faulty else 0.1
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(8, 8),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(16, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(8, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.006), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("no regularization, few rows and many columns", 0.8)
def genes_without_a_penalty(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 300)).astype("float32")
    y = (x[:, 0] + x[:, 1] - x[:, 2] > 0).astype("float32")
    penalty = None if faulty else keras.regularizers.L1(0.02)
    model = keras.Sequential(
        [
            keras.Input((300,)),
            layers.Dense(32, activation="relu", kernel_regularizer=penalty),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    how = {"batch_size": 16, "epochs": 30}
    return model, x[:150], y[:150], how, hits_of(x[150:], y[150:])
