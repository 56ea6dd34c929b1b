"""What an activation does, judged by its values, whatever its name."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Tensor = Any
FLAT = 0.01  # of the larger bound: so near to a bound an output is saturated

_FAR = (-1e6, -1e5, 1e5, 1e6)
_BELOW = (-10.0, -1.0, -0.1)
_GRID = np.array([*_FAR, *_BELOW, 0.5], np.float32)


class Kind(NamedTuple):
    """What is known of an activation.

    Attributes:
        bounds: the values it comes to far below 0 and far above, if it is flat on both sides.
        rectifies: whether it is 0 for all that is below 0.
    """

    bounds: tuple[float, float] | None = None
    rectifies: bool = False


def kind_of(function: Callable[[Tensor], Tensor], shape: tuple[int | None, ...]) -> Kind:
    """Tries a function, or a layer, on a few numbers.

    Args:
        function: of tensors (batch, ...).
        shape: of what it is given, without the batch; sizes that are not known count as 1.

    Returns:
        Nothing known of what is not elementwise, as softmax is not, or cannot be tried.
    """
    sizes = [size or 1 for size in shape]
    few = [min(size, 2) for size in sizes]
    # An image may be large; a layer's slopes have the size of the channels, or of all.
    for tried in (few, [*few[:-1], *sizes[-1:]], sizes):
        with tf.init_scope():  # eagerly, also while a graph is traced
            try:
                return _kind(function, tried)
            except Exception:  # it may do anything; then nothing is known of it
                continue
    return Kind()


def _kind(function: Callable[[Tensor], Tensor], sizes: list[int]) -> Kind:
    grid = _GRID.reshape(-1, *[1] * len(sizes))
    of_all = np.asarray(function(tf.constant(np.broadcast_to(grid, [len(grid), *sizes]))))
    mixed = np.broadcast_to(grid, [len(grid), *sizes]).copy()
    mixed.reshape(len(grid), -1)[:, 1:] = 0.0  # all but the first entry of each
    of_one = np.asarray(function(tf.constant(mixed)))
    if of_all.shape != (len(grid), *sizes) or of_one.shape != of_all.shape:
        return Kind()
    values = of_all.reshape(len(grid), -1)[:, 0].astype(float)
    if not np.array_equal(values, of_one.reshape(len(grid), -1)[:, 0]) or len(set(values)) == 1:
        return Kind()
    lowest, lower, higher, highest = values[:4]
    size = max(abs(lowest), abs(highest))
    level = abs(lowest - lower) <= 1e-3 * size and abs(highest - higher) <= 1e-3 * size
    bounded = bool(np.isfinite(values).all() and level and lowest != highest)
    below = values[[0, 1, 4, 5, 6]]
    return Kind((lowest, highest) if bounded else None, bool((below == 0).all()))


def saturated_share(kind: Kind, outputs: list[Tensor]) -> Tensor:
    """The share of outputs that are near a bound; NaN for what has not two of them."""
    if kind.bounds is None:
        return tf.constant(float("nan"), tf.float64)
    low, high = kind.bounds
    near = FLAT * max(abs(low), abs(high))
    flat = [tf.reshape((output < low + near) | (output > high - near), [-1]) for output in outputs]
    return tf.reduce_mean(tf.cast(tf.concat(flat, 0), tf.float64))


def dead_share(kind: Kind, outputs: list[Tensor]) -> Tensor:
    """The share of units, on the last axis, that are 0 everywhere; NaN unless they rectify."""
    if not kind.rectifies:
        return tf.constant(float("nan"), tf.float64)
    silent = [tf.reduce_all(o == 0, axis=list(range(o.shape.rank - 1))) for o in outputs]
    return tf.reduce_mean(tf.cast(tf.reduce_all(tf.stack(silent), 0), tf.float64))
