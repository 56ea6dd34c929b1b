"""The first steps of training, as `fit` would take them, after which the model is what it was."""

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.diagnosis.examples import Examples
from zoo.diagnosis.optimizers import Copy
from zoo.diagnosis.trial import LOOKED_AT, Knowledge, Trial, end_of
from zoo.errors import ZooError, said_by
from zoo.probe import layers
from zoo.probe.loss import Objective, Part
from zoo.probe.state import State

SHUFFLES = 20  # of the targets, for the loss of predictions that know nothing of them
JUDGED = 512  # examples whose predictions are judged
MOST_ENTRIES = 2_000_000  # of the inputs that are passed forward at once
ALIKE = 1e-3  # of the largest weight: units that differ by rounding and what training makes of it
SEED = 20_010  # of the order of the examples
HELD_OUT = 0.25  # of the examples, of those that a long trial does not train on
LEAST_HELD_OUT = 100  # fewer say too little of what the predictions know


class Trainer:
    """Trains a model for some steps as often as asked, each time from where it stands.

    Args:
        model: built, with weights to learn.
        loss: as `zoo.probe.measure` takes it.
        examples: to train on.
        optimizer: as `Copy` takes it.
        batch_size: examples a step.
        part: of the loss that it descends.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Any,
        examples: Examples,
        optimizer: keras.Optimizer,
        batch_size: int,
        part: Part = "all",
    ) -> None:
        self._model = model
        self.examples = examples
        self._descended, self._data = Objective(model, loss, part), Objective(model, loss, "data")
        self._state = State(model)
        fixed = fixed_batch(model)
        self.batch_size = fixed or min(batch_size, examples.count)
        entries = max(array[:1].size for array in tree.flatten(examples.x))
        at_once = max(self.batch_size, min(JUDGED, MOST_ENTRIES // entries))
        self._at_once = fixed or min(at_once, examples.count)
        # At random: they may lie in the order of their classes.
        places = np.random.default_rng(SEED + 1).permutation(examples.count)
        unit = fixed or 1
        whole = max(1, min(examples.count, JUDGED) // unit) * unit
        self._judged_at = np.sort(places[:whole])
        self.judged = examples.at(self._judged_at)
        held = min(int(HELD_OUT * examples.count), JUDGED) // unit * unit
        if held < LEAST_HELD_OUT or examples.count - held < self.batch_size:
            held = 0
        self._places = places[held:]
        self.held_out = examples.at(places[:held]) if held else self.judged
        self.copy = Copy(optimizer, model.trainable_variables)
        self._kernels = {
            each.name: each.kernel.value
            for each in layers.survey(model)[0]
            if each.kernel.trainable
        }
        self._step = _compiled(self._train)

    def _train(self, x: Any, y: Any) -> Any:
        """One step; the loss before it."""
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._model(x, training=True)
            loss = self._descended(x, y, outputs)
            scaled = self.copy.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [weight.value for weight in weights])
        pairs = [(g, w) for g, w in zip(gradients, weights, strict=True) if g is not None]
        self.copy.optimizer.apply(*zip(*pairs, strict=True))
        return loss

    @contextlib.contextmanager
    def trained(
        self,
        steps: int,
        factor: float = 1.0,
        examples: Examples | None = None,
        *,
        long: bool = False,
        enough: Callable[[Knowledge, float], bool] | None = None,
        seconds: float = math.inf,
    ) -> Iterator[Trial]:
        """Within it, the model is as some steps leave it; afterwards as it was.

        Args:
            steps: at most so many; it ends where the loss is not finite.
            factor: multiplies the optimizer's rate.
            examples: others than its own, of the same shapes.
            long: whether it may learn its examples by heart, so that others are held out.
            enough: of what the predictions know and of the loss, whether it may end; asked now and
                then.
            seconds: it ends after so many.
        """
        with self._state.kept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            deadline = time.monotonic() + seconds
            yield self._trial(steps, factor, examples or self.examples, long, enough, deadline)

    def _trial(
        self,
        steps: int,
        factor: float,
        examples: Examples,
        long: bool,
        enough: Callable[[Knowledge, float], bool] | None,
        deadline: float,
    ) -> Trial:
        self.copy.restart(factor)
        first, losses = self._values(), []
        before: dict[str, Any] = {}
        own = self._places if long else np.arange(examples.count)
        for places in _order(own, self.batch_size, steps):
            some = examples.at(places)
            if not long:
                before = {name: tf.identity(kernel) for name, kernel in self._kernels.items()}
            try:
                losses.append(float(self._step(_tensors(some.x), _tensors(some.y))))
            except Exception as error:  # Keras's, TensorFlow's or the user's code
                raise ZooError(
                    f"model {self._model.name}: a step of training fails: {said_by(error)}"
                ) from None
            if not np.isfinite(losses[-1]) or time.monotonic() > deadline:
                break
            if enough is not None and len(losses) % LOOKED_AT == 0:
                knowledge = self.knowledge(True, self.held_out)
                if knowledge is not None and enough(knowledge, end_of(losses)):
                    break
        now = self._values()
        well = np.isfinite(losses[-1]) and all(np.isfinite(w).all() for w in now.values())
        diverged_at = None if well else len(losses) - int(not np.isfinite(losses[-1]))
        judged = self.judged if examples is self.examples else examples.at(self._judged_at)
        return Trial(
            losses=np.array([loss for loss in losses if np.isfinite(loss)] or [np.nan]),
            diverged_at=diverged_at,
            knowledge=self.knowledge(True, self.held_out if long else judged) if well else None,
            of_its_own=self.knowledge(True, examples.at(own[:JUDGED]))
            if well and long and fixed_batch(self._model) is None
            else None,
            displacement={k: _ratio(now[k] - first[k], first[k]) for k in now},
            update_ratio={k: _ratio(now[k] - w, w) for k, w in _float64(before).items()},
            shrinkage={k: _ratio(now[k], first[k]) for k in now},
            alike=[k for k in now if units_alike(first[k]) and units_alike(now[k])],
        )

    def knowledge(self, training: bool, judged: Examples | None = None) -> Knowledge | None:
        """What the model's predictions know now; None if its loss is not finite.

        Args:
            training: whether in training mode, in which normalization takes the batch's moments.
            judged: the examples.
        """
        judged = judged or self.judged
        parts = []
        with self._state.kept():
            for first in range(0, judged.count, self._at_once):
                some = judged.at(slice(first, first + self._at_once))
                parts.append(self._model(_tensors(some.x), training=training))
            outputs = parts[0]
            if len(parts) > 1:
                outputs = tree.map_structure(lambda *each: tf.concat(each, 0), *parts)
            x, draws = _tensors(judged.x), np.random.default_rng(SEED)

            def loss(y: Any) -> float:
                return float(self._data(x, _tensors(y), outputs))

            true = loss(judged.y)
            if judged.y is None:
                return Knowledge(true, true, 0.0, of_targets=False)
            shuffled = [loss(judged.at(draws.permutation(judged.count)).y) for _ in range(SHUFFLES)]
            # Predictions that are all the same have one loss whatever is shuffled; others have not.
            outputs = tree.map_structure(lambda each: each + _noise(each, draws), outputs)
            others = [loss(judged.y), loss(judged.at(draws.permutation(judged.count)).y)]
            # Nor need a loss depend on which target is whose, and yet on what they are.
            others += [loss(judged.at(np.full(judged.count, n)).y) for n in (0, -1)]
        if not np.isfinite([true, *shuffled]).all():
            return None
        depends = any(each != true for each in shuffled) or len(set(others)) > 1
        return Knowledge(true, float(np.mean(shuffled)), float(np.std(shuffled)), depends)

    def _values(self) -> dict[str, Any]:
        return _float64(self._kernels)


def _float64(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.numpy().astype(np.float64) for name, tensor in tensors.items()}


def _order(places: Any, batch_size: int, steps: int) -> Iterator[Any]:
    """Those of the examples of each step: shuffled, each once an epoch."""
    draws = np.random.default_rng(SEED)
    left = draws.permutation(places)
    for _ in range(steps):
        if len(left) < batch_size:
            left = draws.permutation(places)
        yield left[:batch_size]
        left = left[batch_size:]


def fixed_batch(model: keras.Model) -> int | None:
    """The batch size that a model is built for, as a stateful recurrent one is."""
    try:
        sizes = [tensor.shape[0] for tensor in tree.flatten(model.inputs)]
    except (AttributeError, TypeError, ValueError):  # a subclassed one has none
        return None
    return next((size for size in sizes if size is not None), None)


def units_alike(kernel: Any) -> bool:
    """Whether a kernel has the same weights for each unit, on its last axis."""
    wide = kernel.reshape(-1, kernel.shape[-1])
    if wide.shape[-1] < 2:
        return False
    spread = np.abs(wide - wide[:, :1]).max()
    return bool(spread <= ALIKE * max(np.abs(wide).max(), 1e-30))


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """As a `tf.function` if it can be traced, else as it is."""
    graph = keras_private.traced_without_warning(function)
    chosen: list[Callable[..., Any]] = []

    def call(*args: Any) -> Any:
        if not chosen:
            try:
                result = graph(*args)
                chosen.append(graph)
                return result
            except Exception:  # Python that a graph cannot hold; run as it stands
                chosen.append(function)
        return chosen[0](*args)

    return call


def _tensors(values: Any) -> Any:
    return tree.map_structure(lambda v: None if v is None else tf.convert_to_tensor(v), values)


def _noise(output: Any, draws: np.random.Generator) -> Any:
    """Small numbers above 0 of the shape and type of an output."""
    return tf.cast(draws.uniform(0.01, 0.1, output.shape), output.dtype)


def _ratio(change: Any, of: Any) -> float:
    size = float(np.linalg.norm(of))
    return float(np.linalg.norm(change)) / size if size else float("nan")
