"""Blocks and layers of one's own: residual blocks, gates, shared layers, experts."""

import keras
import numpy as np
from keras import layers, ops

from .data import circles, curve, images, moons, regression, split, standardize, table
from .more_data import hits_of, parts, r2_of
from .registry import pair


@pair("batch normalization scale starts at zero without a skip", 0.85)
def zero_gamma_without_skip(seed, faulty):
    """The zero-gamma trick belongs to residual blocks; in a plain stack all units are dead."""
    x, xt, y, yt = images(seed, n=900)
    h = inputs = keras.Input((8, 8, 1))
    for filters in (8, 16):
        h = layers.Conv2D(filters, 3, use_bias=False)(h)
        h = layers.BatchNormalization(gamma_initializer="zeros" if faulty else "ones")(h)
        h = layers.ReLU()(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(h))
    model.compile(keras.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(xt, yt)


@pair("many residual blocks without normalization or scaling", 0.8)
def residual_blocks_grow(seed, faulty):
    """Each of 24 blocks more than doubles the signal; scaled branches keep it."""
    x, xt, y, yt = table("diabetes", seed)
    y, yt = np.sin(x[:, 2]) + x[:, 3], np.sin(xt[:, 2]) + xt[:, 3]
    inputs = keras.Input((10,))
    h = layers.Dense(24)(inputs)
    for _ in range(24):
        way = layers.Dense(24, activation="relu", kernel_initializer="he_normal")(h)
        way = layers.Dense(24, kernel_initializer="he_normal")(way)
        h = h + way * (1.0 if faulty else 0.1)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(keras.optimizers.SGD(0.01), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 20}, r2_of(xt, yt)


@pair("a deep narrow stack without skip connections", 0.85)
def deep_stack_without_skips(seed, faulty):
    """Thirty narrow tanh layers with small initial weights, with and without additions."""
    x, xt, y, yt = moons(seed)
    inputs = keras.Input((2,))
    h = layers.Dense(8)(inputs)
    for _ in range(30):
        way = layers.Dense(8, activation="tanh", kernel_initializer="random_normal")(h)
        h = way if faulty else layers.Add()([h, way])
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.003), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 25}, hits_of(xt, yt)


class Gate(layers.Layer):
    """Highway layer: t * tanh(Wx) + (1 - t) * x."""

    def __init__(self, bias):
        super().__init__()
        self.bias = bias

    def build(self, shape):
        """Two square matrices and the gate's bias."""
        n = shape[-1]
        self.w = self.add_weight(shape=(n, n), initializer="glorot_uniform", name="w")
        self.g = self.add_weight(shape=(n, n), initializer="glorot_uniform", name="g")
        start = keras.initializers.Constant(self.bias)
        self.b = self.add_weight(shape=(n,), initializer=start, name="b")

    def call(self, x):
        """Mix the transformed and the unchanged signal."""
        t = ops.sigmoid(x @ self.g + self.b)
        return t * ops.tanh(x @ self.w) + (1 - t) * x


