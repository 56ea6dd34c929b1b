"""Losses written or chosen with a mistake."""

import keras
import numpy as np
from keras import layers, ops

from .data import blobs, classes, curve, images, moons, split
from .more_data import hits_of, output, r2_of
from .registry import pair


def dense(columns, *units, last=1, end=None, activation="relu"):
    """A plain stack of dense layers."""
    stack = [keras.Input((columns,))]
    stack += [layers.Dense(n, activation=activation) for n in units]
    return keras.Sequential([*stack, layers.Dense(last, activation=end)])


@pair("quantile loss without the maximum is unbounded below", 0.3)
def quantile_without_maximum(seed, faulty):
    """The 90 % quantile of a noisy line; q * error alone goes to minus infinity."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(1500, 1))
    x, xt, y, yt = split(x, 2 * x + (0.5 + 0.4 * x) * rng.normal(size=x.shape), seed)

    def pinball(y_true, y_pred):
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        return ops.mean(0.9 * error if faulty else ops.maximum(0.9 * error, -0.1 * error), -1)

    model = dense(1, 16, 16, activation="swish")
    model.compile(keras.optimizers.Adam(0.01), loss=pinball)

    def skill(m):
        def cost(quantile):
            return np.maximum(0.9 * (yt - quantile), 0.1 * (quantile - yt)).mean()

        return float(1 - cost(output(m, xt)) / cost(np.quantile(yt, 0.9)))

    return model, x, y, {"batch_size": 32, "epochs": 20}, skill


@pair("the standard deviation of a density can be negative", 0.75)
def mixture_raw_deviation(seed, faulty):
    """Two-component mixture density network; the deviations have no softplus."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(800, 1))
    y = 2 * np.sin(2 * x) + 0.2 * rng.normal(size=x.shape)
    x, xt, y, yt = split(x, y, seed)
    inputs = keras.Input((1,))
    h = layers.Dense(24, activation="tanh")(inputs)
    h = layers.Dense(24, activation="tanh")(h)
    share = layers.Dense(2, activation="softmax")(h)
    mean = layers.Dense(2)(h)
    deviation = layers.Dense(2, activation=None if faulty else "softplus")(h)
    model = keras.Model(inputs, layers.Concatenate()([share, mean, deviation]))

    def likelihood(y_true, p):
        share, mean, deviation = p[:, :2], p[:, 2:4], p[:, 4:]
        z = (ops.cast(y_true, p.dtype) - mean) / deviation
        each = ops.log(share) - ops.log(deviation) - 0.5 * z**2
        return -ops.logsumexp(each, axis=-1)

    def expected(p):
        return (p[:, :2] * p[:, 2:4]).sum(axis=1)

    model.compile(keras.optimizers.Adam(0.01), loss=likelihood)
    return model, x, y, {"batch_size": 32, "epochs": 25}, r2_of(xt, yt, post=expected)


@pair("cosine loss with its sign turned", 0.8)
def cosine_sign(seed, faulty):
    """Keras' cosine_similarity is negative already; the minus in front drives it away."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 10))
    y = np.tanh(x @ np.random.default_rng(1).normal(size=(10, 6)))
    x, xt, y, yt = split(x, y, seed)

    def loss(y_true, y_pred):
        similar = keras.losses.cosine_similarity(y_true, y_pred, axis=-1)
        return -similar if faulty else similar

    def cosine(p):
        return float(
            ((p * yt).sum(1) / (np.linalg.norm(p, axis=1) * np.linalg.norm(yt, axis=1))).mean()
        )

    model = dense(10, 48, last=6)
    model.compile(keras.optimizers.RMSprop(0.003), loss=loss)
    return model, x, y, {"batch_size": 25, "epochs": 20}, lambda m: cosine(output(m, xt))


@pair("hand-written hinge loss with labels 0 and 1", 0.9)
def hinge_labels_zero_one(seed, faulty):
    """max(0, 1 - y * f) is constant for y = 0, so all rows are drawn to the class 1."""
    x, xt, y, yt = moons(seed)

    def hinge(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        return ops.mean(ops.maximum(0.0, 1.0 - y_true * y_pred), axis=-1)

    labels = y if faulty else 2 * y - 1
    model = dense(2, 24, 24, activation="sigmoid")
    model.compile(keras.optimizers.Adam(0.05), loss=hinge)
    score = hits_of(xt, yt, threshold=0.0)
    return model, x, labels.reshape(-1, 1), {"batch_size": 20, "epochs": 60}, score


@pair("exponential output overflows on raw inputs", 0.8)
def counts_exponential_overflow(seed, faulty):
    """Poisson regression of daily counts; the distance is in metres, exp() overflows."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 5000, size=(600, 2))
    rate = np.exp(2.5 - x[:, 0] / 2500 + 0.5 * np.cos(x[:, 1] / 1000))
    y = rng.poisson(4 * rate)
    x, xt, y, yt = split(x if faulty else x / 2500 - 1, y, seed)
    model = dense(2, 16, 16, end="exponential")
    model.compile(keras.optimizers.Adam(0.01), loss="poisson")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(xt, yt)


