"""Learned positions: what tells attention, to which all steps are alike, one step from another."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class PositionEmbedding(keras.Layer):  # type: ignore[misc]
    """Adds a learned vector to each step of a sequence, (batch, steps, features).

    The vectors start as those of Keras's Embedding do, uniform within 0.05 of 0. Gehring et al.
    2017, arXiv:1705.03122; Vaswani et al. 2017, arXiv:1706.03762, find learned ones as good as
    their sinusoids.

    Attributes:
        embeddings: the vectors, (steps, features).
    """

    def build(self, input_shape: Any) -> None:
        """Makes a vector for each step."""
        shape = tuple(input_shape[1:])
        self.embeddings = self.add_weight(shape=shape, initializer="uniform", name="embeddings")

    def call(self, inputs: Any) -> Any:
        """Inputs plus the vectors."""
        return inputs + self.embeddings
