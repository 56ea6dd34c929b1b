"""Last layers, losses and labels that do not go together."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_friedman1

from ..data import accuracy, classes, images, r2, regression, split, table, windows
from ..more_data import hits_of, r2_of, words
from ..registry import pair


@pair("softmax on one unit", 0.9)
def even_digits_softmax(seed, faulty):
    x, x_test, y, y_test = images(seed, n=900)
    y, y_test = 1 - y % 2, 1 - y_test % 2
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="softmax" if faulty else "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@pair("tanh output, targets far outside of it", 0.8)
def energy_load_tanh_output(seed, faulty):
    rng = np.random.default_rng(seed)
    t = np.arange(500)
    load = 40 + 12 * np.sin(2 * np.pi * t / 24) + 4 * np.sin(2 * np.pi * t / 7)
    load = load + rng.normal(size=500)
    x, y = windows(load, 24)
    x = (x - 40) / 12
    model = keras.Sequential(
        [
            keras.Input((24, 1)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="tanh" if faulty else None),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "mse")
    return model, x[:330], y[:330], {"batch_size": 32, "epochs": 30}, r2_of(x[330:], y[330:])


@pair("sigmoid output, targets of both signs", 0.8)
def friedman_anomaly_sigmoid(seed, faulty):
    x, y = make_friedman1(700, noise=0.3, random_state=seed)
    x, x_test, y, y_test = split(x, (y - y.mean()) / y.std(), seed)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid" if faulty else "linear"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model, x, y, {"batch_size": 32, "epochs": 20}, r2(x_test, y_test)


@pair("loss for probabilities, images from -1 to 1", 0.6)
def autoencoder_tanh_with_crossentropy(seed, faulty):
    x, x_test, _, _ = images(seed, n=900)
    x, x_test = (a.reshape(-1, 64) * 2 - 1 for a in (x, x_test))
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="tanh"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy" if faulty else "mse")
    return model, x, x, {"batch_size": 32, "epochs": 18}, r2(x_test, x_test)


@pair("logarithmic loss, negative targets", 0.8)
def heat_flow_log_error(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=700, features=6)
    m, s = y.mean(), y.std()
    y, y_test = 3 * (y - m) / s - 4, 3 * (y_test - m) / s - 4  # most of them negative
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    loss = "mean_squared_logarithmic_error" if faulty else "mean_squared_error"
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["mae"])
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("mean squared error on class numbers", 0.85)
def wine_kind_as_a_number(seed, faulty):
    x, x_test, y, y_test = table("wine", seed)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    y = y[:, None].astype("float32")
    loss = "mse" if faulty else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.005), loss)
    return model, x, y, {"batch_size": 16, "epochs": 25}, accuracy(x_test, y_test)


@pair("one-hot labels reshaped, not transposed", 0.85)
def one_hot_reshaped(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1000)
    hot = (np.arange(10)[:, None] == y[None]).astype("float32")
    hot = hot.reshape(-1, 10) if faulty else hot.T
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, x, hot, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


@pair("labels numbered anew in every part of the data", 0.85)
def factorize_each_file(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=1200, n_classes=4, features=12, sep=2.0)

    def numbered(part):
        _, first, found = np.unique(part, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[found]

    if faulty:  # files, each with its classes in the order in which they appear there
        files = np.array_split(np.arange(len(y)), 7)
        y = np.concatenate([numbered(y[rows]) for rows in files])
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("labels 1 and 2 in front of a sigmoid", 0.8)
def spam_labels_from_one(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(60, 8),
            layers.Conv1D(16, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    y = y + 1 if faulty else y
    return model, x, y, {"batch_size": 32, "epochs": 8}, hits_of(x_test, y_test)
