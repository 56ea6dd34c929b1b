"""Dense networks: a classifier, a binary one, a regression, an autoencoder, and pairs of images."""

from typing import Any

import keras
import numpy as np
from keras import layers, regularizers

from . import data
from .compiling import boundary, compiled
from .parts import Distance, cut, head, policy_of, start
from .problem import Problem, accuracy, binary_accuracy, r2


def _hidden(
    x: Any,
    *,
    depth: int = 2,
    width: int = 32,
    activation: str = "relu",
    kernel_initializer: Any = "he_normal",
    bias_initializer: Any = "zeros",
    normalization: bool = False,
    normalization_momentum: float = 0.9,
    dropout: float = 0.0,
    penalty: float = 0.0,
    max_norm: float | None = None,
    skips: bool = False,
    frozen: bool = False,
    cut_by: str | None = None,
) -> Any:
    """Dense layers, each with its normalization and dropout; `cut_by` after the last of them."""
    for number in range(1, depth + 1):
        before = x
        x = layers.Dense(
            width,
            None if normalization else activation,
            kernel_initializer=start(kernel_initializer),
            bias_initializer=start(bias_initializer),
            kernel_regularizer=regularizers.L2(penalty) if penalty else None,
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
            trainable=not frozen,
            name=f"hidden_{number}",
        )(x)
        if normalization:
            x = layers.BatchNormalization(momentum=normalization_momentum)(x)
            x = layers.Activation(activation)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
        if skips and number > 1:
            x = layers.Add()([before, x])
    return cut(x, cut_by)


