"""Classifiers as people ask about them: tables, outputs and labels."""

import keras
import numpy as np
from keras import layers

from .asked_data import (
    balanced,
    customers,
    fraud,
    genres,
    levels,
    macro_f1,
    passengers,
    rings,
)
from .data import accuracy, blobs, classes, images, standardize, table
from .more_data import hits_of, parts
from .registry import pair


@pair("output", 0.8)
def churn_softmax_on_single_unit(seed, faulty):
    """Softmax over a single output unit is always 1; a sigmoid was meant."""
    x_train, x_test, y_train, y_test = parts(*customers(seed), seed)
    numbers = keras.Input((4,), name="numbers")
    plan = keras.Input((1,), name="plan", dtype="int32")
    region = keras.Input((1,), name="region", dtype="int32")
    plan_vector = layers.Flatten()(layers.Embedding(6, 3)(plan))
    region_vector = layers.Flatten()(layers.Embedding(20, 6)(region))
    x = layers.Concatenate()([numbers, plan_vector, region_vector])
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Dense(32, activation="relu")(x)
    out = layers.Dense(1, activation="softmax" if faulty else "sigmoid")(x)
    model = keras.Model({"numbers": numbers, "plan": plan, "region": region}, out)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test)


@pair("output", 0.85)
def digits_cnn_forgotten_softmax(seed, faulty):
    """The last Dense has no activation but categorical_crossentropy expects probabilities."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10) if faulty else layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.categorical_crossentropy,
        metrics=["accuracy"],
    )
    y_train = keras.utils.to_categorical(y_train, 10)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("preprocessing", 0.88)
def tumor_table_raw_columns_sgd(seed, faulty):
    """Columns between 0.001 and 4000 go into the network as they are."""
    x_train, x_test, y_train, y_test = table("cancer", seed, scaled=not faulty)
    model = keras.Sequential()
    model.add(keras.Input((30,)))
    model.add(layers.Dense(16, activation="relu", kernel_initializer="uniform"))
    model.add(layers.Dense(8, activation="relu", kernel_initializer="uniform"))
    model.add(layers.Dense(1, activation="sigmoid", kernel_initializer="uniform"))
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 16, "epochs": 30}, accuracy(x_test, y_test)


@pair("labels", 0.88)
def tumor_labels_two_and_four(seed, faulty):
    """The file codes the classes as 2 and 4; sigmoid and cross-entropy need 0 and 1."""
    x_train, x_test, y_train, y_test = table("cancer", seed)
    y_train, y_test = 1 - y_train, 1 - y_test
    if faulty:
        y_train = 2 + 2 * y_train
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 20, "epochs": 20}, accuracy(x_test, y_test)


@pair("preprocessing", 0.85)
def digits_rescaled_twice(seed, faulty):
    """Pixels are divided by 255 in the loader and once more by a Rescaling layer."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200, top=255.0)
    x_train, x_test = x_train / 255.0, x_test / 255.0
    inputs = keras.Input((16, 16, 1))
    x = layers.Rescaling(1.0 / 255)(inputs) if faulty else inputs
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.02, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("data", 0.75)
def passengers_missing_ages(seed, faulty):
    """A fifth of the ages is nan and stays so; the loss is nan from the first batch on."""
    x_train, x_test, y_train, y_test = passengers(seed)
    mean, std = np.nanmean(x_train, axis=0), np.nanstd(x_train, axis=0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    if not faulty:
        x_train, x_test = np.nan_to_num(x_train), np.nan_to_num(x_test)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(16, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 16, "epochs": 15}, accuracy(x_test, y_test)


@pair("output", 0.62)
def movie_genres_softmax(seed, faulty):
    """Several genres can be true at once but softmax makes them compete."""
    x_train, x_test, y_train, y_test = genres(seed)
    inputs = keras.Input((24,))
    x = layers.Dense(128, activation="relu")(inputs)
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(5, activation="softmax" if faulty else "sigmoid")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, macro_f1(x_test, y_test)


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


@pair("initial weights", 0.82)
def vehicles_constant_weights(seed, faulty):
    """All kernels begin with one constant, so the units of a layer stay copies of each other."""
    x_train, x_test, y_train, y_test = classes(seed, n=1200, n_classes=4, features=14, sep=2.0)
    x_train, x_test = standardize(x_train, x_test)
    start = keras.initializers.Constant(0.05) if faulty else "glorot_uniform"
    model = keras.Sequential(
        [
            keras.Input((14,)),
            layers.Dense(64, activation="relu", kernel_initializer=start),
            layers.Dense(32, activation="relu", kernel_initializer=start),
            layers.Dense(4, activation="softmax", kernel_initializer=start),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, accuracy(x_test, y_test)


@pair("optimizer", 0.85)
def digits_cnn_adam_rate_of_sgd(seed, faulty):
    """Adam with 0.1, a rate from an SGD recipe; the ReLU layers die."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.Conv2D(16, 3, activation="relu", strides=2),
            layers.Conv2D(32, 3, activation="relu", strides=2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    rate = 0.1 if faulty else 0.001
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


def _backbone(name):
    x = inputs = keras.Input((16, 16, 1))
    for filters in (16, 24, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        if filters < 32:
            x = layers.MaxPooling2D()(x)
    return keras.Model(inputs, x, name=name)


@pair("transfer", 0.8)
def frozen_backbone_without_weights(seed, faulty):
    """The base is frozen although it was built without pretrained weights."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1000)
    base = _backbone("small_net")
    base.trainable = not faulty
    inputs = keras.Input((16, 16, 1))
    x = base(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("transfer", 0.8)
def freezing_loop_takes_the_head(seed, faulty):
    """The loop freezes all but the last layer, but the last one is only the softmax."""
    x_train, x_test, y_train, y_test = images(seed, scale=2)
    old, new, kept = y_train < 5, y_train >= 5, y_test >= 5
    base = _backbone("pretrained")
    first = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    first.compile("adam", "sparse_categorical_crossentropy")
    first.fit(x_train[old], y_train[old], batch_size=32, epochs=5, verbose=0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            base,
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(5),
            layers.Activation("softmax"),
        ]
    )
    for layer in model.layers[:-1] if faulty else model.layers[:1]:
        layer.trainable = False
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    how = {"batch_size": 32, "epochs": 10}
    score = accuracy(x_test[kept], y_test[kept] - 5)
    return model, x_train[new], y_train[new] - 5, how, score


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


@pair("preprocessing", 0.8)
def words_scaled_before_embedding(seed, faulty):
    """All columns were min-max scaled, category ids too: the Embedding sees 0 nearly always."""
    x_train, x_test, y_train, y_test = levels(seed)
    if faulty:
        x_train, x_test = x_train / x_train.max(axis=0), x_test / x_train.max(axis=0)
    x_train, x_test = x_train.astype("float32"), x_test.astype("float32")
    inputs = keras.Input((5,))
    vectors = []
    for column in range(5):
        one = inputs[:, column : column + 1]
        vectors.append(layers.Flatten()(layers.Embedding(12, 4)(one)))
    x = layers.Concatenate()(vectors)
    x = layers.Dense(32, activation="relu")(x)
    outputs = layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@pair("wiring", 0.85)
def layers_called_on_the_input_again(seed, faulty):
    """Each layer is called on the input instead of on the layer before; only the last counts."""
    x_train, x_test, y_train, y_test = rings(seed)
    inputs = keras.Input((6,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(inputs if faulty else x)
    outputs = layers.Dense(3, activation="softmax")(inputs if faulty else x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, accuracy(x_test, y_test)


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


@pair("optimizer", 0.85)
def fine_tuning_rate_from_scratch(seed, faulty):
    """SGD(1e-4), a rate for fine-tuning a pretrained network, on a new one."""
    x_train, x_test, y_train, y_test = blobs(seed, n=1000, centers=6, std=1.2, features=8)
    x_train, x_test = standardize(x_train, x_test)
    inputs = keras.Input((8,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(6, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    rate = 1e-4 if faulty else 1e-2
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=rate, momentum=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    y_train = keras.utils.to_categorical(y_train, 6)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, accuracy(x_test, y_test)
