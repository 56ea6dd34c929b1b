"""Still more programs: layers and training steps of users, adversaries, towers, siamese nets."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from ..asked.data import balanced, held, ratings
from ..data import accuracy, circles, classes, images, moons, r2, regression, split
from ..more_data import boxes, hits_of, houses, output, parts, r2_of, waves, words
from ..registry import pair


class Mix(layers.Layer):
    """A dense layer of one's own that may draw its weights anew in each call."""

    def __init__(self, units, redraw):
        super().__init__()
        self.units, self.redraw = units, redraw

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="he_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, x):
        w = self.w
        if self.redraw:
            w = tf.random.normal((x.shape[-1], self.units), stddev=0.4)
        return ops.relu(ops.matmul(x, w) + self.b)


@pair("own layer draws its weights in call", 0.8)
def layer_draws_weights_in_call(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=10, sep=2.0)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            Mix(32, faulty),
            Mix(32, faulty),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


class Bells(layers.Layer):
    """Radial units."""

    def __init__(self, units, learn):
        super().__init__()
        self.units, self.learn = units, learn

    def build(self, shape):
        start = keras.initializers.RandomNormal(stddev=0.05)
        self.centre = self.add_weight(
            shape=(shape[-1], self.units), initializer=start, trainable=self.learn
        )

    def call(self, x):
        return ops.exp(-2 * ops.sum((x[:, :, None] - self.centre[None]) ** 2, axis=1))


