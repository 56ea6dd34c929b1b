"""Networks that learn, though a rule of thumb may say that something is wrong with them."""

from typing import Any

import keras
import numpy as np
from keras import layers

from . import data
from .compiling import compiled
from .dense import dense_binary, dense_classifier, dense_regression
from .graphs import Net, subclassed, two_outputs
from .images import images, nested, residual_images
from .problem import Healthy, Problem, accuracy, binary_accuracy, r2
from .sequences import adding, recall, reviews, rows


@keras.saving.register_keras_serializable(package="sick")
class ScaledBranch(layers.Layer):
    """x times one learned number that starts at 0 (ReZero, arXiv:2003.04887)."""

    def build(self, _: Any) -> None:
        """Makes the number."""
        self.scale = self.add_weight(shape=(), initializer="zeros", name="scale")

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        return inputs * self.scale


def rezero(depth: int = 12) -> Problem:
    """Digits through residual Dense blocks that are the identity at the start."""
    digits = data.digits()
    inputs = keras.Input((8, 8, 1))
    x = layers.Dense(32, "relu")(layers.Flatten()(inputs))
    for _ in range(depth):
        x = layers.Add()([x, ScaledBranch()(layers.Dense(32, "relu")(x))])
    model = compiled(
        keras.Model(inputs, layers.Dense(10, "softmax")(x)),
        "sparse_categorical_crossentropy",
        learning_rate=3e-3,
    )
    score = accuracy(digits.y_test)
    return Problem(
        model, digits.x, digits.y, digits.x_test, digits.y_test, score, "accuracy", 0.9, 15, 32
    )  # fmt: skip


def transfer() -> Problem:
    """Which digit of 5 to 9, from convolutions trained on 0 to 4 and kept as they are."""
    digits = data.digits()
    base = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, "relu"),
        ],
        name="base",
    )
    before = keras.Sequential([base, layers.Dense(5, "softmax")])
    compiled(before, "sparse_categorical_crossentropy", learning_rate=3e-3)
    low, high, high_test = digits.y < 5, digits.y >= 5, digits.y_test >= 5
    before.fit(digits.x[low], digits.y[low], epochs=5, verbose=0)
    base.trainable = False
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, layers.Dense(5, "softmax", name="output")(base(inputs)))
    compiled(model, "sparse_categorical_crossentropy", learning_rate=1e-2)
    y, y_test = digits.y[high] - 5, digits.y_test[high_test] - 5
    x, x_test = digits.x[high], digits.x_test[high_test]
    return Problem(model, x, y, x_test, y_test, accuracy(y_test), "accuracy", 0.85, 20, 32)


def imbalanced() -> Problem:
    """Whether a digit is a 0, as one in ten is, from a bias that says so at the start."""
    digits = data.digits()
    inputs = keras.Input((8, 8, 1))
    x = layers.Dense(16, "relu")(layers.Flatten()(inputs))
    bias = keras.initializers.Constant(float(np.log(0.1 / 0.9)))
    outputs = layers.Dense(1, "sigmoid", bias_initializer=bias)(x)
    model = compiled(keras.Model(inputs, outputs), "binary_crossentropy", learning_rate=3e-3)
    y, y_test = ((each == 0).astype(int) for each in (digits.y, digits.y_test))
    return Problem(
        model,
        digits.x,
        y,
        digits.x_test,
        y_test,
        binary_accuracy(y_test, 0.5),
        "accuracy",
        0.97,
        10,
        32,
    )


def attributes() -> Problem:
    """Three questions to a digit, each yes or no: even, below 5, prime; the score is of all."""
    digits = data.digits()
    inputs = keras.Input((8, 8, 1))
    x = layers.Dense(32, "relu")(layers.Flatten()(inputs))
    model = compiled(
        keras.Model(inputs, layers.Dense(3, "sigmoid")(x)),
        "binary_crossentropy",
        learning_rate=3e-3,
    )

    def asked(y: np.ndarray) -> np.ndarray:
        return np.stack([y % 2 == 0, y < 5, np.isin(y, [2, 3, 5, 7])], axis=1).astype(np.float32)

    y, y_test = asked(digits.y), asked(digits.y_test)
    return Problem(
        model,
        digits.x,
        y,
        digits.x_test,
        y_test,
        lambda outputs: float(np.mean((outputs > 0.5) == y_test)),
        "accuracy",
        0.9,
        15,
        32,
    )


