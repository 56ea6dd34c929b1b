"""Data-dependent starts: weights that a first batch of examples decides, before any training.

A layer takes part that has a method `start_from(inputs)`, or whose kernel has an initializer with a
method `start_of(layer)` that gives such a function: it is called once, right before the layer's
first call, with what enters the layer. So each layer starts from what the layers below, already
started, make of the batch. `zoo.models.build` calls `start`, with the first examples of the
training split, without their targets: the start depends on arm, seed and data alone.
"""

from collections.abc import Callable
from typing import Any

import keras

from zoo import keras_private
from zoo.errors import ZooError

EXAMPLES = 500  # of the batch; as many as in the CIFAR-10 code of Salimans and Kingma


def start(model: keras.Model, examples: Callable[[], Any]) -> None:
    """Starts all layers of a model that start from data, in the order in which it computes them.

    One pass forward in inference mode, which draws no random number and moves no average; none if
    no layer starts from data.

    Args:
        model: built, of any family.
        examples: gives the inputs of the first batch, (batch, ...); called if a layer takes part.

    Raises:
        ZooError: if an initializer that starts kernels from data is given to other weights, or to
            a kernel that it is not for.
    """
    starts = [(layer, _start_of(layer)) for layer in _inside(model).values()]
    taking_part = [(layer, start_from) for layer, start_from in starts if start_from is not None]
    if not taking_part:
        return
    try:
        for layer, start_from in taking_part:
            layer.call = _started(layer, start_from)
        model(examples(), training=False)
    finally:
        for layer, _ in taking_part:
            if "call" in vars(layer):  # which it was never called by, or had no part in
                del layer.call


def _start_of(layer: keras.Layer) -> Callable[[Any], None] | None:
    """What starts a layer from its inputs: its own method, or what its kernel's initializer gives.

    Asked for before the pass: Keras adds lines of its own to what is raised within.
    """
    for name, value in vars(layer).items():
        starts = isinstance(value, keras.Initializer) and hasattr(value, "start_of")
        if starts and name != "kernel_initializer":
            raise ZooError(
                f"model.{name}: {type(value).__name__} starts kernels alone, and {layer.name} has "
                "it for other weights: give these another initializer"
            )
    own: Callable[[Any], None] | None = getattr(layer, "start_from", None)
    if own is not None:
        return own
    start_of: Callable[[keras.Layer], Callable[[Any], None]] | None = getattr(
        getattr(layer, "kernel_initializer", None), "start_of", None
    )
    return None if start_of is None else start_of(layer)


def _started(layer: keras.Layer, start_from: Callable[[Any], None]) -> Callable[..., Any]:
    """The layer's own `call`, which starts it first and then is its own again."""
    call = layer.call

    def started(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        del layer.call
        start_from(inputs)
        return call(inputs, *args, **kwargs)

    return started


def _inside(layer: keras.Layer) -> dict[int, keras.Layer]:
    """The layers inside a layer or model, at any depth, each once."""
    found: dict[int, keras.Layer] = {}
    for part in keras_private.inner_layers(layer):
        found |= {id(part): part} | _inside(part)
    return found
