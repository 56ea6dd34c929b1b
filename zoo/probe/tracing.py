"""What a forward pass of a Keras model does inside: pre-activations and what activates them.

While it is watched, the layers' `call` and `activation` are wrapped; afterwards each instance is as
it was. A pre-activation z is what a layer's activation function is given, or, without one, what the
layer gives. An activation in a layer of its own belongs to the layer whose z reaches it unmerged:
through normalization, dropout and the like, but not through a sum.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo import keras_private
from zoo.probe.layers import has_z, layers_inside

Tensor = Any

# What gives a tensor on that it was given, but for its scale, its shape or some of its entries.
_PASSES_ON = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Identity,
)
_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)


@dataclass
class Trace:
    """One use of a layer: its z, and the activation that followed, with its outputs."""

    z: Tensor
    activation: Callable[[Tensor], Tensor] | None = None
    output: Tensor = None


@dataclass
class Recorder:
    """What was seen in a pass.

    Attributes:
        traces: the uses of each layer, by its identity, in their order.
        order: identities of all layers in the order in which they were first called.
        embedded: what each embedding gave, in the order of the calls.
        sequences: the arguments of each use of each recurrent layer, by its identity.
        activated: each activation that is not linear, with what it was given and gave.
    """

    traces: dict[int, list[Trace]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    embedded: list[Tensor] = field(default_factory=list)
    sequences: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    activated: list[tuple[Callable[..., Any], Tensor, Tensor]] = field(default_factory=list)
    _carries: dict[int, tuple[Tensor, Trace]] = field(default_factory=dict)

    def carries(self, tensor: Tensor) -> Trace | None:
        """The use whose z, without an activation yet, a tensor carries on."""
        kept = self._carries.get(id(tensor))
        return kept[1] if kept else None

    def carry(self, tensor: Tensor, trace: Trace) -> None:
        """Notes that a tensor carries on a z; the tensor is kept, so that its identity stays."""
        self._carries[id(tensor)] = (tensor, trace)


def _is_linear(function: Any) -> bool:
    return function is None or function is keras.activations.linear


@contextmanager
def recording(model: keras.Model) -> Iterator[Recorder]:
    """Within it, calls of the model note what goes on inside."""
    recorder = Recorder()
    undo: list[Callable[[], None]] = []
    inside_cells = _inside_recurrent(model)

    def replace(layer: keras.Layer, name: str, value: Any) -> None:
        had, before = name in vars(layer), getattr(layer, name)
        if had:
            undo.append(lambda: setattr(layer, name, before))
        else:
            undo.append(lambda: delattr(layer, name))
        setattr(layer, name, value)

    def watch_activation(layer: keras.Layer) -> None:
        function = layer.activation

        def activated(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            trace = Trace(x)
            recorder.traces.setdefault(id(layer), []).append(trace)
            output = function(x, *args, **kwargs)
            if _is_linear(function):
                recorder.carry(output, trace)
            else:
                trace.activation, trace.output = function, output
                recorder.activated.append((function, x, output))
            return output

        replace(layer, "activation", activated)

    def watch_call(layer: keras.Layer) -> None:
        call = layer.call

        def called(*args: Any, **kwargs: Any) -> Any:
            if id(layer) not in recorder.order:
                recorder.order.append(id(layer))
            first = args[0] if args else next(iter(kwargs.values()), None)
            if isinstance(layer, keras.layers.RNN):
                named = dict(zip(("sequence", "initial_state", "mask"), args, strict=False))
                use = {**named, **kwargs, "sequence": first}
                recorder.sequences.setdefault(id(layer), []).append(use)
            uses = len(recorder.traces.get(id(layer), []))
            output = call(*args, **kwargs)
            _note(recorder, layer, first, output, uses)
            return output

        replace(layer, "call", called)

    try:
        for layer in layers_inside(model):
            if id(layer) in inside_cells:
                continue
            if has_z(layer) and _calls_its_activation(layer):
                watch_activation(layer)
            watch_call(layer)
        for layer in (model, *layers_inside(model)):
            if keras_private.repeats_its_pass(layer):
                replace(layer, keras_private.REPEATING, None)
        yield recorder
    finally:
        for put_back in reversed(undo):
            put_back()


def _says_so(layer: keras.Layer) -> bool:
    """Whether a layer that Keras does not have says that it passes on what it is given."""
    return bool(getattr(layer, "passes_on_z", False))


def _calls_its_activation(layer: keras.Layer) -> bool:
    return callable(getattr(layer, "activation", None))


def _inside_recurrent(model: keras.Model) -> set[int]:
    return {
        id(part)
        for layer in layers_inside(model)
        if isinstance(layer, keras.layers.RNN)
        for part in layers_inside(layer)
    }


def _note(recorder: Recorder, layer: keras.Layer, first: Any, output: Any, uses: int) -> None:
    """What a layer's call tells, when it has ended.

    Args:
        recorder: where it is noted.
        layer: that was called.
        first: its first argument.
        output: what it gave.
        uses: how many uses of the layer had been noted before.
    """
    if isinstance(layer, keras.layers.Embedding):
        recorder.embedded.append(output)
    if isinstance(layer, (*_ACTIVATIONS, keras.layers.Softmax)):
        function = getattr(layer, "activation", layer)
        if not _is_linear(function):
            recorder.activated.append((function, first, output))
    if has_z(layer):
        traces = recorder.traces.setdefault(id(layer), [])
        if len(traces) == uses and getattr(layer, "activation", None) is None:
            traces.append(Trace(output))  # no activation: the output is z
            recorder.carry(output, traces[-1])
        elif len(traces) > uses and traces[-1].activation is None:
            recorder.carry(output, traces[-1])  # reshaped after a linear activation, or cast
        return
    trace = recorder.carries(first)
    if trace is None or trace.activation is not None:
        return
    if isinstance(layer, _ACTIVATIONS) and not _is_linear(getattr(layer, "activation", 0)):
        trace.activation = getattr(layer, "activation", layer)
        trace.output = output
    elif isinstance(layer, (*_PASSES_ON, keras.layers.Activation)) or _says_so(layer):
        recorder.carry(output, trace)
