"""Fixup: deep residual nets trained without normalization, by initialization and a few scalars.

With L residual branches of m layers each: the last layer of every branch and the classifier start
at 0, the other layers of a branch at L^(-1/(2m-2)) times He's initialization; a scalar bias,
started at 0, stands before every convolution, linear layer and activation, and one scalar
multiplier, started at 1, in every branch. Every block is then the identity at the start, and one
step changes what the net computes by an amount that does not grow with L.

The scalars learn at a tenth of the rate of the kernels, as in the authors' experiments. A scalar s
is kept as theta = s / sqrt(0.1): its gradient is then sqrt(0.1) dL/ds, and a step of theta by it
moves s by 0.1 dL/ds times the rate. That is exact for stochastic gradient descent, with momentum or
Nesterov's too; of an optimizer whose step does not grow with the gradient, such as Adam, s takes
sqrt(0.1) of the step of a kernel.

Zhang et al. 2019, arXiv:1901.09321. `zoo.models.cnn` puts the parts in their places.
"""

import math
from typing import Any

import keras

SCALAR_RATE = 0.1  # of the rate of the kernels
_FACTOR = math.sqrt(SCALAR_RATE)


def branch_scale(branches: int, layers: int = 2) -> float:
    """L^(-1/(2m-2)), the factor on all but the last layer of each of L branches of m layers."""
    return float(branches ** (-1 / (2 * layers - 2)))


@keras.saving.register_keras_serializable(package="zoo")
class Scaled(keras.Initializer):  # type: ignore[misc]
    """Another initializer's values times a factor.

    Args:
        initializer: a Keras initializer, or its name or config.
        factor: what its values are multiplied by.
    """

    def __init__(self, initializer: Any, factor: float) -> None:
        self.initializer = keras.initializers.get(initializer)
        self.factor = factor

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Values of the given shape."""
        return self.factor * self.initializer(shape, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        initializer = keras.initializers.serialize(self.initializer)
        return {"initializer": initializer, "factor": self.factor}


@keras.saving.register_keras_serializable(package="zoo")
class ScalarBias(keras.Layer):  # type: ignore[misc]
    """Adds one trained number, 0 at the start, to every entry; any shape.

    Attributes:
        bias: theta, the number over sqrt(0.1).
    """

    def build(self, input_shape: Any) -> None:
        """Makes the number."""
        self.bias = self.add_weight(shape=(), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Inputs plus the number."""
        return inputs + _FACTOR * self.bias


@keras.saving.register_keras_serializable(package="zoo")
class ScalarMultiplier(keras.Layer):  # type: ignore[misc]
    """Multiplies every entry by one trained number, 1 at the start; any shape.

    Attributes:
        scale: theta, the number over sqrt(0.1).
    """

    def build(self, input_shape: Any) -> None:
        """Makes the number."""
        start = keras.initializers.Constant(1 / _FACTOR)
        self.scale = self.add_weight(shape=(), initializer=start, name="scale")

    def call(self, inputs: Any) -> Any:
        """Inputs times the number."""
        return inputs * (_FACTOR * self.scale)