@pair("focal weight the wrong way round", 0.85)
def focal_weight_reversed(seed, faulty):
    """Focal loss weights with p_t**4 instead of (1 - p_t)**4: hard rows don't count."""
    x, xt, y, yt = classes(seed, sep=1.0)

    def focal(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
        right = ops.where(y_true > 0.5, p, 1 - p)
        weight = right**4 if faulty else (1 - right) ** 4
        return ops.mean(-weight * ops.log(right), axis=-1)

    model = dense(12, 32, 16, end="sigmoid")
    model.compile(keras.optimizers.Adam(0.005), loss=focal)
    return model, x, y[:, None], {"batch_size": 16, "epochs": 30}, hits_of(xt, yt)


@pair("label smoothing of one leaves no label", 0.9)
def label_smoothing_one(seed, faulty):
    """label_smoothing=1.0 makes all targets uniform."""
    x, xt, y, yt = images(seed, n=1000)
    model = dense(64, 64, last=10, end="softmax")
    smoothing = 1.0 if faulty else 0.1
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    model.compile("adam", loss=loss)
    hot = np.eye(10)[y]
    return (
        model,
        x.reshape(-1, 64),
        hot,
        {"batch_size": 16, "epochs": 12},
        hits_of(xt.reshape(-1, 64), yt),
    )


@pair("loss summed over the batch at a rate for the mean", 0.8)
def loss_summed_over_batch(seed, faulty):
    """reduction="sum" makes the step 256 times as long."""
    x, xt, y, yt = curve(lambda x: x**2 - x, seed, n=1500)
    model = dense(1, 32, 32)
    reduction = "sum" if faulty else "sum_over_batch_size"
    model.compile(
        keras.optimizers.SGD(0.2), loss=keras.losses.MeanSquaredError(reduction=reduction)
    )
    return model, x, y, {"batch_size": 256, "epochs": 80}, r2_of(xt, yt)


@pair("softmax for cumulative (ordinal) targets", 0.8)
def ordinal_softmax(seed, faulty):
    """Grades 0..4 as "at least k" columns; softmax can't make several of them one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(700, 6))
    hidden = x[:, 0] + np.abs(x[:, 1]) - 0.5 * x[:, 2]
    grade = np.digitize(hidden, np.quantile(hidden, [0.2, 0.4, 0.6, 0.8]))
    y = (grade[:, None] > np.arange(4)).astype(bool)
    x, xt, y, yt = split(x, y, seed)
    model = dense(6, 32, 32, last=4, end="softmax" if faulty else "sigmoid", activation="elu")
    model.compile(keras.optimizers.Adamax(0.01), loss="binary_crossentropy")

    def near(m):
        return float(((output(m, xt) > 0.5).sum(1) == yt.sum(1)).mean())

    return model, x, y, {"batch_size": 16, "epochs": 40}, near


@pair("class weights the wrong way round", 0.8)
def rare_class_weighted_down(seed, faulty):
    """6 % positives; the weight of their share makes them rarer still."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1500, 4))
    radius = (x[:, :3] ** 2).sum(1) + 0.5 * rng.normal(size=1500)
    y = (radius > np.quantile(radius, 0.94)).astype("int64")[:, None]
    x, xt, y, yt = split(x, y, seed)
    share = float(y.mean())

    def weighted(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        rare, common = (share, 1 - share) if faulty else (1 - share, share)
        weight = ops.where(y_true > 0.5, rare, common)[:, 0]
        return weight * keras.losses.binary_crossentropy(y_true, y_pred)

    def balanced(m):
        found = output(m, xt) > 0.5
        return float((found[yt == 1].mean() + (~found[yt == 0]).mean()) / 2)

    model = dense(4, 24, end="sigmoid")
    model.compile(keras.optimizers.Adam(0.01), loss=weighted)
    return model, x, y, {"batch_size": 64, "epochs": 20}, balanced


@pair("KL divergence on outputs that are no distribution", 0.85)
def divergence_of_logits(seed, faulty):
    """Soft labels of five clusters; the output layer has no softmax."""
    x, xt, y, yt = blobs(seed)
    soft = 0.9 * np.eye(5)[y] + 0.02
    model = dense(2, 24, 24, last=5, end=None if faulty else "softmax")
    model.compile(keras.optimizers.Adam(0.01), loss="kl_divergence")
    return model, x / 5, soft, {"batch_size": 30, "epochs": 25}, hits_of(xt / 5, yt)
