"""Initialization, choice of activation, depth, dead and saturated units."""

import keras
from keras import initializers, layers

from . import data
from .registry import pair


@pair("all weights start at zero", 0.9)
def moons_zero_weights(seed, faulty):
    """Moons; with zero kernels every hidden unit gets the same (no) gradient."""
    x_train, x_test, y_train, y_test = data.moons(seed)
    start = "zeros" if faulty else "glorot_uniform"
    model = keras.Sequential([keras.Input((2,))])
    model.add(layers.Dense(20, activation="tanh", kernel_initializer=start))
    model.add(layers.Dense(20, activation="tanh", kernel_initializer=start))
    model.add(layers.Dense(1, activation="sigmoid", kernel_initializer=start))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("all weights start at one", 0.85)
def blobs_ones_weights(seed, faulty):
    """Clusters; kernels of ones keep all units of a layer alike, a network one unit wide."""
    x_train, x_test, y_train, y_test = data.blobs(seed, centers=6, features=4, std=1.0)
    x_train, x_test = data.standardize(x_train, x_test)
    start = "ones" if faulty else "he_normal"
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(32, activation="tanh", kernel_initializer=start),
            layers.Dense(6, activation="softmax", kernel_initializer=start),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 8, "epochs": 25}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("weights start so large that units saturate", 0.85)
def digits_saturated_start(seed, faulty):
    """Digits; RandomNormal(stddev=10) puts all the sigmoid units on their flat ends."""
    x_train, x_test, y_train, y_test = data.table("digits", seed)
    start = initializers.RandomNormal(stddev=10.0 if faulty else 0.1, seed=seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(40, activation="sigmoid", kernel_initializer=start),
            layers.Dense(40, activation="sigmoid", kernel_initializer=start),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("gradients vanish in a deep sigmoid network", 0.85)
def wine_deep_sigmoid(seed, faulty):
    """Wine; eight sigmoid layers under SGD leave the first ones without gradient."""
    x_train, x_test, y_train, y_test = data.table("wine", seed)
    model = keras.Sequential([keras.Input((13,))])
    for _ in range(8):
        model.add(layers.Dense(24, activation="sigmoid" if faulty else "relu"))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(keras.optimizers.SGD(0.03), "sparse_categorical_crossentropy", metrics=["acc"])
    fit_kwargs = {"batch_size": 4, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("no activation in the hidden layers", 0.9)
def circles_no_activation(seed, faulty):
    """Rings; three Dense layers without activation are one linear map."""
    x_train, x_test, y_train, y_test = data.circles(seed)
    activation = None if faulty else "relu"
    inputs = keras.Input((2,))
    h = layers.Dense(64, activation=activation)(inputs)
    h = layers.Dense(32, activation=activation)(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 10, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("ReLU units dead from the start", 0.8)
def digits_dead_relu(seed, faulty):
    """Digits in 0..1; kernels from RandomUniform(-1, 0) make all sums negative."""
    x_train, x_test, y_train, y_test = data.images(seed)
    top, low = (0.0, -1.0) if faulty else (0.3, -0.3)
    start = initializers.RandomUniform(low, top, seed=seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="relu", kernel_initializer=start),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("softmax as hidden activation", 0.85)
def digits_hidden_softmax(seed, faulty):
    """Digits; softmax in the hidden layers squeezes 64 units into a sum of one."""
    x_train, x_test, y_train, y_test = data.table("digits", seed, scaled=False)
    hidden = "softmax" if faulty else "relu"
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Rescaling(1 / 16.0),
            layers.Dense(64, activation=hidden),
            layers.Dense(64, activation=hidden),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("bottleneck of one ReLU unit", 0.85)
def digits_bottleneck(seed, faulty):
    """Digits; the layer before the output has one unit, meant as "output", then ten more."""
    x_train, x_test, y_train, y_test = data.images(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1 if faulty else 16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("weights start so small that the signal dies with depth", 0.75)
def regression_tiny_start(seed, faulty):
    """Regression; ten tanh layers with stddev=0.01 give zeros and get no gradient."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=400)
    y_train, y_test = data.standardize(y_train, y_test)
    start = initializers.RandomNormal(stddev=0.01, seed=seed) if faulty else "glorot_normal"
    model = keras.Sequential([keras.Input((8,))])
    for _ in range(10):
        model.add(layers.Dense(16, activation="tanh", kernel_initializer=start))
    model.add(layers.Dense(1))
    model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss="mse")
    return model, x_train, y_train, {"batch_size": 16, "epochs": 30}, data.r2(x_test, y_test)


@pair("activations explode with depth", 0.85)
def digits_exploding_start(seed, faulty):
    """Digits; stddev=1 in five wide ReLU layers multiplies the signal by about 7 in each."""
    x_train, x_test, y_train, y_test = data.table("digits", seed)
    start = initializers.RandomNormal(stddev=1.0, seed=seed) if faulty else "he_normal"
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(5):
        model.add(layers.Dense(100, activation="relu", kernel_initializer=start))
    model.add(layers.Dense(10, activation="softmax"))
    optimizer = keras.optimizers.SGD(0.01)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)
