"""A model built anew with other layers in place of some: wider ones, gated ones, fewer."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo import keras_private
from zoo.diagnosis.heads import Head
from zoo.diagnosis.otherwise import WEIGHTED, hidden_dense

NARROW, WIDE = 3, 32  # units of a hidden layer
KEPT = 4  # of so many layers that could be left out one stays
DEEP = 2 * KEPT  # layers that could be left out, so that two at least stay
SEED = 20_011  # of the initial weights of new layers
# What is left out with the layer that it follows.
_FOLLOWS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.Dropout,
)


def narrow_layers(model: keras.Model, heads: Sequence[Head]) -> list[keras.layers.Dense]:
    """Hidden dense layers of one unit or few, of a model that does not give its inputs again."""
    if not _is_graph(model):
        return []
    entries = [int(np.prod(each.shape[1:])) for each in model.inputs if None not in each.shape[1:]]
    if any(head.output[:1].size in entries for head in heads if head.output[:1].size > 1):
        return []
    return [layer for layer in hidden_dense(model.layers, heads) if layer.units <= NARROW]


def widened(model: keras.Model, heads: Sequence[Head]) -> keras.Model | None:
    """The model with `WIDE` units in its narrow layers; None of one without, or where none fit."""
    return _with(model, narrow_layers(model, heads), _widened)


def _widened(layer: keras.layers.Dense) -> keras.layers.Dense:
    return type(layer).from_config({**layer.get_config(), "units": WIDE})


def vanilla_layers(model: keras.Model) -> list[keras.layers.SimpleRNN]:
    """The recurrent layers without gates, of a model that can be built anew."""
    if not _is_graph(model):
        return []
    return [layer for layer in model.layers if isinstance(layer, keras.layers.SimpleRNN)]


def gated(model: keras.Model) -> keras.Model | None:
    """The model with a GRU in place of each vanilla layer; None of one without, or where none fit.

    Units, activation, initializers, penalties and dropout are the layer's: gates alone are new.
    """
    return _with(model, vanilla_layers(model), _gated)


def _gated(layer: keras.layers.SimpleRNN) -> keras.layers.GRU:
    config = keras.layers.SimpleRNN.get_config(layer)  # a subclass may have more
    return keras.layers.GRU.from_config(config)


def spare_layers(model: keras.Model) -> list[keras.Layer]:
    """Of a deep plain model the layers that could be left out; none of another.

    Plain: each layer takes what the one before it gives, and nothing else. Those with weights that
    give what they take the shape of could be left out, with the activation, the normalization and
    the dropout that follow them; one of `KEPT` of them stays.
    """
    if not _is_graph(model) or not _is_plain(model):
        return []
    weighted = [layer for layer in model.layers if isinstance(layer, WEIGHTED)]
    parts: list[list[keras.Layer]] = []
    within = False
    for layer in model.layers:
        if isinstance(layer, WEIGHTED):
            hidden = layer not in (weighted[0], weighted[-1])
            within = hidden and layer.input.shape == layer.output.shape
            if within:
                parts.append([layer])
        elif within and isinstance(layer, _FOLLOWS):
            parts[-1].append(layer)
        else:
            within = False
    if len(parts) < DEEP:
        return []
    return [layer for row, part in enumerate(parts) if row % KEPT for layer in part]


def _is_plain(model: keras.Model) -> bool:
    before = model.inputs[0]
    try:
        for layer in model.layers:
            if isinstance(layer, keras.layers.InputLayer):
                continue
            if layer.input is not before:
                return False
            before = layer.output
    except (AttributeError, ValueError):  # used more than once
        return False
    return len(model.inputs) == 1 and before is model.outputs[0]


def shallower(model: keras.Model) -> keras.Model | None:
    """The model without its spare layers; None of one that has none."""
    return _with(model, spare_layers(model), _Through)


class _Through(keras.layers.Layer):  # type: ignore[misc]
    """Gives what it is given, whatever the layer in whose place it stands is called with."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.supports_masking = True

    def call(self, inputs: Any, **options: Any) -> Any:
        return inputs


def _with(
    model: keras.Model,
    layers: Sequence[keras.Layer],
    instead: Callable[[keras.Layer], keras.Layer],
) -> keras.Model | None:
    """The model with others instead of some layers; all the rest has the weights that it has.

    None where there are none, or that is no model of the same outputs.
    """
    names = {layer.name for layer in layers}
    if not names:
        return None

    def copy(layer: keras.Layer) -> keras.Layer:
        if layer.name in names:
            return instead(layer)
        return type(layer).from_config(layer.get_config())

    try:
        with keras_private.seeds_from(random.Random(SEED)):  # the same weights each time
            other = keras.models.clone_model(model, clone_function=copy)
    except Exception:  # a layer of the user's, or one that is used where sizes must agree
        return None
    if other.output_shape != model.output_shape:
        return None
    for layer, old in zip(other.layers, model.layers, strict=True):
        if [w.shape for w in layer.weights] == [w.shape for w in old.weights]:
            layer.set_weights(old.get_weights())
    losses, weights = keras_private.given_loss(model), keras_private.given_loss_weights(model)
    other.compile(loss=losses, loss_weights=weights)
    return other


def _is_graph(model: keras.Model) -> bool:
    """Whether a model is a graph of its layers, as a sequential one need not be."""
    graph = isinstance(model, keras.Sequential) or keras_private.is_functional(model)
    return graph and bool(getattr(model, "inputs", None))
