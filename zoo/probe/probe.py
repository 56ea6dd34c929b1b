"""Gradient measurements on one fixed batch, for any Keras model.

Every matrix of weights is measured. The pre-activation z of a layer is its affine output, before
any normalization, and its delta is dL/dz for L the loss that training descends; of a layer that is
used several times, all uses count. A recurrent layer has a z at every step of time: its matrices
are measured, each for itself, and what vanishes through time shows in the gradient by the input
sequence. The batch is run in training mode; what that changes is put back, so measuring never
alters the model.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from zoo import keras_setup
from zoo.errors import ZooError
from zoo.probe import layers
from zoo.probe.activations import Kind, kind_of
from zoo.probe.loss import Objective, Part
from zoo.probe.quantities import (
    QUANTITIES,
    Pass,
    finite_part,
    nonfinite_counts,
    norms,
    norms_in,
)
from zoo.probe.stacking import Stacking, per_tensor
from zoo.probe.state import State
from zoo.probe.tracing import Recorder, Trace, recording

Tensor = Any


class Probe:
    """Measures a model on one batch, as often as asked; call its methods inside a `tf.function`.

    Args:
        model: built, of any kind.
        loss: as `zoo.probe.loss.Objective` takes it; None for what the model was compiled with.
        x: inputs, (batch, ...), or lists or dicts of them.
        y: targets, as the loss takes them.
        weights: as `zoo.probe.loss.Objective` takes them; None if all examples count the same.
        part: of the loss: all, data or penalty.
        scale: gives what the loss is multiplied by before gradients are taken, and they divided by
            afterwards: loss scaling, for half precision.

    Attributes:
        layers: the names of the measured layers, from input to output, no two the same.
        kernel_sizes: how many entries the kernel of each has.
        measured: what each of them is.
        unmeasured: the layers with weights that are left out, and why.

    Raises:
        ZooError: if the model is not built or has no layer to measure, or for a Keras setting under
            which the numbers would mean something else.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Any,
        x: Any,
        y: Any,
        *,
        weights: Any = None,
        part: Part = "all",
        scale: Callable[[], Tensor] = lambda: 1.0,
    ) -> None:
        keras_setup.require()
        if not getattr(model, "built", False) or not model.weights:
            raise ZooError(
                f"model {model.name}: not built, or without weights: call it once on a batch, or "
                "give it the shape of its inputs"
            )
        self._model, self._scale, self._weights = model, scale, weights
        self._objective = Objective(model, loss, part)
        self._x, self._y = (tree.map_structure(_tensor, each) for each in (x, y))
        self._state = State(model)
        self.measured, self.unmeasured = layers.survey(model, self._order())
        if not self.measured:
            raise ZooError(f"model {model.name} has no layer with a kernel to measure")
        self.layers = [each.name for each in self.measured]
        self.kernel_sizes = [math.prod(each.kernel.shape) for each in self.measured]
        self._with_z = [each.layer for each in self.measured if each.with_z]
        self._with_z_at = [row for row, each in enumerate(self.measured) if each.with_z]
        places = itertools.count()
        self._z_of_layer = [
            next(places) if each.with_z else len(self._with_z) for each in self.measured
        ]
        self._kernels = [each.kernel.value for each in self.measured]
        self._stacking = Stacking(self._kernels)
        kernels = self._stacks()
        self._first = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._before = [tf.Variable(kernel, trainable=False) for kernel in kernels]
        self._first_norms = tf.Variable(norms(self._kernels), trainable=False)
        self._before_norms = tf.Variable(norms(self._kernels), trainable=False)

    def _order(self) -> list[int] | None:
        """The layers in the order in which a model computes that does not hold them so."""
        if layers.is_static(self._model):
            return None
        _, recorder = self._forward()
        return recorder.order

    def start(self) -> None:
        """Takes the present kernels as W_0, from which displacement is measured."""
        for first, kernels in zip(self._first, self._stacks(), strict=True):
            first.assign(kernels)
        self._first_norms.assign(norms(self._kernels))

    def update_ratio(self) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, (layers,) float64: W(t) as last measured."""
        return self._distances(self._stacks(), self._before) / self._before_norms

    def measure(self) -> dict[str, Tensor]:
        """Each of `QUANTITIES` now, (layers,) float64; NaN where undefined."""
        seen, _ = self.look()
        return {name: of(seen) for name, of in QUANTITIES.items()}

    def look(self, *, count: bool = True) -> tuple[Pass, dict[str, Any]]:
        """One pass forward and back, and beside it what a person wants to know of it.

        Args:
            count: whether what is not finite is counted and left out of the norms below; without,
                a graph is a third smaller, and the counts are 0.

        Returns:
            The pass; `loss`, a scalar; `connected`, whether a gradient reaches each layer;
            `sequences`, what entered each recurrent layer, by its identity; and the norms without
            what is not finite, `finite_delta_rms` and `finite_kernel_grad_norm`.
        """
        with tf.GradientTape() as tape:
            tape.watch(self._kernels)
            loss, recorder = self._forward()
        kernels = self._stacks()
        for before, stack in zip(self._before, kernels, strict=True):
            before.assign(stack)
        uses = [recorder.traces.get(id(layer), []) for layer in self._with_z]
        every_z = [use.z for of_layer in uses for use in of_layer]
        by_z, by_kernel = tape.gradient(loss, (every_z, self._kernels))
        connected = [gradient is not None for gradient in by_kernel]
        deltas = [_dense(g, z) for g, z in zip(by_z, every_z, strict=True)]
        gradients = [_dense(g, w) for g, w in zip(by_kernel, self._kernels, strict=True)]
        both = [*deltas, *gradients]
        sizes, counts = norms(both), tf.zeros([len(both)], tf.float64)
        finite_sizes = sizes
        if count:
            finite_sizes, counts = tf.cond(
                tf.reduce_all(tf.math.is_finite(sizes)),
                lambda: (sizes, counts),
                lambda: (norms([finite_part(x) for x in both]), per_tensor(nonfinite_counts, both)),
            )
        kernel_norms = self._stacking.in_order([norms_in(stack) for stack in kernels])
        sizes = tf.concat([sizes, kernel_norms, self._distances(kernels, self._first)], 0)
        undefined = tf.constant(float("nan"), tf.float64)
        sizes = tf.where(tf.math.is_finite(sizes), sizes, undefined)
        split = [len(deltas), *[len(gradients)] * 3]
        delta_norms, gradient_norms, kernel_norms, moved_norms = tf.split(sizes, split)
        finite_delta, finite_gradient = tf.split(finite_sizes, split[:2])
        delta_nonfinite, gradient_nonfinite = tf.split(counts, split[:2])
        scale = tf.cast(self._scale(), tf.float64)
        of_kernels = [by_kernel[row] for row in self._with_z_at]
        unseen = tf.constant(_unseen(by_z, uses, of_kernels), tf.bool)
        self._before_norms.assign(kernel_norms)
        seen = Pass(
            kernel_sizes=self.kernel_sizes,
            gradients=gradients,
            traces=uses,
            kinds=[_kind(of_layer) for of_layer in uses],
            z_sizes=[sum(use.z.shape.num_elements() for use in of_layer) for of_layer in uses],
            scale=scale,
            kernel_norms=kernel_norms,
            gradient_norms=gradient_norms / scale,
            delta_norms=tf.where(unseen, undefined, _of_uses(delta_norms, uses) / scale),
            moved_norms=moved_norms,
            first_norms=self._first_norms,
            gradient_nonfinite=gradient_nonfinite,
            delta_nonfinite=_sums(delta_nonfinite, uses),
            z_of_layer=self._z_of_layer,
        )
        beside = {
            "loss": tf.cast(loss, tf.float64) / scale,
            "connected": connected,
            "sequences": recorder.sequences,
            "finite_delta_rms": seen.of_layers(
                tf.where(unseen, undefined, _of_uses(finite_delta, uses))
                / scale
                / tf.constant([size**0.5 for size in seen.z_sizes], tf.float64)
            ),
            "finite_kernel_grad_norm": finite_gradient / scale,
        }
        return seen, beside

    def input_grad_rms(self) -> Tensor:
        """The rms of dL/dx_t over batch and features for each step of time, (time,) float64.

        For inputs (batch, time, ...); of tokens (batch, time), by the vectors that they become. It
        shows vanishing through time for any recurrent cell.
        """
        [x] = tree.flatten(self._x)
        with tf.GradientTape() as tape:
            if x.dtype.is_floating:
                tape.watch(x)
            loss, recorder = self._forward()
        vectors = [each for each in recorder.embedded if each.shape[:2] == x.shape[:2]]
        gradient = tf.convert_to_tensor(tape.gradient(loss, vectors[0] if vectors else x))
        squares = tf.square(tf.cast(gradient, tf.float64))
        others = [axis for axis in range(squares.shape.rank) if axis != 1]
        return tf.sqrt(tf.reduce_mean(squares, others)) / tf.cast(self._scale(), tf.float64)

    def _stacks(self) -> list[Tensor]:
        """The kernels now, float64, those alike in one."""
        return [tf.cast(stack, tf.float64) for stack in self._stacking.stacks(self._kernels)]

    def _distances(self, now: list[Tensor], before: list[Tensor]) -> Tensor:
        """How far each kernel has moved since they were stacked before, (layers,) float64."""
        moved = [one - other for one, other in zip(now, before, strict=True)]
        return self._stacking.in_order([norms_in(stack) for stack in moved])

    def _forward(self) -> tuple[Tensor, Recorder]:
        """The loss times its scale, and what was seen on the way; the model's state put back."""
        with self._state.kept():
            with recording(self._model) as recorder:
                outputs = self._model(self._x, training=True)
                loss = self._objective(self._x, self._y, outputs, self._weights)
            loss *= tf.cast(self._scale(), loss.dtype)
        return loss, recorder


