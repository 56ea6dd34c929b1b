"""AdaHessian: each weight's step is divided by the curvature of the loss along it."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo import keras_private

Tensor = Any


def hessian_diagonal(
    outer: tf.GradientTape,
    gradients: Sequence[Tensor],
    variables: Sequence[Any],
    seed: int,
    step: Tensor,
) -> list[Tensor]:
    """Hutchinson's estimate D = z * (H z) of the Hessian's diagonal, of each variable's shape.

    Its mean over vectors z of independent signs is the diagonal, its variance for entry i the sum
    of H_ij^2 over all j but i: of a diagonal Hessian one vector tells all.

    Args:
        outer: the tape in which the gradients were computed.
        gradients: of the loss by each variable.
        variables: TensorFlow variables.
        seed: of the vectors.
        step: int64; the vector is made of seed and step alone, whatever else drew random numbers.
    """
    signs = []
    for index, gradient in enumerate(gradients):
        bits = tf.random.stateless_uniform(gradient.shape, [seed + index, step], 0, 2, tf.int32)
        signs.append(tf.cast(2 * bits - 1, gradient.dtype))
    products = outer.gradient(
        gradients, variables, output_gradients=signs, unconnected_gradients="zero"
    )
    return [sign * product for sign, product in zip(signs, products, strict=True)]


@keras.saving.register_keras_serializable(package="zoo")
class AdaHessian(keras.Optimizer):  # type: ignore[misc]
    """Adam with the Hessian's diagonal in place of the gradient in the second moment.

        m <- beta_1 m + (1 - beta_1) g          v <- beta_2 v + (1 - beta_2) D^2
        w <- w - learning_rate * m' / (sqrt(v')^hessian_power + epsilon)

    with m' and v' corrected for their start at 0, and D estimated with one vector a step. Of a
    convolution kernel D is its mean over the kernel's positions; other kernels are not averaged.
    D is not among what `model.train_step` gives an optimizer, so this one brings its own
    `train_step`.

    Yao et al. 2021, arXiv:2006.00719.

    Args:
        learning_rate: a float, or a Keras schedule.
        beta_1: decay of m.
        beta_2: decay of v.
        hessian_power: between 0 (gradient descent with momentum) and 1 (Newton's step on a
            diagonal Hessian).
        epsilon: what is added to the denominator.
        seed: of the random vectors; they are the same in every run, a new one each step.
        **kwargs: of every Keras optimizer.

    Raises:
        ValueError: for Keras's loss scaling or gradient accumulation.
    """

    def __init__(
        self,
        learning_rate: Any = 0.15,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        hessian_power: float = 1.0,
        epsilon: float = 1e-4,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        if self.loss_scale_factor is not None or self.gradient_accumulation_steps is not None:
            raise ValueError("AdaHessian neither scales the loss nor accumulates gradients")
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.hessian_power, self.epsilon, self.seed = hessian_power, epsilon, seed
        self._diagonal: Sequence[Tensor] | None = None

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes m and v of each variable."""
        if self.built:
            return
        super().build(variables)
        self._m, self._v = self.add_optimizer_variables(variables, ["momentum", "curvature"])

    def train_step(self, model: keras.Model, data: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """What `model.train_step` does, with the Hessian's diagonal; of a compiled model.

        Args:
            model: the model that was compiled with this optimizer.
            data: inputs and targets of one batch.

        Returns:
            The loss and metrics so far, by name.
        """
        x, y = data
        trainable = model.trainable_variables
        variables = [variable.value for variable in trainable]
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                outputs = model(x, training=True)
                loss = model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
            gradients = inner.gradient(loss, variables, unconnected_gradients="zero")
        keras_private.count_loss(model, loss, tf.shape(x)[0])
        step = tf.cast(self.iterations, tf.int64)
        self._diagonal = hessian_diagonal(outer, gradients, variables, self.seed, step)
        try:
            self.apply(gradients, trainable)
        finally:
            self._diagonal = None
        logs: dict[str, Tensor] = model.compute_metrics(x, y, outputs, sample_weight=None)
        return logs

    def apply(
        self,
        grads: Sequence[Tensor],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """For `train_step` alone.

        Raises:
            RuntimeError: if called from elsewhere, such as `model.fit`: gradients do not tell the
                curvature.
        """
        if self._diagonal is None:
            raise RuntimeError(
                "AdaHessian needs the curvature, which gradients do not tell: call "
                "optimizer.train_step(model, (x, y)) instead of model.train_step or model.fit"
            )
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """One variable's step."""
        assert self._diagonal is not None
        index, dtype = self._get_variable_index(variable), variable.dtype
        m, v, diagonal = self._m[index], self._v[index], self._diagonal[index]
        if len(diagonal.shape) > 2:
            positions = list(range(len(diagonal.shape) - 2))
            diagonal = tf.reduce_mean(diagonal, positions, keepdims=True)
        step = tf.cast(self.iterations + 1, tf.float64)  # float32 has but 4 digits of 1 - 0.999

        def corrected(moment: Tensor, beta: float) -> Tensor:
            return moment / tf.cast(1 - tf.pow(tf.constant(beta, tf.float64), step), dtype)

        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (tf.square(diagonal) - v) * (1 - self.beta_2))
        first, second = corrected(m, self.beta_1), corrected(v, self.beta_2)
        curvature = tf.pow(second, self.hessian_power / 2)  # sqrt(v') to the power
        self.assign_sub(
            variable, tf.cast(learning_rate, dtype) * first / (curvature + self.epsilon)
        )

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same optimizer from."""
        names = ("beta_1", "beta_2", "hessian_power", "epsilon", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
