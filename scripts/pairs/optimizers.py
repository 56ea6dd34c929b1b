"""Learning rate, schedule, momentum, epsilon, weight decay, clipping."""

import keras
import numpy as np
from keras import layers

from . import data
from .registry import pair


@pair("learning rate far too high", 0.85)
def digits_adam_rate_one(seed, faulty):
    """Digits with Adam at 1.0: the ReLU units die in the first steps."""
    x_train, x_test, y_train, y_test = data.table("digits", seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1.0 if faulty else 0.001),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    fit_kwargs = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("learning rate far too low", 0.9)
def moons_sgd_rate_low(seed, faulty):
    """Moons with SGD at 1e-5, copied from a fine-tuning script."""
    x_train, x_test, y_train, y_test = data.moons(seed, n=1000)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(50, activation="relu"),
            layers.Dense(50, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    rate = 1e-5 if faulty else 0.1
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    fit_kwargs = {"batch_size": 20, "epochs": 25}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("momentum of 0.999", 0.8)
def regression_momentum(seed, faulty):
    """Regression; the momentum adds up a thousand steps and the weights swing away."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=400)
    y_train, y_test = data.standardize(y_train, y_test)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(16, activation="tanh"), layers.Dense(1)]
    )
    optimizer = keras.optimizers.SGD(0.02, momentum=0.999 if faulty else 0.9)
    model.compile(optimizer=optimizer, loss="mse")
    return model, x_train, y_train, {"batch_size": 16, "epochs": 25}, data.r2(x_test, y_test)


@pair("the schedule decays every step instead of every epoch", 0.85)
def digits_decay_every_step(seed, faulty):
    """Digits; decay_steps counts batches, so that the rate is gone within the first epoch."""
    x_train, x_test, y_train, y_test = data.images(seed)
    schedule = keras.optimizers.schedules.ExponentialDecay(
        0.05, decay_steps=1 if faulty else 40, decay_rate=0.8
    )
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(10, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("epsilon of Adam far too large", 0.9)
def classes_adam_epsilon(seed, faulty):
    """Two classes; Adam(0.001, epsilon=10) divides each step by about 10."""
    x_train, x_test, y_train, y_test = data.classes(seed, sep=2.0)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="sigmoid"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.003, epsilon=10.0 if faulty else 1e-7)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 16, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)


@pair("weight decay far too strong", 0.85)
def digits_weight_decay(seed, faulty):
    """Digits; AdamW with weight_decay=30 pulls the weights to zero faster than they grow."""
    x_train, x_test, y_train, y_test = data.table("digits", seed, scaled=False)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(40, activation="relu"),
            layers.Dense(20, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.AdamW(0.003, weight_decay=30.0 if faulty else 0.004)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 15}
    return model, x_train / 16, y_train, fit_kwargs, data.accuracy(x_test / 16, y_test)


@pair("gradients clipped to almost nothing", 0.8)
def regression_clipnorm_tiny(seed, faulty):
    """Regression; SGD with clipnorm=1e-3 can't move the weights far enough."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=300, features=5)
    y_train, y_test = data.standardize(y_train, y_test)
    inputs = keras.Input((5,))
    h = layers.Dense(30, activation="relu")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(h))
    optimizer = keras.optimizers.SGD(0.05, clipnorm=1e-3 if faulty else 1.0)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 4, "epochs": 30}, data.r2(x_test, y_test)


@pair("Adadelta at its default rate of 0.001", 0.88)
def wine_adadelta_default(seed, faulty):
    """Wine with optimizer="adadelta", whose default rate in Keras is 1000 times too small."""
    x_train, x_test, y_train, y_test = data.table("wine", seed, test_size=0.4)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(18, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    optimizer = "adadelta" if faulty else keras.optimizers.Adadelta(1.0)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y_train)
    return model, x_train, y, {"batch_size": 3, "epochs": 35}, data.accuracy(x_test, y_test)


@pair("the step explodes and the loss is NaN", 0.8)
def many_features_sgd_nan(seed, faulty):
    """Regression on 60 columns and raw targets; SGD at 0.1 diverges to NaN."""
    x_train, x_test, y_train, y_test = data.regression(seed, n=700, features=60)
    mean, std = y_train.mean(), y_train.std()
    y_train, y_test = (y_train - mean) / std * 10, (y_test - mean) / std * 10
    model = keras.Sequential(
        [keras.Input((60,)), layers.Dense(64, activation="relu"), layers.Dense(1)]
    )
    optimizer = keras.optimizers.SGD(learning_rate=0.1 if faulty else 0.001)
    model.compile(optimizer=optimizer, loss="mean_squared_error")
    return model, x_train, y_train, {"batch_size": 25, "epochs": 30}, data.r2(x_test, y_test)


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """The rate grows in a line up to its peak and stays there."""

    def __init__(self, peak, steps):
        self.peak = peak
        self.steps = steps

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        return self.peak * keras.ops.minimum(1.0, (step + 1.0) / self.steps)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


@pair("the warm-up never ends", 0.85)
def spiral_endless_warmup(seed, faulty):
    """Three spiral arms; the warm-up of a million steps comes from training a large model."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, size=900)
    radius = rng.uniform(0.1, 1.0, size=900)
    angle = 3.5 * radius + label * 2 * np.pi / 3 + 0.1 * rng.normal(size=900)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    x_train, x_test, y_train, y_test = data.split(x, label, seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(48, activation="relu"),
            layers.Dense(48, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(Warmup(0.01, 1_000_000 if faulty else 100))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit_kwargs = {"batch_size": 32, "epochs": 30}
    return model, x_train, y_train, fit_kwargs, data.accuracy(x_test, y_test)
