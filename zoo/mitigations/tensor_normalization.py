"""Normalization by one mean and one deviation of the whole tensor."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class TensorNormalization(keras.Layer):  # type: ignore[misc]
    """Subtracts the mean of all entries of the batch and divides by their deviation.

        y = (x - mean) / sqrt(variance + epsilon)

    with mean and variance over batch and units alike, so that units keep the differences between
    their own means and scales. Nothing is trained.

    From a university exercise on vanishing gradients, where it stands in place of batch
    normalization (arXiv:1502.03167). There the statistics are those of the batch in evaluation too,
    and what a net says of an example depends on the others beside it. Here evaluation is by moving
    averages, two numbers a layer, as batch normalization has them. There nothing is added to the
    variance, which divides by one less than the number of entries.

    Args:
        momentum: share of the moving averages that a step in training mode leaves.
        epsilon: what is added to the variance.
    """

    passes_on_z = True  # to the activation, for the probe

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, input_shape: Any) -> None:
        """Makes the moving averages, 0 and 1 at the start."""
        kept = {"shape": (), "trainable": False}
        self.moving_mean = self.add_weight(initializer="zeros", name="moving_mean", **kept)
        self.moving_variance = self.add_weight(initializer="ones", name="moving_variance", **kept)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The normalized entries, of the inputs' shape; in float32 or more on the way."""
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance = ops.moments(x, axes=list(range(len(x.shape))))
            for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moved = self.momentum * average + (1 - self.momentum) * ops.cast(now, average.dtype)
                average.assign(moved)
        y = (x - ops.cast(mean, x.dtype)) / ops.sqrt(ops.cast(variance, x.dtype) + self.epsilon)
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}
