"""What an activation does, judged by its values, whatever its name."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.probe.stacking import at_places, per_tensor

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


def saturated_shares(kinds: Sequence[Kind], outputs: Sequence[list[Tensor]]) -> Tensor:
    """The share of each layer's outputs that are near a bound.

    Args:
        kinds: what is known of the activation of each layer.
        outputs: of each layer, one a use.

    Returns:
        (layers,) float64; NaN for what has not two bounds.
    """
    rows = [row for row, kind in enumerate(kinds) if kind.bounds is not None]
    bounds = np.array([kind.bounds for kind in kinds if kind.bounds is not None]).reshape(-1, 2)
    near = FLAT * np.abs(bounds).max(axis=1)
    shares = per_tensor(
        _flat_shares,
        [_joined(outputs[row], [-1]) for row in rows],
        bounds[:, 0] + near,
        bounds[:, 1] - near,
    )
    return at_places(shares, _places(rows, len(kinds)))


def dead_shares(kinds: Sequence[Kind], outputs: Sequence[list[Tensor]]) -> Tensor:
    """The share of each layer's units, on the last axis, that are 0 everywhere.

    Args:
        kinds: what is known of the activation of each layer.
        outputs: of each layer, one a use.

    Returns:
        (layers,) float64; NaN for what does not rectify.
    """
    rows = [row for row, kind in enumerate(kinds) if kind.rectifies]
    joined = [_joined(outputs[row], [-1, outputs[row][0].shape[-1]]) for row in rows]
    return at_places(per_tensor(_silent_shares, joined), _places(rows, len(kinds)))


def _flat_shares(stack: Tensor, low: np.ndarray, high: np.ndarray) -> Tensor:
    ends = [-1, *[1] * (stack.shape.rank - 1)]
    low, high = (tf.constant(bound.reshape(ends), stack.dtype) for bound in (low, high))
    return _shares((stack < low) | (stack > high))


def _silent_shares(stack: Tensor) -> Tensor:
    return _shares(tf.reduce_all(stack == 0, axis=list(range(1, stack.shape.rank - 1))))


def _shares(stack: Tensor) -> Tensor:
    """The share of entries that are true, of each row of a stack."""
    return tf.reduce_mean(tf.cast(stack, tf.float64), axis=list(range(1, stack.shape.rank)))


def _joined(outputs: list[Tensor], shape: list[int]) -> Tensor:
    """The outputs of a layer as one tensor; those of several uses in a shape that joins them."""
    if len(outputs) == 1:
        return outputs[0]
    return tf.concat([tf.reshape(output, shape) for output in outputs], 0)


def _places(rows: list[int], count: int) -> list[int]:
    """Where the values of some rows stand; the place past their end for the other rows."""
    known = {row: place for place, row in enumerate(rows)}
    return [known.get(row, len(rows)) for row in range(count)]
