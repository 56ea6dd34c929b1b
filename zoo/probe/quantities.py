"""What the probe measures of each layer: a function a quantity, which gives it its name.

A quantity takes what one backward pass gave (`Pass`) and gives a number a layer, (layers,) float64,
NaN where it is undefined. `@quantity` makes the probe measure it; a record keeps it under its name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from zoo.probe.activations import Kind, dead_shares, saturated_shares
from zoo.probe.stacking import at_places, per_tensor
from zoo.probe.tracing import Trace

Tensor = Any


@dataclass(frozen=True)
class Pass:
    """What one pass forward and back gave, for the loss L of the probe batch.

    Of a layer with several uses, dL/dz is that of all its uses together. Norms are NaN where an
    entry is not finite.

    Attributes:
        kernel_sizes: how many entries each W has.
        gradients: dL/dW of each layer, times `scale`.
        traces: of each layer that has a z, its uses: z and what activated it.
        kinds: of each layer that has a z, what is known of its activation.
        z_sizes: of each layer that has a z, how many entries dL/dz has.
        scale: what the loss was multiplied by before gradients were taken.
        kernel_norms: of each W.
        gradient_norms: of each dL/dW.
        delta_norms: of each dL/dz.
        moved_norms: of each W - W_0.
        first_norms: of each W_0.
        gradient_nonfinite: entries of each dL/dW that are infinite or not a number.
        delta_nonfinite: the same of each dL/dz.
        z_of_layer: the place of each layer among those with a z; one past their end for none.
    """

    kernel_sizes: list[int]
    gradients: list[Tensor]
    traces: list[list[Trace]]
    kinds: list[Kind]
    z_sizes: list[int]
    scale: Tensor
    kernel_norms: Tensor
    gradient_norms: Tensor
    delta_norms: Tensor
    moved_norms: Tensor
    first_norms: Tensor
    gradient_nonfinite: Tensor
    delta_nonfinite: Tensor
    z_of_layer: list[int]

    def outputs(self) -> list[list[Tensor]]:
        """Of each layer that has a z, what its activation gave, a tensor a use."""
        return [[use.output for use in uses if use.activation is not None] for uses in self.traces]

    def of_layers(self, of_z: Any, otherwise: float = float("nan")) -> Tensor:
        """Values of the layers with a z, as values of all; the others have none."""
        return at_places(of_z, self.z_of_layer, otherwise)


QUANTITIES: dict[str, Callable[[Pass], Tensor]] = {}


def quantity(function: Callable[[Pass], Tensor]) -> Callable[[Pass], Tensor]:
    """Makes the probe measure what a function gives, under its name."""
    QUANTITIES[function.__name__] = function
    return function


# ---------------------------------------------------------------- quantities


@quantity
def delta_rms(seen: Pass) -> Tensor:
    """The rms of dL/dz over the batch, units, positions and uses."""
    return seen.of_layers(seen.delta_norms / root(seen.z_sizes))


@quantity
def kernel_grad_norm(seen: Pass) -> Tensor:
    """The L2 norm of dL/dW."""
    return seen.gradient_norms


@quantity
def displacement(seen: Pass) -> Tensor:
    """||W_t - W_0|| / ||W_0||."""
    return seen.moved_norms / seen.first_norms


@quantity
def kernel_rms(seen: Pass) -> Tensor:
    """The rms of W over its entries."""
    return seen.kernel_norms / root(seen.kernel_sizes)


@quantity
def saturated(seen: Pass) -> Tensor:
    """The share of outputs near a bound of the activation: |tanh| > 0.99, sigmoid < 0.01, ..."""
    return seen.of_layers(saturated_shares(seen.kinds, seen.outputs()))


@quantity
def dead(seen: Pass) -> Tensor:
    """The share of units (channels) that a rectifier leaves at 0 on the whole batch."""
    return seen.of_layers(dead_shares(seen.kinds, seen.outputs()))


@quantity
def nonfinite(seen: Pass) -> Tensor:
    """The number of entries of dL/dz and dL/dW that are infinite or not a number."""
    return seen.gradient_nonfinite + seen.of_layers(seen.delta_nonfinite, otherwise=0.0)


@quantity
def zero_grads(seen: Pass) -> Tensor:
    """The share of entries of dL/dW that are exactly 0."""
    return per_tensor(zero_shares, seen.gradients)


# ---------------------------------------------------------------- what they are made of


def norms(tensors: Sequence[Tensor]) -> Tensor:
    """The L2 norm of each tensor, (len(tensors),) float64.

    The squares are summed in float64: in float32 those of entries below 1e-23 are 0 and those of
    entries above 1e19 infinite, and a deep sigmoid stack lives there.
    """
    return per_tensor(norms_in, tensors)


def norms_in(stack: Tensor) -> Tensor:
    """The L2 norm of each tensor of a stack, as `norms` has it."""
    wide = tf.cast(stack, tf.float64)
    if stack.shape[0] == 1:  # it may be large: no squares are kept
        return tf.sqrt(2.0 * tf.reshape(tf.nn.l2_loss(wide), [1]))
    return tf.sqrt(tf.reduce_sum(tf.square(wide), _but_first(stack)))


def root(sizes: Sequence[int]) -> Tensor:
    """The square root of each size, float64."""
    return tf.constant([size**0.5 for size in sizes], tf.float64)


def zero_shares(stack: Tensor) -> Tensor:
    """The share of entries that are exactly 0: what underflowed, or belongs to dead units.

    Counted as integers: a processor may take a subnormal number for 0 in a comparison.
    """
    bits = tf.bitcast(stack, {2: tf.int16, 4: tf.int32, 8: tf.int64}[stack.dtype.size])
    zero = tf.cast(bits + bits == 0, tf.float64)  # +0 and -0
    return tf.reduce_mean(zero, _but_first(stack))


def nonfinite_counts(stack: Tensor) -> Tensor:
    """The number of entries of each tensor of a stack that are infinite or not a number."""
    nonfinite = tf.cast(~tf.math.is_finite(stack), tf.float64)
    return tf.reduce_sum(nonfinite, _but_first(stack))


def finite_part(x: Tensor) -> Tensor:
    """The tensor with 0 in place of what is infinite or not a number."""
    return tf.where(tf.math.is_finite(x), x, tf.zeros_like(x))


def _but_first(stack: Tensor) -> list[int]:
    return list(range(1, stack.shape.rank))
