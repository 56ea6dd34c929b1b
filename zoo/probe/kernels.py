"""The kernels of a model in training: how large they are, and how far they move."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zoo.probe.quantities import norms_in
from zoo.probe.stacking import Stacking

Tensor = Any


class Kernels:
    """Kernels W, with what they were at the start, W_0, and when they were last seen.

    Its methods may be called inside a `tf.function`.

    Args:
        variables: one a kernel.

    Attributes:
        first_norms: of each W_0, a variable, (kernels,) float64.
    """

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        self._variables = variables
        self._stacking = Stacking(variables)
        stacks = self._stacks()
        self._first = [tf.Variable(stack, trainable=False) for stack in stacks]
        self._before = [tf.Variable(stack, trainable=False) for stack in stacks]
        self.first_norms = tf.Variable(self._norms(stacks), trainable=False)
        self._before_norms = tf.Variable(self.first_norms, trainable=False)

    def start(self) -> None:
        """Takes the present kernels as W_0."""
        stacks = self._stacks()
        for first, stack in zip(self._first, stacks, strict=True):
            first.assign(stack)
        self.first_norms.assign(self._norms(stacks))

    def look(self) -> tuple[Tensor, Tensor]:
        """Of each kernel ||W|| and ||W - W_0||, (kernels,) float64; NaN where not finite."""
        stacks = self._stacks()
        for before, stack in zip(self._before, stacks, strict=True):
            before.assign(stack)
        both = tf.concat([self._norms(stacks), self._distances(stacks, self._first)], 0)
        norms, moved = tf.split(finite_or_nan(both), 2)
        self._before_norms.assign(norms)
        return norms, moved

    def update_ratio(self) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each, (kernels,) float64: W(t) as last seen."""
        return self._distances(self._stacks(), self._before) / self._before_norms

    def _stacks(self) -> list[Tensor]:
        """The kernels now, float64, those alike in one."""
        return [tf.cast(stack, tf.float64) for stack in self._stacking.stacks(self._variables)]

    def _norms(self, stacks: Sequence[Tensor]) -> Tensor:
        return self._stacking.in_order([norms_in(stack) for stack in stacks])

    def _distances(self, now: Sequence[Tensor], before: Sequence[Tensor]) -> Tensor:
        return self._norms([one - other for one, other in zip(now, before, strict=True)])


def finite_or_nan(values: Tensor) -> Tensor:
    """Values with NaN in place of what is infinite."""
    return tf.where(tf.math.is_finite(values), values, tf.constant(float("nan"), values.dtype))
