"""One arm, compiled once and reset for every run: weights, optimizer state, data order."""

import functools
import math
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from zoo import keras_private, models, random_states
from zoo.data import Dataset, Split
from zoo.data.loading import no_metric
from zoo.errors import ZooError
from zoo.probe import Probe
from zoo.recipe import Arm
from zoo.training import fused_attention, fused_batch_norm, schedule
from zoo.training.engine import Engine
from zoo.training.evaluation import Evaluation
from zoo.training.measurements import Measurements
from zoo.training.schedule import Segments
from zoo.training.step import TrainingStep

PROBE_BATCH = 128

Method = TypeVar("Method", bound=Callable[..., Any])


def use_threads(threads: int) -> None:
    """Sets TensorFlow's own thread pools; OMP_NUM_THREADS does not limit them.

    Raises:
        RuntimeError: if TensorFlow already computed with another number of threads.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def loss_of(data: Dataset) -> keras.Loss:
    """The loss of the data set's task, averaged over the batch."""
    if data.task == "classification":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.losses.MeanSquaredError()


def _rms(x: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


@random_states.kept()
def build_seeded(arm: Arm, data: Dataset, seed: int, *, start: bool = True) -> keras.Model:
    """The arm's model as every run with this seed starts it; without `start`, but for its data.

    The same as after `keras.utils.set_random_seed`, which sets three generators. But Keras draws
    its seeds from Python's, which other threads may use meanwhile (Dask's do): here from one apart.
    And TensorFlow's is left alone: a new seed there would make it prepare every compiled function
    anew, at the price of hundreds of steps. Python's and NumPy's, which a user's own layers may
    draw from, are the caller's again at the end.
    """
    return _build_seeded(arm, data, seed, start)


def _build_seeded(arm: Arm, data: Dataset, seed: int, start: bool = True) -> keras.Model:
    random.seed(seed)  # for a user's own code
    np.random.seed(seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(arm.spec.training.precision or "float32")
    try:
        with keras_private.seeds_from(random.Random(seed)):
            return models.build(arm.spec.model, data, start=start)
    finally:
        keras.config.set_dtype_policy(policy)


def _draws_apart(method: Method) -> Method:
    """A method within which global random states are the arm's: a user's layers may draw from them.

    They draw when they are built and when they are traced: the same numbers in each process.
    """

    @functools.wraps(method)
    def within(arm: Any, *args: Any, **kwargs: Any) -> Any:
        with arm._draws.within():
            return method(arm, *args, **kwargs)

    return cast(Method, within)


class CompiledArm:
    """An arm's model with its training compiled; every `run` starts it afresh.

    A run depends on the arm, the seed and the learning rate alone: on one thread it equals, bit for
    bit, the same run in a process of its own, and the same run without its probe.

    Args:
        arm: what to train.
        data: the arm's data set, loaded.
        xla: whether XLA compiles a step; by default as the model family says.

    Attributes:
        model: the model that is trained, with the weights of the last run.

    Raises:
        ZooError: if a batch is larger than the training split, or the data has no such metric as
            the target's.
    """

    @_draws_apart
    def __init__(self, arm: Arm, data: Dataset, *, xla: bool | None = None) -> None:
        training, family, size = arm.spec.training, arm.spec.model, arm.spec.data.batch_size
        if size > len(data.train.x):
            raise ZooError(
                f"{arm.id}: data.batch_size is {size}, more than the {len(data.train.x)} training "
                f"examples of {data.name}"
            )
        if lacking := no_metric(data.name, data.task, arm.spec.target.metric):
            raise ZooError(f"{arm.id}: target.metric: {lacking}")
        xla = family.xla if xla is None else xla
        self._arm, self._data, self._training = arm, data, training
        self._total = training.evaluation_steps[-1]
        self._probed = schedule.probe_steps(training.steps)
        self.model = _build_seeded(arm, data, seed=0)
        self._initial = functools.lru_cache(maxsize=2)(self._initial_of)
        for fused in (fused_attention, fused_batch_norm):
            fused.fuse(self.model)
        loss = loss_of(data)
        train = Split(*map(tf.constant, data.train))
        self._step = TrainingStep(training, self.model, loss, data.outputs, xla)
        self._step.prepare(train.x[:2], train.y[:2])
        self._evaluation = Evaluation(self.model, loss, data, xla)
        seen = Split(train.x[:PROBE_BATCH], train.y[:PROBE_BATCH])
        self._probe = Probe(self.model, loss, *seen, scale=self._step.scale)
        self._measurements = Measurements(
            ["training_loss", *(f"val_{name}" for name in self._evaluation.metrics)],
            self._total // training.evaluate_every,
            self._probed,
            self._probe.layers,
            self._probe.kernel_sizes,
            _rms(data.train.x[:PROBE_BATCH]) if data.vocabulary is None else None,
            times=data.input_shape[0] if family.gradient_by_time else 0,
        )
        self._engine = Engine(
            training,
            size,
            self.model,
            self._step,
            self._evaluation,
            train,
            Split(*map(tf.constant, data.validation)),
            self._probe,
            self._measurements,
            xla,
        )
        test = Split(*map(tf.constant, data.test))
        self._evaluate_test = keras_private.traced_without_warning(lambda: self._evaluation(test))
        self._quickest: dict[int, float] = {}  # seconds a step, by the first step of its kind

    @functools.cached_property
    def _draws(self) -> random_states.Apart:
        return random_states.Apart()

    @_draws_apart
    def reset(self, seed: int, learning_rate: float) -> None:
        """Puts weights, random generators, optimizer, metrics and data order to a run's start."""
        for variable, start in zip(self.model.variables, self._initial(seed), strict=True):
            variable.assign(start)
        self._step.reset(seed, learning_rate)
        self._learning_rate = learning_rate
        for metric in self.model.metrics:
            metric.reset_state()
        size = self._arm.spec.data.batch_size
        examples = len(self._data.train.x)
        self._order = tf.constant(schedule.batch_order(seed, examples, size, self._total))
        self._measurements.clear()
        self._probe.start()

    def _initial_of(self, seed: int) -> list[npt.NDArray[Any]]:
        return [
            variable.numpy() for variable in _build_seeded(self._arm, self._data, seed).variables
        ]

    def segments(self, *, probe: bool = True) -> Segments:
        """A run in segments, with the probe or without it."""
        return schedule.segments(self._training, self._probed if probe else [])

    @_draws_apart
    def train(self, segments: Segments) -> int:
        """Trains segments of the run that `reset` put to its start; the step that diverged, or -1.

        A run's segments come in their order.
        """
        return self._engine.train(self._order, segments, self._learning_rate)

    @_draws_apart
    def run(
        self,
        seed: int,
        learning_rate: float,
        *,
        probe: bool = True,
        at_budget: Callable[[keras.Model], None] | None = None,
    ) -> dict[str, Any]:
        """Trains one run to two evaluations past its budget, or until it diverges.

        Args:
            seed: of the initial weights, the data order and any dropout.
            learning_rate: constant, but for the recipe's warmup and drops.
            probe: also measure gradients, at `zoo.training.schedule.probe_steps`.
            at_budget: given the model when its run is at the budget, if it did not diverge.

        Returns:
            What training decides of a run record: curve, test metrics at the budget, divergence,
            probe, seconds, parameters. Raw floats, of which undefined ones are NaN.
        """
        seconds_per_step = self.seconds_per_step() if probe else None
        started = time.perf_counter()
        self.reset(seed, learning_rate)
        segments = self.segments(probe=probe)
        to_budget = segments.count_until(self._training.steps)
        diverged = self.train(segments.part(0, to_budget))
        test: list[float | None] = [None] * len(self._evaluation.metrics)
        if diverged < 0:
            test = [float(value) for value in self._evaluate_test()]
            if at_budget is not None:
                at_budget(self.model)
            diverged = self.train(segments.part(to_budget))
        every = self._training.evaluate_every
        evaluations = (self._total if diverged < 0 else diverged) // every
        watch = self._step.watch
        return {
            "seed": seed,
            "learning_rate": learning_rate,
            "diverged_at": None if diverged < 0 else diverged,
            **{
                f"test_{name}": value
                for name, value in zip(self._evaluation.metrics, test, strict=True)
            },
            "evaluation": {
                "step": [every * (row + 1) for row in range(evaluations)],
                **self._measurements.curve(evaluations),
            },
            "probe": self._measurements.probe(),
            "clipping": None if watch is None else watch.result(),
            "seconds": time.perf_counter() - started,
            "seconds_per_step": seconds_per_step,
            "parameters": self.model.count_params(),
            "input_shape": list(self._data.input_shape),
        }

    # ------------------------------------------------------------ the time of a step

    def seconds_per_step(self) -> float:
        """The time of one training step alone: the quickest of all stretches measured so far.

        Each call measures one more of each kind of step, the first call a few: what else runs on
        the machine comes and goes. Where steps differ, in pretraining, their mean over the budget.
        """
        budget = self._training.steps
        for first, stop in self._step.phases:
            if stop > first:
                known = self._quickest.get(first, math.inf)
                rounds = 1 if first in self._quickest else 4  # of which the first one compiles
                self._quickest[first] = min(known, self._measured(first, stop, rounds))
        return sum(
            self._quickest[first] * (stop - first) / budget
            for first, stop in self._step.phases
            if stop > first
        )

    @_draws_apart
    def _measured(self, first: int, stop: int, rounds: int) -> float:
        steps = max(1, min(64 if rounds > 1 else 16, (stop - first) // 20))
        stretch = Segments(*np.array([[first], [first + steps], [-1], [-1]], np.int32))
        self.reset(0, 0.0)
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            int(self._engine.advance(self._order, stretch))
            seconds.append((time.perf_counter() - started) / steps)
        return min(seconds)