def prices_rescaled() -> Problem:
    """Targets of 0 to 290,000, from a last layer that multiplies, under a loss that divides."""
    parts = data.friedman()
    inputs = keras.Input((10,))
    x = layers.Dense(32, "relu")(layers.Dense(32, "relu")(inputs))
    outputs = layers.Rescaling(1e5, offset=1e5)(layers.Dense(1)(x))
    model = compiled(
        keras.Model(inputs, outputs), "mse", learning_rate=1e-2, loss_weights=1e-10
    )  # fmt: skip
    y, y_test = (1e4 * each[:, None] for each in (parts.y, parts.y_test))
    return Problem(model, parts.x, y, parts.x_test, y_test, r2(y_test), "r2", 0.8, 25, 32)


def stateful() -> Problem:
    """20 endless signals in pieces of 5 steps; each output is the signal of 3 steps ago."""
    draw = np.random.default_rng(6)
    streams = draw.random((20, 5 * 80 + 3)).astype(np.float32)

    def pieces(first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        at = 3 + 5 * (first + np.arange(count))[:, None] + np.arange(5)
        x, y = streams[:, at], streams[:, at - 3]  # (streams, pieces, steps)
        return tuple(each.swapaxes(0, 1).reshape(-1, 5, 1) for each in (x, y))  # type: ignore[return-value]

    (x, y), (x_test, y_test) = pieces(0, 60), pieces(60, 20)
    inputs = keras.Input(batch_shape=(20, 5, 1))
    states = layers.GRU(24, return_sequences=True, stateful=True)(inputs)
    model = compiled(keras.Model(inputs, layers.Dense(1)(states)), "mse", learning_rate=1e-2)
    return Problem(
        model, x, y, x_test, y_test, r2(y_test), "r2", 0.8, 30, 20, shuffle=False
    )  # fmt: skip


@keras.saving.register_keras_serializable(package="sick")
class OwnStep(Net):
    """A net with a `train_step` of its own, which adds noise to the inputs."""

    def train_step(self, batch: Any) -> dict[str, Any]:
        """One step; the loss."""
        import tensorflow as tf

        x, y = batch
        with tf.GradientTape() as tape:
            outputs = self(x + keras.random.normal(keras.ops.shape(x), stddev=0.05), training=True)
            loss = self.compute_loss(x, y, outputs)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def own_train_step() -> Problem:
    """Two circles, by `OwnStep`."""
    circles = data.scaled(data.circles(), "standard")
    model = OwnStep()
    model(circles.x[:1])
    compiled(model, "binary_crossentropy", learning_rate=1e-2)
    return Problem(
        model,
        circles.x,
        circles.y,
        circles.x_test,
        circles.y_test,
        binary_accuracy(circles.y_test, 0.5),
        "accuracy",
        0.9,
        40,
        32,
    )


ONE_HOT = {"loss": "categorical_crossentropy", "labels": "one-hot"}
PLUS_MINUS = {"labels": "plus and minus 1", "points": "cancer", "epochs": 20, "learning_rate": 3e-3}
BYTES = "inputs of 0 to 255"
HEALTHY = [
    Healthy(
        "sigmoid_with_categorical_crossentropy",
        dense_classifier,
        {"head_activation": "sigmoid", **ONE_HOT},
        "the wrong output for this loss, which takes its logits",
    ),
    Healthy(
        "linear_head_from_logits",
        dense_classifier,
        {"head_activation": "linear", "loss": "sparse from logits"},
        "no softmax",
    ),
    Healthy(
        "softmax_from_logits",
        dense_classifier,
        {"loss": "sparse from logits"},
        "softmax twice, which Keras undoes",
    ),
    Healthy(
        "softmax_with_mse",
        dense_classifier,
        {"loss": "mse", "labels": "one-hot"},
        "not a class loss",
    ),
    Healthy(
        "tanh_head",
        dense_binary,
        {"head_activation": "tanh", "loss": "mse", **PLUS_MINUS},
        "tanh on the output",
    ),
    Healthy(
        "hinge",
        dense_binary,
        {"head_activation": "linear", "loss": "hinge", **PLUS_MINUS},
        "a class from a linear output",
    ),
    Healthy(
        "relu_head",
        dense_regression,
        {
            "head_activation": "relu",
            "head_bias": ("constant", 1.0),
            "scale_targets": "as is",
            "epochs": 40,
        },
        "ReLU on the output",
    ),
    Healthy("rescaling_first", nested, {}, BYTES),
    Healthy("normalization_first", images, {"scale": "bytes", "first": "normalization"}, BYTES),
    Healthy(
        "batch_normalization_first",
        images,
        {"scale": "bytes", "first": "batch normalization"},
        BYTES,
    ),
    Healthy(
        "bytes_with_adam",
        dense_classifier,
        {"scale": "bytes", "width": 64, "learning_rate": 1e-3, "epochs": 30, "target": 0.85},
        "inputs unscaled; Adam copes",
    ),
    Healthy("tokens", reviews, {}, "inputs of 0 to 49"),
    Healthy("masked_texts", reviews, {"reader": "LSTM", "epochs": 8}, "most inputs are 0"),
    Healthy(
        "slow_sigmoid",
        dense_classifier,
        {
            "activation": "sigmoid",
            "kernel_initializer": "glorot_uniform",
            "depth": 3,
            "optimizer": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.1,
            "epochs": 60,
        },
        "next to nothing learned after 200 steps",
    ),
    Healthy(
        "long_adding",
        adding,
        {"length": 30, "epochs": 15},
        "gradients vanish through time at the start",
    ),
    Healthy(
        "long_recall",
        recall,
        {"cell": "LSTM", "length": 40},
        "gradients vanish through time at the start",
    ),
    Healthy(
        "deep_batch_normalization",
        dense_classifier,
        {"depth": 12, "normalization": True},
        "gradients explode at the start",
    ),
    Healthy(
        "rezero", rezero, {}, "branches that give 0, with weights that get no gradient at step 0"
    ),
    Healthy(
        "head_of_zeros",
        dense_classifier,
        {"head_initializer": "zeros"},
        "hidden layers get no gradient at step 0",
    ),
    Healthy(
        "head_frozen",
        two_outputs,
        {"size_frozen": True},
        "a frozen head: the layers below adapt to it",
    ),
    Healthy(
        "first_loss_of_30",
        dense_classifier,
        {"head_initializer": ("normal", 10.0), "epochs": 30},
        "an initial loss far from ln 10",
    ),
    Healthy(
        "frozen_statistics",
        images,
        {"normalization": True, "normalization_training": False},
        "batch normalization that never sees a batch's statistics",
    ),
    Healthy("partly_frozen", transfer, {}, "frozen layers"),
    Healthy("regularized", images, {"penalty": 1e-3}, "a penalty"),
    Healthy("dropout", dense_classifier, {"dropout": 0.4, "width": 64}, "a noisy loss"),
    Healthy("imbalanced", imbalanced, {}, "nearly one class"),
    Healthy("prices_rescaled", prices_rescaled, {}, "targets of 0 to 290,000"),
    Healthy(
        "own_loss",
        subclassed,
        {"loss": "log of probability with epsilon"},
        "a loss of unknown name",
    ),
    Healthy("own_train_step", own_train_step, {}, "steps that are not Keras's"),
    Healthy(
        "label_smoothing",
        dense_classifier,
        {"loss": "smoothed", "labels": "one-hot"},
        "a loss that stays high",
    ),
    Healthy("attributes", attributes, {}, "sigmoid for several classes"),
    Healthy(
        "poisson",
        dense_regression,
        {
            "head_activation": "exponential",
            "loss": "poisson",
            "epochs": 40,
            "scale_targets": "as is",
        },
        "an exponential output",
    ),
    Healthy("stateful", stateful, {}, "states that last from batch to batch"),
    Healthy("mixed_float16", dense_classifier, {"policy": "mixed_float16"}, "float16"),
    Healthy("deep_residual", residual_images, {}, "gradients grow from layer to layer"),
    Healthy(
        "integers_in_a_column", rows, {"labels": "column"}, "labels (n, 1) against outputs (n, 10)"
    ),
]
