"""Convolutional networks: positions, masks, denoisers and one-dimensional signals."""

import keras
import numpy as np
from keras import layers

from .data import images, split
from .more_data import boxes, hits_of, motif, output, parts, r2_of, waves
from .registry import pair


@pair("global pooling removes the position", 0.8)
def locate_after_global_pooling(seed, faulty):
    """Where is the rectangle? Average pooling over the whole picture can't tell."""
    x, _, centre = boxes(seed, n=500)
    x, xt, y, yt = parts(x, centre, seed)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(8, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.GlobalAveragePooling2D() if faulty else layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(2),
        ]
    )
    model.compile("adam", loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 12}, r2_of(xt, yt)


def pixel_score(xt, yt, foreground):
    """Intersection over union of the foreground."""

    def score(model):
        found, wanted = foreground(output(model, xt)), np.asarray(yt)[..., 0] > 0.5
        return float((found & wanted).sum() / max((found | wanted).sum(), 1))

    return score


@pair("softmax over rows of pixels instead of channels", 0.7)
def segmentation_softmax_axis(seed, faulty):
    """Two channels per pixel, but the softmax layer is told the wrong axis."""
    x, mask, _ = boxes(seed)
    x, xt, y, yt = parts(x, mask.astype("int64"), seed)
    inputs = keras.Input((12, 12, 1))
    h = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    h = layers.Conv2D(8, 3, padding="same", activation="relu")(h)
    h = layers.Conv2D(2, 1)(h)
    h = layers.Softmax(axis=1 if faulty else -1)(h)
    model = keras.Model(inputs, h)
    model.compile(keras.optimizers.Adam(0.005), loss="sparse_categorical_crossentropy")
    score = pixel_score(xt, yt, lambda p: p.argmax(-1) == 1)
    return model, x, y, {"batch_size": 16, "epochs": 12}, score


