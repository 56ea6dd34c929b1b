"""Recurrent, attentive and embedded sequences."""

import keras
import numpy as np
from keras import layers, ops

from .data import split
from .more_data import hits, hits_of, motif, output, parts, r2_of, waves, words
from .registry import pair


@pair("a sequence squeezed into one small vector", 0.8)
def labels_per_step_from_last_state(seed, faulty):
    """Running mean of three inputs at every step; the faulty one repeats the last state."""
    x = np.random.default_rng(seed).normal(size=(500, 20, 1))
    y = x.copy()
    y[:, 1:] += x[:, :-1]
    y[:, 2:] += x[:, :-2]
    x, xt, y, yt = split(x, y / 3, seed)
    inputs = keras.Input((20, 1))
    h = layers.GRU(12, return_sequences=not faulty)(inputs)
    h = layers.RepeatVector(20)(h) if faulty else h
    h = layers.TimeDistributed(layers.Dense(8, activation="tanh"))(h)
    model = keras.Model(inputs, layers.TimeDistributed(layers.Dense(1))(h))
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 12}, r2_of(xt, yt)


@pair("the answer lies in the future of a one-way network", 0.8)
def next_inputs_one_way(seed, faulty):
    """The label of a step is the sign of the next input, which only a two-way LSTM has seen."""
    x = np.random.default_rng(seed).normal(size=(400, 12, 1))
    y = (np.roll(x, -1, axis=1) > 0).astype("int64")
    y[:, -1] = 0
    x, xt, y, yt = split(x, y, seed)
    inputs = keras.Input((12, 1))
    cell = layers.LSTM(12, return_sequences=True)
    h = cell(inputs) if faulty else layers.Bidirectional(cell)(inputs)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.02), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 15}, hits_of(xt, yt)


@pair("receptive field shorter than the dependence", 0.8)
def causal_convolution_too_short(seed, faulty):
    """The target is the input 14 steps ago; without dilation the network sees seven."""
    x = np.random.default_rng(seed).normal(size=(300, 32, 1))
    y = np.zeros_like(x)
    y[:, 14:] = np.tanh(2 * x[:, :-14])
    x, xt, y, yt = split(x, y, seed)
    h = inputs = keras.Input((32, 1))
    for step in (1, 2, 4, 8):
        rate = 1 if faulty else step
        h = layers.Conv1D(12, 2, padding="causal", dilation_rate=rate, activation="elu")(h)
    model = keras.Model(inputs, layers.Conv1D(1, 1)(h))
    model.compile(keras.optimizers.Adam(0.01), loss="huber")
    return model, x, y, {"batch_size": 8, "epochs": 25}, r2_of(xt, yt)


class Positions(layers.Layer):
    """Adds a trained vector for every position."""

    def build(self, shape):
        """One row per position."""
        self.table = self.add_weight(shape=shape[1:], initializer="uniform", name="table")

    def call(self, x):
        """Add the table to each sequence."""
        return x + self.table


@pair("attention without positions for a question of order", 0.9)
def order_without_positions(seed, faulty):
    """Does word 1 come before word 2? Attention and mean pooling are blind to order."""
    rng = np.random.default_rng(seed)
    x = rng.integers(3, 12, size=(700, 8))
    places = np.array([rng.choice(8, 2, replace=False) for _ in x])
    x[np.arange(700), places[:, 0]], x[np.arange(700), places[:, 1]] = 1, 2
    x, xt, y, yt = split(x, (places[:, 0] < places[:, 1]).astype("int64"), seed)
    inputs = keras.Input((8,), dtype="int64")
    h = layers.Embedding(12, 16)(inputs)
    h = h if faulty else Positions()(h)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h, h))
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.005), loss="binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 20}, hits_of(xt, yt)


