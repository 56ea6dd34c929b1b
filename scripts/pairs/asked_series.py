"""Programs as asked about: regression, series, autoencoders, masks, text, recommenders."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import make_friedman1

from .data import images, r2, split, standardize, table, windows
from .more_data import boxes, fit_of, hits_of, output, r2_of
from .registry import pair


def listings(seed: int, n: int = 900):
    """Flats for sale: six raw columns and the price in dollars."""
    rng = np.random.default_rng(seed)
    area, rooms = rng.uniform(30, 220, n), rng.integers(1, 7, n)
    year, distance = rng.integers(1920, 2020, n), rng.uniform(0.2, 25, n)
    floor, quality = rng.integers(0, 15, n), rng.integers(1, 11, n)
    price = 40000 + 1500 * area * (0.5 + quality / 10) + 6000 * rooms - 3500 * distance
    price += 120 * (year - 1950) + 900 * floor + 5000 * rng.normal(size=n)
    return np.stack([area, rooms, year, distance, floor, quality], axis=1), price


def share_price(seed: int, n: int = 800) -> np.ndarray:
    """A daily closing price between about 1,800 and 3,200."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    walk = np.zeros(n)
    for i in range(1, n):
        walk[i] = 0.98 * walk[i - 1] + rng.normal()
    return 2500 + 350 * np.sin(2 * np.pi * t / 170) + 150 * np.sin(t / 9) + 25 * walk


def ratings(seed: int, n: int = 2000, users: int = 50, items: int = 40):
    """User ids, item ids and ratings of 1 to 5 out of biases and two factors."""
    rng = np.random.default_rng(seed)
    p, q = rng.normal(size=(users, 2)), rng.normal(size=(items, 2))
    user, item = rng.integers(0, users, n), rng.integers(0, items, n)
    rate = 3 + 0.3 * rng.normal(size=users)[user] + 0.3 * rng.normal(size=items)[item]
    rate += 0.7 * (p[user] * q[item]).sum(axis=1) + 0.1 * rng.normal(size=n)
    return user, item, np.clip(rate, 1, 5)


def iou_of(x, mask) -> Callable:
    """Score: intersection over union of the mask found at 0.5."""

    def score(model) -> float:
        p = output(model, x)
        if not np.isfinite(p).all():
            return float("nan")
        found, wanted = p > 0.5, mask > 0.5
        return float((found & wanted).sum() / max((found | wanted).sum(), 1))

    return score


@pair("target scale", 0.8)
def flats_priced_in_dollars(seed, faulty):
    """Target in hundred thousands of dollars with Adam at its default rate: never gets there."""
    x, y = listings(seed)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    if not faulty:
        y_train, y_test = standardize(y_train, y_test)
    model = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mae", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 64, "epochs": 40}, r2(x_test, y_test)


@pair("input scale", 0.8)
def share_price_lstm_straight_line(seed, faulty):
    """Raw closing prices of about 2,500 go into the LSTM; it answers with a straight line."""
    series = share_price(seed)
    if not faulty:
        series = (series - series.min()) / (series.max() - series.min())
    x, y = windows(series, 20)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((20, 1)),
            layers.LSTM(32, return_sequences=True),
            layers.Dropout(0.1),
            layers.LSTM(32),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("output activation", 0.85)
def demand_forecast_never_negative(seed, faulty):
    """A relu on the last layer although the series is standardised: half of it is cut off."""
    rng = np.random.default_rng(seed)
    t = np.arange(900)
    load = 50 + 12 * np.sin(2 * np.pi * t / 24) + 6 * np.sin(2 * np.pi * t / 56)
    load = load + 1.5 * rng.normal(size=900)
    x, y = windows((load - load.mean()) / load.std(), 24)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((24, 1)),
            layers.Conv1D(32, 3, activation="relu", padding="causal"),
            layers.Conv1D(32, 3, activation="relu", padding="causal", dilation_rate=2),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="relu" if faulty else None),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, r2(x_test, y_test)


class LateIsWorse(keras.losses.Loss):
    """Squared error that counts underestimates twice."""

    def call(self, y_true, y_pred):
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        return ops.mean(ops.where(error > 0, 2.0, 1.0) * ops.square(error))


