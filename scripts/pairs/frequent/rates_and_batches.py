"""Rates, batches and steps: too high or low, too large or small, of one's own."""

import keras
import tensorflow as tf
from keras import layers

from ..data import accuracy, images, r2, regression
from ..more_data import hits_of, motif, words
from ..registry import pair


@pair("learning rate far too high", 0.8)
def reviews_gru_rate_high(seed, faulty):
    x, x_test, y, y_test = words(seed, n=900)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Embedding(60, 16),
            layers.GRU(16),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.7 if faulty else 0.005), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 7}, hits_of(x_test, y_test)


@pair("learning rate far too high", 0.8)
def letters_convnet_rmsprop_tenth(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1000)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    rate = 0.1 if faulty else 0.002
    model.compile(keras.optimizers.RMSprop(rate), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 8}, accuracy(x_test, y_test)


@pair("learning rate far too low", 0.8)
def motif_rate_of_a_millionth(seed, faulty):
    x, x_test, y, y_test = motif(seed)
    model = keras.Sequential(
        [
            keras.Input((40, 1)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    rate = 1e-6 if faulty else 1e-2
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


@pair("optimizer with a tiny default rate", 0.8)
def adadelta_of_keras_three(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1200)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adadelta() if faulty else keras.optimizers.Adadelta(1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 64, "epochs": 12}, accuracy(x_test, y_test)


@pair("the whole set as one batch, few steps", 0.8)
def whole_set_in_one_batch(seed, faulty):
    x, x_test, y, y_test = images(seed, n=1200)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    how = {"batch_size": len(x) if faulty else 16, "epochs": 8}
    return model, x, y, how, accuracy(x_test, y_test)


@pair("one row a batch at a rate for large ones", 0.8)
def batch_of_one_at_high_rate(seed, faulty):
    x, x_test, y, y_test = regression(seed, n=220, features=12)
    s = y.std()
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    how = {"batch_size": 1 if faulty else 12, "epochs": 8}
    return model, x, y / s, how, r2(x_test, y_test / s)


class Step(keras.Model):
    """A training step of one's own; the faulty one divides the loss by the batch again."""

    faulty = False

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
            if self.faulty:
                loss = loss / tf.cast(tf.shape(x)[0], loss.dtype) ** 2
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


@pair("own training step divides by the batch twice", 0.85)
def train_step_divides_again(seed, faulty):
    x, x_test, y, y_test = images(seed, n=900)
    inputs = keras.Input((8, 8, 1))
    h = layers.Dense(32, activation="relu")(layers.Flatten()(inputs))
    model = Step(inputs, layers.Dense(10, activation="softmax")(h))
    model.faulty = faulty
    model.compile(keras.optimizers.SGD(0.2), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 12}, accuracy(x_test, y_test)
