"""Inputs in other units than the network or its layers were made for."""

import keras
import numpy as np
from keras import layers

from ..data import accuracy, images, r2, split, standardize, table, windows
from ..everyday_data import levels, share_price
from ..registry import pair


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


@pair("input scale", 0.7)
def sgd_on_years_and_square_feet(seed, faulty):
    """Columns in the thousands go into plain SGD: the loss is nan in the first epoch."""
    rng = np.random.default_rng(seed)
    n = 800
    x = np.stack(
        [
            rng.uniform(500, 4000, n),
            rng.integers(1950, 2015, n),
            rng.integers(1, 6, n),
            rng.uniform(1000, 12000, n),
            rng.uniform(0, 40, n),
        ],
        axis=1,
    )
    y = 0.001 * x[:, 0] + 0.02 * (x[:, 1] - 1980) + 0.2 * x[:, 2] - 0.03 * x[:, 4]
    y = y + 0.2 * np.sin(x[:, 3] / 1500) + 0.1 * rng.normal(size=n)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    if not faulty:
        x_train, x_test = standardize(x_train, x_test)
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="sgd", loss="mean_squared_error", metrics=["mae"])
    return model, x_train, y_train, {"batch_size": 32, "epochs": 25}, r2(x_test, y_test)


@pair("input scale", 0.8)
def share_price_lstm_straight_line(seed, faulty):
    """Raw closing prices of about 2,500 go into the LSTM; it answers with a straight line."""
    series = share_price(seed)
    if not faulty:
        series = (series - series.min()) / (series.max() - series.min())
    x, y = windows(series, 20)
    x_train, x_test, y_train, y_test = split(x, y, seed)
    model = keras.Sequential(
        [
            layers.Input((20, 1)),
            layers.LSTM(32, return_sequences=True),
            layers.Dropout(0.1),
            layers.LSTM(32),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model, x_train, y_train, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@pair("input scale", 0.4)
def conv_autoencoder_on_bytes(seed, faulty):
    """Pixels of 0..255 as input and target of a sigmoid decoder with cross-entropy."""
    x_train, x_test, _, _ = images(seed, n=900, top=255.0)
    if not faulty:
        x_train, x_test = x_train / 255.0, x_test / 255.0
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(16, 3, activation="relu", padding="same")(inputs)
    h = layers.MaxPooling2D(2, padding="same")(h)
    h = layers.Conv2D(8, 3, activation="relu", padding="same")(h)
    code = layers.MaxPooling2D(2, padding="same", name="code")(h)
    h = layers.Conv2D(8, 3, activation="relu", padding="same")(code)
    h = layers.UpSampling2D(2)(h)
    h = layers.Conv2D(16, 3, activation="relu", padding="same")(h)
    h = layers.UpSampling2D(2)(h)
    out = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(h)
    model = keras.Model(inputs, out)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x_train, x_train, {"batch_size": 32, "epochs": 30}, r2(x_test, x_test)