@pair("shape", 0.7)
def delivery_time_is_always_the_mean(seed, faulty):
    """Targets (n,) against predictions (n, 1) broadcast to (n, n) in a hand-written loss."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 7)).astype("float32")
    y = 1.2 * x[:, 0] - x[:, 1] + x[:, 2] * x[:, 3] + 0.1 * rng.normal(size=800)
    x_train, x_test, y_train, y_test = split(x, y.astype("float32"), seed)
    if not faulty:
        y_train = y_train.reshape(-1, 1)
    inputs = keras.Input((7,))
    h = layers.Dense(64, activation="relu")(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.Dense(32, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, name="minutes")(h))
    model.compile(optimizer="adam", loss=LateIsWorse())
    return model, x_train, y_train, {"batch_size": 32, "epochs": 40}, r2(x_test, y_test)


class TasteMatch(layers.Layer):
    """Dot product of a user's and an item's factors, tables kept by hand."""

    def __init__(self, users, items, size, by_tf, **kwargs):
        super().__init__(**kwargs)
        self.by_tf, self.size, self.users, self.items = by_tf, size, users, items

    def build(self, input_shape):
        if self.by_tf:
            self.p = tf.Variable(tf.random.normal((self.users, self.size), stddev=0.1))
            self.q = tf.Variable(tf.random.normal((self.items, self.size), stddev=0.1))
        else:
            start = keras.initializers.RandomNormal(stddev=0.1)
            self.p = self.add_weight(shape=(self.users, self.size), initializer=start)
            self.q = self.add_weight(shape=(self.items, self.size), initializer=start)

    def call(self, inputs):
        user, item = inputs
        p = ops.take(ops.convert_to_tensor(self.p), user, axis=0)
        q = ops.take(ops.convert_to_tensor(self.q), item, axis=0)
        return ops.sum(p * q, axis=-1)


@pair("custom layer", 0.5)
def recommender_keeps_factors_in_tf_variables(seed, faulty):
    """The factor tables are bare tf.Variables, which Keras 3 does not train."""
    user, item, rate = ratings(seed)
    x = np.stack([user, item], axis=1)
    x_train, x_test, y_train, y_test = split(x, rate - 3, seed, 0.2)
    users, items = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
    match = TasteMatch(50, 40, 4, faulty)([users, items])
    user_bias = layers.Flatten()(layers.Embedding(50, 1)(users))
    item_bias = layers.Flatten()(layers.Embedding(40, 1)(items))
    total = layers.Add()([match, user_bias, item_bias])
    model = keras.Model([users, items], total)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    train = [x_train[:, :1], x_train[:, 1:]]
    test = [x_test[:, :1], x_test[:, 1:]]
    return model, train, y_train[:, None], {"batch_size": 64, "epochs": 40}, r2_of(test, y_test)


@pair("output activation", 0.3)
def star_ratings_behind_a_sigmoid(seed, faulty):
    """Ratings of 1 to 5 stars are wanted from a sigmoid: every prediction is 1."""
    user, item, rate = ratings(seed + 20, users=30, items=25)
    x = np.stack([user, item], axis=1)
    x_train, x_test, y_train, y_test = split(x, rate, seed, 0.2)
    user_in = keras.Input((1,), name="user")
    movie_in = keras.Input((1,), name="movie")
    u = layers.Flatten()(layers.Embedding(30, 12, name="user_vec")(user_in))
    m = layers.Flatten()(layers.Embedding(25, 12, name="movie_vec")(movie_in))
    h = layers.Concatenate()([u, m])
    h = layers.Dense(64, activation="relu")(h)
    h = layers.Dense(32, activation="relu")(h)
    out = layers.Dense(1, activation="sigmoid" if faulty else "linear", name="rating")(h)
    model = keras.Model([user_in, movie_in], out)
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse", metrics=["mae"])
    train = [x_train[:, :1], x_train[:, 1:]]
    test = [x_test[:, :1], x_test[:, 1:]]
    return model, train, y_train, {"batch_size": 64, "epochs": 30}, r2_of(test, y_test)


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


@pair("input scale", 0.4)
def conv_autoencoder_on_bytes(seed, faulty):
    """Pixels of 0..255 as input and target of a sigmoid decoder with cross-entropy."""
    x_train, x_test, _, _ = images(seed, n=900, top=255.0)
    if not faulty:
        x_train, x_test = x_train / 255.0, x_test / 255.0
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(16, 3, activation="relu", padding="same")(inputs)
    h = layers.MaxPooling2D(2, padding="same")(h)
    h = layers.Conv2D(8, 3, activation="relu", padding="same")(h)
    code = layers.MaxPooling2D(2, padding="same", name="code")(h)
    h = layers.Conv2D(8, 3, activation="relu", padding="same")(code)
    h = layers.UpSampling2D(2)(h)
    h = layers.Conv2D(16, 3, activation="relu", padding="same")(h)
    h = layers.UpSampling2D(2)(h)
    out = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(h)
    model = keras.Model(inputs, out)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x_train, x_train, {"batch_size": 32, "epochs": 30}, r2(x_test, x_test)


@pair("output activation", 0.7)
def anomaly_autoencoder_on_z_scores(seed, faulty):
    """Standardised columns are to be rebuilt by a sigmoid, which knows no values below 0."""
    x_train, x_test, _, _ = table("cancer", seed)
    last = "sigmoid" if faulty else "linear"
    model = keras.Sequential(
        [
            layers.Input((30,)),
            layers.Dense(24, activation="tanh"),
            layers.Dense(8, activation="tanh", activity_regularizer=keras.regularizers.l1(1e-5)),
            layers.Dense(24, activation="tanh"),
            layers.Dense(30, activation=last),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
    how = {"batch_size": 32, "epochs": 80, "shuffle": True}
    return model, x_train, x_train, how, r2(x_test, x_test)


@pair("output activation", 0.6)
def unet_mask_is_all_ones(seed, faulty):
    """Softmax over a single channel: every pixel is 1 whatever the weights are."""
    x, mask, _ = boxes(seed, n=280)
    x_train, x_test, y_train, y_test = split(x, mask, seed)
    inputs = keras.Input((12, 12, 1))
    c1 = layers.Conv2D(8, 3, activation="relu", padding="same")(inputs)
    c1 = layers.Conv2D(8, 3, activation="relu", padding="same")(c1)
    p1 = layers.MaxPooling2D()(c1)
    c2 = layers.Conv2D(16, 3, activation="relu", padding="same")(p1)
    c2 = layers.Dropout(0.1)(c2)
    u1 = layers.Conv2DTranspose(8, 2, strides=2, padding="same")(c2)
    m1 = layers.concatenate([u1, c1])
    c3 = layers.Conv2D(8, 3, activation="relu", padding="same")(m1)
    out = layers.Conv2D(1, 1, activation="softmax" if faulty else "sigmoid")(c3)
    model = keras.Model(inputs, out)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 16, "epochs": 25}, iou_of(x_test, y_test)


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


@pair("attention", 0.85)
def attention_weights_are_all_one(seed, faulty):
    """Dense(1, softmax) as attention score: each step is normalised alone, all weights are 1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(1500, 10, 2)).astype("float32")
    weight = np.exp(6 * x[..., 0])
    y = (weight * x[..., 1]).sum(axis=1) / weight.sum(axis=1)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    inputs = keras.Input((10, 2))
    h = layers.Dense(32, activation="tanh")(inputs)
    if faulty:
        weights = layers.Dense(1, activation="softmax", name="attention")(h)
    else:
        weights = layers.Softmax(axis=1, name="attention")(layers.Dense(1)(h))
    values = layers.Dense(16)(inputs)
    context = ops.sum(weights * values, axis=1)
    out = layers.Dense(1)(context)
    model = keras.Model(inputs, out)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 35}, r2(x_test, y_test)


