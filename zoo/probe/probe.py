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
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_setup
from zoo.errors import ZooError
from zoo.probe import layers
from zoo.probe.activations import Kind, kind_of
from zoo.probe.kernels import Kernels, finite_or_nan
from zoo.probe.loss import Objective, Part
from zoo.probe.quantities import (
    QUANTITIES,
    Pass,
    finite_part,
    nonfinite_counts,
    norms,
    root,
)
from zoo.probe.stacking import per_tensor
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
        brief: whether less is asked for, which makes a graph half as large: what is not finite
            is not counted (the counts are 0), and what kernels alone tell is NaN.

    Attributes:
        layers: the names of the measured layers, from input to output, no two the same.
        kernel_sizes: how many entries the kernel of each has.
        measured: what each of them is.
        unmeasured: the layers with weights that are left out, and why.
        state: of the model.

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
        brief: bool = False,
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
        self.state = State(model)
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
        self._variables = [each.kernel.value for each in self.measured]
        self._kernels = None if brief else Kernels(self._variables)

    def _order(self) -> list[int] | None:
        """The layers in the order in which a model computes that does not hold them so."""
        if layers.is_static(self._model):
            return None
        _, recorder = self._forward()
        return recorder.order

    def start(self) -> None:
        """Takes the present kernels as W_0, from which displacement is measured."""
        if self._kernels is not None:
            self._kernels.start()

    def update_ratio(self) -> Tensor:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, (layers,) float64: W(t) as last measured."""
        if self._kernels is None:
            return tf.fill([len(self.layers)], np.float64("nan"))
        return self._kernels.update_ratio()

    def measure(self) -> dict[str, Tensor]:
        """Each of `QUANTITIES` now, (layers,) float64; NaN where undefined."""
        seen, _ = self.look()
        return {name: of(seen) for name, of in QUANTITIES.items()}

    def look(self, puts_back: bool = True) -> tuple[Pass, dict[str, Any]]:
        """One pass forward and back, and beside it what a person wants to know of it.

        Args:
            puts_back: whether the pass itself puts back the variables that it changes.

        Returns:
            The pass; `loss`, a scalar; `connected`, whether a gradient reaches each layer;
            `sequences`, what entered each recurrent layer, by its identity; and, if it is not
            brief, the norms without what is not finite, `finite_delta_rms` and
            `finite_kernel_grad_norm`.
        """
        with tf.GradientTape() as tape:
            tape.watch(self._variables)
            loss, recorder = self._forward(puts_back)
        uses = [recorder.traces.get(id(layer), []) for layer in self._with_z]
        every_z = [use.z for of_layer in uses for use in of_layer]
        by_z, by_kernel = self._gradient(tape, loss, (every_z, self._variables))
        connected = [gradient is not None for gradient in by_kernel]
        deltas = [_dense(g, z) for g, z in zip(by_z, every_z, strict=True)]
        gradients = [_dense(g, w) for g, w in zip(by_kernel, self._variables, strict=True)]
        both = [*deltas, *gradients]
        split = [len(deltas), len(gradients)]
        sizes = finite_sizes = norms(both)
        # Of NumPy, these cost a graph nothing.
        delta_nonfinite, gradient_nonfinite = (np.zeros(count) for count in split)
        kernel_norms = moved_norms = first_norms = np.full(len(gradients), np.nan)
        if self._kernels is not None:
            finite_sizes, counts = tf.cond(
                tf.reduce_all(tf.math.is_finite(sizes)),
                lambda: (sizes, tf.zeros_like(sizes)),
                lambda: (norms([finite_part(x) for x in both]), per_tensor(nonfinite_counts, both)),
            )
            kernel_norms, moved_norms = self._kernels.look()
            first_norms = self._kernels.first_norms
            delta_nonfinite, gradient_nonfinite = tf.split(counts, split)
        delta_norms, gradient_norms = tf.split(finite_or_nan(sizes), split)
        scale = tf.cast(self._scale(), tf.float64)
        unseen = _unseen(by_z, uses, [by_kernel[row] for row in self._with_z_at])

        def of_uses(of_z: Tensor) -> Tensor:
            norms = _of_uses(of_z, uses) / scale
            return tf.where(tf.constant(unseen), np.float64("nan"), norms) if any(unseen) else norms

        seen = Pass(
            kernel_sizes=self.kernel_sizes,
            gradients=gradients,
            traces=uses,
            kinds=_kinds(uses),
            z_sizes=[sum(use.z.shape.num_elements() for use in of_layer) for of_layer in uses],
            scale=scale,
            kernel_norms=kernel_norms,
            gradient_norms=gradient_norms / scale,
            delta_norms=of_uses(delta_norms),
            moved_norms=moved_norms,
            first_norms=first_norms,
            gradient_nonfinite=gradient_nonfinite,
            delta_nonfinite=_sums(delta_nonfinite, uses),
            z_of_layer=self._z_of_layer,
        )
        beside = {
            "loss": tf.cast(loss, tf.float64),
            "connected": connected,
            "sequences": recorder.sequences,
        }
        if self._kernels is not None:
            finite_delta, finite_gradient = tf.split(finite_sizes, split)
            beside["finite_delta_rms"] = seen.of_layers(of_uses(finite_delta) / root(seen.z_sizes))
            beside["finite_kernel_grad_norm"] = finite_gradient / scale
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
        gradient = tf.convert_to_tensor(self._gradient(tape, loss, vectors[0] if vectors else x))
        squares = tf.square(tf.cast(gradient, tf.float64))
        others = [axis for axis in range(squares.shape.rank) if axis != 1]
        return tf.sqrt(tf.reduce_mean(squares, others)) / tf.cast(self._scale(), tf.float64)

    def _forward(self, puts_back: bool = True) -> tuple[Tensor, Recorder]:
        """The loss, and what was seen on the way; the model's state put back."""
        with self.state.kept(values=puts_back), recording(self._model) as recorder:
            outputs = self._model(self._x, training=True)
            loss = self._objective(self._x, self._y, outputs, self._weights)
        return loss, recorder

    def _gradient(self, tape: tf.GradientTape, loss: Tensor, sources: Any) -> Any:
        """The gradient of the loss times its scale."""
        return tape.gradient(loss, sources, output_gradients=tf.cast(self._scale(), loss.dtype))


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


def _kinds(uses: list[list[Trace]]) -> list[Kind]:
    """What is known of each layer's activation, by its first use; most layers have the same."""
    known: dict[Any, Kind] = {}
    kinds = []
    for of_layer in uses:
        first = next((use for use in of_layer if use.activation is not None), None)
        if first is None or first.activation is None:
            kinds.append(Kind())
            continue
        shape = tuple(first.z.shape[1:])
        key = (id(first.activation), shape)
        if key not in known:
            known[key] = kind_of(first.activation, shape)
        kinds.append(known[key])
    return kinds


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
