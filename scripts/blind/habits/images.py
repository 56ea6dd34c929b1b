"""Networks on small images, and deep ones."""

import keras
import numpy as np
from keras import layers
from pairs.data import (
    accuracy,
    blobs,
    circles,
    images,
    r2,
    standardize,
    table,
)
from pairs.more_data import hits_of

from ..program import program

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential


@program("healthy", 0.92)
def digits_0_to_16_batchnorm_first(seed):
    # pixels are not scaled by hand: the first layer does it
    x, x_test, y, y_test = table("digits", seed, scaled=False)
    model = Sequential()
    model.add(Input(shape=(64,)))
    model.add(layers.BatchNormalization())
    model.add(Dense(64, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop")
    return model, x, y, {"batch_size": 64, "epochs": 15}, accuracy(x_test, y_test)


@program("healthy", 0.6)
def digits_autoencoder_cross_entropy(seed):
    # binary cross-entropy for gray values: the loss never comes near zero
    x, x_test, _, _ = images(seed)
    model = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            Dense(20),
            Dense(4 * 4 * 16, activation="relu"),
            layers.Reshape((4, 4, 16)),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x, x, {"batch_size": 64, "epochs": 15}, r2(x_test, x_test)


@program("healthy", 0.9)
def encoder_of_0_to_4_for_5_to_9(seed):
    # all but the head is frozen, after training on the other half of the digits
    x, x_test, y, y_test = images(seed)
    body = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(24, 3, activation="relu"),
            layers.Conv2D(24, 3, activation="relu"),
            layers.Flatten(),
            Dense(64, activation="relu"),
        ],
        name="body",
    )
    first = Sequential([body, Dense(5, activation="softmax")])
    first.compile("adam", "sparse_categorical_crossentropy")
    first.fit(x[y < 5], y[y < 5], batch_size=32, epochs=8, verbose=0)
    body.trainable = False
    model = Sequential([Input((8, 8, 1)), body, Dense(5, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    how = {"batch_size": 32, "epochs": 30}
    return model, x[y > 4], y[y > 4] - 5, how, accuracy(x_test[y_test > 4], y_test[y_test > 4] - 5)


@program("healthy", 0.92)
def digits_without_hidden_layer(seed):
    # one layer that starts at zeros: right for softmax regression, a convex task
    x, x_test, y, y_test = table("digits", seed, scaled=False)
    model = Sequential(
        [
            Input((64,)),
            Dense(10, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y, 10)
    return model, x / 16, y, {"batch_size": 100, "epochs": 30}, accuracy(x_test / 16, y_test)


@program("healthy", 0.92)
def digits_bytes_and_adadelta(seed):
    # bytes go in (rescaled inside), Adadelta at 1.0, labels as booleans
    x, x_test, y, y_test = images(seed, top=255.0)
    x, x_test = x.astype("uint8"), x_test.astype("uint8")
    inputs = Input((8, 8, 1), dtype="uint8")
    h = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    h = layers.Conv2D(16, 3, activation="relu")(h)
    h = layers.MaxPooling2D()(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, Dense(10, activation="softmax")(h))
    model.compile(keras.optimizers.Adadelta(1.0), "categorical_crossentropy")
    y = y[:, None] == np.arange(10)
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


@program("healthy", 0.88)
def digits_shifted_while_training(seed):
    # random shifts make the training loss worse than the test loss; group norm, no flatten
    x, x_test, y, y_test = images(seed)
    model = Sequential(
        [
            Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.GroupNormalization(4),
            layers.Activation("relu"),
            layers.Conv2D(48, 3, strides=2, padding="same", use_bias=False),
            layers.GroupNormalization(4),
            layers.Activation("relu"),
            layers.Conv2D(48, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 9}, accuracy(x_test, y_test)


@program("healthy", 0.85)
def selu_ten_layers_lion(seed):
    # ten narrow layers without normalization, alpha dropout, Lion
    x, x_test, y, y_test = circles(seed, n=900)
    model = Sequential([Input((2,))])
    for _ in range(10):
        model.add(Dense(24, activation="selu", kernel_initializer="lecun_normal"))
    model.add(layers.AlphaDropout(0.05))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Lion(3e-4, weight_decay=0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@program("healthy", 0.85)
def forty_classes_fifteen_of_each(seed):
    # forty classes with about fifteen rows each, the whole table as one batch
    x, x_test, y, y_test = blobs(seed, n=880, centers=40, std=1.8, features=10)
    x, x_test = standardize(x, x_test)
    model = Sequential(
        [
            Input((10,)),
            Dense(100, activation="relu"),
            Dense(40, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": len(x), "epochs": 40}, accuracy(x_test, y_test)
