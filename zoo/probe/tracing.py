"""What a forward pass of a Keras model does inside: pre-activations and what activates them."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo import keras_private

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


@dataclass(frozen=True)
class Measured:
    """What is measured as one layer.

    Attributes:
        name: unlike that of any other in the model.
        kernel: W.
        layer: the layer that has a z; None for a matrix of a recurrent layer.
    """

    name: str
    kernel: keras.Variable
    layer: keras.Layer | None


def layers_inside(layer: keras.Layer) -> list[keras.Layer]:
    """The layers inside a layer or model, at any depth and in order, each once."""
    return [inner for _, inner in _with_holders(layer)]


def _with_holders(
    layer: keras.Layer, above: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], keras.Layer]]:
    """The layers inside, each with the names of the layers that it is in, the outermost first.

    Keras's own list of them gives those of a nested model from last to first.
    """
    by_id: dict[int, tuple[tuple[str, ...], keras.Layer]] = {}
    for part in keras_private.inner_layers(layer):
        for holders, each in [(above, part), *_with_holders(part, (*above, part.name))]:
            by_id.setdefault(id(each), (holders, each))
    return list(by_id.values())


def inside_recurrent(layers: Sequence[keras.Layer]) -> set[int]:
    """The identities of what lies inside the recurrent layers among some layers."""
    return {
        id(part)
        for layer in layers
        if isinstance(layer, keras.layers.RNN)
        for part in layers_inside(layer)
    }


def _has_z(layer: keras.Layer) -> bool:
    return (
        not isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        and hasattr(layer, "activation")
        and getattr(layer, "kernel", None) is not None
    )


def measured_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with a kernel, in the model's order; not those inside a recurrent layer."""
    layers = layers_inside(model)
    inside = inside_recurrent(layers)
    return [layer for layer in layers if id(layer) not in inside and _has_z(layer)]


def measured(model: keras.Model) -> list[Measured]:
    """All that is measured, in the model's order.

    Of a recurrent layer, every matrix is measured and named after both. A name that several have,
    such as `query` in blocks of attention, gets those of the layers around it: `block_2/query`.
    """
    layers = _with_holders(model)
    inside = inside_recurrent([layer for _, layer in layers])
    paths: list[tuple[str, ...]] = []
    kernels: list[tuple[keras.Variable, keras.Layer | None]] = []
    for holders, layer in layers:
        if id(layer) in inside:
            continue
        if _has_z(layer):
            paths.append((*holders, layer.name))
            kernels.append((layer.kernel, layer))
        elif isinstance(layer, keras.layers.RNN):
            weights = layer.trainable_variables
            matrices = [v for v in weights if len(v.shape) > 1 and "bias" not in v.name]
            paths += [(*holders, f"{layer.name}_{matrix.name}") for matrix in matrices]
            kernels += [(matrix, None) for matrix in matrices]
    names = _told_apart(paths)
    return [Measured(name, *each) for name, each in zip(names, kernels, strict=True)]


def _told_apart(paths: list[tuple[str, ...]]) -> list[str]:
    """The end of each path, as long as it takes to tell it from the others."""
    lengths = [1] * len(paths)
    while True:
        names = ["/".join(path[-length:]) for path, length in zip(paths, lengths, strict=True)]
        counts = Counter(names)
        short = [
            i for i, name in enumerate(names) if counts[name] > 1 and lengths[i] < len(paths[i])
        ]
        if not short:
            break
        for i in short:
            lengths[i] += 1
    for i, name in enumerate(names):  # the same path twice: numbered
        numbers = itertools.count(2)
        while names[i] in names[:i] or (names[i] != name and names[i] in names[i + 1 :]):
            names[i] = f"{name}_{next(numbers)}"
    return names


@contextmanager
def recording(model: keras.Model) -> Iterator[Recorder]:
    """Within it, calls of the model note every z and the activation that follows it.

    A layer applies its activation function to z itself, or leaves that to a later Activation or
    ReLU layer; either way the function is what sees z, so it is wrapped while the model is traced.
    """
    recorder = Recorder()
    undo: list[tuple[keras.Layer, str, Any]] = []
    layers = layers_inside(model)
    with_z = {id(layer) for layer in measured_layers(model)}
    inside = inside_recurrent(layers)

    def wrap(layer: keras.Layer, attribute: str, name: str) -> None:
        function: Callable[..., Tensor] = getattr(layer, attribute)

        def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if id(layer) in with_z:
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
            elif id(layer) in with_z or isinstance(layer, keras.layers.Activation):
                wrap(layer, "activation", getattr(layer.activation, "__name__", ""))
        yield recorder
    finally:
        for layer, attribute, value in undo:
            setattr(layer, attribute, value)
