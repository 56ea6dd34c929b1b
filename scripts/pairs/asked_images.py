"""Classifiers as people ask about them: images, layers and losses."""

import keras
import numpy as np
from keras import layers, ops, regularizers

from .asked_data import balanced, customers, fraud, genres, incomes, macro_f1
from .data import accuracy, blobs, classes, images, split, standardize, table
from .more_data import hits_of, parts
from .registry import pair


@pair("regularization", 0.85)
def digits_cnn_heavy_l2(seed, faulty):
    """L2 of 0.1 on every kernel pulls all weights to zero."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1000)
    l2 = regularizers.l2(0.1 if faulty else 1e-4)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu", kernel_regularizer=l2),
            layers.Dense(10, activation="softmax", kernel_regularizer=l2),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("regularization", 0.85)
def keep_probability_given_as_rate(seed, faulty):
    """Dropout(0.9) in three layers: the old keep_prob was taken for the rate."""
    x_train, x_test, y_train, y_test = blobs(seed, n=1000, centers=8, std=2.0, features=10)
    x_train, x_test = standardize(x_train, x_test)
    rate = 0.9 if faulty else 0.1
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(32, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(8, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@pair("preprocessing", 0.85)
def matlab_images_reshaped(seed, faulty):
    """Images stored (8, 8, 1, n) are reshaped, not transposed, to (n, 8, 8, 1)."""
    x_train, x_test, y_train, y_test = images(seed)
    loaded = np.ascontiguousarray(x_train.transpose(1, 2, 3, 0))
    loaded_test = np.ascontiguousarray(x_test.transpose(1, 2, 3, 0))
    if faulty:
        x_train = loaded.reshape(-1, 8, 8, 1)
        x_test = loaded_test.reshape(-1, 8, 8, 1)
    else:
        x_train, x_test = loaded.transpose(3, 0, 1, 2), loaded_test.transpose(3, 0, 1, 2)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(24, 3, activation="relu", padding="same")(inputs)
    x = layers.Conv2D(24, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    y_train = keras.utils.to_categorical(y_train, 10)
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("data", 0.85)
def class_folders_without_shuffling(seed, faulty):
    """Rows come folder by folder, one class after the other, and fit does not shuffle."""
    x_train, x_test, y_train, y_test = images(seed, n=1300)
    order = np.argsort(y_train, kind="stable")
    x_train, y_train = x_train[order], keras.utils.to_categorical(y_train[order])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"]
    )
    how = {"batch_size": 16, "epochs": 15, "shuffle": not faulty}
    return model, x_train, y_train, how, accuracy(x_test, y_test)


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


def _soft_f1(y_true, y_pred):
    y_true = ops.cast(y_true, "float32")
    hit = ops.sum(y_true * y_pred)
    return 2 * hit / (ops.sum(y_true) + ops.sum(y_pred) + 1e-7)


def _soft_f1_loss(y_true, y_pred):
    return 1 - _soft_f1(y_true, y_pred)


@pair("loss", 0.72)
def f1_itself_as_loss(seed, faulty):
    """The F1 score is passed as loss and so minimized; 1 - F1 was meant."""
    x_train, x_test, y_train, y_test = fraud(seed, share=0.2, sep=1.0)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(48, activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(24, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=_soft_f1 if faulty else _soft_f1_loss,
        metrics=[_soft_f1, "binary_accuracy"],
    )
    y_train = y_train.reshape(-1, 1).astype("float32")
    return model, x_train, y_train, {"batch_size": 128, "epochs": 30}, balanced(x_test, y_test)


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


@pair("wiring", 0.88)
def numbers_branch_left_out(seed, faulty):
    """The plan's embedding is concatenated twice, the branch of the numbers is forgotten."""
    x_train, x_test, y_train, y_test = parts(*customers(seed), seed)
    a = keras.Input((4,), name="numbers")
    b = keras.Input((1,), name="plan", dtype="int32")
    c = keras.Input((1,), name="region", dtype="int32")
    dense = layers.Dense(32, activation="relu")(a)
    dense = layers.Dense(16, activation="relu")(dense)
    plan = layers.Reshape((3,))(layers.Embedding(6, 3)(b))
    region = layers.Reshape((5,))(layers.Embedding(20, 5)(c))
    x = layers.concatenate([plan, region, plan if faulty else dense])
    x = layers.Dense(32, activation="relu")(x)
    out = layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(inputs={"numbers": a, "plan": b, "region": c}, outputs=out)
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test)


@pair("optimizer", 0.85)
def warmup_longer_than_training(seed, faulty):
    """The warm-up takes 20000 steps, the whole training about 400."""
    x_train, x_test, y_train, y_test = images(seed, n=1200)
    warm, total = (20000, 100000) if faulty else (40, 400)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=total,
        warmup_target=2e-3,
        warmup_steps=warm,
    )
    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(inputs)
    x = layers.Dense(96, activation="gelu")(x)
    x = layers.LayerNormalization()(x)
    x = layers.Dense(64, activation="gelu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, x_train, y_train, {"batch_size": 32, "epochs": 16}, accuracy(x_test, y_test)


@pair("preprocessing", 0.88)
def wine_rows_normalized(seed, faulty):
    """keras.utils.normalize scales each row to length 1; the largest column drowns the others."""
    x_train, x_test, y_train, y_test = table("wine", seed, scaled=not faulty)
    if faulty:
        x_train = keras.utils.normalize(x_train, axis=1)
        x_test = keras.utils.normalize(x_test, axis=1)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 16, "epochs": 25}, accuracy(x_test, y_test)