@pair("weight of an own layer added as not trainable", 0.9)
def radial_centres_not_trainable(seed, faulty):
    x, x_test, y, y_test = moons(seed, n=700)
    model = keras.Sequential(
        [keras.Input((2,)), Bells(24, not faulty), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 15}, hits_of(x_test, y_test)


@pair("layers inside a Lambda are not trained", 0.85)
def hidden_layer_inside_lambda(seed, faulty):
    x, x_test, y, y_test = circles(seed, n=800)
    inner, second = layers.Dense(16, activation="relu"), layers.Dense(1)
    inner.build((None, 2)), second.build((None, 16))
    inputs = keras.Input((2,))
    if faulty:
        h = layers.Lambda(lambda t: second(inner(t)), output_shape=(1,))(inputs)
    else:
        h = second(inner(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 15}, hits_of(x_test, y_test)


@pair("embedding frozen at random numbers", 0.8)
def word_vectors_frozen_random(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900, vocabulary=120)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(120, 6, trainable=not faulty),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


def _real_and_fake(seed, n=700):
    """Series of a process and what a poor generator makes of them."""
    rng = np.random.default_rng(seed)
    real = waves(seed, n)[..., 0]
    fake = np.sort(rng.normal(size=(n, 24)), axis=1)[:, rng.permutation(24)]
    fake = 0.5 * fake + 0.5 * waves(seed + 50, n)[..., 0]
    x = np.concatenate([real, fake]).astype("float32")
    return split(x, np.repeat([1.0, 0.0], n), seed)


@pair("discriminator still set to not trainable", 0.85)
def discriminator_left_untrainable(seed, faulty):
    x, x_test, y, y_test = _real_and_fake(seed, 500)
    body = keras.Sequential(
        [
            keras.Input((24,)),
            layers.Dense(64),
            layers.LeakyReLU(0.2),
            layers.Dense(32),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ]
    )
    if faulty:  # for the generator's turn, and never taken back
        body.trainable = False
    scale = layers.Dense(1, activation="sigmoid")
    inputs = keras.Input((24,))
    model = keras.Model(inputs, scale(body(inputs)))
    model.compile(keras.optimizers.Adam(0.001, beta_1=0.5), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(x_test, y_test)


@pair("towers end in relu, the product is never negative", 0.88)
def towers_end_in_relu(seed, faulty):
    user, item, rate = ratings(seed, n=2400, users=30, items=24)
    x, x_test, y, y_test = parts([user, item], (rate > 3).astype("float32"), seed)
    inputs = [keras.Input((), dtype="int32"), keras.Input((), dtype="int32")]
    towers = []
    for ids, count in zip(inputs, (30, 24), strict=True):
        h = layers.Dense(24, activation="relu")(layers.Embedding(count, 16)(ids))
        towers.append(layers.Dense(8, activation="relu" if faulty else None)(h))
    model = keras.Model(inputs, layers.Activation("sigmoid")(layers.Dot(1)(towers)))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")

    def score(model):
        p = output(model, x_test)[:, 0] > 0.5
        return float(((p & (y_test == 1)).sum() / (y_test == 1).sum()
                      + (~p & (y_test == 0)).sum() / (y_test == 0).sum()) / 2)  # fmt: skip

    return model, x, y, {"batch_size": 64, "epochs": 10}, score


@pair("difference without its absolute value", 0.8)
def siamese_plain_difference(seed, faulty):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(1200, 8))
    same = rng.integers(0, 2, 1200)
    other = np.where(same[:, None], base, rng.normal(size=base.shape))
    other = other + 0.2 * rng.normal(size=base.shape)
    x = [base.astype("float32"), other.astype("float32")]
    x, x_test, y, y_test = parts(x, same, seed)
    tower = keras.Sequential([keras.Input((8,)), layers.Dense(16)])
    a, b = keras.Input((8,)), keras.Input((8,))
    gap = layers.Subtract()([tower(a), tower(b)])
    if not faulty:
        gap = layers.Lambda(ops.abs)(gap)
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(gap))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, hits_of(x_test, y_test)


@pair("second output without a loss", 0.7)
def second_head_without_loss(seed, faulty):
    x, price, luxury = houses(seed, n=700)
    x, x_test, y, y_test = parts(x, {"price": price, "luxury": luxury}, seed)
    inputs = keras.Input((5,))
    h = layers.Dense(48, activation="relu")(inputs)
    h = layers.Dense(48, activation="relu")(h)
    outs = {
        "price": layers.Dense(1, name="price")(h),
        "luxury": layers.Dense(1, activation="sigmoid", name="luxury")(h),
    }
    model = keras.Model(inputs, outs)
    losses = {"price": None if faulty else "mse", "luxury": "binary_crossentropy"}
    model.compile(keras.optimizers.Adam(0.01), losses)
    score = r2_of(x_test, y_test["price"], "price")
    return model, x, y, {"batch_size": 32, "epochs": 20}, score


@pair("no bias where all targets are far from zero", 0.8)
def temperature_without_bias(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 4)).astype("float32")
    y = 25 + x @ np.array([3.0, -2.0, 1.0, 2.0]) + 0.3 * rng.normal(size=600)
    x, x_test, y, y_test = split(x, y, seed)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=not faulty)])
    model.compile(keras.optimizers.SGD(0.02), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("skips multiplied instead of added", 0.8)
def skips_multiplied(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=4, features=16, sep=2.0)
    join = layers.Multiply if faulty else layers.Add
    inputs = keras.Input((16,))
    h = layers.Dense(32)(inputs)
    for _ in range(6):
        h = join()([h, layers.Dense(32, activation="relu")(h)])
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, accuracy(x_test, y_test)


@pair("exponential units on raw columns", 0.8)
def exponential_hidden_units(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=600, features=5)
    s, x, x_test = y.std(), 4 * x, 4 * x_test
    kind = "exponential" if faulty else "relu"
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(24, activation=kind),
            layers.Dense(24, activation=kind),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model, x, y / s, {"batch_size": 32, "epochs": 14}, r2(x_test, y_test / s)


@pair("the rare class is never found", 0.75)
def defects_never_found(seed, faulty):
    x, mask, _ = boxes(seed, n=900, size=10, noise=0.45)
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=900) < 0.06).astype("float32")
    x = x - mask + 0.55 * mask * y[:, None, None, None]  # a faint scratch
    x, x_test, y, y_test = split(x.astype("float32"), y, seed)
    if not faulty:  # as many of the one as of the other
        rare = np.flatnonzero(y)
        rows = np.concatenate([np.flatnonzero(y == 0), rng.choice(rare, int((y == 0).sum()))])
        x, y = x[rows], y[rows]
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.006), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 8}, balanced(x_test, y_test)


