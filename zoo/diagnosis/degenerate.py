"""Degenerate layers: little is left after them of what they were given."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.diagnosis.heads import last_layers
from zoo.diagnosis.verdict import Verdict
from zoo.probe.layers import layers_inside
from zoo.probe.state import State
from zoo.probe.tracing import recording

FEW = 2  # numbers of which normalization leaves no more than their order
# Root mean square of a random change over that of what is changed: what is moved, turned or
# replaced by others of its kind changes by 1.4 at most.
LOUD = 3.0


def faults(model: keras.Model, x: Any) -> Iterator[Verdict]:
    """Layers that are in the way whatever the network learns.

    Args:
        model: built; it stays as it was.
        x: inputs of some examples.
    """
    yield from _normalized(model)
    yield from _weighed_alone(model, x)
    yield from _drowned(model, x)


def _normalized(model: keras.Model) -> Iterator[Verdict]:
    """Layers that normalize one or two numbers by themselves: which is larger is all that is left.

    (a - m) / s of one number is 0, of two 1 and -1 (m and s their mean and standard deviation).
    """
    for layer in layers_inside(model):
        if not isinstance(layer, keras.layers.LayerNormalization):
            continue
        weights = [weight for weight in (layer.gamma, layer.beta) if weight is not None]
        size = int(np.prod(weights[0].shape)) if weights else FEW + 1
        if size <= FEW:
            left = "nothing is left of it" if size == 1 else "which is larger is all that is left"
            yield Verdict(
                "examples alike",
                layer.name,
                f"of each example it normalizes {'one number' if size == 1 else 'two numbers'} by "
                f"themselves: {left}",
                "normalization over the examples",
                repair="keras.layers.BatchNormalization(), or Normalization() that is adapted",
                layers=(layer.name,),
            )


def _weighed_alone(model: keras.Model, x: Any) -> Iterator[Verdict]:
    """A softmax over one number, which is 1 whatever the number: so do weights of attention end."""
    last = {id(each) for each in last_layers(model)}
    inside = [each for each in layers_inside(model) if id(each) not in last]
    attention = (keras.layers.MultiHeadAttention, keras.layers.Attention)
    over_keys = {
        id(part) for each in inside if isinstance(each, attention) for part in layers_inside(each)
    }
    with State(model).kept(), recording(model) as recorder:
        outputs = tree.flatten(model(tree.map_structure(tf.convert_to_tensor, x), training=False))
    uses = {id(use.output): key for key, of in recorder.traces.items() for use in of}
    names = {id(each): each.name for each in inside}
    for function, _, given in recorder.activated:
        softmax = function is keras.activations.softmax
        axis = -1 if softmax else getattr(function, "axis", None)
        is_layer = isinstance(function, keras.layers.Softmax) and id(function) not in over_keys
        if not (softmax or is_layer) or not isinstance(axis, int) or given.shape[axis] != 1:
            continue
        name = getattr(function, "name", None) or names.get(uses.get(id(given), 0))
        if name is None or any(given is each for each in outputs):
            continue
        yield Verdict(
            "unused",
            name,
            f"its softmax is over the one number of axis {axis}: it gives 1 whatever it is given",
            "a softmax over the axis whose entries are to be weighed, as axis=1 of (batch, steps, "
            "1)",
            repair="keras.layers.Softmax(axis=1)",
            layers=(name,),
        )


def _drowned(model: keras.Model, x: Any) -> Iterator[Verdict]:
    """Augmentation or noise far larger than the data: made for bytes, and given 0 to 1."""
    for layer in keras_private.inner_layers(model):
        parts = [layer, *layers_inside(layer)]
        if layer.trainable_weights or not any(map(_is_random, parts)):
            continue
        try:
            before = keras.Model(model.inputs, layer.input)
            with State(model).kept():
                given = before(tree.map_structure(tf.convert_to_tensor, x), training=False)
                usual, changed = (
                    np.asarray(layer(given, training=training), np.float64)
                    for training in (False, True)
                )
        except Exception:  # not a functional model, or it wants something else
            continue
        size, change = (float(np.sqrt(np.mean(a**2))) for a in (usual, changed - usual))
        if change > LOUD * size > 0:
            yield Verdict(
                "training and inference differ",
                layer.name,
                f"in training it changes what it is given by {change:.3g} (root mean square), and "
                f"that is {size:.3g}",
                "changes smaller than the data: value_range and stddev in their units",
                sure="likely",
                repair="value_range=(0, 1), for values of 0 to 1",
                layers=(layer.name,),
            )


def _is_random(layer: keras.Layer) -> bool:
    """Whether a layer of Keras's changes its inputs by chance, in training alone."""
    kind = type(layer)
    noise = isinstance(layer, keras.layers.GaussianNoise)
    return noise or (kind.__module__.startswith("keras.") and kind.__name__.startswith("Random"))
