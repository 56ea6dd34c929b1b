"""Gradient measurements on one fixed batch, for any functional or sequential Keras model.

A layer is measured if it has a kernel (Dense, convolutions, ...) and is not inside a recurrent cell.
Its pre-activation z is the layer's affine output, before any normalization, and its delta is dL/dz
for L the mean loss over the batch. The batch is run in training mode; what that changes (moving
averages, the state of random generators) is put back, so measuring never alters the training.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

Tensor = Any

# ---------------------------------------------------------------- quantities, one function each
# Each takes the tensors of several layers of one shape stacked, (layers, ...), and gives float64
# values, (layers,): a deep network is measured in a few large operations instead of many small ones.


def norm(x: Tensor) -> Tensor:
    """The L2 norm of the finite entries; scaled by the largest, so it cannot under- or overflow.

    In float32 the sum of squares of entries near 1e-20 is 0, and of entries near 1e20 infinite.
    """
    size = tf.reshape(tf.abs(x), [x.shape[0], -1])
    size = tf.where(tf.math.is_finite(size), size, 0.0)
    largest = tf.reduce_max(size, axis=1)
    scaled = tf.math.divide_no_nan(size, largest[:, None])
    total = tf.sqrt(tf.reduce_sum(tf.square(scaled), axis=1))
    return tf.cast(largest, tf.float64) * tf.cast(total, tf.float64)


def rms(x: Tensor) -> Tensor:
    """The root mean square of the finite entries."""
    return norm(x) / x.shape[1:].num_elements() ** 0.5


def saturated(name: str, output: Tensor) -> Tensor:
    """The share of activations in the flat part: |tanh| > 0.99, sigmoid outside [0.01, 0.99]."""
    if name == "tanh":
        flat = tf.abs(output) > 0.99
    elif name == "sigmoid":
        flat = tf.abs(output - 0.5) > 0.49
    else:
        return tf.fill(output.shape[:1], tf.constant(float("nan"), tf.float64))
    return tf.reduce_mean(tf.cast(flat, tf.float64), axis=list(range(1, flat.shape.rank)))


def dead(name: str, output: Tensor) -> Tensor:
    """The share of ReLU units (channels of a convolution) that are 0 on the whole batch."""
    if name != "relu":
        return tf.fill(output.shape[:1], tf.constant(float("nan"), tf.float64))
    off = tf.reduce_all(output == 0.0, axis=list(range(1, output.shape.rank - 1)))
    return tf.reduce_mean(tf.cast(off, tf.float64), axis=1)


def nonfinite(x: Tensor) -> Tensor:
    """The number of entries that are infinite or not a number."""
    return tf.reduce_sum(
        tf.cast(~tf.math.is_finite(x), tf.float64), axis=list(range(1, x.shape.rank))
    )


def _each(quantity: Callable[..., Tensor], tensors: list[Tensor], names: list[str] | None = None) -> Tensor:
    """The quantity of each tensor, (len(tensors),), computed once for all of one shape and name."""
    groups: dict[Any, list[int]] = {}
    for index, tensor in enumerate(tensors):
        key = (tuple(tensor.shape), names[index] if names else None)
        groups.setdefault(key, []).append(index)
    parts = [
        quantity(*([name] if names else []), tf.stack([tensors[index] for index in group]))
        for (_, name), group in groups.items()
    ]
    order = [index for group in groups.values() for index in group]
    return tf.gather(tf.concat(parts, axis=0), [order.index(i) for i in range(len(order))])


# ---------------------------------------------------------------- recording a forward pass


@dataclass
class _Trace:
    """What one layer did in a forward pass: its pre-activation, and the activation that followed."""

    z: Tensor = None
    activation: str = ""
    output: Tensor = None


@dataclass
class _Recorder:
    traces: dict[str, _Trace] = field(default_factory=dict)
    last: str = ""


def measured_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with a kernel, in the model's order; not those inside a recurrent layer."""
    inside = {
        id(part)
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for part in layer._flatten_layers(include_self=True)
    }
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if id(layer) not in inside and hasattr(layer, "activation") and _kernel(layer) is not None
    ]


def _kernel(layer: keras.Layer) -> Any:
    return getattr(layer, "kernel", None)


@contextmanager
def _recording(model: keras.Model) -> Iterator[_Recorder]:
    """Within it, calls of the model note every z and the activation that follows it.

    A layer applies its activation function to z itself, or leaves that to a later Activation or ReLU
    layer; either way the function is what sees z, so it is wrapped while the model is traced.
    """
    recorder = _Recorder()
    undo: list[tuple[keras.Layer, str, Any]] = []

    def wrapped(layer: keras.Layer, function: Callable[[Tensor], Tensor]) -> Any:
        def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if id(layer) in measured:
                recorder.last = layer.name
                recorder.traces[layer.name] = _Trace(z=x)
            output = function(x, *args, **kwargs)
            name = "relu" if isinstance(layer, keras.layers.ReLU) else function.__name__
            if recorder.last and name in ("tanh", "sigmoid", "relu"):
                trace = recorder.traces[recorder.last]
                if not trace.activation:
                    trace.activation, trace.output = name, output
            return output

        return call

    measured = {id(layer) for layer in measured_layers(model)}
    try:
        for layer in model._flatten_layers(include_self=False):
            if isinstance(layer, keras.layers.ReLU) and not layer.negative_slope:
                undo.append((layer, "call", layer.call))
                layer.call = wrapped(layer, layer.call)
            elif id(layer) in measured or isinstance(layer, keras.layers.Activation):
                undo.append((layer, "activation", layer.activation))
                layer.activation = wrapped(layer, layer.activation)
        yield recorder
    finally:
        for layer, attribute, value in undo:
            setattr(layer, attribute, value)


