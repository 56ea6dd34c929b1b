"""What a forward pass of a Keras model does inside: pre-activations and what activates them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

Tensor = Any


@dataclass
class Trace:
    """What a layer did in a forward pass: its pre-activation, and the activation that followed."""

    z: Tensor
    activation: str = ""
    output: Tensor = None


@dataclass
class Recorder:
    """The traces by layer identity; `last` is the one whose activation has not been seen yet."""

    traces: dict[int, Trace] = field(default_factory=dict)
    last: Trace | None = None
    embedded: Tensor = None  # the output of an Embedding layer


def layers_inside(layer: keras.Layer) -> list[keras.Layer]:
    """The layers inside a layer or model, at any depth and in order, each once.

    Keras's own `_flatten_layers` gives those of a nested model from last to first.
    """
    found: dict[int, keras.Layer] = {}
    for part in layer._layers:
        for each in (part, *layers_inside(part)):
            found.setdefault(id(each), each)
    return list(found.values())


def inside_recurrent(layers: Sequence[keras.Layer]) -> set[int]:
    """The identities of what lies inside the recurrent layers among some layers."""
    return {
        id(part)
        for layer in layers
        if isinstance(layer, keras.layers.RNN)
        for part in layers_inside(layer)
    }


def measured_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with a kernel, in the model's order; not those inside a recurrent layer."""
    layers = layers_inside(model)
    inside = inside_recurrent(layers)
    return [
        layer
        for layer in layers
        if id(layer) not in inside
        and not isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        and hasattr(layer, "activation")
        and getattr(layer, "kernel", None) is not None
    ]


@contextmanager
def recording(model: keras.Model) -> Iterator[Recorder]:
    """Within it, calls of the model note every z and the activation that follows it.

    A layer applies its activation function to z itself, or leaves that to a later Activation or
    ReLU layer; either way the function is what sees z, so it is wrapped while the model is traced.
    """
    recorder = Recorder()
    undo: list[tuple[keras.Layer, str, Any]] = []
    layers = layers_inside(model)
    measured = {id(layer) for layer in measured_layers(model)}
    inside = inside_recurrent(layers)

    def wrap(layer: keras.Layer, attribute: str, name: str) -> None:
        function: Callable[..., Tensor] = getattr(layer, attribute)

        def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if id(layer) in measured:
                recorder.last = recorder.traces[id(layer)] = Trace(z=x)
            output = function(x, *args, **kwargs)
            if recorder.last is not None and name != "linear":
                recorder.last.activation, recorder.last.output = name, output
                recorder.last = None
            return output

        undo.append((layer, attribute, function))
        setattr(layer, attribute, call)

    def wrap_embedding(layer: keras.Layer) -> None:
        function = layer.call

        def call(*args: Any, **kwargs: Any) -> Tensor:
            recorder.embedded = function(*args, **kwargs)
            return recorder.embedded

        undo.append((layer, "call", function))
        layer.call = call

    try:
        for layer in layers:
            if id(layer) in inside:
                continue
            if isinstance(layer, keras.layers.Embedding):
                wrap_embedding(layer)
            elif isinstance(layer, keras.layers.ReLU) and not layer.negative_slope:
                wrap(layer, "call", "relu")
            elif id(layer) in measured or isinstance(layer, keras.layers.Activation):
                wrap(layer, "activation", getattr(layer.activation, "__name__", ""))
        yield recorder
    finally:
        for layer, attribute, value in undo:
            setattr(layer, attribute, value)
