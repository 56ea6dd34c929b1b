"""Tensors of one shape and type, stacked: one operation serves them all.

A deep network has many layers alike. Tracing and optimizing a graph costs a third of a millisecond
an operation, more than most of these operations take: a probe of a few passes is mostly that.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any

SMALL = 2**16  # entries of a tensor; one of more stays alone: a stack of those is a costly copy


class Stacking:
    """Which of some tensors stand in one stack.

    Args:
        tensors: of any shapes and types; their values are not looked at.

    Attributes:
        rows: the places of the tensors of each stack.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        rows: dict[Any, list[int]] = {}
        for row, tensor in enumerate(tensors):
            size = tensor.shape.num_elements()
            small = size is not None and size <= SMALL
            rows.setdefault((*tensor.shape, tensor.dtype) if small else row, []).append(row)
        self.rows = list(rows.values())
        self._places = np.argsort([row for stack in self.rows for row in stack])

    def stacks(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Tensors shaped as those that it was made of, in few: (tensors alike, ...) each."""
        return [
            tf.stack([tensors[row] for row in rows])
            if len(rows) > 1
            else tf.expand_dims(tensors[rows[0]], 0)
            for rows in self.rows
        ]

    def in_order(self, values: Sequence[Tensor]) -> Tensor:
        """A number for each tensor, (tensors alike,) a stack: all as the tensors, (tensors,)."""
        if not values:
            return tf.zeros([0], tf.float64)
        joined = tf.concat(values, 0) if len(values) > 1 else values[0]
        in_order = np.array_equal(self._places, np.arange(len(self._places)))
        return joined if in_order else tf.gather(joined, self._places)


def per_tensor(function: Callable[..., Tensor], tensors: Sequence[Tensor], *beside: Any) -> Tensor:
    """What a function gives for each tensor, (tensors,) float64.

    Args:
        function: of a stack, (tensors alike, ...), and of the rows of `beside` that belong to it;
            gives a number for each of its tensors, (tensors alike,) float64.
        tensors: of any shapes and types.
        beside: arrays with a row a tensor.
    """
    stacking = Stacking(tensors)
    values = [
        function(stack, *(np.asarray(of)[rows] for of in beside))
        for stack, rows in zip(stacking.stacks(tensors), stacking.rows, strict=True)
    ]
    return stacking.in_order(values)


def at_places(values: Any, places: Sequence[int], otherwise: float = float("nan")) -> Tensor:
    """Values (n,) float64 by their places, (places,); the place n gives `otherwise`."""
    values = tf.convert_to_tensor(values)
    count = values.shape[0]
    if [*places] == [*range(count)]:
        return values
    if count == 0:
        return tf.constant([otherwise] * len(places), tf.float64)
    filler = tf.constant([otherwise], tf.float64)
    joined = tf.concat([values, filler], 0)
    return tf.gather(joined, np.asarray(places, np.int64))
