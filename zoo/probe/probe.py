"""Gradient measurements on one fixed batch, for any functional or sequential Keras model.

A layer is measured if it has a kernel (Dense, convolutions, ...). Its pre-activation z is the
layer's affine output, before any normalization, and its delta is dL/dz for L the mean loss over the
batch; of a layer used more than once, its last use counts. A recurrent layer has a z at every step
of time: its kernels are measured, each for itself, and what vanishes through time shows in the
gradient by the input sequence. The batch is run in training mode; what that changes (moving
averages, the state of random generators) is put back, so measuring never alters the training.
"""

import itertools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from zoo import keras_setup
from zoo.probe.quantities import QUANTITIES, Pass, finite_part, nonfinite_count, norms
from zoo.probe.tracing import Recorder, measured, recording

Tensor = Any


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
        layers: the names of the measured layers, from input to output, no two the same.

    Raises:
        ValueError: if the model has no layer to measure.
        ZooError: for a Keras setting under which the numbers would mean something else.
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
        keras_setup.require()
        self._model, self._loss, self._scale = model, loss, scale
        self._x, self._y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        layers = measured(model)
        if not layers:
            raise ValueError(f"model {model.name} has no layer with a kernel to measure")
        self.layers = [each.name for each in layers]
        self._with_z = [each.layer for each in layers if each.layer is not None]
        places = itertools.count()
        self._z_of_layer = [
            len(self._with_z) if each.layer is None else next(places) for each in layers
        ]
        self._kernels = [each.kernel.value for each in layers]
        kernels = _float64(self._kernels)
        self._first = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._before = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._first_norms = tf.Variable(norms(self._kernels), trainable=False)
        self._before_norms = tf.Variable(norms(self._kernels), trainable=False)
        trainable = {id(variable) for variable in model.trainable_variables}
        self._state = [v.value for v in model.variables if id(v) not in trainable]

    def start(self) -> None:
        """Takes the present kernels as W_0, from which displacement is measured."""
        for first, kernel in zip(self._first, _float64(self._kernels), strict=True):
            first.assign(kernel)
        self._first_norms.assign(norms(self._kernels))

    def update_ratio(self) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, (layers,) float64: W(t) as last measured."""
        kernels = _float64(self._kernels)
        moved = [now - old for now, old in zip(kernels, self._before, strict=True)]
        return norms(moved) / self._before_norms

    def measure(self) -> dict[str, Tensor]:
        """Each of `QUANTITIES` now, (layers,) float64; NaN where undefined."""
        seen = self._pass()
        for before, kernel in zip(self._before, seen.kernels, strict=True):
            before.assign(kernel)
        self._before_norms.assign(seen.kernel_norms)
        return {name: of(seen) for name, of in QUANTITIES.items()}

    def _pass(self) -> Pass:
        with tf.GradientTape() as tape:
            loss, recorder = self._forward()
        kernels = _float64(self._kernels)
        traces = [recorder.traces[id(layer)] for layer in self._with_z]
        deltas, gradients = tape.gradient(
            loss, ([trace.z for trace in traces], self._kernels), unconnected_gradients="zero"
        )
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        moved = [now - first for now, first in zip(kernels, self._first, strict=True)]
        tensors = [*deltas, *gradients, *moved, *kernels]
        sizes, counts = norms(tensors), tf.zeros([len(deltas) + len(gradients)], tf.float64)
        sizes, counts = tf.cond(
            tf.reduce_all(tf.math.is_finite(sizes)),
            lambda: (sizes, counts),
            lambda: (
                norms([finite_part(x) for x in tensors]),
                tf.stack([nonfinite_count(x) for x in (*deltas, *gradients)]),
            ),
        )
        split = [len(deltas), *[len(kernels)] * 3]
        delta_norms, gradient_norms, moved_norms, kernel_norms = tf.split(sizes, split)
        delta_nonfinite, gradient_nonfinite = tf.split(counts, split[:2])
        scale = tf.cast(self._scale(), tf.float64)
        return Pass(
            kernels=kernels,
            gradients=gradients,
            traces=traces,
            deltas=deltas,
            scale=scale,
            kernel_norms=kernel_norms,
            gradient_norms=gradient_norms / scale,
            delta_norms=delta_norms,
            moved_norms=moved_norms,
            first_norms=self._first_norms,
            gradient_nonfinite=gradient_nonfinite,
            delta_nonfinite=delta_nonfinite,
            z_of_layer=self._z_of_layer,
        )

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


def _float64(tensors: list[Tensor]) -> list[Tensor]:
    return [tf.cast(x, tf.float64) for x in tensors]


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
    values = tf.function(probe.measure)()
    return {"layers": probe.layers, **{name: values[name].numpy().tolist() for name in QUANTITIES}}
