"""A model that is measured on one batch again and again while it trains."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private, random_states
from zoo.errors import ZooError, said_by
from zoo.probe import QUANTITIES, Probe, batch
from zoo.probe.measure import LOUDER, eagerly, loss_scale
from zoo.probe.state import read, values_kept

EXAMPLES = 128  # as many as the runs of the zoo are probed on: the price of two usual steps


class RepeatedProbe:
    """Measures a model as `zoo.probe.measure` does, compiled once; the model stays as it was.

    What cannot be compiled is measured eagerly.

    Args:
        model: built.
        loss: as `zoo.probe.measure` takes it.
        x: inputs, (batch, ...); of more than `EXAMPLES` so many are taken, evenly spaced.
        y: targets.

    Attributes:
        layers: the names of the measured layers, in the order of computation.
        compiled: whether it is, and has not failed to be.

    Raises:
        ZooError: for a model or a batch that cannot be measured.
    """

    def __init__(self, model: keras.Model, loss: Any, x: Any, y: Any) -> None:
        self._model = model
        x, y = batch.checked(model, x, y)
        if (count := batch.size(x)) > EXAMPLES:
            chosen = np.linspace(0, count - 1, EXAMPLES).round().astype(int)
            x, y = (
                tree.map_structure(lambda each: None if each is None else each[chosen], values)
                for values in (x, y)
            )
        self._loss, self._x, self._y = loss, x, y
        self._scale, self._scale_now = tf.Variable(1.0, trainable=False), 1.0
        with random_states.kept(), keras_private.shared_seed_kept(), eagerly():
            try:
                self._probe = self._made(brief=True)
            except ZooError:
                raise
            except Exception as error:  # Keras's, TensorFlow's or the user's code
                raise ZooError(f"model {model.name}: {said_by(error)}") from None
        self.layers = self._probe.layers
        self._variables = [each.kernel.value for each in self._probe.measured]
        self._first = self._kernels = self._copied()
        self._first_norms = self._norms = _norms(self._first)
        self._connected = [True] * len(self.layers)
        # Autograph would take six times as long to trace; Keras traces its own steps without it.
        self._pass = keras_private.traced_without_warning(self._look, autograph=False)
        self._graph: Any = None  # the pass, once it has been traced
        self._written: list[tf.Variable] = []  # what that may change
        self.compiled = True
        self._eager_passes = 0

    def measure(self) -> dict[str, Any]:
        """`loss`; each of `QUANTITIES`, `connected` and `underflowed` as a list over layers.

        Raises:
            ZooError: if the model cannot be measured.
        """
        self._kernels = self._copied()
        self._norms = _norms(self._kernels)
        with keras_private.shared_seed_kept():
            scale = loss_scale(self._model)
            loss, values = self._seen(scale)
            while scale > 1 and not np.isfinite(values["kernel_grad_norm"]).all():
                scale = max(1.0, scale / 2)  # as fit lowers it
                loss, values = self._seen(scale)
            if not np.isfinite(values["kernel_grad_norm"]).all():
                with random_states.kept(), eagerly():
                    whole = self._made(brief=False).measure()
                    values = {name: of.numpy() for name, of in whole.items()}
            values |= self._of_kernels()
            silent = (values["kernel_grad_norm"] == 0) & np.array(self._connected)
            louder = np.zeros(len(silent))
            for scale in LOUDER if silent.any() else ():
                sizes = self._seen(scale)[1]["kernel_grad_norm"]
                louder = np.fmax(louder, np.where(np.isfinite(sizes), sizes, 0.0))
        return {
            "loss": loss,
            **{name: of_layers.tolist() for name, of_layers in values.items()},
            "connected": list(self._connected),
            "underflowed": (silent & (louder > 0)).tolist(),
        }

    def update_ratio(self) -> list[float]:
        """||W(t+1) - W(t)|| / ||W(t)|| of each layer, for W(t) as last measured."""
        with np.errstate(all="ignore"):  # of what is infinite, or 0
            ratios: list[float] = (_distances(self._copied(), self._kernels) / self._norms).tolist()
        return ratios

    def _made(self, brief: bool) -> Probe:
        scale = self._scale.value
        return Probe(self._model, self._loss, self._x, self._y, scale=scale, brief=brief)

    def _of_kernels(self) -> dict[str, Any]:
        """What kernels tell without a pass, in NumPy: no graph has to be traced for it."""
        with np.errstate(all="ignore"):
            return {
                "displacement": _distances(self._kernels, self._first) / self._first_norms,
                "kernel_rms": self._norms / np.sqrt(self._probe.kernel_sizes),
            }

    def _copied(self) -> list[np.ndarray]:
        """The kernels now."""
        return [read(variable).numpy() for variable in self._variables]

    def _seen(self, scale: float) -> tuple[float, dict[str, Any]]:
        """The loss, and each quantity, (layers,), with gradients of the loss times a scale."""
        if scale != self._scale_now:
            self._scale.assign(scale)
            self._scale_now = scale
        # Some parts, such as the loss of several outputs, are built when they are first called, and
        # not within a graph: after an eager pass it is tried once more.
        if self.compiled or self._eager_passes == 1:
            try:
                loss, values = self._compiled()
                self.compiled = True
            except Exception:  # of many kinds: a model may do anything, and eagerly may do it
                self.compiled = False
        if not self.compiled:
            self._eager_passes += 1
            try:
                loss, values = self._look()
            except ZooError:
                raise
            except Exception as error:
                raise ZooError(f"model {self._model.name}: {said_by(error)}") from None
        return float(loss), dict(zip(QUANTITIES, values.numpy(), strict=True))

    def _compiled(self) -> Any:
        """The pass as a graph.

        What it changes is put back around it: within, each variable of the model would have to be
        read, and to trace that takes a tenth of the whole.
        """
        if self._graph is None:
            graph = self._pass.get_concrete_function()
            self._graph, self._written = graph, self._probe.state.written(graph.graph)
        with keras_private.not_optimized(), values_kept(self._written):
            return self._graph()

    def _look(self) -> Any:
        # Python runs here alone; a `call` that is a `tf.function` is looked into, in a graph too.
        with random_states.kept(), eagerly():
            seen, beside = self._probe.look(puts_back=tf.executing_eagerly())
            values = tf.stack([of(seen) for of in QUANTITIES.values()])
        if not tf.executing_eagerly() and _runs_python(values.graph):
            raise TypeError("what Python changes within a graph cannot be put back in order")
        self._connected = beside["connected"]
        return beside["loss"], values


def _norms(kernels: Iterable[np.ndarray]) -> np.ndarray:
    """The L2 norm of each, (kernels,) float64; NaN where an entry is not finite."""
    flat = (kernel.astype(np.float64, copy=False).reshape(-1) for kernel in kernels)
    with np.errstate(all="ignore"):
        norms = np.sqrt([each @ each for each in flat])
    return np.where(np.isfinite(norms), norms, np.nan)


def _distances(now: Iterable[np.ndarray], before: Iterable[np.ndarray]) -> np.ndarray:
    return _norms(
        one.astype(np.float64) - other.astype(np.float64)
        for one, other in zip(now, before, strict=True)
    )


def _runs_python(graph: tf.Graph) -> bool:
    return any("PyFunc" in each.type for each in graph.get_operations())