@pair("pre-trained vectors that are all zero and frozen", 0.8)
def embedding_matrix_zero(seed, faulty):
    """The look-up of the vectors failed for every word, the matrix stayed empty."""
    x, xt, y, yt = words(seed)
    vectors = np.random.default_rng(9).normal(size=(60, 40)) * (0 if faulty else 1)
    model = keras.Sequential(
        [
            keras.Input((12,), dtype="int32"),
            layers.Embedding(
                60, 40, embeddings_initializer=keras.initializers.Constant(vectors), trainable=False
            ),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss=loss)
    return model, x, y[:, None], {"batch_size": 32, "epochs": 15}, hits_of(xt, yt)


@pair("every word is out of vocabulary", 0.8)
def words_out_of_vocabulary(seed, faulty):
    """The vocabulary is in lower case and the texts in capitals, so every id is 1."""
    x, xt, y, yt = words(seed)
    names = [f"word{i}" for i in range(60)]
    lookup = layers.StringLookup(vocabulary=names)

    def ids(rows):
        text = np.array(names)[rows]
        return np.asarray(lookup(np.char.upper(text) if faulty else text))

    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(61, 8),
            layers.Bidirectional(layers.GRU(6)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    return model, ids(x), y, {"batch_size": 32, "epochs": 12}, hits_of(ids(xt), yt)


@pair("ids scaled to 0..1 in front of an embedding", 0.8)
def scaled_ids_into_embedding(seed, faulty):
    """The scaler ran over the id columns too; the embedding cuts them all to 0."""
    x, xt, y, yt = words(seed)
    top = 60.0 if faulty else 1.0
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(60, 6),
            layers.Flatten(),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    x, xt = x.astype("float32") / top, xt.astype("float32") / top
    return model, x, y, {"batch_size": 16, "epochs": 25}, hits_of(xt, yt)


@pair("layer normalization over an axis of length one", 0.6)
def series_layer_norm_one_channel(seed, faulty):
    """Next value of a smooth series; normalized over its only channel each input is zero."""
    series = waves(seed, n=400)
    x, xt, y, yt = split(series[:, :-1], series[:, -1], seed)
    model = keras.Sequential(
        [
            keras.Input((23, 1)),
            layers.LayerNormalization(axis=-1 if faulty else 1),
            layers.LSTM(16, return_sequences=True),
            layers.LSTM(8),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="mae")
    return model, x, y, {"batch_size": 16, "epochs": 15}, r2_of(xt, yt)


@pair("attention softmax over an axis of one", 0.8)
def attention_pool_wrong_axis(seed, faulty):
    """Return the value of the marked step; the softmax runs over the score's own axis."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 15, 2))
    x[..., 1] = 0
    marked = rng.integers(0, 15, 600)
    x[np.arange(600), marked, 1] = 1
    x, xt, y, yt = split(x, x[np.arange(600), marked, 0], seed)
    inputs = keras.Input((15, 2))
    value = layers.Dense(8)(inputs)
    weight = layers.Dense(1)(layers.Dense(8, activation="tanh")(inputs))
    weight = layers.Softmax(axis=-1 if faulty else 1)(weight)
    pooled = ops.sum(weight * value, axis=1)
    model = keras.Model(inputs, layers.Dense(1)(pooled))
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    return model, x, y, {"batch_size": 16, "epochs": 20}, r2_of(xt, yt)


@pair("loss weight of one output is next to nothing", 0.8)
def tagger_weight_of_padding(seed, faulty):
    """Per-step tags as dict next to a topic; the tags' weight is a typing error (1e-6)."""
    x, _, _, _ = words(seed, n=1000)
    tags = (np.random.default_rng(3).integers(0, 3, 60))[x]
    topic = (x > 40).any(axis=1).astype("float64")[:, None]
    x, xt, y, yt = parts({"text": x}, {"topic": topic, "tags": tags}, seed)
    text = keras.Input((12,), dtype="int64", name="text")
    h = layers.Embedding(60, 12)(text)
    h = layers.GRU(12, return_sequences=True)(h)
    tags = layers.Dense(3, activation="softmax", name="tags")(h)
    topic = layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(h))
    model = keras.Model({"text": text}, {"topic": topic, "tags": tags})
    model.compile(
        keras.optimizers.SGD(0.5, momentum=0.9),
        loss={"topic": "binary_crossentropy", "tags": "sparse_categorical_crossentropy"},
        loss_weights={"tags": 1e-6 if faulty else 1.0, "topic": 1.0},
    )
    return (
        model,
        x,
        y,
        {"batch_size": 32, "epochs": 12},
        (lambda m: hits(output(m, xt, "tags"), yt["tags"])),
    )


@pair("gradients clipped to almost nothing for plain SGD", 0.85)
def motif_clipvalue(seed, faulty):
    """GRU over a convolution, SGD with clipvalue=1e-5 against exploding gradients."""
    x, xt, y, yt = motif(seed, length=20)
    model = keras.Sequential(
        [
            keras.Input((20, 1)),
            layers.Conv1D(12, 5, activation="relu"),
            layers.GRU(12),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    clip = 1e-5 if faulty else 1.0
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, clipvalue=clip), loss="binary_crossentropy"
    )
    return model, x, y.astype("float64"), {"batch_size": 16, "epochs": 20}, hits_of(xt, yt)
