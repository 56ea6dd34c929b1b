"""Layers that are in the way of what is to be learned."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import make_friedman2

from ..data import accuracy, images, r2, split, standardize, table
from ..everyday_data import ratings, reviews
from ..more_data import hits_of, r2_of
from ..registry import pair


@pair("activation", 0.8)
def wine_softmax_in_hidden_layers(seed, faulty):
    """Softmax as activation of the hidden layers."""
    x_train, x_test, y_train, y_test = table("wine", seed)
    act = "softmax" if faulty else "tanh"
    model = keras.Sequential()
    model.add(keras.Input((13,)))
    model.add(layers.Dense(32, activation=act))
    model.add(layers.Dense(32, activation=act))
    model.add(layers.Dense(16, activation=act))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["categorical_accuracy"])
    y_train = keras.utils.to_categorical(y_train)
    return model, x_train, y_train, {"batch_size": 8, "epochs": 30}, accuracy(x_test, y_test)


@pair("architecture", 0.85)
def digits_two_unit_bottleneck(seed, faulty):
    """A leftover Dense(2, relu) sits in front of the ten-class output."""
    x_train, x_test, y_train, y_test = images(seed)
    model = keras.Sequential()
    model.add(keras.Input((8, 8, 1)))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(2 if faulty else 32, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("batch normalization", 0.8)
def batch_of_one_with_batchnorm(seed, faulty):
    """Batch normalization of single rows leaves nothing of them."""
    x_train, x_test, y_train, y_test = table("wine", seed)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(32),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Dense(16),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.005),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    how = {"batch_size": 1 if faulty else 8, "epochs": 8}
    return model, x_train, y_train, how, accuracy(x_test, y_test)


@pair("normalization", 0.85)
def layernorm_over_one_channel(seed, faulty):
    """LayerNormalization over the last axis of gray images, which has one value, gives zeros."""
    x_train, x_test, y_train, y_test = images(seed, n=1200, top=16.0)
    axis = -1 if faulty else (1, 2, 3)
    inputs = keras.Input((8, 8, 1))
    x = layers.LayerNormalization(axis=axis)(inputs)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("activation", 0.8)
def deep_sigmoid_stack(seed, faulty):
    """Seven sigmoid layers in a row: almost no gradient reaches the first ones."""
    x_train, x_test, y_train, y_test = images(seed, n=1200)
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()])
    for units in (128, 96, 64, 64, 48, 32, 32):
        model.add(layers.Dense(units, activation="sigmoid" if faulty else "relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.02, momentum=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    y_train = keras.utils.to_categorical(y_train)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@pair("activation", 0.85)
def sensors_without_activations(seed, faulty):
    """Four Dense layers, none with an activation: a linear model for a non-linear rule."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(1200, 4)).astype("float32")
    y = ((x[:, 0] * x[:, 1] > 0) ^ (x[:, 2] > 0.4)).astype("int64")
    x_train, x_test, y_train, y_test = split(x, y, seed)
    act = None if faulty else "relu"
    model = keras.Sequential()
    model.add(keras.Input((4,)))
    model.add(layers.Dense(64, activation=act))
    model.add(layers.Dense(64, activation=act))
    model.add(layers.Dense(32, activation=act))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 40}, accuracy(x_test, y_test)


@pair("batch normalization", 0.85)
def slow_batchnorm_on_raw_columns(seed, faulty):
    """The first BatchNormalization has momentum 0.999, its averages are far off after training."""
    x_train, x_test, y_train, y_test = table("cancer", seed, scaled=False)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.BatchNormalization(momentum=0.999 if faulty else 0.9),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.002), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, accuracy(x_test, y_test)


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


class Positions(layers.Layer):
    """Adds a learned vector per place."""

    def build(self, shape):
        self.table = self.add_weight(shape=(shape[1], shape[2]), initializer="uniform")

    def call(self, x):
        return x + self.table


def encoder_block(x, heads: int, size: int, hidden: int, dropout: float = 0.0):
    """A transformer encoder block with the norms after the sums."""
    a = layers.MultiHeadAttention(heads, size)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(dropout)(a))
    f = layers.Dense(hidden, activation="relu")(x)
    f = layers.Dense(x.shape[-1])(f)
    return layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(dropout)(f))


@pair("attention", 0.85)
def transformer_knows_no_order(seed, faulty):
    """Which of two events came first is asked of a transformer without positions."""
    rng = np.random.default_rng(seed)
    n, length = 1200, 12
    x = rng.integers(3, 20, size=(n, length))
    for row in x:
        row[rng.choice(length, 2, replace=False)] = rng.permutation([1, 2])
    y = ((x == 1).argmax(axis=1) < (x == 2).argmax(axis=1)).astype("int64")
    x_train, x_test, y_train, y_test = split(x, y, seed)
    inputs = keras.Input((length,), dtype="int32")
    h = layers.Embedding(20, 16)(inputs)
    if not faulty:
        h = Positions()(h)
    h = encoder_block(h, 2, 8, 32, 0.1)
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 18}, hits_of(x_test, y_test)


@pair("activation", 0.7)
def twenty_sigmoid_layers(seed, faulty):
    """A regression network of twenty sigmoid layers answers with the mean for ever."""
    x, y = make_friedman2(800, noise=10.0, random_state=seed)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    y_train, y_test = standardize(y_train, y_test)
    inputs = h = keras.Input((4,))
    for _ in range(20):
        h = layers.Dense(24, activation="sigmoid" if faulty else "elu")(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)
