"""Networks of several inputs or outputs, and of losses and models of one's own."""

import keras
import numpy as np
from keras import layers, ops
from pairs.data import (
    moons,
)
from pairs.everyday_data import (
    ratings,
    rings,
)
from pairs.more_data import hits_of, houses, output, parts, r2_of

from ..program import program
from . import data as own

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential


@program("healthy", 0.6)
def films_by_dot_product(seed):
    # no hidden layer, small random factors, mean of the ratings added as a constant
    user, item, rate = ratings(seed, n=3000)
    x, x_test, y, y_test = parts([user, item], rate, seed)
    mean = float(y.mean())
    u, i = Input((), dtype="int32"), Input((), dtype="int32")
    normal = keras.initializers.RandomNormal(stddev=0.1)
    p = layers.Embedding(50, 4, embeddings_initializer=normal)(u)
    q = layers.Embedding(40, 4, embeddings_initializer=normal)(i)
    bias = layers.Embedding(50, 1)(u) + layers.Embedding(40, 1)(i)
    model = keras.Model([u, i], layers.Dot(axes=1)([p, q]) + bias + mean)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model, x, y, {"batch_size": 64, "epochs": 20}, r2_of(x_test, y_test)


@program("healthy", 0.8)
def rent_and_flag_from_one_trunk(seed):
    # one loss is ten thousand times the other, and its weight is 1e-4 therefore
    x, price, luxury = houses(seed, n=1000)
    y = {"rent": (900 + 120 * price).astype("float32"), "luxury": luxury.astype("float32")}
    x, x_test, y, y_test = parts(x, y, seed)
    inputs = Input((5,))
    h = Dense(64, activation="relu")(inputs)
    h = Dense(64, activation="relu")(h)
    rent = layers.Rescaling(120.0, offset=900.0, name="rent")(Dense(1)(h))
    flag = Dense(1, activation="sigmoid", name="luxury")(h)
    model = keras.Model(inputs, {"rent": rent, "luxury": flag})
    model.compile(
        keras.optimizers.Adam(0.003),
        {"rent": "mse", "luxury": "binary_crossentropy"},
        loss_weights={"rent": 1e-4, "luxury": 1.0},
    )

    def score(model):
        found = r2_of(x_test, y_test["rent"], "rent")(model)
        return min(found, hits_of(x_test, y_test["luxury"], "luxury")(model))

    return model, x, y, {"batch_size": 32, "epochs": 25}, score


@program("healthy", 0.88)
def better_offer_of_two(seed):
    # the same scorer twice, without a bias at its end; only the difference counts
    x, x_test, y, y_test = own.pairs_of_offers(seed)
    worth = Sequential(
        [Input((5,)), Dense(48, "relu"), Dense(24, "relu"), Dense(1, use_bias=False)]
    )
    left, right = Input((5,)), Input((5,))
    more = layers.Subtract()([worth(left), worth(right)])
    model = keras.Model([left, right], layers.Activation("sigmoid")(more))
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@program("healthy", 0.95)
def rings_by_triplets(seed):
    # targets are zeros that the loss ignores
    x, x_test, y, y_test = rings(seed)
    rng = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(x)), 2)
    near = np.array([rng.choice(np.flatnonzero(y == y[r])) for r in rows])
    far = np.array([rng.choice(np.flatnonzero(y != y[r])) for r in rows])
    embed = Sequential([Input((6,)), Dense(48, "relu"), Dense(48, "relu"), Dense(4)])
    three = [Input((6,)) for _ in range(3)]
    model = keras.Model(three, layers.Concatenate()([embed(i) for i in three]))

    def triplet(_, p):
        a, b, c = p[:, :4], p[:, 4:8], p[:, 8:]
        gap = ops.sum(ops.square(a - b), axis=1) - ops.sum(ops.square(a - c), axis=1)
        return ops.relu(gap + 1.0)

    model.compile(keras.optimizers.Adam(0.003), triplet)

    def score(model):
        e, e_test = output(model, [x] * 3)[:, :4], output(model, [x_test] * 3)[:, :4]
        centres = np.stack([e[y == c].mean(axis=0) for c in range(3)])
        apart = np.linalg.norm(e_test[:, None] - centres, axis=-1)
        return (apart.argmin(axis=1) == y_test).mean()

    how = {"batch_size": 64, "epochs": 20}
    return model, [x[rows], x[near], x[far]], np.zeros(len(rows), "float32"), how, score


class SumOverSet(keras.Model):
    """The same network for every row of a set, their sum, and a network on the sum."""

    def __init__(self):
        super().__init__()
        self.row = Sequential([Dense(32, "relu"), Dense(16)])
        self.whole = Dense(1)

    def call(self, x):
        return self.whole(ops.sum(self.row(x), axis=1))


@program("healthy", 0.85)
def basket_price_subclassed(seed):
    # a subclass, sums (not means) over the rows, EMA of weights
    x, x_test, y, y_test = own.baskets(seed)
    model = SumOverSet()
    model.compile(keras.optimizers.Adam(0.003, use_ema=True, ema_momentum=0.95), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 25}, r2_of(x_test, y_test)


@program("healthy", 0.93)
def random_cosines_stay_random(seed):
    # a wide frozen layer of random weights (random Fourier features), squared hinge
    x, x_test, y, y_test = moons(seed)
    model = Sequential(
        [
            Input((2,)),
            Dense(
                200,
                activation=ops.cos,
                trainable=False,
                kernel_initializer=keras.initializers.RandomNormal(stddev=2.0),
                bias_initializer=keras.initializers.RandomUniform(0, 2 * np.pi),
            ),
            Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "squared_hinge")
    how = {"batch_size": 32, "epochs": 20}
    return model, x, 2.0 * y - 1, how, hits_of(x_test, y_test, threshold=0.0)


@program("healthy", 0.72)
def survival_by_partial_likelihood(seed):
    # targets with a sign for "lost from view"; the loss compares rows within a batch
    x, x_test, y, y_test = own.patients(seed)
    model = Sequential(
        [Input((6,)), Dense(24, "relu"), layers.Dropout(0.1), Dense(1, use_bias=False)]
    )

    def partial_likelihood(t, p):
        t, p = ops.reshape(t, (-1,)), ops.reshape(p, (-1,))
        at_risk = ops.cast(ops.abs(t)[None, :] >= ops.abs(t)[:, None], p.dtype)
        total = ops.log(ops.sum(at_risk * ops.exp(p)[None, :], axis=1))
        died = ops.cast(t > 0, p.dtype)
        return ops.sum(died * (total - p)) / (ops.sum(died) + 1.0)

    model.compile(keras.optimizers.Adam(0.005), partial_likelihood)

    def score(model):
        return own.concordance(output(model, x_test)[:, 0], y_test)

    return model, x, y, {"batch_size": 64, "epochs": 20}, score


@program("healthy", 0.8)
def bags_by_their_strangest_member(seed):
    # only the greatest instance of twelve gets a gradient
    x, x_test, y, y_test = own.bags(seed)
    model = Sequential(
        [
            Input((12, 4)),
            Dense(16, activation="relu"),
            layers.LayerNormalization(),
            Dense(1),
            layers.GlobalMaxPooling1D(),
            layers.Activation("sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryFocalCrossentropy(gamma=1.0))
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)