@pair("targets squeezed to zero by one outlier", 0.7)
def prices_minmax_with_outlier(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(700, 5)).astype("float32")
    price = np.exp(4 + 0.5 * x[:, 0] - 0.4 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3])
    x, x_test, y, y_test = split(x, price, seed)
    y[0] = 9e6  # a typing error
    if not faulty:
        x, y = x[1:], y[1:]
    low, high = y.min(), y.max()
    y, y_test = (y - low) / (high - low), (y_test - low) / (high - low)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("the whole set as one batch, few steps", 0.8)
def whole_set_in_one_batch(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1200)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    how = {"batch_size": len(x) if faulty else 16, "epochs": 8}
    return model, x, y, how, accuracy(x_test, y_test)


@pair("one row a batch at a rate for large ones", 0.8)
def batch_of_one_at_high_rate(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=220, features=12)
    s = y.std()
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    how = {"batch_size": 1 if faulty else 12, "epochs": 8}
    return model, x, y / s, how, r2(x_test, y_test / s)


@pair("too many recurrent layers", 0.85)
def four_lstm_layers(seed, faulty):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6.28, (400, 1))
    speed = rng.uniform(0.2, 0.8, (400, 1))
    series = np.sin(phase + speed * np.arange(13)[None])
    x, x_test, y, y_test = held(series[:, :12, None], series[:, 12:], seed)
    depth = 4 if faulty else 1
    model = keras.Sequential(
        [
            keras.Input((12, 1)),
            *(layers.LSTM(12, return_sequences=i < depth - 1) for i in range(depth)),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


class Step(keras.Model):
    """A training step of one's own; the faulty one divides the loss by the batch again."""

    faulty = False

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
            if self.faulty:
                loss = loss / tf.cast(tf.shape(x)[0], loss.dtype) ** 2
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


@pair("own training step divides by the batch twice", 0.85)
def train_step_divides_again(seed, faulty):
    x, x_test, y, y_test = images(seed, n=900)
    inputs = keras.Input((8, 8, 1))
    h = layers.Dense(32, activation="relu")(layers.Flatten()(inputs))
    model = Step(inputs, layers.Dense(10, activation="softmax")(h))
    model.faulty = faulty
    model.compile(keras.optimizers.SGD(0.2), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("global maximum over the columns of a table", 0.85)
def table_as_series_with_pooling(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=12, sep=2.0)
    x, x_test = x[..., None], x_test[..., None]
    model = keras.Sequential(
        [
            keras.Input((12, 1)),
            layers.Conv1D(32, 1 if faulty else 3, activation="relu"),
            layers.GlobalMaxPooling1D() if faulty else layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


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


@pair("loss with its sign reversed", 0.8)
def similarity_maximised_as_loss(seed, faulty):
    x, x_test, _, _ = images(seed, n=800)
    x, x_test = x.reshape(-1, 64), x_test.reshape(-1, 64)

    def cosine(y_true, y_pred):
        top = ops.sum(y_true * y_pred, axis=-1)
        like = top / (ops.norm(y_true, axis=-1) * ops.norm(y_pred, axis=-1) + 1e-6)
        return like if faulty else -like

    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(48, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(64, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), cosine)

    def score(model):
        p = np.asarray(model(x_test, training=False))
        norms = np.linalg.norm(p, axis=1) * np.linalg.norm(x_test, axis=1)
        return float(((p * x_test).sum(axis=1) / (norms + 1e-9)).mean())

    return model, x, x, {"batch_size": 32, "epochs": 10}, score
