"""The scale of inputs and targets: whether it is far from 1, and the same examples standardized."""

from typing import Any

import keras
import numpy as np
from keras import tree

from zoo.diagnosis.data import first_layer, named, numbers
from zoo.diagnosis.examples import Examples
from zoo.probe.layers import is_static, layers_inside

# Standardized numbers are within a few standard deviations of 0. Pixels as bytes have a root mean
# square of 50 to 150, and most nets learn from them after all: what is beyond this is tried scaled.
LARGE = 5.0  # root mean square of inputs or targets
SMALL = 0.05  # the same, and of inputs about the means of their columns
SOME = 2000  # examples by which the size of an array is judged
# Layers that put any scale right, or take whole numbers for names.
_SCALES = (
    keras.layers.Embedding,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)
_FIXED = (keras.layers.Normalization, keras.layers.Rescaling)  # put one scale right, if any


def unscaled_inputs(model: keras.Model, examples: Examples) -> list[str]:
    """Inputs whose size is far from 1, or their spread far below it, by their names.

    None where the first layer sees to that. Where it rescales by fixed numbers, what it gives is
    looked at.
    """
    layer, inputs = first_layer(model), named("inputs", examples.x)
    if isinstance(layer, _SCALES):
        return []
    if isinstance(layer, _FIXED):
        fixed = fixed_scale(model)
        if fixed is None or len(tree.flatten(examples.x)) > 1:
            return []
        inputs = [(name, _given(fixed, array[:SOME])) for name, array in inputs]
    return [name for name, array in inputs if _far_from_1(array) or 0 < _spread(array) < SMALL]


def unscaled(array: Any) -> bool:
    """Whether the root mean square of an array of numbers is far from 1."""
    return array is not None and numbers(array) and _far_from_1(array)


def fixed_scale(model: keras.Model) -> keras.Layer | None:
    """The layer at the entrance that rescales by numbers that do not change; None without."""
    if not is_static(model):
        return None
    inside = layers_inside(model)
    layers = [e for e in inside if not isinstance(e, keras.Model | keras.layers.InputLayer)]
    return layers[0] if layers and isinstance(layers[0], _FIXED) else None


def standardized_inputs(model: keras.Model, x: Any) -> Any:
    """Inputs that the network gets with mean 0 and variance 1 a column.

    Before a layer that rescales by fixed numbers they are such as it makes that of.
    """
    layer = fixed_scale(model)
    if layer is None:
        return standardized(x)
    return tree.map_structure(lambda array: before(layer, standardized(_given(layer, array))), x)


def before(layer: keras.Layer, given: Any) -> Any:
    """What a layer that rescales by fixed numbers makes an array of: x with layer(x) = given."""
    zero, one = (_given(layer, np.full_like(given[:1], value)) for value in (0, 1))
    factor = one - zero  # such a layer does no more than x * factor + zero
    return (given - zero) / np.where(factor == 0, 1, factor)


def standardized(values: Any) -> Any:
    """The same arrays with mean 0 and variance 1 a column; whole numbers too."""

    def scale(array: Any) -> Any:
        if array is None or not numbers(array):
            return array
        wide, axes = array.astype(np.float32).astype(np.float64), _but_last(array)
        mean, spread = wide.mean(axes, keepdims=True), wide.std(axes, keepdims=True)
        return ((wide - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)

    return tree.map_structure(scale, values)


def _given(layer: keras.Layer, array: Any) -> Any:
    return np.asarray(layer(array.astype(np.float32))).astype(np.float32)


def _far_from_1(array: Any) -> bool:
    size = _size(array)
    return bool(np.isfinite(size)) and (size > LARGE or 0 < size < SMALL)


def _size(array: Any) -> float:
    part = array[:SOME].astype(np.float64)
    return float(np.sqrt(np.mean(part**2))) if part.size else 1.0


def _spread(array: Any) -> float:
    """The root mean square about the mean of each column."""
    part = array[:SOME].astype(np.float64)
    return _size(part - part.mean(_but_last(part), keepdims=True))


def _but_last(array: Any) -> tuple[int, ...]:
    return tuple(range(array.ndim - 1)) if array.ndim > 1 else (0,)
