"""Convolutional networks: plain and residual, of one dimension, and a nested one."""

from typing import Any

import keras
from keras import layers, regularizers

from . import data
from .compiling import boundary, compiled
from .parts import cut, head, start
from .problem import Problem, accuracy, binary_accuracy


def _conv(x: Any, name: str, *, filters: int, activation: Any, **keywords: Any) -> Any:
    return layers.Conv2D(filters, 3, padding="same", activation=activation, name=name, **keywords)(
        x
    )


def _trunk(
    x: Any,
    *,
    depth: int = 2,
    filters: int = 8,
    activation: str = "relu",
    kernel_initializer: Any = "he_normal",
    bias_initializer: Any = "zeros",
    normalization: bool = False,
    normalization_momentum: float = 0.9,
    normalization_training: bool | None = None,
    dropout: float = 0.0,
    penalty: float = 0.0,
    skips: bool = False,
    frozen: bool = False,
    cut_by: str | None = None,
) -> Any:
    """Convolutions of 3x3; with `skips` each but the first is the branch of a residual block."""
    for number in range(1, depth + 1):
        before = x
        x = _conv(
            x,
            f"conv_{number}",
            filters=filters,
            activation=None if normalization else activation,
            kernel_initializer=start(kernel_initializer),
            bias_initializer=start(bias_initializer),
            kernel_regularizer=regularizers.L2(penalty) if penalty else None,
            trainable=not frozen,
        )
        if normalization:
            x = layers.BatchNormalization(momentum=normalization_momentum)(
                x, training=normalization_training
            )
            x = layers.Activation(activation)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
        if skips and number > 1:
            x = layers.Add()([before, x])
        if number == depth // 2:
            x = layers.MaxPooling2D()(x)
    return cut(x, cut_by)


def images(
    *,
    task: str = "digits",
    head_units: int | None = None,
    head_activation: Any = None,
    head_initializer: Any = "glorot_uniform",
    loss: Any = None,
    labels: str = "integers",
    scale: str = "as is",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 10,
    target: float = 0.9,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    first: str | None = None,
    **trunk: Any,
) -> Problem:
    """Digits of 8x8 through convolutions; or whether a digit is below 5, by one unit.

    What is None is softmax and sigmoid with their cross-entropies; `first` is a layer that scales.
    """
    digits = data.spoiled(data.scaled(data.digits(), scale), spoil)
    binary = task == "below 5"
    y, y_test = ((each < 5).astype(int) if binary else each for each in (digits.y, digits.y_test))
    loss = loss or ("binary_crossentropy" if binary else "sparse_categorical_crossentropy")
    inputs = x = keras.Input((8, 8, 1))
    if first == "normalization":
        scaling = layers.Normalization()
        scaling.adapt(digits.x)
        x = scaling(x)
    elif first == "rescaling":
        x = layers.Rescaling(1 / 255)(x)
    elif first == "batch normalization":
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(_trunk(x, **trunk))
    units = head_units or (1 if binary else 10)
    activation = head_activation or ("sigmoid" if binary else "softmax")
    outputs = head(x, units, activation, kernel_initializer=start(head_initializer))
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    classes = 2 if binary else 10
    return Problem(
        model,
        digits.x,
        data.labels(y, labels, classes),
        digits.x_test,
        data.labels(y_test, labels, classes),
        binary_accuracy(y_test, boundary(loss, labels)) if units == 1 else accuracy(y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def residual_images(**knobs: Any) -> Problem:
    """`images` with 7 convolutions, batch normalization and skips; knobs as there."""
    return images(**{"depth": 7, "normalization": True, "skips": True, "epochs": 6, **knobs})


def one_dimensional(
    *,
    filters: int = 8,
    depth: int = 2,
    activation: str = "relu",
    kernel_initializer: Any = "he_normal",
    bias_initializer: Any = "zeros",
    pooling: str = "average",
    head_activation: Any = "softmax",
    head_initializer: Any = "glorot_uniform",
    loss: Any = "sparse_categorical_crossentropy",
    labels: str = "integers",
    scale: str = "as is",
    spoil: str | None = None,
    penalty: float = 0.0,
    epochs: int = 15,
    batch_size: int = 32,
    target: float = 0.9,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    cut_by: str | None = None,
) -> Problem:
    """Waves of 64 steps and three shapes through convolutions over time."""
    waves = data.spoiled(data.scaled(data.waves(), scale), spoil)
    inputs = x = keras.Input((64, 1))
    for number in range(1, depth + 1):
        x = layers.Conv1D(
            filters * number,
            5,
            padding="same",
            activation=activation,
            kernel_initializer=start(kernel_initializer),
            bias_initializer=start(bias_initializer),
            kernel_regularizer=regularizers.L1(penalty) if penalty else None,
            name=f"conv_{number}",
        )(x)
    x = cut(x, cut_by)
    pool = {"average": layers.GlobalAveragePooling1D, "largest": layers.GlobalMaxPooling1D}[pooling]
    outputs = head(pool()(x), 3, head_activation, kernel_initializer=start(head_initializer))
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    return Problem(
        model,
        waves.x,
        data.labels(waves.y, labels, 3),
        waves.x_test,
        data.labels(waves.y_test, labels, 3),
        accuracy(waves.y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def nested(
    *,
    frozen: str | None = None,
    filters: int = 8,
    activation: str = "relu",
    kernel_initializer: Any = "he_normal",
    head_activation: Any = "softmax",
    loss: Any = "sparse_categorical_crossentropy",
    labels: str = "integers",
    scale: str = "bytes",
    factor: float = 1 / 255,
    bottleneck: int = 32,
    epochs: int = 10,
    target: float = 0.9,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    decay_steps: int | None = None,
    cut_by: str | None = None,
) -> Problem:
    """Digits of 0 to 255 through a Sequential of Sequentials: scaling, a base, a top.

    Args:
        frozen: None, "base", or "everything".
        factor: of the Rescaling layer.
        bottleneck: outputs of the base.
        filters, activation, kernel_initializer, cut_by: of the base.
        head_activation, loss, labels, scale, epochs, target, optimizer, learning_rate, decay_steps:
            as everywhere.
    """
    digits = data.scaled(data.digits(), scale)
    keywords = {"activation": activation, "kernel_initializer": start(kernel_initializer)}
    base = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(filters, 3, **keywords),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(bottleneck, **keywords),
        ],
        name="base",
    )
    top = keras.Sequential(
        [keras.Input((bottleneck,)), layers.Dense(10, head_activation)], name="top"
    )
    inputs = keras.Input((8, 8, 1))
    x = base(layers.Rescaling(factor)(inputs))
    model = keras.Model(inputs, top(cut(x, cut_by)))
    if frozen == "base":
        base.trainable = False
    elif frozen == "everything":
        model.trainable = False
    compiled(
        model, loss, optimizer=optimizer, learning_rate=learning_rate, decay_steps=decay_steps
    )  # fmt: skip
    return Problem(
        model,
        digits.x,
        data.labels(digits.y, labels, 10),
        digits.x_test,
        data.labels(digits.y_test, labels, 10),
        accuracy(digits.y_test),
        "accuracy",
        target,
        epochs,
        32,
    )