@pair("gates shut by their bias", 0.9)
def highway_gates_shut(seed, faulty):
    """Highway layers with a gate bias of -30 pass the input on and never open."""
    x, xt, y, yt = circles(seed)
    gates = [Gate(-30.0 if faulty else -1.0) for _ in range(3)]
    model = keras.Sequential([keras.Input((2,)), layers.Dense(12), *gates, layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    return model, x, y, {"batch_size": 16, "epochs": 30}, hits_of(xt, yt)


class Factors(layers.Layer):
    """Factorization machine: x @ w plus the pairwise products of trained factors."""

    def __init__(self, start, end="zeros"):
        super().__init__()
        self.start, self.end = start, end

    def build(self, shape):
        """Factors in, factors out."""
        n = shape[-1]
        self.u = self.add_weight(shape=(n, 16), initializer=self.start, name="u")
        self.v = self.add_weight(shape=(n, 16), initializer=self.start, name="v")
        self.w = self.add_weight(shape=(n, 1), initializer=self.end, name="w")

    def call(self, x):
        """Sum of the products and the linear part."""
        return x @ self.w + ops.sum((x @ self.u) * (x @ self.v), axis=-1, keepdims=True)


@pair("both factors of a product start at zero", 0.85)
def factors_start_at_zero(seed, faulty):
    """With two zero factors neither has a gradient, only the linear part learns."""
    x = np.random.default_rng(seed).normal(size=(600, 5))
    x, xt, y, yt = split(x, x[:, :1] * x[:, 1:2] + x[:, 2:3] * x[:, 3:4] + 0.3 * x[:, 4:], seed)
    model = keras.Sequential([keras.Input((5,)), Factors("zeros" if faulty else "random_normal")])
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    return model, x, y, {"batch_size": 20, "epochs": 25}, r2_of(xt, yt)


class Bells(layers.Layer):
    """Radial basis functions with trained centres."""

    def __init__(self, units, centres):
        super().__init__()
        self.units, self.centres = units, centres

    def build(self, shape):
        """Centres and widths."""
        size = (self.units, shape[-1])
        self.c = self.add_weight(shape=size, initializer=self.centres, name="centres")
        self.s = self.add_weight(shape=(self.units,), initializer="ones", name="steepness")

    def call(self, x):
        """Activation of each bell."""
        d = ops.sum((x[:, None] - self.c) ** 2, axis=-1)
        return ops.exp(-self.s * d)


@pair("all centres of a radial basis layer lie far from the data", 0.85)
def bells_far_away(seed, faulty):
    """Centres are all at 40, where no input ever is: each bell is zero, with no gradient."""
    x, xt, y, yt = curve(lambda x: np.cos(2 * x), seed, low=-3, high=3)
    centres = keras.initializers.Constant(40.0)
    centres = centres if faulty else keras.initializers.RandomUniform(-3, 3)
    model = keras.Sequential([keras.Input((1,)), Bells(15, centres), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), loss="mse")
    return model, x, y, {"batch_size": 10, "epochs": 25}, r2_of(xt, yt)


class Regularized(keras.Model):
    """A subclassed network; the switch of its dropout can be the wrong way round."""

    def __init__(self, reverse):
        super().__init__()
        self.reverse = reverse
        self.first = layers.Dense(48, activation="relu")
        self.noise = layers.Dropout(0.6, seed=1)
        self.last = layers.Dense(1)

    def call(self, x, training=False):
        """Forward pass."""
        return self.last(self.noise(self.first(x), training=training != self.reverse))


@pair("dropout active in prediction and not in training", 0.8)
def dropout_switch_reversed(seed, faulty):
    """call() hands "not training" to the dropout layer."""
    x, xt, y, yt = regression(seed)
    y, yt = standardize(y, yt)
    model = Regularized(faulty)
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 20}, r2_of(xt, yt)


class Sample(layers.Layer):
    """Sampling of a variational autoencoder, adds the weighted KL term."""

    def __init__(self, weight):
        super().__init__()
        self.weight, self.seeds = weight, keras.random.SeedGenerator(3)

    def call(self, both, training=False):
        """The mean and, in training, noise of the trained deviation."""
        mean, log = both
        self.add_loss(self.weight * ops.mean(mean**2 + ops.exp(log) - log - 1))
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(0.5 * log) * noise if training else mean


@pair("KL term drowns the reconstruction", 0.3)
def variational_collapse(seed, faulty):
    """Variational autoencoder of digits: with weight 10 the code carries nothing."""
    x, xt, _, _ = images(seed)
    x, xt = x.reshape(-1, 64), xt.reshape(-1, 64)
    inputs = keras.Input((64,))
    h = layers.Dense(64, activation="relu")(inputs)
    code = Sample(10.0 if faulty else 0.001)([layers.Dense(6)(h), layers.Dense(6)(h)])
    h = layers.Dense(64, activation="relu")(code)
    model = keras.Model(inputs, layers.Dense(64, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.003), loss="mse")
    return model, x, x, {"batch_size": 32, "epochs": 20}, r2_of(xt, xt)


@pair("constraint forbids the negative weights that are needed", 0.8)
def weights_not_negative(seed, faulty):
    """Pricing net with NonNeg kernels, although some columns lower the price."""
    x = np.random.default_rng(seed).uniform(0, 1, size=(500, 4))
    y = 3 - 2 * x[:, 0] - x[:, 1] * x[:, 2] + 0.3 * x[:, 3]
    x, xt, y, yt = parts({"age": x[:, :1], "usage": x[:, 1:]}, {"price": y}, seed)
    ins = {"usage": keras.Input((3,), name="usage"), "age": keras.Input((1,), name="age")}
    rule = "non_neg" if faulty else None
    h = layers.Concatenate()([ins["usage"], ins["age"]])
    for _ in range(2):
        h = layers.Dense(16, activation="relu", kernel_constraint=rule)(h)
    price = layers.Dense(1, kernel_constraint=rule)(h)
    model = keras.Model(ins, {"price": price})
    model.compile(keras.optimizers.Adam(0.005), loss={"price": "mae"})
    return model, x, y, {"batch_size": 16, "epochs": 20}, r2_of(xt, yt["price"], "price")
