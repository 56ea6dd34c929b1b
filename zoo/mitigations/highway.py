"""Highway connections: a trained gate decides how much of a block's input is carried past it.

    y = t * h + (1 - t) * x,   t = sigmoid(convolution of x + b_T),   b_T = -2 at the start

for a block's input x and output h. At the start t is about 0.12, so that most of the signal, and of
the gradient, passes the block unchanged.

Srivastava et al. 2015, arXiv:1505.00387, whose gates have the same receptive field as the layer
they guard. There h is one convolution and its activation; here it is whatever the block computes.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class Highway(keras.Layer):  # type: ignore[misc]
    """Merges [x, h] of one shape, (batch, length, channels) or (batch, h, w, channels), by a gate.

    Args:
        kernel_size: of the gate's convolution, which keeps the size and has as many outputs as x
            has channels.
        gate_bias: b_T at the start.
        kernel_initializer: of the gate's kernel.
    """

    def __init__(
        self,
        kernel_size: int = 3,
        gate_bias: float = -2.0,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.gate_bias = gate_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Any) -> None:
        """Makes the gate's kernel, for as many dimensions as x has, and its bias."""
        (*space, channels) = input_shape[0][1:]
        self.gate_kernel = self.add_weight(
            shape=(*[self.kernel_size] * len(space), channels, channels),
            initializer=self.kernel_initializer,
            name="gate_kernel",
        )
        start = keras.initializers.Constant(self.gate_bias)
        self.bias = self.add_weight(shape=(channels,), initializer=start, name="gate_bias")

    def call(self, inputs: Any) -> Any:
        """The gated sum, of the inputs' shape."""
        x, h = inputs
        gate = keras.ops.sigmoid(keras.ops.conv(x, self.gate_kernel, padding="same") + self.bias)
        return x + gate * (h - x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of x."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "gate_bias": self.gate_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
