"""Pieces that several families have: initial values by name, and operations on a layer's output."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import initializers, layers, ops


def start(of: Any) -> Any:
    """A name, or ("normal", deviation), ("constant", value) or ("orthogonal", gain)."""
    if isinstance(of, tuple):
        kind, value = of
        if kind == "normal":
            return initializers.RandomNormal(stddev=value)
        return {"constant": initializers.Constant, "orthogonal": initializers.Orthogonal}[kind](
            value
        )
    return of


@keras.saving.register_keras_serializable(package="sick")
class HardThreshold(layers.Layer):
    """1 where the input is positive, else 0: its derivative is 0 or none."""

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        return ops.cast(inputs > 0, inputs.dtype)


@keras.saving.register_keras_serializable(package="sick")
class Rounded(layers.Layer):
    """The nearest whole number, as for quantized units without a straight-through gradient."""

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        return ops.round(inputs)


@keras.saving.register_keras_serializable(package="sick")
class Largest(layers.Layer):
    """Which of the last axis is largest, one-hot."""

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        return ops.one_hot(ops.argmax(inputs, axis=-1), inputs.shape[-1], dtype=inputs.dtype)


@keras.saving.register_keras_serializable(package="sick")
class Stopped(layers.Layer):
    """The input, through which no gradient comes back."""

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        return ops.stop_gradient(inputs)


@keras.saving.register_keras_serializable(package="sick")
class NaiveSoftmax(layers.Layer):
    """exp(z) / sum exp(z), with no maximum taken off: inf / inf from z = 89 on."""

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        powers = ops.exp(inputs)
        return powers / ops.sum(powers, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="sick")
class Distance(layers.Layer):
    """The Euclidean distance of two codes (n, k): (n, 1). At 0 the root has no derivative."""

    def __init__(self, epsilon: float = 1e-7, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.epsilon = epsilon

    def call(self, pair: Any) -> Any:
        """Of two codes."""
        squares = ops.sum(ops.square(pair[0] - pair[1]), axis=-1, keepdims=True)
        return ops.sqrt(squares + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """With the epsilon."""
        return {**super().get_config(), "epsilon": self.epsilon}


@contextlib.contextmanager
def policy_of(name: str) -> Iterator[None]:
    """Within it, layers are made with this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


CUTS = {
    "threshold": HardThreshold,
    "rounded": Rounded,
    "argmax": Largest,
    "stop_gradient": Stopped,
}


def cut(x: Any, how: str | None) -> Any:
    """The output of a layer, through an operation that gives no gradient back."""
    return x if how is None else CUTS[how]()(x)


def head(x: Any, units: int, activation: Any, **keywords: Any) -> Any:
    """The last Dense layer, of a name that people give it."""
    if activation == "naive softmax":
        return NaiveSoftmax(name="output")(layers.Dense(units, name="logits", **keywords)(x))
    if activation == "softmax twice":
        x = layers.Dense(units, "softmax", name="probabilities", **keywords)(x)
        return layers.Softmax(name="output")(x)
    return layers.Dense(units, activation, name="output", **keywords)(x)
