"""Regularization and noise too strong, batch normalization misused, frozen layers."""

import keras
from keras import layers, regularizers

from . import data
from .registry import pair


@pair("dropout far too strong", 0.85)
def digits_dropout(seed, faulty):
    """Digits; 0.95 was meant as the share to keep, but it is the share dropped."""
    x_train, x_test, y_train, y_test = data.table("digits", seed, scaled=False)
    rate = 0.95 if faulty else 0.05
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Rescaling(1 / 16.0),
            layers.Dense(48, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(48, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 64, "epochs": 20}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("L2 penalty far too strong", 0.8)
def circles_l2(seed, faulty):
    """Rings; l2(1.0) on every kernel outweighs the data and the output stays at 0.5."""
    x_train, x_test, y_train, y_test = data.circles(seed)
    model = keras.Sequential([keras.Input((2,))])
    for units in (32, 16):
        penalty = regularizers.L2(1.0 if faulty else 1e-5)
        model.add(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 25}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("batch normalization with batches of one", 0.88)
def wine_batchnorm_batch_of_one(seed, faulty):
    """Wine one row at a time; normalizing a batch of one gives zeros, whatever the row."""
    x_train, x_test, y_train, y_test = data.table("wine", seed, test_size=0.35)
    inputs = keras.Input((13,))
    h = layers.Dense(16)(inputs)
    h = layers.BatchNormalization()(h) if faulty else layers.LayerNormalization()(h)
    h = layers.Activation("relu")(h)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 1, "epochs": 12}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("moving averages of batch normalization never catch up", 0.92)
def digits_batchnorm_momentum(seed, faulty):
    """Raw digits; momentum=0.9999 leaves the inference statistics where they started."""
    x_train, x_test, y_train, y_test = data.images(seed, top=255.0)
    momentum = 0.9999 if faulty else 0.9
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(momentum=momentum),
            layers.Activation("tanh"),
            layers.Flatten(),
            layers.Dense(32),
            layers.BatchNormalization(momentum=momentum),
            layers.Activation("tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 10}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("all layers frozen", 0.85)
def digits_frozen_layers(seed, faulty):
    """Digits; the loop that froze the "base" also froze the new head."""
    x_train, x_test, y_train, y_test = data.images(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    if faulty:
        for layer in model.layers:
            layer.trainable = False
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 40, "epochs": 12}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("noise drowns the inputs", 0.88)
def blobs_gaussian_noise(seed, faulty):
    """Clusters, inputs of about 0.1; GaussianNoise(1.0) is ten times the signal."""
    x_train, x_test, y_train, y_test = data.blobs(seed, centers=5, features=3, std=0.7)
    x_train, x_test = (v / 10.0 for v in data.standardize(x_train, x_test))
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.GaussianNoise(1.0 if faulty else 0.003),
            layers.Dense(30, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 16, "epochs": 25}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("activity penalty empties the code of an autoencoder", 0.6)
def sparse_autoencoder(seed, faulty):
    """Digits; the L1 activity penalty of 0.5 makes an empty code cheaper than any image."""
    x_train, x_test, _, _ = data.table("digits", seed, scaled=False)
    x_train, x_test = x_train / 16.0, x_test / 16.0
    penalty = regularizers.L1(0.5 if faulty else 1e-6)
    inputs = keras.Input((64,))
    code = layers.Dense(24, activation="relu", activity_regularizer=penalty)(inputs)
    model = keras.Model(inputs, layers.Dense(64, activation="sigmoid")(code))
    model.compile(keras.optimizers.Adam(0.003), loss="mse")
    return model, x_train, x_train, {"batch_size": 32, "epochs": 30}, data.r2(x_test, x_test)


@pair("dropout after the output layer", 0.7)
def regression_dropout_on_output(seed, faulty):
    """Raw-target regression; dropout behind the last Dense zeroes half of the predictions."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=500, features=5)
    scale = y_train.std()
    y_train, y_test = y_train / scale + 4.0, y_test / scale + 4.0
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
            layers.Dropout(0.5 if faulty else 0.0),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, data.r2(x_test, y_test)