@pair("augmentation", 0.8)
def brightness_for_bytes_on_unit_images(seed, faulty):
    """RandomBrightness expects 0..255 by default, the images are 0..1."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200)
    value_range = (0, 255) if faulty else (0, 1)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.RandomBrightness(0.2, value_range=value_range),
            layers.RandomTranslation(0.05, 0.05),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 14}, accuracy(x_test, y_test)


@pair("transfer", 0.9)
def frozen_encoder_gets_raw_pixels(seed, faulty):
    """The autoencoder was trained on 0..1, its frozen encoder then gets 0..255."""
    x_train, x_test, y_train, y_test = images(seed, top=255.0)
    x_train, x_test = x_train.reshape(-1, 64), x_test.reshape(-1, 64)
    inputs = keras.Input((64,))
    code = layers.Dense(48, activation="tanh")(inputs)
    code = layers.Dense(24, activation="tanh", name="code")(code)
    decoded = layers.Dense(48, activation="tanh")(code)
    decoded = layers.Dense(64, activation="sigmoid")(decoded)
    autoencoder = keras.Model(inputs, decoded)
    autoencoder.compile(keras.optimizers.Adam(0.003), "mse")
    autoencoder.fit(x_train / 255, x_train / 255, batch_size=32, epochs=15, verbose=0)
    encoder = keras.Model(inputs, code, name="encoder")
    encoder.trainable = False
    model = keras.Sequential(
        [
            keras.Input((64,)),
            encoder,
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if not faulty:
        x_train, x_test = x_train / 255, x_test / 255
    return model, x_train, y_train, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


def _weighted_bce(weight, epsilon):
    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, "float32")
        if epsilon:
            y_pred = ops.clip(y_pred, epsilon, 1 - epsilon)
        one = weight * y_true * ops.log(y_pred)
        zero = (1 - y_true) * ops.log(1 - y_pred)
        return -ops.mean(one + zero, axis=-1)

    return loss


@pair("loss", 0.8)
def loans_log_of_zero(seed, faulty):
    """The weighted cross-entropy takes logarithms of unclipped probabilities: 0 * -inf = nan."""
    x_train, x_test, y_train, y_test = incomes(seed)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.003),
        loss=_weighted_bce(1.5, 0.0 if faulty else 1e-6),
        metrics=["accuracy"],
    )
    y_train = y_train[:, None]
    return model, x_train, y_train, {"batch_size": 32, "epochs": 30}, hits_of(x_test, y_test)


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


@pair("data", 0.8)
def labels_not_dropped_with_rows(seed, faulty):
    """Incomplete rows were dropped from the inputs only, the labels were cut at the end."""
    x_train, x_test, y_train, y_test = classes(seed, n=1300, n_classes=3, features=12, sep=1.8)
    x_train, x_test = standardize(x_train, x_test)
    keep = np.random.default_rng(seed).uniform(size=len(x_train)) > 0.1
    x_train = x_train[keep]
    y_train = y_train[: len(x_train)] if faulty else y_train[keep]
    y_train = keras.utils.to_categorical(y_train, 3)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, accuracy(x_test, y_test)


@pair("preprocessing", 0.85)
def pixels_cast_back_to_bytes(seed, faulty):
    """The scaled images are stored in a uint8 array: all values below 1 become 0."""
    x_train, x_test, y_train, y_test = images(seed, scale=2, n=1200, top=255.0)
    kind = "uint8" if faulty else "float32"
    x_train = np.array(x_train * 0.98 / 255, dtype=kind).astype("float32")
    x_test = np.array(x_test * 0.98 / 255, dtype=kind).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)


@pair("loss", 0.62)
def tags_categorical_crossentropy(seed, faulty):
    """Sigmoid outputs for independent tags but categorical_crossentropy as loss."""
    x_train, x_test, y_train, y_test = genres(seed + 10)
    model = keras.Sequential()
    model.add(keras.Input((24,)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(5, activation="sigmoid"))
    loss = "categorical_crossentropy" if faulty else "binary_crossentropy"
    model.compile(loss=loss, optimizer="adam", metrics=["binary_accuracy"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, macro_f1(x_test, y_test)


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


@pair("optimizer", 0.95)
def gradients_clipped_to_a_thousandth(seed, faulty):
    """clipnorm=0.001 with plain SGD: every step is tiny."""
    x_train, x_test, y_train, y_test = classes(seed, n=900, features=14, sep=1.8)
    x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            keras.Input((14,)),
            layers.Dense(32, activation="elu", kernel_initializer="he_normal"),
            layers.Dense(32, activation="elu", kernel_initializer="he_normal"),
            layers.Dense(1),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=0.001 if faulty else 1.0),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    how = {"batch_size": 32, "epochs": 20}
    return model, x_train, y_train, how, hits_of(x_test, y_test, threshold=0.0)
