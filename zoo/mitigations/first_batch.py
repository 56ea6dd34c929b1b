"""Data-dependent starts: weights that a first batch of examples decides, before any training.

A layer takes part that has a method `start_from(inputs)`: it is called once, right before the
layer's first call, with what enters the layer. So each layer starts from what the layers below,
already started, make of the batch. `zoo.models.build` calls `start`, with the first examples of the
training split, without their targets: the start depends on arm, seed and data alone.
"""

from collections.abc import Callable
from typing import Any

import keras

from zoo import keras_private

EXAMPLES = 500  # of the batch; as many as in the CIFAR-10 code of Salimans and Kingma


def start(model: keras.Model, examples: Any) -> None:
    """Starts all layers of a model that start from data, in the order in which it computes them.

    One pass forward in inference mode, which draws no random number and moves no average; none if
    no layer starts from data.

    Args:
        model: built, of any family.
        examples: inputs of the first batch, (batch, ...).
    """
    layers = [layer for layer in _inside(model).values() if hasattr(layer, "start_from")]
    if not layers:
        return
    try:
        for layer in layers:
            layer.call = _started(layer)
        model(examples, training=False)
    finally:
        for layer in layers:
            if "call" in vars(layer):  # which it was never called by, or had no part in
                del layer.call


def _started(layer: keras.Layer) -> Callable[..., Any]:
    """The layer's own `call`, which starts it first and then is its own again."""
    call = layer.call

    def started(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        del layer.call
        layer.start_from(inputs)
        return call(inputs, *args, **kwargs)

    return started


def _inside(layer: keras.Layer) -> dict[int, keras.Layer]:
    """The layers inside a layer or model, at any depth, each once."""
    found: dict[int, keras.Layer] = {}
    for part in keras_private.inner_layers(layer):
        found |= {id(part): part} | _inside(part)
    return found