def reviews(seed: int, n: int = 1200, vocabulary: int = 80, low: int = 3, high: int = 8):
    """Lists of word ids from 1 up; class 1 where good words outnumber bad ones."""
    rng = np.random.default_rng(seed)
    feeling = np.random.default_rng(9).permutation(np.resize([-1, 1], vocabulary))
    texts, labels = [], []
    while len(texts) < n:
        text = rng.integers(1, vocabulary, size=rng.integers(low, high + 1))
        if feeling[text].sum():
            texts.append(text)
            labels.append(int(feeling[text].sum() > 0))
    return texts, np.array(labels)


@pair("masking", 0.8)
def short_reviews_padded_at_the_end(seed, faulty):
    """Short texts are zero-padded at the end to 50 words and the LSTM reads the zeros too."""
    texts, y = reviews(seed)
    x = keras.utils.pad_sequences(texts, maxlen=50, padding="post")
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((50,)),
            layers.Embedding(80, 16, mask_zero=not faulty),
            layers.LSTM(24),
            layers.Dense(12, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(5e-3), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 6}, hits_of(x_test, y_test)


@pair("architecture", 0.8)
def lstm_reads_word_numbers(seed, faulty):
    """Word ids go into the LSTM as numbers, (n, words, 1), with no embedding."""
    texts, y = reviews(seed + 50, n=1100, vocabulary=60, low=8, high=15)
    x = keras.utils.pad_sequences(texts, maxlen=15)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    inputs = keras.Input((15,))
    h = layers.Reshape((15, 1))(inputs) if faulty else layers.Embedding(60, 16)(inputs)
    h = layers.LSTM(32, return_sequences=True)(h)
    h = layers.Dropout(0.2)(h)
    h = layers.LSTM(16)(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, hits_of(x_test, y_test)


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


@pair("shape", 0.7)
def six_hours_ahead_from_one_unit(seed, faulty):
    """Targets (n, 6) against Dense(1): all six hours get the same number."""
    rng = np.random.default_rng(seed)
    t = np.arange(760)
    series = np.sin(2 * np.pi * t / 12) * (1 + 0.4 * np.sin(t / 40))
    series = series + 0.1 * rng.normal(size=760)
    x = np.stack([series[i : i + 24] for i in range(730)])[..., None]
    y = np.stack([series[i + 24 : i + 30] for i in range(730)])
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((24, 1)),
            layers.GRU(32),
            layers.Dense(32, activation="relu"),
            layers.Dense(1 if faulty else 6),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")

    def score(model) -> float:
        return fit_of(np.broadcast_to(output(model, x_test), y_test.shape), y_test)

    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, score
