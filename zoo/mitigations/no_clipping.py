"""The clipping rule that clips nothing."""

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class NoClipping:
    """Gives the gradients back as they are.

    A recipe names it for an arm whose gradient norms are to be recorded at every step, as they are
    for the arms that clip.
    """

    def __call__(self, gradients: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
        """The gradients."""
        return list(gradients)

    def get_config(self) -> dict[str, Any]:
        """There is nothing to set."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "NoClipping":
        """The rule."""
        return cls(**config)
