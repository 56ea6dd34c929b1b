"""Shampoo: each gradient is whitened along each of its dimensions."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any
LARGEST = 2048  # entries of a dimension; roots of larger matrices would take seconds a step


@keras.saving.register_keras_serializable(package="zoo")
class Shampoo(keras.Optimizer):  # type: ignore[misc]
    """A preconditioner for each dimension of a weight, from the sum of all its past gradients.

    Of a kernel W (m, n) with the gradient G:

        L <- L + G G^T    R <- R + G^T G    W <- W - learning_rate * L^(-1/4) G R^(-1/4)

    with L and R started at epsilon times the identity. In general a tensor of k dimensions has k
    such matrices, H_i of the gradient unfolded along dimension i, and each takes part with the
    power -1/(2k): a bias has one with the power -1/2, a kernel of a 2-d convolution four with -1/8.
    A weight of no dimension is a vector of one entry. The sums only grow, as in AdaGrad.

    That is algorithms 1 and 2 of the paper, with roots in every step and without momentum; both are
    options of the authors' code. Older roots cost less, but in the first steps, in which gradients
    get new directions, they multiply these by epsilon^(-1/2).

    Gupta et al. 2018, arXiv:1802.09568.

    Args:
        learning_rate: a float, or a Keras schedule.
        epsilon: what the matrices start at, more than 0; by default that of the authors' code.
        **kwargs: of every Keras optimizer.

    Raises:
        ValueError: for another `epsilon`, and, when it is built, for a weight with a dimension of
            more than 2048 entries.
    """

    def __init__(self, learning_rate: Any = 0.1, epsilon: float = 1e-4, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon should be more than 0, is {epsilon}")
        self.epsilon = epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes the matrices.

        They are float64: what float32 rounds off a large eigenvalue would pass for small ones, by
        the inverse roots of which a step is multiplied.
        """
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            if max(_shape(variable)) > LARGEST:
                raise ValueError(
                    f"Shampoo takes roots of a matrix for each dimension, and {variable.path} has "
                    f"one of {max(_shape(variable))} entries: it is for weights of up to {LARGEST}"
                )
        start = keras.initializers.Identity(self.epsilon)
        self._sums = [
            [
                self.add_variable((size, size), start, "float64", name=f"{index}_{axis}_sum")
                for axis, size in enumerate(_shape(variable))
            ]
            for index, variable in enumerate(variables)
        ]

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """One variable's step."""
        shape = _shape(variable)
        step = unfolded = tf.reshape(tf.cast(gradient, tf.float64), shape)
        for total in self._sums[self._get_variable_index(variable)]:
            rows = tf.reshape(unfolded, [unfolded.shape[0], -1])
            self.assign_add(total, tf.matmul(rows, rows, transpose_b=True))
            # Each takes the first dimension and puts it last: after all they are in order again.
            step = tf.tensordot(step, self._root(total.value, len(shape)), [[0], [0]])
            unfolded = tf.transpose(unfolded, [*range(1, len(shape)), 0])
        step = tf.cast(tf.reshape(step, variable.shape), variable.dtype)
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * step)

    def _root(self, total: Tensor, dimensions: int) -> Tensor:
        """A sum to the power -1 / (2 dimensions)."""
        values, vectors = tf.linalg.eigh(total)
        # No eigenvalue is below epsilon, but for rounding.
        powers = tf.maximum(values, self.epsilon) ** (-1 / (2 * dimensions))
        return tf.matmul(vectors * powers, vectors, transpose_b=True)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same optimizer from."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _shape(variable: Any) -> list[int]:
    return list(variable.shape) or [1]
