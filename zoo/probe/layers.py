"""Which weights of a model are measured, under which names, and which are not, and why."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from zoo import keras_private


@dataclass(frozen=True)
class Measured:
    """What is measured as one layer: a matrix of weights.

    Attributes:
        name: unlike that of any other in the model.
        kernel: W, of two dimensions or more.
        layer: the layer that has it.
        with_z: whether the layer's z belongs to it.
    """

    name: str
    kernel: keras.Variable
    layer: keras.Layer
    with_z: bool


@dataclass(frozen=True)
class Unmeasured:
    """A layer with weights that is left out, and why."""

    name: str
    reason: str


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


def _matrices(layer: keras.Layer) -> list[keras.Variable]:
    """The weights right in a layer that could learn and have two dimensions or more."""
    if isinstance(layer, keras.layers.PReLU):  # a slope for each unit, of any shape
        return []
    return [v for v in _weights(layer) if len(v.shape) > 1 and not _is_bias(v)]


def _weights(layer: keras.Layer) -> list[keras.Variable]:
    """The weights right in a layer; a wrapper may point to those of the layer it holds."""
    inner = {id(v) for part in layers_inside(layer) for v in keras_private.weights_of(part)}
    return [v for v in keras_private.weights_of(layer) if id(v) not in inner]


def _fixed_matrices(layer: keras.Layer) -> list[keras.Variable]:
    """The matrices of a layer that has no others, as random features are; a wrapper has no W."""
    if isinstance(layer, keras.layers.Wrapper):
        return []
    inner = {id(v) for part in layers_inside(layer) for v in part.weights}
    return [v for v in layer.weights if id(v) not in inner and len(v.shape) > 1 and _learns(v)]


def _is_bias(variable: keras.Variable) -> bool:
    return "bias" in variable.name  # a GRU's has two dimensions


def _learns(variable: keras.Variable) -> bool:
    return bool(keras.backend.is_float_dtype(variable.dtype))


def has_z(layer: keras.Layer) -> bool:
    """Whether the layer makes a pre-activation of what it is given: it has a kernel, no state.

    Of a layer of the user's with several matrices it is not known which of them makes it.
    """
    if isinstance(layer, keras.layers.RNN | keras.Model) or not hasattr(layer, "activation"):
        return False
    kernels = [v for v in _matrices(layer) if _learns(v)]
    if len(kernels) > 1 and type(layer).__module__.split(".")[0] != "keras":
        return False
    return bool(kernels) and not isinstance(layer.activation, str)


def survey(
    model: keras.Model, order: Sequence[int] | None = None
) -> tuple[list[Measured], list[Unmeasured]]:
    """What is measured, and what is not.

    Of a layer with one matrix, the entry is named like the layer; of one with several, like the
    layer and each matrix. A name that several have, such as `query` in blocks of attention, gets
    those of the layers around it: `block_2/query`.

    Args:
        model: built.
        order: identities of the layers in the order in which they are computed; by default that in
            which the model holds them.
    """
    layers = _with_holders(model)
    if order is not None:
        places = {identity: place for place, identity in enumerate(order)}
        layers.sort(key=lambda each: _place(each[1], places))
    inside_recurrent = {
        id(part)
        for _, layer in layers
        if isinstance(layer, keras.layers.RNN)
        for part in layers_inside(layer)
    }
    paths: list[tuple[str, ...]] = []
    entries: list[tuple[keras.Variable, keras.Layer, bool]] = []
    left_out: list[tuple[tuple[str, ...], str]] = []
    for holders, layer in [((), model), *layers]:
        if id(layer) in inside_recurrent:
            continue
        recurrent = isinstance(layer, keras.layers.RNN)
        if recurrent:
            weights = [v for v in layer.weights if not _is_bias(v)]
            matrices = [v for v in weights if len(v.shape) > 1]
        else:
            weights, matrices = _weights(layer), _matrices(layer)
        path = (*holders, layer.name)
        learning = [v for v in matrices if _learns(v)]
        if quantized := getattr(layer, "quantization_mode", None):
            left_out.append((path, f"its kernel is quantized to {quantized}, without a gradient"))
        elif not weights and _fixed_matrices(layer):
            left_out.append((path, "its weights are not given to learn"))
        elif weights and not matrices:
            left_out.append((path, "its weights are vectors: the scales and shifts of its units"))
        elif order is not None and learning and id(layer) not in places and layer is not model:
            left_out.append((path, "neither the model nor its loss calls it"))
            continue
        for matrix in matrices:
            if not _learns(matrix):
                left_out.append(((*path, matrix.name), f"{matrix.dtype} has no gradient"))
        for matrix in learning:
            if recurrent:
                paths.append((*holders, f"{layer.name}_{matrix.name}"))
            elif len(learning) > 1 or layer is model:
                paths.append((*holders, f"{layer.name}/{matrix.name}"))
            else:
                paths.append(path)
            entries.append((matrix, layer, has_z(layer) and matrix is learning[-1]))
    names = told_apart([*paths, *(path for path, _ in left_out)])
    measured = [Measured(name, *entry) for name, entry in zip(names, entries, strict=False)]
    others = zip(names[len(paths) :], left_out, strict=True)
    return measured, [Unmeasured(name, reason) for name, (_, reason) in others]


def _place(layer: keras.Layer, places: dict[int, int]) -> tuple[bool, int]:
    """Where a layer is computed; what is not called stands at the end."""
    known = [places[id(each)] for each in (layer, *layers_inside(layer)) if id(each) in places]
    return not known, places.get(id(layer), min(known, default=0))


def told_apart(paths: Sequence[tuple[str, ...]]) -> list[str]:
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


def is_static(model: Any) -> bool:
    """Whether a model and all in it hold their layers in the order in which they compute them."""
    composite = [layer for layer in (model, *layers_inside(model)) if layers_inside(layer)]
    known = keras.layers.RNN | keras.layers.Wrapper | keras.layers.MultiHeadAttention
    return all(
        isinstance(layer, keras.Sequential | known) or keras_private.is_functional(layer)
        for layer in composite
    )