# ---------------------------------------------------------------- the probe


# delta_rms: rms of dL/dz over the batch, units and positions. kernel_grad_norm, kernel_grad_rms: of
# dL/dW. displacement: ||W_t - W_0|| / ||W_0||. kernel_rms: of W. saturated, dead: shares of units.
# nonfinite: entries of dL/dz and dL/dW, which the norms leave out.
QUANTITIES = (
    "delta_rms",
    "kernel_grad_norm",
    "kernel_grad_rms",
    "displacement",
    "kernel_rms",
    "saturated",
    "dead",
    "nonfinite",
)


class Probe:
    """Measures a model on one batch, as often as asked; call it inside a `tf.function`.

    Args:
        model: a functional or sequential Keras model, built.
        loss: a Keras loss; its value is averaged over the batch.
        x: inputs, (batch, ...).
        y: targets, as the loss takes them.

    Attributes:
        layers: the names of the measured layers, from input to output.
    """

    def __init__(self, model: keras.Model, loss: keras.Loss, x: Tensor, y: Tensor) -> None:
        self._model, self._loss = model, loss
        self._x, self._y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        layers = measured_layers(model)
        if not layers:
            raise ValueError(f"model {model.name} has no layer with a kernel to measure")
        self.layers = [layer.name for layer in layers]
        self._kernels = [_kernel(layer).value for layer in layers]
        self._start = [tf.Variable(kernel, trainable=False) for kernel in self._kernels]
        self._start_norms = tf.Variable(tf.zeros([len(layers)], tf.float64), trainable=False)
        trainable = {id(variable) for variable in model.trainable_variables}
        self._state = [v.value for v in model.variables if id(v) not in trainable]
        self._begin = tf.function(self._remember_start)

    def start(self) -> None:
        """Takes the present kernels as W_0, from which displacement is measured."""
        self._begin()

    def _remember_start(self) -> None:
        for start, kernel in zip(self._start, self._kernels, strict=True):
            start.assign(kernel)
        self._start_norms.assign(_each(norm, self._kernels))

    def kernels(self) -> list[Tensor]:
        """A copy of every measured kernel, as `update_ratio` takes it."""
        return [tf.identity(kernel) for kernel in self._kernels]

    def update_ratio(self, before: list[Tensor]) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, (layers,), `before` being the W(t)."""
        moved = [kernel - old for kernel, old in zip(self._kernels, before, strict=True)]
        return _each(norm, moved) / _each(norm, before)

    def measure(self) -> Tensor:
        """The `QUANTITIES` of each layer now, (quantities, layers) float64; NaN where undefined."""
        state = [tf.identity(variable) for variable in self._state]
        with tf.GradientTape() as tape, _recording(self._model) as recorder:
            outputs = self._model(self._x, training=True)
            loss = tf.reduce_mean(self._loss(self._y, outputs))
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        traces = [recorder.traces[name] for name in self.layers]
        deltas, grads = tape.gradient(
            loss, ([trace.z for trace in traces], self._kernels), unconnected_gradients="zero"
        )
        names = [trace.activation for trace in traces]
        results = [trace.z if trace.output is None else trace.output for trace in traces]
        kernels = self.kernels()
        moved = [kernel - start for kernel, start in zip(kernels, self._start, strict=True)]
        root_sizes = [kernel.shape.num_elements() ** 0.5 for kernel in kernels]
        grad_norms = _each(norm, grads)
        quantities = {
            "delta_rms": _each(rms, deltas),
            "kernel_grad_norm": grad_norms,
            "kernel_grad_rms": grad_norms / root_sizes,
            "displacement": _each(norm, moved) / self._start_norms,
            "kernel_rms": _each(rms, kernels),
            "saturated": _each(saturated, results, names),
            "dead": _each(dead, results, names),
            "nonfinite": _each(nonfinite, deltas) + _each(nonfinite, grads),
        }
        return tf.stack([quantities[name] for name in QUANTITIES])


def measure(model: keras.Model, loss: keras.Loss, x: Tensor, y: Tensor) -> dict[str, Any]:
    """Measures a model once: which layer starves?

    Args as in `Probe`.

    Returns:
        `layers`, and each of `QUANTITIES` as a list over them.

    Example:
        >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> zoo.probe.measure(model, loss, x[:256], y[:256])["delta_rms"]
    """
    probe = Probe(model, loss, x, y)
    probe.start()
    values = tf.function(probe.measure)().numpy().tolist()
    return {"layers": probe.layers, **dict(zip(QUANTITIES, values, strict=True))}
