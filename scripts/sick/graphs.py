"""A subclassed model, and a functional one with two inputs and two outputs."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from . import data
from .compiling import compiled
from .parts import start
from .problem import Problem, accuracy, binary_accuracy, r2


@keras.saving.register_keras_serializable(package="sick")
class Net(keras.Model):
    """Dense layers in a list, with a `call` of its own.

    Args:
        wiring: "chain"; "forgotten": the hidden layers are not called; "overwritten": each is
            called with the inputs, so that the last of them alone counts; "detached": the head is
            called with a constant copy of its input.
        depth, width: of the hidden layers.
        activation, kernel_initializer: of them.
        head_activation: of the output.
    """

    def __init__(
        self,
        wiring: str = "chain",
        depth: int = 2,
        width: int = 16,
        activation: str = "relu",
        kernel_initializer: Any = "he_normal",
        head_activation: Any = "sigmoid",
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self.arguments = {
            **{"wiring": wiring, "depth": depth, "width": width, "activation": activation},
            **{"kernel_initializer": kernel_initializer, "head_activation": head_activation},
        }
        self.wiring = wiring
        self.hidden = [
            layers.Dense(
                width,
                activation,
                kernel_initializer=start(kernel_initializer),
                name=f"hidden_{number}",
            )
            for number in range(1, depth + 1)
        ]
        self.out = layers.Dense(1, head_activation, name="out")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Outputs (n, 1) of inputs (n, features)."""
        x = inputs
        for layer in self.hidden:
            if self.wiring == "overwritten":
                x = layer(inputs)
            elif self.wiring != "forgotten":
                x = layer(x)
        return self.out(ops.stop_gradient(x) if self.wiring == "detached" else x)

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return {**super().get_config(), **self.arguments}


def subclassed(
    *,
    points: str = "circles",
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
    **net: Any,
) -> Problem:
    """Two circles, or tumours, through a subclassed model."""
    parts = {"circles": data.circles, "cancer": data.cancer}[points]()
    parts = data.spoiled(data.scaled(parts, scale), spoil)
    model = Net(**net)
    model(parts.x[:1])
    compiled(
        model,
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    return Problem(
        model,
        parts.x,
        data.labels(parts.y, labels, 2),
        parts.x_test,
        data.labels(parts.y_test, labels, 2),
        binary_accuracy(parts.y_test, 0.5),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def two_outputs(
    *,
    second_input: str = "joined",
    digit_loss: Any = "sparse_categorical_crossentropy",
    size_loss: Any = "mse",
    digit_weight: float = 1.0,
    size_weight: float = 1.0,
    digit_activation: Any = "softmax",
    size_activation: Any = None,
    size_units: float = 1.0,
    size_bias: Any = "zeros",
    size_frozen: bool = False,
    seen_units: int = 32,
    seen_frozen: bool = False,
    labels: str = "by name",
    scale: str = "as is",
    spoil: str | None = None,
    activation: str = "relu",
    kernel_initializer: Any = "he_normal",
    epochs: int = 12,
    batch_size: int = 32,
    target: float = 0.8,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    decay_steps: int | None = None,
) -> Problem:
    """An image and four numbers; which digit it is, and how the numbers scale its ink.

    The second output is the mean of the numbers plus the mean of the image, standardized: it needs
    both inputs. The score is the lower one of accuracy and r2.

    Args:
        second_input: "joined", or "forgotten": an input that nothing uses.
        digit_loss, size_loss: None where `compile` has no loss for that output.
        digit_weight, size_weight: of the losses.
        digit_activation, size_activation: of the outputs.
        size_units: what the second target is multiplied by.
        size_bias: of its head at the start.
        size_frozen: whether its head stays as it is.
        seen_units: of the layer that sees the image.
        seen_frozen: whether it stays as it is.
        labels: "by name", or "swapped".
        scale, spoil, activation, kernel_initializer, epochs, batch_size, target, optimizer,
        learning_rate, decay_steps: as everywhere.
    """
    digits = data.spoiled(data.scaled(data.digits(), scale), spoil)
    draw = np.random.default_rng(5)
    numbers = {
        name: draw.normal(size=(len(digits[at]), 4)) for name, at in (("x", 0), ("x_test", 2))
    }
    size = {
        name: numbers[name].mean(axis=1) + 8 * data.digits()[at].mean(axis=(1, 2, 3))
        for name, at in (("x", 0), ("x_test", 2))
    }
    zero, one = size["x"].mean(), size["x"].std()
    size = {name: size_units * (each - zero)[:, None] / one for name, each in size.items()}

    image, four = keras.Input((8, 8, 1), name="image"), keras.Input((4,), name="numbers")
    keywords = {"activation": activation, "kernel_initializer": start(kernel_initializer)}
    seen = layers.Dense(seen_units, trainable=not seen_frozen, **keywords, name="seen")(
        layers.Flatten()(image)
    )
    both = layers.Concatenate()([seen, four]) if second_input == "joined" else seen
    shared = layers.Dense(32, **keywords, name="shared")(both)
    outputs = {
        "digit": layers.Dense(10, digit_activation, name="digit")(shared),
        "size": layers.Dense(
            1,
            size_activation,
            bias_initializer=start(size_bias),
            name="size",
            trainable=not size_frozen,
        )(shared),
    }
    losses = {"digit": digit_loss, "size": size_loss}
    weights = {"digit": digit_weight, "size": size_weight}
    model = compiled(
        keras.Model({"image": image, "numbers": four}, outputs),
        {name: loss for name, loss in losses.items() if loss},
        optimizer=optimizer,
        learning_rate=learning_rate,
        decay_steps=decay_steps,
        loss_weights={name: weights[name] for name, loss in losses.items() if loss},
    )

    def answers(digit: Any, size: Any) -> dict[str, Any]:
        pair = (digit, size.astype(np.float32))
        both = dict(
            zip(("digit", "size"), pair[::-1] if labels == "swapped" else pair, strict=True)
        )
        return {name: y for name, y in both.items() if losses[name]}

    def score(outputs: Any) -> float:
        return min(
            accuracy(digits.y_test)(outputs["digit"]), r2(size["x_test"])(outputs["size"])
        )  # fmt: skip

    return Problem(
        model,
        {"image": digits.x, "numbers": numbers["x"].astype(np.float32)},
        answers(digits.y, size["x"]),
        {"image": digits.x_test, "numbers": numbers["x_test"].astype(np.float32)},
        answers(digits.y_test, size["x_test"]),
        score,
        "lower of accuracy and r2",
        target,
        epochs,
        batch_size,
    )
