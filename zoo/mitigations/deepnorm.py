"""DeepNorm: deep post-LN transformers, by a larger residual and smaller branches.

Every sum of a block is LN(alpha x + F(x)), and kernels that the outputs of F are linear in, of
values, attention outputs and the feed-forward net, start beta times as large; those of queries and
keys, which only decide where attention looks, as they would. With N blocks of an encoder

    alpha = (2N)^(1/4),   beta = (8N)^(-1/4)

by which one step changes what the model computes by an amount that does not grow with N.

Wang et al. 2022, DeepNet: scaling transformers to 1,000 layers, arXiv:2203.00555, table "encoder
only". `zoo.models.transformer` puts the parts in their places.
"""

from typing import Any

import keras


def residual_scale(blocks: int) -> float:
    """alpha of an encoder of so many blocks."""
    return float((2 * blocks) ** 0.25)


def branch_scale(blocks: int) -> float:
    """beta of an encoder of so many blocks."""
    return float((8 * blocks) ** -0.25)


@keras.saving.register_keras_serializable(package="zoo")
class ScaledAdd(keras.Layer):  # type: ignore[misc]
    """Merges [x, h] of one shape to scale * x + h.

    Args:
        scale: of the residual x.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        """The sum, of the inputs' shape."""
        x, h = inputs
        return self.scale * x + h

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of x."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "scale": self.scale}


def shrink_branch(attention: keras.layers.MultiHeadAttention, scale: float) -> None:
    """Multiplies the present kernels of values and outputs of built attention, not q's and k's.

    Keras draws all four by one initializer, and three have the same shape: it cannot tell them
    apart.
    """
    for dense in (attention.value_dense, attention.output_dense):
        dense.kernel.assign(scale * dense.kernel)
