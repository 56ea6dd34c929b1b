"""Clipping, watched: how often gradients are clipped, and how large they were before."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.probe.quantities import norms

Rule = Callable[[list[Any], list[Any]], list[Any]]


class GradientWatch:
    """Applies a clipping rule, counts the steps that are clipped and notes the largest raw norm.

    The norm is that of all gradients together, before any clipping. Keras's own clipping, by the
    optimizer's arguments, is counted too.

    Args:
        watched: the optimizer; its `apply` is wrapped.
        rule: what to do to the gradients; None for what the optimizer does itself.

    Attributes:
        steps, clipped: how many steps were taken, and how many were clipped.
        largest: the largest norm that was finite.
    """

    def __init__(self, watched: keras.Optimizer, rule: Rule | None) -> None:
        self._optimizer, self._rule, self._apply = watched, rule, watched.apply
        self.steps = tf.Variable(0, trainable=False)
        self.clipped = tf.Variable(0, trainable=False)
        self.largest = tf.Variable(tf.zeros([], tf.float64), trainable=False)
        watched.apply = self._watched

    def start(self) -> None:
        """Forgets the run before."""
        for variable in (self.steps, self.clipped, self.largest):
            variable.assign(tf.zeros_like(variable))

    def result(self) -> dict[str, float]:
        """The share of clipped steps, and the largest norm of all gradients before clipping."""
        share = int(self.clipped) / max(1, int(self.steps))
        return {"clipped": share, "largest_norm": float(self.largest)}

    def _watched(self, gradients: Sequence[Any], variables: Any = None) -> None:
        # None, for a variable that the loss does not see, is left to the optimizer.
        given = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        raw = [gradient for gradient in given if gradient is not None]
        each = norms(raw)
        total = tf.norm(each)
        new = given
        if self._rule is not None:
            new = self._rule(given, list(variables))
            pairs = [pair for pair in zip(given, new, strict=True) if pair[0] is not None]
            clipped = tf.reduce_any([tf.reduce_any(old != now) for old, now in pairs])
        else:
            clipped = self._clipped_by_keras(raw, each, total)
        self.steps.assign_add(1)
        self.clipped.assign_add(tf.cast(clipped, tf.int32))
        larger = tf.math.is_finite(total) & (total > self.largest)
        self.largest.assign(tf.where(larger, total, self.largest))
        self._apply(new, variables)

    def _clipped_by_keras(self, raw: list[Any], each: Any, total: Any) -> Any:
        clips = self._optimizer
        if clips.global_clipnorm is not None:
            return total > clips.global_clipnorm
        if clips.clipnorm is not None:
            return tf.reduce_any(each > clips.clipnorm)
        if clips.clipvalue is not None:
            return tf.reduce_any([tf.reduce_any(tf.abs(g) > clips.clipvalue) for g in raw])
        return tf.constant(False)
