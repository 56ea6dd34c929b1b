"""Last layers, and labels and targets that do not fit them."""

import keras
import numpy as np
from keras import layers, ops

from ..data import accuracy, images, r2, split, standardize, table, windows
from ..everyday_data import customers, genres, iou_of, listings, macro_f1, ratings
from ..more_data import boxes, fit_of, hits_of, output, parts, r2_of
from ..registry import pair


@pair("output", 0.8)
def churn_softmax_on_single_unit(seed, faulty):
    """Softmax over a single output unit is always 1; a sigmoid was meant."""
    x_train, x_test, y_train, y_test = parts(*customers(seed), seed)
    numbers = keras.Input((4,), name="numbers")
    plan = keras.Input((1,), name="plan", dtype="int32")
    region = keras.Input((1,), name="region", dtype="int32")
    plan_vector = layers.Flatten()(layers.Embedding(6, 3)(plan))
    region_vector = layers.Flatten()(layers.Embedding(20, 6)(region))
    x = layers.Concatenate()([numbers, plan_vector, region_vector])
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Dense(32, activation="relu")(x)
    out = layers.Dense(1, activation="softmax" if faulty else "sigmoid")(x)
    model = keras.Model({"numbers": numbers, "plan": plan, "region": region}, out)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test)


@pair("output", 0.85)
def digits_cnn_forgotten_softmax(seed, faulty):
    """The last Dense has no activation but categorical_crossentropy expects probabilities."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10) if faulty else layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.categorical_crossentropy,
        metrics=["accuracy"],
    )
    y_train = keras.utils.to_categorical(y_train, 10)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("labels", 0.88)
def tumor_labels_two_and_four(seed, faulty):
    """The file codes the classes as 2 and 4; sigmoid and cross-entropy need 0 and 1."""
    x_train, x_test, y_train, y_test = table("cancer", seed)
    y_train, y_test = 1 - y_train, 1 - y_test
    if faulty:
        y_train = 2 + 2 * y_train
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 20, "epochs": 20}, accuracy(x_test, y_test)


@pair("output", 0.62)
def movie_genres_softmax(seed, faulty):
    """Several genres can be true at once but softmax makes them compete."""
    x_train, x_test, y_train, y_test = genres(seed)
    inputs = keras.Input((24,))
    x = layers.Dense(128, activation="relu")(inputs)
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(5, activation="softmax" if faulty else "sigmoid")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, macro_f1(x_test, y_test)


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


@pair("output activation", 0.75)
def topics_of_a_text_compete(seed, faulty):
    """Several topics can be right at once, but a softmax makes them share one."""
    rng = np.random.default_rng(seed)
    n, topics = 1100, 5
    y = (rng.random((n, topics)) < 0.45).astype("float32")
    x = np.zeros((n, 24), "int64")
    for row, label in enumerate(y):
        words = rng.integers(26, 60, size=24)
        for topic in np.flatnonzero(label):
            places = rng.choice(24, 3, replace=False)
            words[places] = 1 + 5 * topic + rng.integers(0, 5, size=3)
        x[row] = words
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((24,)),
            layers.Embedding(60, 16),
            layers.GlobalMaxPooling1D(),
            layers.Dense(32, activation="relu"),
            layers.Dense(topics, activation="softmax" if faulty else "sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")

    def score(model) -> float:
        return float(((output(model, x_test) > 0.5) == y_test).all(axis=1).mean())

    return model, x_train, y_train, {"batch_size": 32, "epochs": 22}, score


@pair("targets", 0.7)
def argsort_taken_for_ranks(seed, faulty):
    """The ranks of eight documents are given as argsort, which lists places, not ranks."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 8, 5)).astype("float32")
    relevance = x[..., 0] + 0.8 * np.abs(x[..., 1]) - 0.6 * x[..., 2] * (x[..., 3] > 0)
    order = np.argsort(-relevance, axis=1)
    ranks = np.argsort(order, axis=1)
    train, test, y_train, y_test = parts(x, {"order": order, "ranks": ranks}, seed)
    inputs = keras.Input((8, 5))
    h = layers.TimeDistributed(layers.Dense(32, activation="relu"))(inputs)
    h = layers.TimeDistributed(layers.Dense(32, activation="relu"))(h)
    out = layers.Reshape((8,))(layers.TimeDistributed(layers.Dense(1))(h))
    model = keras.Model(inputs, out)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
    y = y_train["order" if faulty else "ranks"] / 7.0
    return model, train, y, {"batch_size": 32, "epochs": 20}, r2(test, y_test["ranks"] / 7.0)
