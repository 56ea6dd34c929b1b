"""Programs as asked about: text, order, averages, deep and recurrent networks."""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import make_friedman1, make_friedman2

from .data import r2, split, standardize, windows
from .more_data import fit_of, hits_of, output, parts
from .registry import pair


def held(x, y, seed: int):
    """Split and cast to float32."""
    return split(np.asarray(x, "float32"), np.asarray(y, "float32"), seed)


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


@pair("time axis", 0.75)
def channels_reshaped_instead_of_transposed(seed, faulty):
    """(channels, time) is turned into (time, channels) by reshape, which mixes them up."""
    rng = np.random.default_rng(seed)
    n, t = 700, np.arange(36) / 36
    speed, phase = rng.uniform(2, 9, (n, 3, 1)), rng.uniform(0, 6.3, (n, 3, 1))
    x = np.sin(2 * np.pi * speed * t + phase) + 0.1 * rng.normal(size=(n, 3, 36))
    y = speed[:, 0, 0] - speed[:, 1, 0]
    x = x.reshape(n, 36, 3) if faulty else x.transpose(0, 2, 1)
    x_train, x_test, y_train, y_test = held(x, y / y.std(), seed)
    model = keras.Sequential(
        [
            layers.Input((36, 3)),
            layers.Conv1D(32, 5, activation="relu"),
            layers.Conv1D(32, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(4e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 35}, r2(x_test, y_test)


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


@pair("custom loss", 0.8)
def direction_loss_by_sign(seed, faulty):
    """The trading loss compares signs; the slope of sign is 0 and the loss never moves."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 15, 1)).astype("float32")
    gain = 0.6 * x[:, -1, 0] - 0.5 * x[:, -3, 0] + 0.4 * x[:, -6, 0] + 0.1 * rng.normal(size=900)
    x_train, x_test, y_train, y_test = held(x, gain, seed)

    def wrong_direction(y_true, y_pred):
        side = ops.sign(y_pred) if faulty else ops.tanh(y_pred)
        return ops.mean(1.0 - ops.sign(y_true) * side)

    model = keras.Sequential(
        [
            layers.Input((15, 1)),
            layers.Conv1D(16, 4, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=wrong_direction)
    score = hits_of(x_test, (y_test > 0).astype("int64"), threshold=0.0)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, score


@pair("optimizer", 0.7)
def batchnorm_averages_never_arrive(seed, faulty):
    """momentum=0.999 and a hundred steps: the moving averages are still near the start."""
    rng = np.random.default_rng(seed)
    x = np.stack(
        [
            20 + 6 * rng.normal(size=1000),
            60 + 15 * rng.normal(size=1000),
            1012 + 9 * rng.normal(size=1000),
            4 + 2 * rng.random(1000),
        ],
        axis=1,
    )
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = z[:, 0] + 0.6 * z[:, 1] - 0.5 * z[:, 2] + 0.3 * z[:, 0] * z[:, 3]
    x_train, x_test, y_train, y_test = held(x, y, seed)
    momentum = 0.999 if faulty else 0.9
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.BatchNormalization(momentum=momentum),
            layers.Dense(64, activation="relu"),
            layers.BatchNormalization(momentum=momentum),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 64, "epochs": 12}, r2(x_test, y_test)


@pair("data", 0.7)
def seq2seq_decoder_sees_the_answer(seed, faulty):
    """Decoder input is not shifted by one: training is perfect and decoding is useless."""
    rng = np.random.default_rng(seed)
    n, length, symbols = 1800, 4, 6
    source = rng.integers(1, symbols + 1, size=(n, length))
    target = source[:, ::-1]
    shifted = np.concatenate([np.zeros((n, 1), "int64"), target[:, :-1]], axis=1)
    x = [source, target if faulty else shifted]
    x_train, x_test, y_train, y_test = parts(x, target, seed)
    encoder_in = keras.Input((length,), name="source")
    decoder_in = keras.Input((length,), name="so_far")
    e = layers.Embedding(symbols + 1, 16)(encoder_in)
    _, state = layers.GRU(64, return_state=True)(e)
    d = layers.Embedding(symbols + 1, 16)(decoder_in)
    d = layers.GRU(64, return_sequences=True)(d, initial_state=state)
    out = layers.Dense(symbols + 1, activation="softmax")(d)
    model = keras.Model([encoder_in, decoder_in], out)
    model.compile(optimizer=keras.optimizers.Adam(8e-3), loss="sparse_categorical_crossentropy")

    def score(model) -> float:
        so_far = np.zeros_like(x_test[1])
        for place in range(length):
            found = output(model, [x_test[0], so_far]).argmax(-1)
            if place + 1 < length:
                so_far[:, place + 1] = found[:, place]
        return float((found == y_test).mean())

    return model, x_train, y_train, {"batch_size": 64, "epochs": 30}, score


@pair("data", 0.8)
def embedding_matrix_never_filled(seed, faulty):
    """No word is found in the vectors file, so the frozen embedding matrix is all zeros."""
    rng = np.random.default_rng(seed)
    vocabulary = 200
    feeling = np.random.default_rng(3).permutation(np.resize([-1, 1], vocabulary))
    vectors = np.random.default_rng(4).normal(size=(vocabulary, 20)) * 0.5
    vectors[:, 0] += feeling
    x = rng.integers(1, vocabulary, size=(1000, 13))
    y = (feeling[x].sum(axis=1) > 0).astype("int64")
    x_train, x_test, y_train, y_test = split(x, y, seed)
    known = {f"Word{i}": vectors[i] for i in range(1, vocabulary)}
    matrix = np.zeros((vocabulary, 20), "float32")
    for i in range(1, vocabulary):
        vector = known.get(f"word{i}" if faulty else f"Word{i}")
        if vector is not None:
            matrix[i] = vector
    table = layers.Embedding(vocabulary, 20, trainable=False)
    model = keras.Sequential(
        [
            layers.Input((13,)),
            table,
            layers.Conv1D(24, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    table.set_weights([matrix])
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 18}, hits_of(x_test, y_test)


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


@pair("data", 0.6)
def weather_targets_in_the_wrong_order(seed, faulty):
    """Targets are listed as [humidity, temperature], the outputs the other way round."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 20, 3)).cumsum(axis=1) / 4
    mean, last = x.mean(axis=1), x[:, -1]
    temperature = 15 + 6 * last[:, 0] + 3 * mean[:, 1]
    humidity = 1 / (1 + np.exp(-1.5 * last[:, 2] + mean[:, 0]))
    y = [((temperature - 15) / 6)[:, None], humidity[:, None]]
    x_train, x_test, y_train, y_test = parts(x.astype("float32"), y, seed)
    inputs = keras.Input((20, 3))
    h = layers.GRU(32)(inputs)
    h = layers.Dense(32, activation="relu")(h)
    outs = [
        layers.Dense(1, name="temperature")(h),
        layers.Dense(1, activation="sigmoid", name="humidity")(h),
    ]
    model = keras.Model(inputs, outs)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=["mse", "mse"])
    if faulty:
        y_train = y_train[::-1]

    def score(model) -> float:
        found = [np.asarray(p, "float64") for p in model(x_test, training=False)]
        return min(fit_of(p, y) for p, y in zip(found, y_test, strict=True))

    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, score


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


@pair("optimizer", 0.9)
def learning_rate_decays_every_five_steps(seed, faulty):
    """decay_steps was meant in epochs but counts batches: the rate is gone in no time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 6))
    angle = x[:, :3]
    y = np.stack(
        [np.sin(angle).sum(1), np.cos(angle[:, 0]) * x[:, 3], x[:, 4] - 0.5 * x[:, 5] ** 2], axis=1
    )
    x_train, x_test, y_train, y_test = held(x, y, seed)
    rate = keras.optimizers.schedules.ExponentialDecay(
        2e-3, decay_steps=5 if faulty else 500, decay_rate=0.9
    )
    model = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(64, activation="swish"),
            layers.Dropout(0.05),
            layers.Dense(64, activation="swish"),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=keras.losses.Huber())
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, r2(x_test, y_test)


@pair("initial weights", 0.75)
def deep_conv1d_with_tiny_weights(seed, faulty):
    """Twenty-two convolutions that start from normal(0, 0.01): the signal dies on its way."""
    rng = np.random.default_rng(seed)
    speed, phase = rng.uniform(1, 5, (500, 1)), rng.uniform(0, 6.3, (500, 1))
    x = np.sin(2 * np.pi * speed * np.arange(32) / 32 + phase) + 0.1 * rng.normal(size=(500, 32))
    x_train, x_test, y_train, y_test = held(x[..., None], (speed[:, 0] - 3) / 1.15, seed)
    start = keras.initializers.RandomNormal(stddev=0.01) if faulty else "he_normal"
    inputs = h = keras.Input((32, 1))
    for depth in range(22):
        h = layers.Conv1D(
            12,
            3,
            padding="same",
            strides=2 if depth in (7, 14) else 1,
            activation="relu",
            kernel_initializer=start,
        )(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("loss", 0.7)
def summed_loss_with_plain_sgd(seed, faulty):
    """reduction='sum' makes the steps 128 times as long: SGD runs away."""
    x, y = make_friedman1(900, n_features=6, noise=0.5, random_state=seed)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    y_train, y_test = standardize(y_train, y_test)
    inputs = keras.Input((6,))
    h = layers.Dense(64, activation="relu")(inputs)
    h = layers.Dense(64, activation="relu")(h)
    skip = layers.Dense(64)(inputs)
    h = layers.Add()([h, skip])
    model = keras.Model(inputs, layers.Dense(1)(layers.Activation("relu")(h)))
    loss = keras.losses.MeanSquaredError(reduction="sum" if faulty else "sum_over_batch_size")
    model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss=loss)
    return model, x_train, y_train, {"batch_size": 128, "epochs": 50}, r2(x_test, y_test)


@pair("optimizer", 0.6)
def transformer_forecast_at_high_rate(seed, faulty):
    """Adam at 0.05 on two attention blocks: they collapse to one answer for every window."""
    rng = np.random.default_rng(seed)
    t = np.arange(620)
    series = np.sin(t / 5) + 0.6 * np.sin(t / 13) + 0.1 * rng.normal(size=620)
    x, y = windows(series / series.std(), 20)
    x_train, x_test, y_train, y_test = held(x, y, seed)
    inputs = keras.Input((20, 1))
    h = Positions()(layers.Dense(24)(inputs))
    h = encoder_block(h, 2, 12, 48, 0.1)
    h = encoder_block(h, 2, 12, 48, 0.1)
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(24, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1)(h))
    model.compile(optimizer=keras.optimizers.Adam(0.05 if faulty else 1e-3), loss="mse")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, r2(x_test, y_test)