def dense_classifier(
    *,
    head_units: int = 10,
    head_activation: Any = "softmax",
    head_initializer: Any = "glorot_uniform",
    head_bias: Any = "zeros",
    head_frozen: bool = False,
    loss: Any = "sparse_categorical_crossentropy",
    labels: str = "integers",
    scale: str = "as is",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 12,
    target: float = 0.9,
    policy: str = "float32",
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    auto_scale_loss: bool = True,
    loss_weight: float | None = None,
    **hidden: Any,
) -> Problem:
    """Digits, as vectors of 64 pixels, through Dense layers."""
    digits = data.spoiled(data.scaled(data.digits(), scale), spoil)
    with policy_of(policy):
        inputs = keras.Input((8, 8, 1))
        x = _hidden(layers.Flatten()(inputs), **hidden)
        outputs = head(
            x,
            head_units,
            head_activation,
            kernel_initializer=start(head_initializer),
            bias_initializer=start(head_bias),
            trainable=not head_frozen,
        )
        model = compiled(
            keras.Model(inputs, outputs),
            loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
            decay_steps=decay_steps,
            auto_scale_loss=auto_scale_loss,
            loss_weights=loss_weight,
        )
    return Problem(
        model,
        digits.x,
        digits.y if spoil == "nan in y" else data.labels(digits.y, labels, 10),
        digits.x_test,
        data.labels(digits.y_test, labels, 10),
        accuracy(digits.y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def dense_binary(
    *,
    points: str = "circles",
    head_units: int = 1,
    head_activation: Any = "sigmoid",
    head_initializer: Any = "glorot_uniform",
    head_bias: Any = "zeros",
    loss: Any = "binary_crossentropy",
    labels: str = "integers",
    scale: str = "standard",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 25,
    target: float = 0.9,
    optimizer: str = "adam",
    learning_rate: float = 1e-2,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    **hidden: Any,
) -> Problem:
    """Two circles, or tumours, through Dense layers to one unit."""
    parts = {"circles": data.circles, "cancer": data.cancer}[points]()
    parts = data.spoiled(data.scaled(parts, scale), spoil)
    inputs = keras.Input(parts.x.shape[1:])
    x = _hidden(inputs, **hidden)
    outputs = head(
        x,
        head_units,
        head_activation,
        kernel_initializer=start(head_initializer),
        bias_initializer=start(head_bias),
    )
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    decide = accuracy if head_units == 2 else lambda y: binary_accuracy(y, boundary(loss, labels))
    return Problem(
        model,
        parts.x,
        parts.y if spoil == "nan in y" else data.labels(parts.y, labels, 2),
        parts.x_test,
        data.labels(parts.y_test, labels, 2),
        decide(parts.y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def _targets(y: np.ndarray, units: str) -> tuple[float, float]:
    """What is taken off targets of 0 to 29, and what they are then multiplied by."""
    return {
        "standard": (float(y.mean()), float(1 / y.std())),
        "as is": (0.0, 1.0),
        "unit": (float(y.min()), float(1 / (y.max() - y.min()))),
        "prices": (0.0, 1e4),
        "thousands": (0.0, 1e3),
    }[units]


def dense_regression(
    *,
    head_activation: Any = None,
    head_initializer: Any = "glorot_uniform",
    head_bias: Any = "zeros",
    loss: Any = "mse",
    labels: str = "column",
    scale: str = "as is",
    scale_targets: str = "standard",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 20,
    target: float = 0.8,
    policy: str = "float32",
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    momentum: float = 0.0,
    clipnorm: float | None = None,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    auto_scale_loss: bool = True,
    loss_weight: float | None = None,
    **hidden: Any,
) -> Problem:
    """Friedman's function of 10 numbers through Dense layers."""
    parts = data.spoiled(data.scaled(data.friedman(), scale), spoil)
    zero, factor = _targets(data.friedman().y, scale_targets)
    y, y_test = ((each - zero) * factor for each in (parts.y, parts.y_test))
    with policy_of(policy):
        inputs = keras.Input((10,))
        outputs = head(
            _hidden(inputs, **hidden),
            1,
            head_activation,
            kernel_initializer=start(head_initializer),
            bias_initializer=start(head_bias),
        )
        model = compiled(
            keras.Model(inputs, outputs),
            loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            momentum=momentum,
            clipnorm=clipnorm,
            weight_decay=weight_decay,
            decay_steps=decay_steps,
            auto_scale_loss=auto_scale_loss,
            loss_weights=loss_weight,
        )
    shape = {"column": (-1, 1), "flat": (-1,)}[labels]
    return Problem(
        model,
        parts.x,
        y.reshape(shape).astype(np.float32),
        parts.x_test,
        y_test.reshape(shape).astype(np.float32),
        r2(y_test),
        "r2",
        target,
        epochs,
        batch_size,
    )


def autoencoder(
    *,
    code: int = 12,
    code_activation: str = "relu",
    code_penalty: float = 0.0,
    head_activation: Any = "sigmoid",
    loss: Any = "mse",
    scale: str = "as is",
    labels: str = "inputs",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 20,
    target: float = 0.5,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    decay_steps: int | None = None,
    weight_decay: float | None = None,
    **hidden: Any,
) -> Problem:
    """Digits through a code of few numbers and back; the score is of all pixels together."""
    digits = data.spoiled(data.scaled(data.digits(), scale), spoil)
    x, x_test = (each.reshape(len(each), 64) for each in (digits.x, digits.x_test))
    hidden = {"depth": 1, **hidden}
    kernel = start(hidden.get("kernel_initializer", "he_normal"))
    inputs = keras.Input((64,))
    encoded = layers.Dense(
        code,
        code_activation,
        kernel_initializer=kernel,
        activity_regularizer=regularizers.L1(code_penalty) if code_penalty else None,
        name="code",
    )(_hidden(inputs, **hidden))
    outer = layers.Dense(32, "relu", kernel_initializer=kernel, name="decoder")(encoded)
    outputs = head(outer, 64, head_activation)
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        decay_steps=decay_steps,
        weight_decay=weight_decay,
    )
    y, y_test = (x, x_test) if labels == "inputs" else (digits.y, digits.y_test)
    return Problem(
        model, x, y, x_test, y_test, r2(x_test), "r2", target, epochs, batch_size
    )  # fmt: skip


def siamese(
    *,
    epsilon: float = 1e-7,
    width: int = 32,
    activation: str = "relu",
    epochs: int = 12,
    target: float = 0.75,
    learning_rate: float = 3e-3,
) -> Problem:
    """Whether two images are of one digit, from the distance of their codes by shared weights.

    One pair in a hundred is an image with itself, as pairs drawn at random are now and then.
    """
    digits = data.digits()
    draw = np.random.default_rng(4)

    def pairs(x: np.ndarray, y: np.ndarray, count: int) -> tuple[dict[str, Any], np.ndarray]:
        one = draw.integers(0, len(x), count)
        other = np.array([draw.choice(np.flatnonzero(y == y[i])) for i in one])
        other = np.where(draw.random(count) < 0.5, other, draw.integers(0, len(x), count))
        other[::100] = one[::100]
        return {"one": x[one], "other": x[other]}, (y[one] == y[other]).astype(np.float32)

    x, y = pairs(digits.x, digits.y, 2000)
    x_test, y_test = pairs(digits.x_test, digits.y_test, 500)
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(width, activation),
            layers.Dense(16),
        ],
        name="encoder",
    )
    one, other = (keras.Input((8, 8, 1), name=name) for name in ("one", "other"))
    apart = Distance(epsilon)([encoder(one), encoder(other)])
    # From the start, the further apart the less alike.
    outputs = head(apart, 1, "sigmoid", kernel_initializer=start(("constant", -1.0)))
    model = keras.Model({"one": one, "other": other}, outputs)
    compiled(model, "binary_crossentropy", learning_rate=learning_rate)
    return Problem(
        model, x, y, x_test, y_test, binary_accuracy(y_test, 0.5), "accuracy", target, epochs, 32
    )  # fmt: skip
