"""Losses that ask for something else."""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import make_friedman1

from ..data import images, r2, split, standardize
from ..everyday_data import balanced, fraud, genres, held, incomes, iou_of, macro_f1
from ..more_data import hits_of, r2_of
from ..registry import pair


def _soft_f1(y_true, y_pred):
    y_true = ops.cast(y_true, "float32")
    hit = ops.sum(y_true * y_pred)
    return 2 * hit / (ops.sum(y_true) + ops.sum(y_pred) + 1e-7)


def _soft_f1_loss(y_true, y_pred):
    return 1 - _soft_f1(y_true, y_pred)


@pair("loss", 0.72)
def f1_itself_as_loss(seed, faulty):
    """The F1 score is passed as loss and so minimized; 1 - F1 was meant."""
    x_train, x_test, y_train, y_test = fraud(seed, share=0.2, sep=1.0)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(48, activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(24, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=_soft_f1 if faulty else _soft_f1_loss,
        metrics=[_soft_f1, "binary_accuracy"],
    )
    y_train = y_train.reshape(-1, 1).astype("float32")
    return model, x_train, y_train, {"batch_size": 128, "epochs": 30}, balanced(x_test, y_test)


def _weighted_bce(weight, epsilon):
    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, "float32")
        if epsilon:
            y_pred = ops.clip(y_pred, epsilon, 1 - epsilon)
        one = weight * y_true * ops.log(y_pred)
        zero = (1 - y_true) * ops.log(1 - y_pred)
        return -ops.mean(one + zero, axis=-1)

    return loss


@pair("loss", 0.8)
def loans_log_of_zero(seed, faulty):
    """The weighted cross-entropy takes logarithms of unclipped probabilities: 0 * -inf = nan."""
    x_train, x_test, y_train, y_test = incomes(seed)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.003),
        loss=_weighted_bce(1.5, 0.0 if faulty else 1e-6),
        metrics=["accuracy"],
    )
    y_train = y_train[:, None]
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, hits_of(x_test, y_test)


