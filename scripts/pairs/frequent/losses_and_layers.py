"""More programs of users: layers, losses of their own, sequences, several inputs or outputs."""

import keras
import numpy as np
from keras import layers, ops
from keras.initializers import RandomNormal

from ..asked.data import levels, reviews
from ..data import accuracy, classes, images, moons, r2, regression, split
from ..more_data import hits_of, motif, words
from ..registry import pair


@pair("loss is the plain difference, without abs or square", 0.8)
def custom_loss_mean_difference(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=600, features=5)
    s = y.std()
    y, y_test = y[:, None] / s, y_test[:, None] / s

    def loss(y_true, y_pred):
        error = y_true - ops.cast(y_pred, y_true.dtype)
        return ops.mean(error) if faulty else ops.mean(ops.abs(error))

    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("own crossentropy lacks the term of the zeros", 0.8)
def own_crossentropy_half(seed, faulty):
    x, x_test, y, y_test = moons(seed, n=800)

    def loss(y_true, y_pred):
        p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        zeros = 0.0 if faulty else (1 - y_true) * ops.log(1 - p)
        return -ops.mean(y_true * ops.log(p) + zeros)

    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    y = y.astype("float32")[:, None]
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@pair("loss does not see scale and level", 0.8)
def correlation_as_loss(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=640, features=6)
    s = y.std()
    y, y_test = 3 + y[:, None] / s, 3 + y_test[:, None] / s

    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        a, b = y_true - ops.mean(y_true), y_pred - ops.mean(y_pred)
        bottom = ops.sqrt(ops.mean(a**2) * ops.mean(b**2)) + 1e-6
        gap = 0.0 if faulty else ops.mean((y_true - y_pred) ** 2)
        return 1 - ops.mean(a * b) / bottom + gap

    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x, y, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("softmax over the batch", 0.8)
def softmax_down_the_batch(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900)
    head = layers.Softmax(axis=0) if faulty else layers.Activation("sigmoid")
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(60, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
            head,
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("return_sequences, and the label broadcast to all steps", 0.8)
def forgotten_return_sequences(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(700, 15, 1)).astype("float32")
    y = x[:, -3:].sum(axis=1) - x[:, -6:-3].sum(axis=1)
    x, x_test, y, y_test = split(x, y / y.std(), seed)
    model = keras.Sequential(
        [
            keras.Input((15, 1)),
            layers.LSTM(24, return_sequences=faulty),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")

    def score(model):
        p = np.asarray(model(x_test, training=False)).reshape(len(x_test), -1)
        return 1 - float(((p - y_test) ** 2).mean() / y_test.var())

    return model, x, y, {"batch_size": 32, "epochs": 18}, score


@pair("state of the first step taken", 0.8)
def first_state_taken(seed, faulty):
    x, x_test, y, y_test = motif(seed, n=600, length=20)
    at = 0 if faulty else -1
    model = keras.Sequential(
        [
            keras.Input((20, 1)),
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.GRU(16, return_sequences=True),
            layers.Lambda(lambda h: h[:, at]),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("texts cut at the wrong end", 0.8)
def texts_cut_before_the_verdict(seed, faulty):
    texts, y = reviews(seed, n=900, vocabulary=60, low=4, high=7)
    rng = np.random.default_rng(seed)
    texts = [np.r_[rng.integers(60, 90, 12), text] for text in texts]  # the plot, then the verdict
    end = "post" if faulty else "pre"
    x = keras.utils.pad_sequences(texts, maxlen=12, truncating=end, padding="post")
    x, x_test, y, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(90, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, hits_of(x_test, y_test)


@pair("attention mask the wrong way round", 0.8)
def attention_mask_inverted(seed, faulty):
    texts, y = reviews(seed, n=800, vocabulary=50, low=4, high=8)
    x = keras.utils.pad_sequences(texts, maxlen=16, padding="post")
    x, x_test, y, y_test = split(x, y, seed)
    ids = keras.Input((16,), dtype="int32")
    h = layers.Embedding(50, 16)(ids)
    there = ops.equal(ids, 0) if faulty else ops.not_equal(ids, 0)
    query = ops.mean(h, axis=1, keepdims=True) * 0 + 1  # one learned question
    h = layers.MultiHeadAttention(2, 8)(query, h, attention_mask=there[:, None, :])
    h = layers.Flatten()(h)
    model = keras.Model(ids, layers.Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("normal weights of deviation 1 in a deep net", 0.75)
def deep_net_unit_normal_weights(seed, faulty):
    x, x_test, y, y_test = classes(seed, n=900, n_classes=3, features=16, sep=2.0)
    start = RandomNormal(stddev=1.0) if faulty else "he_normal"
    body = [layers.Dense(64, activation="tanh", kernel_initializer=start) for _ in range(8)]
    model = keras.Sequential([keras.Input((16,)), *body, layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.02), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("weights of deviation 0.01 in a deep net", 0.7)
def plain_convnet_of_small_weights(seed, faulty):
    x, x_test, y, y_test = images(seed, n=800)
    start = RandomNormal(stddev=0.01) if faulty else "he_normal"

    def conv(filters):
        return layers.Conv2D(
            filters, 3, padding="same", activation="relu", kernel_initializer=start
        )

    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            conv(12), conv(12), layers.MaxPooling2D(), conv(24), conv(24), conv(24),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    optimizer = keras.optimizers.SGD(0.03, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 14}, accuracy(x_test, y_test)


@pair("penalty on the weights too strong", 0.8)
def conv_filters_under_l1(seed, faulty):
    x, x_test, y, y_test = images(seed, n=800)
    penalty = keras.regularizers.L1(0.1) if faulty else keras.regularizers.L1(1e-5)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", kernel_regularizer=penalty),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu", kernel_regularizer=penalty),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.004), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("dropout far too strong", 0.75)
def words_dropout_everywhere(seed, faulty):
    x, x_test, y, y_test = levels(seed, n=1500, columns=5, count=8)
    rate = 0.93 if faulty else 0.1
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(8, 8),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(16, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(8, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.006), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)


@pair("no regularization, few rows and many columns", 0.8)
def genes_without_a_penalty(seed, faulty):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 300)).astype("float32")
    y = (x[:, 0] + x[:, 1] - x[:, 2] > 0).astype("float32")
    penalty = None if faulty else keras.regularizers.L1(0.02)
    model = keras.Sequential(
        [
            keras.Input((300,)),
            layers.Dense(32, activation="relu", kernel_regularizer=penalty),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    how = {"batch_size": 16, "epochs": 30}
    return model, x[:150], y[:150], how, hits_of(x[150:], y[150:])


@pair("kernel of width 1 cannot see shapes", 0.8)
def motif_kernel_of_one(seed, faulty):
    x, x_test, y, y_test = motif(seed, n=700)
    model = keras.Sequential(
        [
            keras.Input((40, 1)),
            layers.Conv1D(24, 1 if faulty else 5, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, hits_of(x_test, y_test)
