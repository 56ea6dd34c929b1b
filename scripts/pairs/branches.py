"""Several inputs and outputs, shared encoders, losses on pairs and triplets."""

import keras
import numpy as np
from keras import layers, ops

from .data import images
from .more_data import hits_of, houses, output, parts, r2_of, words
from .registry import pair


@pair("losses listed in another order than the outputs", 0.8)
def house_losses_swapped(seed, faulty):
    """Price and luxury flag; the list of losses starts with the flag's."""
    x, price, luxury = houses(seed)
    x, xt, y, yt = parts(x, [price + 3.0, luxury], seed)
    inputs = keras.Input((5,))
    h = layers.Dense(32, activation="relu")(inputs)
    h = layers.Dense(32, activation="relu")(h)
    price = layers.Dense(1, name="price")(h)
    luxury = layers.Dense(1, activation="sigmoid", name="luxury")(h)
    model = keras.Model(inputs, [price, luxury])
    losses = ["mse", "binary_crossentropy"]
    model.compile("adam", loss=losses[::-1] if faulty else losses)
    return model, x, y, {"batch_size": 16, "epochs": 30}, r2_of(xt, yt[0], 0)


@pair("loss weight of zero for an output that is needed", 0.75)
def house_zero_loss_weight(seed, faulty):
    """Outputs as a dict; one of them keeps the weight 0 of an experiment."""
    x, price, luxury = houses(seed)
    x, xt, y, yt = parts(x, {"value": price, "fancy": luxury}, seed)
    inputs = keras.Input((5,))
    h = layers.Dense(40, activation="gelu")(inputs)
    value = layers.Dense(1)(layers.Dense(24, activation="gelu")(h))
    fancy = layers.Dense(1, activation="sigmoid")(h)
    model = keras.Model(inputs, {"value": value, "fancy": fancy})
    model.compile(
        keras.optimizers.Nadam(0.005),
        loss={"value": "mse", "fancy": "binary_crossentropy"},
        loss_weights={"value": 0.0 if faulty else 1.0, "fancy": 0.5},
    )
    return model, x, y, {"batch_size": 32, "epochs": 40}, r2_of(xt, yt["value"], "value")


def digit_pairs(seed, n=1200):
    """Pairs of digits 0..4 in a dict, and whether the two show the same one."""
    x, _, y, _ = images(seed)
    x, y = x[y < 5].reshape(-1, 64), y[y < 5]
    rng = np.random.default_rng(seed)
    left = rng.integers(0, len(x), n)
    right = np.array(
        [rng.choice(np.flatnonzero((y == y[i]) == (k % 2))) for k, i in enumerate(left)]
    )
    same = (y[left] == y[right]).astype("int64")
    return parts({"right": x[right], "left": x[left]}, same, seed)


def encoder(units=32):
    """A small encoder for flat digits."""
    return keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(units)]
    )


