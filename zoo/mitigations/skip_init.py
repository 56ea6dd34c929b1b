"""SkipInit, or ReZero: a residual branch counts as much as one trained number says, at first 0.

    y = x + alpha h,   alpha = 0 at the start

for a block's input x and output h. Every block is then the identity at the start, whatever its
kernels are, and the gradient passes it unchanged; only alpha has a gradient in the first step, then
the branch. The number learns at the rate of the kernels.

De and Smith 2020, arXiv:2002.10444, who put it at the end of each branch of pre-activated networks;
Bachlechner et al. 2020, arXiv:2003.04887, with the activation inside the branch, and none after the
sum.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class SkipInit(keras.Layer):  # type: ignore[misc]
    """Merges [x, h] of one shape, (batch, ...), to x + alpha h.

    Args:
        alpha: the number at the start; De and Smith allow small ones, below 1 / sqrt(branches).

    Attributes:
        scale: the number.
    """

    def __init__(self, alpha: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def build(self, input_shape: Any) -> None:
        """Makes the number."""
        start = keras.initializers.Constant(self.alpha)
        self.scale = self.add_weight(shape=(), initializer=start, name="alpha")

    def call(self, inputs: Any) -> Any:
        """The sum, of the inputs' shape."""
        x, h = inputs
        return x + self.scale * h

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of x."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "alpha": self.alpha}