def _tensor(values: Any) -> Tensor | None:
    return None if values is None else tf.convert_to_tensor(values)


def _dense(gradient: Tensor | None, of: Tensor) -> Tensor:
    """A gradient as one tensor; zeros where none reaches."""
    return tf.zeros_like(of) if gradient is None else tf.convert_to_tensor(gradient)


def _unseen(
    by_z: list[Tensor | None], uses: list[list[Trace]], by_kernel: list[Tensor | None]
) -> list[bool]:
    """Which layers have a gradient, but no z that the tape has seen: they hide it from it."""
    rest = iter(by_z)
    of_layers = [[next(rest) for _ in of_layer] for of_layer in uses]
    return [
        kernel is not None and all(gradient is None for gradient in of_layer)
        for of_layer, kernel in zip(of_layers, by_kernel, strict=True)
    ]


def _kind(uses: list[Trace]) -> Kind:
    activations = [use for use in uses if use.activation is not None]
    if not activations:
        return Kind()
    first = activations[0]
    assert first.activation is not None
    return kind_of(first.activation, tuple(first.z.shape[1:]))


def _of_uses(of_z: Tensor, uses: list[list[Trace]]) -> Tensor:
    """The norms of layers from those of all their uses."""
    if all(len(of_layer) == 1 for of_layer in uses):
        return of_z
    parts = tf.split(of_z, [len(of_layer) for of_layer in uses])
    return tf.stack([tf.norm(part) for part in parts])


def _sums(of_z: Tensor, uses: list[list[Trace]]) -> Tensor:
    if all(len(of_layer) == 1 for of_layer in uses):
        return of_z
    parts = tf.split(of_z, [len(of_layer) for of_layer in uses])
    return tf.stack([tf.reduce_sum(part) for part in parts])
