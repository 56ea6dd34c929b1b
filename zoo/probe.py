"""Gradient measurements on one fixed batch, for any functional or sequential Keras model.

A layer is measured if it has a kernel (Dense, convolutions, ...). Its pre-activation z is the
layer's affine output, before any normalization, and its delta is dL/dz for L the mean loss over the
batch; of a layer used more than once, its last use counts. A recurrent layer has a z at every step
of time: its kernels are measured, each for itself, and what vanishes through time shows in the
gradient by the input sequence. The batch is run in training mode; what that changes (moving
averages, the state of random generators) is put back, so measuring never alters the training.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.recording import Recorder, inside_recurrent, layers_inside, measured_layers, recording

Tensor = Any

# ---------------------------------------------------------------- quantities, one function each


def norms(tensors: Sequence[Tensor]) -> Tensor:
    """The L2 norm of each tensor, (len(tensors),) float64.

    The squares are summed in float64: in float32 those of entries below 1e-23 are 0 and those of
    entries above 1e19 infinite, and a deep sigmoid stack lives there.
    """
    return tf.sqrt(tf.stack([2.0 * tf.nn.l2_loss(tf.cast(x, tf.float64)) for x in tensors]))


def root_sizes(tensors: Sequence[Tensor]) -> Tensor:
    """What divides a norm to give the root mean square, (len(tensors),) float64."""
    return tf.constant([x.shape.num_elements() ** 0.5 for x in tensors], tf.float64)


def saturated(activation: str, output: Tensor) -> Tensor:
    """The share of activations in the flat part: |tanh| > 0.99, sigmoid outside [0.01, 0.99].

    NaN for an activation without flat parts on both sides.
    """
    if activation == "tanh":
        flat = tf.abs(output) > 0.99
    elif activation == "sigmoid":
        flat = tf.abs(output - 0.5) > 0.49
    else:
        return tf.constant(float("nan"), tf.float64)
    return tf.reduce_mean(tf.cast(flat, tf.float64))


def dead(activation: str, output: Tensor) -> Tensor:
    """The share of ReLU units (channels of a convolution) that are 0 on the whole batch.

    NaN for any other activation.
    """
    if activation != "relu":
        return tf.constant(float("nan"), tf.float64)
    largest = tf.reduce_max(output, axis=list(range(output.shape.rank - 1)))
    return tf.reduce_mean(tf.cast(largest == 0.0, tf.float64))


def _float64(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tf.cast(x, tf.float64) for x in tensors]


def zeros(x: Tensor) -> Tensor:
    """The share of entries that are exactly 0, float64: what underflowed, or belongs to dead units.

    Counted as integers: a processor may take a subnormal number for 0 in a comparison.
    """
    bits = tf.bitcast(x, {2: tf.int16, 4: tf.int32, 8: tf.int64}[x.dtype.size])
    return tf.reduce_mean(tf.cast(bits + bits == 0, tf.float64))  # +0 and -0


def nonfinite(x: Tensor) -> Tensor:
    """The number of entries that are infinite or not a number, float64."""
    return tf.reduce_sum(tf.cast(~tf.math.is_finite(x), tf.float64))


def finite_part(x: Tensor) -> Tensor:
    """The tensor with 0 in place of what is infinite or not a number."""
    return tf.where(tf.math.is_finite(x), x, tf.zeros_like(x))


# ---------------------------------------------------------------- the probe


def _measured(model: keras.Model) -> list[tuple[str, keras.Variable, keras.Layer | None]]:
    """Name and kernel of all that is measured, in the model's order, and the layer that has a z.

    Of a recurrent layer, every matrix is measured and named after both.
    """
    layers = layers_inside(model)
    inside = inside_recurrent(layers)
    with_z = {id(layer) for layer in measured_layers(model)}
    found: list[tuple[str, keras.Variable, keras.Layer | None]] = []
    for layer in layers:
        if id(layer) in with_z:
            found.append((layer.name, layer.kernel, layer))
        elif isinstance(layer, keras.layers.RNN) and id(layer) not in inside:
            weights = layer.trainable_variables
            matrices = [v for v in weights if len(v.shape) > 1 and "bias" not in v.name]
            found += [(f"{layer.name}_{matrix.name}", matrix, None) for matrix in matrices]
    return found


# delta_rms: rms of dL/dz over the batch, units and positions. kernel_grad_norm, kernel_grad_rms: of
# dL/dW. displacement: ||W_t - W_0|| / ||W_0||. kernel_rms: of W. saturated, dead: shares of units.
# nonfinite: entries of dL/dz and dL/dW, which the norms leave out. zero_grads: share of dL/dW.
QUANTITIES = (
    "delta_rms",
    "kernel_grad_norm",
    "kernel_grad_rms",
    "displacement",
    "kernel_rms",
    "saturated",
    "dead",
    "nonfinite",
    "zero_grads",
)


class Probe:
    """Measures a model on one batch, as often as asked; call its methods inside a `tf.function`.

    Args:
        model: a functional or sequential Keras model, built.
        loss: a Keras loss; its value is averaged over the batch.
        x: inputs, (batch, ...).
        y: targets, as the loss takes them.
        scale: gives what the loss is multiplied by before gradients are taken, and they divided by
            afterwards: loss scaling, for half precision.

    Attributes:
        layers: the names of the measured layers, from input to output.

    Raises:
        ValueError: if the model has no layer to measure.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: keras.Loss,
        x: Tensor,
        y: Tensor,
        *,
        scale: Callable[[], Tensor] = lambda: 1.0,
    ) -> None:
        self._model, self._loss, self._scale = model, loss, scale
        self._x, self._y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        measured = _measured(model)
        if not measured:
            raise ValueError(f"model {model.name} has no layer with a kernel to measure")
        self.layers = [name for name, _, _ in measured]
        self._with_z = [layer for _, _, layer in measured if layer is not None]
        # Of each of `layers`, its place among those with a z; the one past their end for none.
        places = itertools.count()
        self._place_of_z = [
            len(self._with_z) if layer is None else next(places) for _, _, layer in measured
        ]
        self._kernels = [kernel.value for _, kernel, _ in measured]
        kernels = _float64(self._kernels)
        self._first = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._before = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._first_norm = tf.Variable(norms(self._kernels), trainable=False)
        self._before_norm = tf.Variable(norms(self._kernels), trainable=False)
        trainable = {id(variable) for variable in model.trainable_variables}
        self._state = [v.value for v in model.variables if id(v) not in trainable]

    def start(self) -> None:
        """Takes the present kernels as W_0, from which displacement is measured."""
        for first, kernel in zip(self._first, _float64(self._kernels), strict=True):
            first.assign(kernel)
        self._first_norm.assign(norms(self._kernels))

    def update_ratio(self) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, (layers,) float64: W(t) as last measured."""
        kernels = _float64(self._kernels)
        moved = [now - old for now, old in zip(kernels, self._before, strict=True)]
        return norms(moved) / self._before_norm

    def measure(self) -> Tensor:
        """The `QUANTITIES` of each layer now, (quantities, layers) float64; NaN where undefined."""
        with tf.GradientTape() as tape:
            loss, recorder = self._forward()
        kernels = _float64(self._kernels)
        for before, kernel in zip(self._before, kernels, strict=True):
            before.assign(kernel)
        traces = [recorder.traces[id(layer)] for layer in self._with_z]
        deltas, grads = tape.gradient(
            loss, ([trace.z for trace in traces], self._kernels), unconnected_gradients="zero"
        )
        grads = [tf.convert_to_tensor(grad) for grad in grads]
        moved = [now - first for now, first in zip(kernels, self._first, strict=True)]
        tensors = [*deltas, *grads, *moved, *kernels]
        sizes, count = norms(tensors), tf.zeros([len(deltas) + len(grads)], tf.float64)
        sizes, count = tf.cond(
            tf.reduce_all(tf.math.is_finite(sizes)),
            lambda: (sizes, count),
            lambda: (
                norms([finite_part(x) for x in tensors]),
                tf.stack([nonfinite(x) for x in (*deltas, *grads)]),
            ),
        )
        split = [len(deltas), *[len(kernels)] * 3]
        delta_norm, grad_norm, moved_norm, kernel_norm = tf.split(sizes, split)
        delta_count, grad_count = tf.split(count, split[:2])
        scale = tf.cast(self._scale(), tf.float64)
        grad_norm /= scale
        self._before_norm.assign(kernel_norm)
        delta_rms = delta_norm / root_sizes(deltas) / scale if deltas else delta_norm
        quantities = {
            "delta_rms": self._of_all(delta_rms),
            "kernel_grad_norm": grad_norm,
            "kernel_grad_rms": grad_norm / root_sizes(grads),
            "displacement": moved_norm / self._first_norm,
            "kernel_rms": kernel_norm / root_sizes(kernels),
            "saturated": self._of_all([saturated(t.activation, t.output) for t in traces]),
            "dead": self._of_all([dead(t.activation, t.output) for t in traces]),
            "nonfinite": grad_count + self._of_all(delta_count, otherwise=0.0),
            "zero_grads": tf.stack([zeros(grad) for grad in grads]),
        }
        return tf.stack([quantities[name] for name in QUANTITIES])

    def input_grad_rms(self) -> Tensor:
        """The rms of dL/dx_t over batch and features for each step of time, (time,) float64.

        For inputs (batch, time, ...); of tokens, by their embedding. It shows vanishing through
        time for any recurrent cell.
        """
        with tf.GradientTape() as tape:
            if self._x.dtype.is_floating:
                tape.watch(self._x)
            loss, recorder = self._forward()
        inputs = self._x if recorder.embedded is None else recorder.embedded
        gradient = tf.convert_to_tensor(tape.gradient(loss, inputs))
        squares = tf.square(tf.cast(gradient, tf.float64))
        others = [axis for axis in range(squares.shape.rank) if axis != 1]
        return tf.sqrt(tf.reduce_mean(squares, others)) / tf.cast(self._scale(), tf.float64)

    def _forward(self) -> tuple[Tensor, Recorder]:
        """The loss times its scale, and what was seen on the way; the model's state put back."""
        state = [tf.identity(variable) for variable in self._state]
        with recording(self._model) as recorder:
            outputs = self._model(self._x, training=True)
            loss = tf.reduce_mean(self._loss(self._y, outputs)) * self._scale()
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        return loss, recorder

    def _of_all(self, of_z: Any, otherwise: float = float("nan")) -> Tensor:
        """The values of the layers with a z at the places of all; the others have none."""
        filler = tf.constant([otherwise], tf.float64)
        known = tf.concat([tf.convert_to_tensor(of_z), filler], 0) if self._with_z else filler
        return tf.gather(known, self._place_of_z)


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
