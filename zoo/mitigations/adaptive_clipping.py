"""Adaptive gradient clipping: no unit's gradient is large beside the unit's weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class AdaptiveClipping:
    """Unit-wise clipping to a share of the norm of the weights.

    The gradient g of a unit with weights w becomes

        g * clipping * max(|w|, epsilon) / |g|    where that is shorter than g.

    A unit is an output of a kernel: its weights are all that share an index of the last axis. A
    bias vector, or any other variable of one axis or none, is a unit as a whole. The last layer,
    which the zoo calls `output`, is left alone, as the paper recommends.

    Brock et al. 2021, arXiv:2102.06171.

    Args:
        clipping: the largest |g| / |w|.
        epsilon: the least that counts as |w|, without which weights that start at 0 would stay
            there.
    """

    def __init__(self, clipping: float = 0.01, epsilon: float = 1e-3) -> None:
        self.clipping, self.epsilon = clipping, epsilon

    def __call__(
        self, gradients: Sequence[Tensor | None], variables: Sequence[keras.Variable]
    ) -> list[Tensor | None]:
        """Clips.

        Args:
            gradients: one for each variable; None passes.
            variables: Keras variables, whose path tells the layer.

        Returns:
            The gradients, of the same shapes and types.
        """
        return [
            gradient
            if gradient is None or "output" in variable.path.split("/")
            else self._clipped(tf.convert_to_tensor(gradient), variable.value)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]

    def _clipped(self, gradient: Tensor, weights: Tensor) -> Tensor:
        wide = tf.cast(gradient, tf.float64)
        limit = self.clipping * tf.maximum(_unit_norms(weights), self.epsilon)
        norms = _unit_norms(wide)
        return tf.cast(tf.where(norms > limit, wide * (limit / norms), wide), gradient.dtype)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same rule from."""
        return {"clipping": self.clipping, "epsilon": self.epsilon}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AdaptiveClipping":
        """The rule of a config."""
        return cls(**config)


def _unit_norms(tensor: Tensor) -> Tensor:
    """The L2 norm of each unit, kept as axes of length 1; in float64, where no square overflows."""
    wide = tf.cast(tensor, tf.float64)
    rank = len(wide.shape)
    return tf.sqrt(tf.reduce_sum(tf.square(wide), list(range(rank - (rank > 1))), keepdims=True))
