"""A model and its examples, changed in the one thing that may be at fault."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from zoo.diagnosis import scale
from zoo.diagnosis.examples import Examples
from zoo.diagnosis.heads import Head
from zoo.diagnosis.loss_kinds import POINTWISE
from zoo.probe.layers import layers_inside, survey
from zoo.probe.state import State

OVERSIZED = 3.0  # times the root mean square that Glorot and Bengio (2010) give a kernel
# Layers that are linear, or do not change what a layer after them can express.
_LINEAR = (
    keras.layers.InputLayer,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Dropout,
    keras.layers.BatchNormalization,
    keras.layers.ZeroPadding2D,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
)
WEIGHTED = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


@contextlib.contextmanager
def unfrozen(model: keras.Model) -> Iterator[None]:
    """Within it, all weights of a model are to learn."""
    layers = [model, *layers_inside(model)]
    before = [(layer, layer.trainable) for layer in layers]
    weights = [(weight, weight.trainable) for weight in model.weights]
    try:
        model.trainable = True
        for layer in layers:
            layer.trainable = True
        yield
    finally:
        for layer, trainable in before:  # from the outermost, which says it to all within
            layer.trainable = trainable
        for weight, trainable in weights:
            weight.trainable = trainable


def linear_layers(model: keras.Model) -> list[keras.Layer]:
    """The hidden layers of a model in which nothing but its last layer is not linear.

    None of a model with fewer than two layers of weights, or with any other part.
    """
    layers = [each for each in layers_inside(model) if not isinstance(each, keras.Model)]
    weighted = [each for each in layers if isinstance(each, WEIGHTED)]
    if len(weighted) < 2 or not all(isinstance(each, (*WEIGHTED, *_LINEAR)) for each in layers):
        return []
    hidden = weighted[:-1]
    straight = all(each.activation is keras.activations.linear for each in hidden)
    return hidden if straight else []


def hidden_softmax(model: keras.Model, heads: Sequence[Head]) -> list[keras.Layer]:
    """Dense layers with softmax that no output is: of their units all but few are near 0."""
    return [
        layer
        for layer in hidden_dense(layers_inside(model), heads)
        if layer.activation is keras.activations.softmax
    ]


def hidden_dense(layers: Sequence[keras.Layer], heads: Sequence[Head]) -> list[keras.layers.Dense]:
    """The dense layers that give no output, and are not the last that have weights."""
    outputs = {head.name for head in heads}
    weighted = [layer for layer in layers if layer.weights and not isinstance(layer, keras.Model)]
    return [
        layer
        for layer in weighted[:-1]
        if isinstance(layer, keras.layers.Dense) and layer.name not in outputs
    ]


@contextlib.contextmanager
def activated(layers: list[keras.Layer]) -> Iterator[None]:
    """Within it, these layers have ReLU."""
    before = [layer.activation for layer in layers]
    try:
        for layer in layers:
            layer.activation = keras.activations.relu
        yield
    finally:
        for layer, activation in zip(layers, before, strict=True):
            layer.activation = activation


def oversized(model: keras.Model) -> dict[str, float]:
    """How many times the usual root mean square the kernels have that are far above it, by layer.

    Glorot and Bengio (2010): sqrt(2 / (fan in + fan out)).
    """
    sizes = {each.name: _size(each.kernel) for each in survey(model)[0]}
    return {name: size for name, size in sizes.items() if size > OVERSIZED}


@contextlib.contextmanager
def usual_size(model: keras.Model) -> Iterator[None]:
    """Within it, kernels that are far too large are as large as Glorot and Bengio (2010) say."""
    large = oversized(model)
    with State(model).kept():
        for each in survey(model)[0]:
            if each.name in large:
                each.kernel.assign(each.kernel / large[each.name])
        yield


def _size(kernel: keras.Variable) -> float:
    """The root mean square of a kernel, over that of Glorot and Bengio (2010)."""
    field = float(np.prod(kernel.shape[:-2]))
    usual = np.sqrt(2 / (field * (kernel.shape[-2] + kernel.shape[-1])))
    return float(np.sqrt(np.mean(np.square(kernel.numpy().astype(np.float64)))) / usual)


def scaled(
    model: keras.Model, examples: Examples, heads: list[Head]
) -> Iterator[tuple[str, Examples]]:
    """The examples with inputs or targets standardized where they are far from it."""
    inputs = scale.unscaled_inputs(model, examples)
    numbers = [
        head.gives in ("any", "unknown") and head.loss is not None and head.loss.name in POINTWISE
        for head in heads
    ]
    y = _targets_standardized(examples.y, heads, numbers)
    x = scale.standardized_inputs(model, examples.x) if inputs else None
    if inputs:
        yield "inputs", Examples(x, examples.y, examples.count)
    if y is not None:
        yield "targets", Examples(examples.x, y, examples.count)
        if inputs:
            yield "inputs and targets", Examples(x, y, examples.count)


def _targets_standardized(y: Any, heads: list[Head], numbers: list[bool]) -> Any:
    """Those targets standardized that are numbers and far from it; None if there are none."""
    if isinstance(y, dict):
        of = {head.key: each for head, each in zip(heads, numbers, strict=True)}
        places = [key for key in y if of.get(key)]
    elif isinstance(y, list | tuple):
        places = [n for n, each in enumerate(numbers) if each] if len(y) == len(heads) else []
    else:
        return scale.standardized(y) if all(numbers) and scale.unscaled(y) else None
    wanted = {place for place in places if scale.unscaled(y[place])}
    if not wanted:
        return None
    if isinstance(y, dict):
        return {key: scale.standardized(y[key]) if key in wanted else y[key] for key in y}
    return [scale.standardized(each) if n in wanted else each for n, each in enumerate(y)]
