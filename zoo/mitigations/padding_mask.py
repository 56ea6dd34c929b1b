"""Which steps of a text hold a token: the others are looked at by no attention and no mean."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.Layer):  # type: ignore[misc]
    """Of tokens (batch, steps) whether each is one, (batch, steps) bool; 0 stands for none.

    The first step counts as one whatever it holds: a text without any token has a mean too. The
    mask is a tensor of its own, where Keras's implicit one would have to pass through every layer
    on the way, a user's own merge too.
    """

    def call(self, inputs: Any) -> Any:
        """The mask."""
        ones = keras.ops.ones_like(inputs[:, :1], dtype="bool")
        return keras.ops.concatenate([ones, keras.ops.not_equal(inputs[:, 1:], 0)], axis=1)

    def compute_output_spec(self, inputs: Any) -> Any:
        """As many bools as there are tokens."""
        return keras.KerasTensor(inputs.shape, dtype="bool")
