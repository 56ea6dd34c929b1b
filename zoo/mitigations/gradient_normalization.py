"""Gradient normalization: the gradient that comes back through a layer is standardized on its way.

From a university exercise on vanishing gradients, as its public solutions have it; no paper is
named there. It is not the normalization of weights' gradients in an optimizer, nor the losses'
balance of GradNorm (arXiv:1711.02257), nor the discriminators' (arXiv:2109.02235).
"""

from typing import Any

import keras
import tensorflow as tf

Tensor = Any


def standardized_gradient(inputs: Tensor, epsilon: float) -> Tensor:
    """The inputs as they are; on its way back their gradient g becomes

        (g - mean) / (deviation + epsilon)

    with one mean and one deviation of all its entries, those of the whole batch. The deviation is
    that of the entries themselves: the exercise's divides by one less than their number, which is
    as much but for 1 / (2 n), and would be no number for a single entry. Computed in float64, in
    which no square of a float32 is lost. A gradient of zeros stays one.

    Args:
        inputs: of any shape.
        epsilon: what is added to the deviation.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def passed_on(x: Tensor) -> tuple[Tensor, Any]:
        def back(gradient: Tensor) -> Tensor:
            g = tf.cast(gradient, tf.float64)
            g -= tf.reduce_mean(g)
            deviation = tf.sqrt(tf.reduce_mean(tf.square(g)))
            return tf.cast(g / (deviation + epsilon), gradient.dtype)

        return tf.identity(x), back

    return passed_on(inputs)


@keras.saving.register_keras_serializable(package="zoo")
class GradientNormalization(keras.Layer):  # type: ignore[misc]
    """Gives on what it is given; standardizes the gradient that comes back.

    As `model.normalization` it stands between a layer's pre-activation z and the activation: dL/dz,
    the delta that the probe sees and that the layer's kernel learns from, then has mean 0 and
    deviation 1 in every layer, unless what came back through the activation is small beside
    epsilon. The exercise has it behind the activation: see `GradientNormalizedActivation`.

    What is below no longer learns from the gradient of the loss: one mean is taken from all of
    them, so that some change their sign, and as they get small none of them stays so. They do not
    grow with the loss either: loss scaling is not for it.

    Args:
        epsilon: what is added to the deviation.
    """

    passes_on_z = True  # to the activation, for the probe

    def __init__(self, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs: Any) -> Any:
        """The inputs, of any shape."""
        return standardized_gradient(inputs, self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="zoo")
class GradientNormalizedActivation(keras.layers.Activation):  # type: ignore[misc]
    """An activation whose output's gradient is standardized before it comes back through it.

    As the exercise has it: dL/dh of each hidden layer's output h is standardized, and delta is that
    times the activation's derivative, of a sigmoid 1/4 at most: a unit that saturates stops
    learning, where a `GradientNormalization` of z makes up for it as far as its epsilon lets it.

    Args:
        activation: a Keras activation, or its name.
        epsilon: as of `GradientNormalization`.
    """

    def __init__(self, activation: Any, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(activation, **kwargs)
        self.epsilon = epsilon

    def call(self, inputs: Any) -> Any:
        """The activation's values."""
        return standardized_gradient(super().call(inputs), self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