@pair("both branches read the same input", 0.85)
def siamese_left_twice(seed, faulty):
    """The shared encoder is called on the left picture twice, so the difference is zero."""
    x, xt, y, yt = digit_pairs(seed)
    left, right = keras.Input((64,), name="left"), keras.Input((64,), name="right")
    shared = encoder()
    a, b = shared(left), shared(left if faulty else right)
    h = ops.abs(a - b)
    h = layers.Dense(16, activation="relu")(h)
    answer = layers.Dense(1, activation="sigmoid")(h)
    model = keras.Model({"left": left, "right": right}, answer)
    model.compile("adam", loss="binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(xt, yt)


@pair("sigmoid of a distance cannot fall below one half", 0.85)
def siamese_sigmoid_of_distance(seed, faulty):
    """The euclidean distance goes straight into a sigmoid; it needs a weight and a bias."""
    x, xt, y, yt = digit_pairs(seed)
    left, right = keras.Input((64,), name="left"), keras.Input((64,), name="right")
    shared = encoder(8)
    gap = ops.sum(ops.square(shared(left) - shared(right)), axis=-1, keepdims=True)
    gap = ops.sqrt(gap + 1e-6)
    if not faulty:
        start = {"kernel_initializer": keras.initializers.Constant(-1.0)}
        gap = layers.Dense(1, bias_initializer="ones", **start)(gap)
    answer = layers.Activation("sigmoid")(gap)
    model = keras.Model([left, right], answer)
    model.compile("adam", loss="binary_crossentropy")
    x, xt = [x["left"], x["right"]], [xt["left"], xt["right"]]
    return model, x, y[:, None], {"batch_size": 16, "epochs": 15}, hits_of(xt, yt)


@pair("contrastive loss with the labels the wrong way round", 0.85)
def contrastive_labels_reversed(seed, faulty):
    """Label 1 means "same", the faulty loss was written for 1 = "different"."""
    x, xt, y, yt = digit_pairs(seed)
    left, right = keras.Input((64,), name="left"), keras.Input((64,), name="right")
    shared = encoder(8)
    gap = ops.sqrt(ops.sum((shared(left) - shared(right)) ** 2, axis=-1, keepdims=True) + 1e-6)
    model = keras.Model({"right": right, "left": left}, gap)

    def contrastive(y_true, distance):
        y_true = ops.cast(y_true, distance.dtype)
        near = 1 - y_true if faulty else y_true
        return ops.mean(near * distance**2 + (1 - near) * ops.maximum(1 - distance, 0) ** 2, -1)

    model.compile(keras.optimizers.AdamW(0.002), loss=contrastive)
    return (
        model,
        x,
        y,
        {"batch_size": 64, "epochs": 15},
        (lambda m: float(((output(m, xt)[:, 0] < 0.5) == (yt == 1)).mean())),
    )


@pair("the negative of the triplet is the positive again", 0.72)
def triplet_without_negative(seed, faulty):
    """Triplet loss on noisy clusters; the third branch is fed with the second input."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, 4))
    which = rng.integers(0, 4, 800)
    other = (which + rng.integers(1, 4, 800)) % 4

    def draw(cluster):
        noise = 2.0 * rng.normal(size=(len(cluster), 20))
        return np.concatenate([2 * centres[cluster] + 0.4 * rng.normal(size=(800, 4)), noise], 1)

    x = {"positive": draw(which), "anchor": draw(which), "negative": draw(other)}
    x, xt, y, _ = parts(x, np.zeros(800), seed)
    ins = {name: keras.Input((24,), name=name) for name in ("anchor", "positive", "negative")}
    embed = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(6)])
    third = ins["positive" if faulty else "negative"]
    three = ops.stack([embed(ins["anchor"]), embed(ins["positive"]), embed(third)], axis=1)
    model = keras.Model(ins, three)

    def triplet(_, e):
        near = ops.sum((e[:, 0] - e[:, 1]) ** 2, -1)
        return ops.maximum(near - ops.sum((e[:, 0] - e[:, 2]) ** 2, -1) + 1.0, 0)

    def ordered(_):
        a, p, n = (np.asarray(embed(xt[k])) for k in ("anchor", "positive", "negative"))
        return float((((a - p) ** 2).sum(1) < ((a - n) ** 2).sum(1)).mean())

    model.compile(keras.optimizers.Adam(0.003), loss=triplet)
    return model, x, y, {"batch_size": 32, "epochs": 20}, ordered


@pair("gradient cut behind the embedding", 0.85)
def embedding_stop_gradient(seed, faulty):
    """Tiny random embedding, cut off from the loss, averaged and classified."""
    x, xt, y, yt = words(seed, n=900)
    inputs = keras.Input((12,), dtype="int32")
    h = layers.Embedding(60, 2)(inputs)
    if faulty:
        h = ops.stop_gradient(h)
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(8, activation="tanh")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.RMSprop(0.01), loss="binary_crossentropy")
    return model, x, y.astype(bool), {"batch_size": 20, "epochs": 20}, hits_of(xt, yt)


@pair("nested encoder frozen before it was ever trained", 0.75)
def nested_encoder_frozen(seed, faulty):
    """A narrow encoder model is set to trainable=False although its weights are random."""
    x, xt, y, yt = images(seed)
    base = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(3)],
        name="base",
    )
    base.add(layers.Flatten())
    base.add(layers.Dense(3, activation="tanh"))
    base.trainable = not faulty
    model = keras.Sequential([base, layers.Dense(24, activation="relu"), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(xt, yt)
