"""The first steps of training, as `fit` would take them, after which the model is what it was."""

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.diagnosis.examples import Examples
from zoo.diagnosis.optimizers import Copy
from zoo.errors import ZooError, said_by
from zoo.probe import layers
from zoo.probe.loss import Objective, Part
from zoo.probe.state import State

SHUFFLES = 20  # of the targets, for the loss of predictions that know nothing of them
JUDGED = 512  # examples whose predictions are judged
MOST_ENTRIES = 2_000_000  # of the inputs that are passed forward at once
LOOKED_AT = 500  # steps after which a long trial asks what the predictions know
ALIKE = 1e-3  # of the largest weight: units that differ by rounding and what training makes of it
SEED = 20_010  # of the order of the examples
HELD_OUT = 0.25  # of the examples, of those that a long trial does not train on
LEAST_HELD_OUT = 100  # fewer say too little of what the predictions know


@dataclass(frozen=True)
class Knowledge:
    """What predictions know of their targets.

    Attributes:
        loss: the mean over the examples, without penalties.
        shuffled: the same with the targets of other examples, the mean over some shuffles.
        spread: the standard deviation over the shuffles.
        of_targets: whether the loss depends on the targets at all.
    """

    loss: float
    shuffled: float
    spread: float
    of_targets: bool = True

    @property
    def gain(self) -> float:
        """The share of the shuffled loss that is gone; NaN where the loss takes no targets.

        0 of a constant prediction, 1 of a perfect one.
        """
        if not self.of_targets:
            return float("nan")
        return (self.shuffled - self.loss) / abs(self.shuffled) if self.shuffled else 0.0

    def is_there(self, least: float, deviations: float = 4.0) -> bool:
        """Whether the gain is at least so large, and more than a matter of chance."""
        if np.isnan(self.gain):
            return False
        return self.gain > least and self.shuffled - self.loss > deviations * self.spread


@dataclass(frozen=True)
class Trial:
    """What some steps of training did.

    Attributes:
        losses: of each step's batch, before the step, (steps,); up to one that is not finite.
        diverged_at: the step at which it was not; None if it always was.
        knowledge: at the end, of examples in training mode; None if it diverged. Of a long trial,
            of examples that it was not trained on, where there are enough.
        of_its_own: the same of those that it was trained on; None of a short trial.
        displacement: ||W - W_0|| / ||W_0|| by layer.
        update_ratio: ||W(t+1) - W(t)|| / ||W(t)|| of the last step by layer; of all steps together
            where it ended before its last.
        shrinkage: ||W|| / ||W_0|| by layer.
        alike: the layers all of whose units had the same weights, and still have.
    """

    losses: Any
    diverged_at: int | None
    knowledge: Knowledge | None
    of_its_own: Knowledge | None
    displacement: dict[str, float]
    update_ratio: dict[str, float]
    shrinkage: dict[str, float]
    alike: list[str]

    @property
    def moved(self) -> float:
        """The displacement of the median layer."""
        return float(np.median([*self.displacement.values()] or [0.0]))

    @property
    def start(self) -> float:
        """The loss at the start: the median over the first tenth of the steps."""
        return float(np.median(self.losses[: max(1, len(self.losses) // 10)]))

    @property
    def end(self) -> float:
        """The loss at the end: the median over the last fifth of the steps."""
        return _end(self.losses)

    @property
    def swings(self) -> bool:
        """Whether the loss goes up and down by its own size."""
        last = self.losses[len(self.losses) // 2 :]
        return len(last) > 4 and float(np.std(last)) > 0.5 * abs(float(np.mean(last)))


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
        first = self._values()
        before, losses = first, []
        own = self._places if long else np.arange(examples.count)
        for step, places in enumerate(_order(own, self.batch_size, steps)):
            some = examples.at(places)
            if step == steps - 1:
                before = self._values()
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
                if knowledge is not None and enough(knowledge, _end(losses)):
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
            update_ratio={k: _ratio(now[k] - before[k], before[k]) for k in now},
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
            others = loss(judged.y), loss(judged.at(draws.permutation(judged.count)).y)
        if not np.isfinite([true, *shuffled]).all():
            return None
        depends = any(each != true for each in shuffled) or others[0] != others[1]
        return Knowledge(true, float(np.mean(shuffled)), float(np.std(shuffled)), depends)

    def _values(self) -> dict[str, Any]:
        return {name: kernel.numpy().astype(np.float64) for name, kernel in self._kernels.items()}


def _end(losses: Any) -> float:
    return float(np.median(losses[-max(1, len(losses) // 5) :]))


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