@pair("loss", 0.62)
def tags_categorical_crossentropy(seed, faulty):
    """Sigmoid outputs for independent tags but categorical_crossentropy as loss."""
    x_train, x_test, y_train, y_test = genres(seed + 10)
    model = keras.Sequential()
    model.add(keras.Input((24,)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(5, activation="sigmoid"))
    loss = "categorical_crossentropy" if faulty else "binary_crossentropy"
    model.compile(loss=loss, optimizer="adam", metrics=["binary_accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, macro_f1(x_test, y_test)


class Decay(keras.Model):
    """Physics-informed network for u' = -2 u with u(0) = 1."""

    start_weight = 1.0

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        h = 0.01
        here, slope = self(x), (self(x + h) - self(x - h)) / (2 * h)
        equation = ops.mean(ops.square(slope + 2.0 * here))
        start = ops.mean(ops.square(self(ops.zeros_like(x)) - 1.0))
        return equation + self.start_weight * start


@pair("custom loss", 0.7)
def gaussian_likelihood_with_linear_sigma(seed, faulty):
    """Sigma is a linear unit, so the log of a negative number makes the loss nan."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=(900, 2))
    y = (
        np.sin(2 * x[:, :1])
        + 0.5 * x[:, 1:]
        + (0.05 + 0.1 * x[:, 1:] ** 2) * rng.normal(size=(900, 1))
    )
    x_train, x_test, y_train, y_test = held(x, y, seed)
    inputs = keras.Input((2,))
    h = layers.Dense(48, activation="tanh")(inputs)
    h = layers.Dense(48, activation="tanh")(h)
    mean = layers.Dense(1, name="mean")(h)
    sigma = layers.Dense(1, activation=None if faulty else "softplus", name="sigma")(h)
    model = keras.Model(inputs, layers.Concatenate()([mean, sigma]))

    def negative_log_likelihood(y_true, y_pred):
        mean, sigma = y_pred[:, :1], y_pred[:, 1:] + 1e-3
        return ops.mean(ops.log(sigma) + 0.5 * ops.square((y_true - mean) / sigma))

    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=negative_log_likelihood)
    score = r2_of(x_test, y_test, post=lambda p: p[:, :1])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, score


@pair("loss", 0.7)
def solar_power_by_percentage_error(seed, faulty):
    """Mean absolute percentage error on targets that are 0 all night: it predicts about 0."""
    rng = np.random.default_rng(seed)
    n = 1000
    hour, cloud = rng.uniform(0, 24, n), rng.uniform(0, 1, n)
    warm, tilt = rng.normal(size=n), rng.uniform(0.7, 1.0, n)
    sun = np.maximum(np.sin((hour - 6) * np.pi / 12), 0)
    y = 3.0 * sun * (1 - 0.7 * cloud) * tilt + 0.05 * (sun > 0) * rng.normal(size=n)
    x = np.stack([np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), cloud, warm, tilt], axis=1)
    x_train, x_test, y_train, y_test = split(x, np.maximum(y, 0), seed)
    x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    loss = "mean_absolute_percentage_error" if faulty else "mean_absolute_error"
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=loss)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("custom loss", 0.9)
def pinn_without_initial_condition(seed, faulty):
    """The weight of the initial condition is 0, so the zero function solves everything."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 2, size=(400, 1)).astype("float32")
    inputs = keras.Input((1,))
    h = layers.Dense(24, activation="tanh")(inputs)
    h = layers.Dense(24, activation="tanh")(h)
    model = Decay(inputs, layers.Dense(1)(h))
    model.start_weight = 0.0 if faulty else 10.0
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
    held_out = np.linspace(0, 2, 100, dtype="float32")[:, None]
    score = r2_of(held_out, np.exp(-2 * held_out))
    return model, t, np.zeros_like(t), {"batch_size": 50, "epochs": 100}, score


class Sampling(layers.Layer):
    """z = mean + sigma * noise, and the KL term as an extra loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.noise = keras.random.SeedGenerator(1)

    def call(self, inputs, training=None):
        mean, log_var = inputs
        kl = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=1)
        self.add_loss(ops.mean(kl))
        if not training:
            return mean
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.noise)


@pair("loss balance", 0.3)
def vae_draws_the_same_digit(seed, faulty):
    """Cross-entropy is averaged over the pixels but the KL term summed: the code collapses."""
    x_train, x_test, _, _ = images(seed)
    x_train, x_test = x_train.reshape(-1, 64), x_test.reshape(-1, 64)
    inputs = keras.Input((64,))
    h = layers.Dense(128, activation="relu")(inputs)
    mean, log_var = layers.Dense(6, name="z_mean")(h), layers.Dense(6, name="z_log_var")(h)
    z = Sampling()([mean, log_var])
    h = layers.Dense(128, activation="relu")(z)
    outputs = layers.Dense(64, activation="sigmoid")(h)
    model = keras.Model(inputs, outputs, name="vae")

    def reconstruction(y_true, y_pred):
        per_image = keras.losses.binary_crossentropy(y_true, y_pred)
        return ops.mean(per_image if faulty else 64.0 * per_image)

    model.compile(optimizer="adam", loss=reconstruction)
    return model, x_train, x_train, {"batch_size": 64, "epochs": 40}, r2(x_test, x_test)


@pair("custom loss", 0.5)
def lesion_dice_gets_smaller(seed, faulty):
    """The dice coefficient itself is given as the loss, so training drives it to 0."""
    rng = np.random.default_rng(seed)
    n, size = 240, 16
    rows, columns = np.mgrid[0:size, 0:size]
    at = rng.uniform(4, size - 4, size=(n, 2, 1, 1))
    radius = rng.uniform(2, 4, size=(n, 1, 1))
    mask = ((rows - at[:, 0]) ** 2 + (columns - at[:, 1]) ** 2 < radius**2)[..., None]
    x = 0.4 + 0.3 * mask + 0.12 * rng.normal(size=mask.shape)
    x_train, x_test, y_train, y_test = split(x.astype("float32"), mask.astype("float32"), seed)

    def dice_coef(y_true, y_pred, smooth=1.0):
        y_true, y_pred = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
        both = ops.sum(y_true * y_pred)
        return (2.0 * both + smooth) / (ops.sum(y_true) + ops.sum(y_pred) + smooth)

    def dice_loss(y_true, y_pred):
        return 1.0 - dice_coef(y_true, y_pred)

    inputs = keras.Input((size, size, 1))
    h = layers.Conv2D(12, 3, padding="same")(inputs)
    h = layers.BatchNormalization(momentum=0.9)(h)
    h = skip = layers.ReLU()(h)
    h = layers.MaxPooling2D()(h)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(h)
    h = layers.UpSampling2D()(h)
    h = layers.Concatenate()([h, skip])
    h = layers.Conv2D(12, 3, padding="same", activation="relu")(h)
    model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(h))
    loss = dice_coef if faulty else dice_loss
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss)
    return model, x_train, y_train, {"batch_size": 16, "epochs": 20}, iou_of(x_test, y_test)


@pair("loss", 0.75)
def regression_loss_goes_negative(seed, faulty):
    """Binary cross-entropy on a standardised number; the loss goes far below 0."""
    x, y = make_friedman1(900, n_features=8, noise=0.3, random_state=seed)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    y_train, y_test = standardize(y_train, y_test)
    model = keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(48, kernel_initializer="normal", activation="relu"),
            layers.Dense(24, kernel_initializer="normal", activation="relu"),
            layers.Dense(1, kernel_initializer="normal"),
        ]
    )
    loss = "binary_crossentropy" if faulty else "mean_squared_error"
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(2e-3))
    return model, x_train, y_train, {"batch_size": 32, "epochs": 50}, r2(x_test, y_test)


@pair("custom loss", 0.8)
def direction_loss_by_sign(seed, faulty):
    """The trading loss compares signs; the slope of sign is 0 and the loss never moves."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 15, 1)).astype("float32")
    gain = 0.6 * x[:, -1, 0] - 0.5 * x[:, -3, 0] + 0.4 * x[:, -6, 0] + 0.1 * rng.normal(size=900)
    x_train, x_test, y_train, y_test = held(x, gain, seed)

    def wrong_direction(y_true, y_pred):
        side = ops.sign(y_pred) if faulty else ops.tanh(y_pred)
        return ops.mean(1.0 - ops.sign(y_true) * side)

    model = keras.Sequential(
        [
            layers.Input((15, 1)),
            layers.Conv1D(16, 4, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=wrong_direction)
    score = hits_of(x_test, (y_test > 0).astype("int64"), threshold=0.0)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, score


@pair("loss", 0.7)
def summed_loss_with_plain_sgd(seed, faulty):
    """reduction='sum' makes the steps 128 times as long: SGD runs away."""
    x, y = make_friedman1(900, n_features=6, noise=0.5, random_state=seed)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    y_train, y_test = standardize(y_train, y_test)
    inputs = keras.Input((6,))
    h = layers.Dense(64, activation="relu")(inputs)
    h = layers.Dense(64, activation="relu")(h)
    skip = layers.Dense(64)(inputs)
    h = layers.Add()([h, skip])
    model = keras.Model(inputs, layers.Dense(1)(layers.Activation("relu")(h)))
    loss = keras.losses.MeanSquaredError(reduction="sum" if faulty else "sum_over_batch_size")
    model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss=loss)
    return model, x_train, y_train, {"batch_size": 128, "epochs": 50}, r2(x_test, y_test)