@pair("no skip connection around a bottleneck without places", 0.7)
def segmentation_without_skip(seed, faulty):
    """A U-net with one level that pools the whole picture; the way around it is forgotten."""
    x, mask, _ = boxes(seed)
    x, xt, y, yt = parts(x, mask.astype(bool), seed)
    inputs = keras.Input((12, 12, 1))
    skip = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    h = layers.MaxPooling2D(12)(skip)
    h = layers.Conv2D(12, 1, activation="relu")(h)
    h = layers.Conv2DTranspose(8, 12, strides=12, activation="relu")(h)
    h = h if faulty else layers.Concatenate()([h, skip])
    h = layers.Conv2D(1, 3, padding="same")(h)
    model = keras.Model(inputs, layers.Activation("sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.005), loss="binary_crossentropy")
    score = pixel_score(xt, yt, lambda p: p[..., 0] > 0.5)
    return model, x, y, {"batch_size": 16, "epochs": 15}, score


@pair("softmax over the single channel of a picture", 0.6)
def denoiser_softmax_channel(seed, faulty):
    """A denoiser of digits with transposed convolution whose output is always one."""
    x, xt, _, _ = images(seed, n=900)
    noise = np.random.default_rng(seed)
    noisy, noisy_t = (a + 0.3 * noise.normal(size=a.shape) for a in (x, xt))
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(24, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="softmax" if faulty else "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="mse")
    return model, noisy, x, {"batch_size": 16, "epochs": 12}, r2_of(noisy_t, xt)


@pair("inputs and targets of a denoiser exchanged", 0.6)
def denoiser_exchanged(seed, faulty):
    """Series: the network is fed the clean ones and asked for the noisy ones."""
    clean = waves(seed)
    noisy = clean + 0.9 * np.random.default_rng(seed).normal(size=clean.shape)
    x, xt, y, yt = parts(noisy, clean, seed)
    model = keras.Sequential(
        [
            keras.Input((24, 1)),
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.Conv1D(1, 5, padding="same"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="mse")
    x, y = (y, x) if faulty else (x, y)
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(xt, yt)


@pair("length and channels of a signal exchanged", 0.93)
def motif_length_as_channels(seed, faulty):
    """Conv1D on (n, 1, 40) slides over a length of one."""
    x, xt, y, yt = motif(seed)
    if faulty:
        x, xt = x.transpose(0, 2, 1), xt.transpose(0, 2, 1)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 20}, hits_of(xt, yt)


@pair("depthwise convolution that never mixes channels", 0.85)
def depthwise_without_pointwise(seed, faulty):
    """Do the spots of two channels coincide? No layer sees both channels at a place."""
    rng = np.random.default_rng(seed)
    x = 0.1 * rng.normal(size=(600, 8, 8, 2))
    y = rng.integers(0, 2, 600)
    for row, label in enumerate(y):
        places = rng.choice(64, size=4, replace=False)
        second = places if label else rng.choice(np.delete(np.arange(64), places), 4, False)
        x[row].reshape(64, 2)[places, 0] += 1
        x[row].reshape(64, 2)[second, 1] += 1
    x, xt, y, yt = split(x, y, seed)
    inputs = keras.Input((8, 8, 2))
    if faulty:
        h = layers.DepthwiseConv2D(1, depth_multiplier=8, activation="relu")(inputs)
    else:
        h = layers.SeparableConv2D(16, 1, depth_multiplier=2, activation="relu")(inputs)
    h = layers.GlobalAveragePooling2D()(h)
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    return model, x, y.reshape(-1, 1), {"batch_size": 16, "epochs": 25}, hits_of(xt, yt)


@pair("augmentation changes the class", 0.85)
def arrows_flipped(seed, faulty):
    """Arrows to the left and to the right, flipped at random by an augmentation layer."""
    rng = np.random.default_rng(seed)
    x = 0.2 * rng.normal(size=(500, 9, 9, 1))
    y = rng.integers(0, 2, 500)
    arrow = np.array([[0, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 0]], dtype=float)
    for row, label in enumerate(y):
        i, j = rng.integers(0, 7), rng.integers(0, 6)
        x[row, i : i + 3, j : j + 4, 0] += arrow if label else arrow[:, ::-1]
    x, xt, y, yt = split(x.astype("float32"), y, seed)
    model = keras.Sequential(
        [
            keras.Input((9, 9, 1)),
            layers.RandomFlip("horizontal" if faulty else "vertical", seed=seed),
            layers.Conv2D(12, 3, activation="relu"),
            layers.Conv2D(12, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 20}, hits_of(xt, yt)


@pair("spatial dropout drops nearly every channel", 0.85)
def motif_spatial_dropout(seed, faulty):
    """SpatialDropout1D takes the share to drop; here it was meant as the share to keep."""
    x, xt, y, yt = motif(seed)
    rate = 0.99 if faulty else 0.01
    model = keras.Sequential(
        [
            keras.Input((40, 1)),
            layers.Conv1D(8, 5, activation="relu"),
            layers.SpatialDropout1D(rate),
            layers.Conv1D(8, 3, activation="relu"),
            layers.SpatialDropout1D(rate),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("rmsprop", loss="categorical_crossentropy")
    hot = keras.utils.to_categorical(y, 2)
    return model, x, hot, {"batch_size": 8, "epochs": 15}, hits_of(xt, yt)


@pair("learning rate far too high for momentum", 0.9)
def inception_nesterov_rate(seed, faulty):
    """Three parallel convolutions, SGD with Nesterov momentum at a rate of two."""
    x, xt, y, yt = images(seed)
    inputs = keras.Input((8, 8, 1))
    ways = [layers.Conv2D(6, k, padding="same", activation="relu")(inputs) for k in (1, 3, 5)]
    h = layers.Concatenate()(ways)
    h = layers.AveragePooling2D(2)(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(h))
    rate = 2.0 if faulty else 0.02
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
    )
    return model, x, y.astype("float64"), {"batch_size": 32, "epochs": 12}, hits_of(xt, yt)
