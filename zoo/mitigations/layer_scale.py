"""LayerScale: each channel of a residual branch has a trained factor, at first a small one.

    y = x + lambda * h,   lambda = 0.1 in each channel at the start

for a block's input x and output h. The deeper the network, the smaller the start: 0.1 up to 18
blocks, 1e-5 with 24 and 1e-6 with more. A block is then nearly the identity at the start, but all
of its weights have a gradient in the first step.

Touvron et al. 2021, arXiv:2103.17239, whose blocks are those of pre-normalized vision transformers
with two branches each; there h is normalized attention, or a normalized network of two layers.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class LayerScale(keras.Layer):  # type: ignore[misc]
    """Merges [x, h] of one shape, (batch, ..., channels), to x + lambda * h.

    Args:
        init_values: lambda at the start, the same in each channel.

    Attributes:
        scale: lambda, (channels,).
    """

    def __init__(self, init_values: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values

    def build(self, input_shape: Any) -> None:
        """Makes a factor for each channel of x."""
        start = keras.initializers.Constant(self.init_values)
        self.scale = self.add_weight(shape=input_shape[0][-1:], initializer=start, name="lambda")

    def call(self, inputs: Any) -> Any:
        """The sum, of the inputs' shape."""
        x, h = inputs
        return x + self.scale * h

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of x."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "init_values": self.init_values}
