"""The kernels of attention started as the matrices that they are.

Keras keeps those of queries, keys and values as (width, heads, size of a head), that of the output
as (heads, size of a head, width). Its random initializers by variance know their fans; others take
such a kernel for one of a convolution: an orthogonal one would be too small by the root of the
heads, and an identity is refused.
"""

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class AttentionKernel(keras.Initializer):  # type: ignore[misc]
    """Another initializer's values of a (width, width) matrix, in the shape of attention's kernels.

    Of heads that have `width` entries together: every kernel of such attention has width**2 values,
    in the order of the matrix that maps `width` entries to as many.

    Args:
        initializer: a Keras initializer, or its name or config.
    """

    def __init__(self, initializer: Any) -> None:
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Values of the given shape, whose product is a square."""
        width = math.isqrt(math.prod(shape))
        return keras.ops.reshape(self.initializer((width, width), dtype=dtype), shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"initializer": keras.initializers.serialize(self.initializer)}
