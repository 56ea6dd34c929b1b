"""The shortcut of a residual block that changes size, without parameters."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class Shortcut(keras.Layer):  # type: ignore[misc]
    """A block's input at the size of its output, without parameters (He et al. 2015, option A).

    (batch, length, channels) or (batch, height, width, channels). arXiv:1512.03385.

    Args:
        strides: every so many-th entry is taken, in each direction.
        added_channels: so many channels of zeros follow those there are.
    """

    def __init__(self, strides: int, added_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strides, self.added_channels = strides, added_channels

    def call(self, inputs: Any) -> Any:
        """The entries taken, and the zeros."""
        space = [slice(None, None, self.strides)] * (len(inputs.shape) - 2)
        taken = inputs[(slice(None), *space)]
        return keras.ops.pad(taken, [(0, 0)] * (len(space) + 1) + [(0, self.added_channels)])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        arguments = {"strides": self.strides, "added_channels": self.added_channels}
        return {**super().get_config(), **arguments}
