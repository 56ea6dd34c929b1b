"""Weights of classes and of examples that are the wrong way round."""

import keras
import numpy as np
from keras import layers

from ..everyday_data import balanced, fraud
from ..more_data import output, parts
from ..registry import pair


@pair("class weights", 0.75)
def fraud_class_weights_swapped(seed, faulty):
    """The large class weight went to the frequent class."""
    x_train, x_test, y_train, y_test = fraud(seed)
    share = float(y_train.mean())
    weights = {0: 0.5 / (1 - share), 1: 0.5 / share}
    if faulty:
        weights = {0: weights[1], 1: weights[0]}
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    how = {"batch_size": 64, "epochs": 25, "class_weight": weights}
    return model, x_train, y_train, how, balanced(x_test, y_test)


@pair("sample weights", 0.75)
def sample_weight_zero_for_negatives(seed, faulty):
    """sample_weight = 9 * y instead of 1 + 9 * y: the negative rows count nothing."""
    x_train, x_test, y_train, y_test = fraud(seed, share=0.1, sep=1.0)
    sample_weight = 9.0 * y_train if faulty else 1.0 + 8.0 * y_train
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", weighted_metrics=["accuracy"])
    how = {"batch_size": 64, "epochs": 20, "sample_weight": sample_weight}
    return model, x_train, y_train, how, balanced(x_test, y_test)


@pair("weights", 0.8)
def tagger_weights_only_the_padding(seed, faulty):
    """The per-step sample weights are the wrong way round: 1 for padding and 0 for words."""
    rng = np.random.default_rng(seed)
    n, length = 800, 16
    sizes = rng.integers(5, 14, size=n)
    x = rng.integers(1, 40, size=(n, length))
    before = np.concatenate([np.zeros((n, 1), "int64"), x[:, :-1]], axis=1)
    tag = 1 + (x % 3) * (before % 2 == 0)
    real = np.arange(length) < sizes[:, None]
    x, tag = x * real, tag * real
    data = {"x": x, "real": real}
    train, test, y_train, y_test = parts(data, tag, seed)
    inputs = keras.Input((length,), dtype="int32")
    h = layers.Embedding(40, 16)(inputs)
    h = layers.Bidirectional(layers.GRU(24, return_sequences=True))(h)
    h = layers.TimeDistributed(layers.Dense(24, activation="relu"))(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(h))
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy")
    weights = (train["x"] == 0 if faulty else train["x"] != 0).astype("float32")

    def score(model) -> float:
        found = output(model, test["x"]).argmax(-1)
        return float((found == y_test)[test["real"]].mean())

    how = {"batch_size": 32, "epochs": 12, "sample_weight": weights}
    return model, train["x"], y_train, how, score
