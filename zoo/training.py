"""One arm, compiled once and reset for every run: weights, optimizer state, data order.

The training between two calls from Python is one compiled function that loops over Keras's own
`train_step`, with the data held as tensors and each batch gathered by index.
"""

import functools
import math
import random
import time
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras.src.random import seed_generator

from zoo import batch_norm, models, schedule
from zoo.data import Dataset, Split
from zoo.errors import ZooError
from zoo.probe import QUANTITIES, Probe
from zoo.recipe import Arm
from zoo.steps import TrainingStep

PROBE_BATCH = 128
EVALUATION_BATCH = 1024
SECONDS_PER_CALL = 1.0  # signals wait while TensorFlow computes


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


def build_seeded(arm: Arm, data: Dataset, seed: int) -> keras.Model:
    """The arm's model as every run with this seed starts it.

    The same as after `keras.utils.set_random_seed`, which sets three generators. But Keras draws
    its seeds from Python's, which other threads may use meanwhile (Dask's do): here from one apart.
    And TensorFlow's is left alone: a new seed there would make it prepare every compiled function
    anew, at the price of hundreds of steps.
    """
    random.seed(seed)  # for a user's own code
    np.random.seed(seed)
    shared, policy = seed_generator.python_random, keras.config.dtype_policy()
    seed_generator.python_random = random.Random(seed)
    keras.config.set_dtype_policy(arm.spec.training.precision or "float32")
    try:
        return models.build(arm.spec.model, data)
    finally:
        seed_generator.python_random = shared
        keras.config.set_dtype_policy(policy)


class CompiledArm:
    """An arm's model with its training compiled; every `run` starts it afresh.

    A run depends on the arm, the seed and the learning rate alone: on one thread it equals, bit for
    bit, the same run in a process of its own, and the same run without its probe.

    Args:
        arm: what to train.
        data: the arm's data set, loaded.
        jit: whether XLA compiles a step; by default for recurrent networks, which it makes faster,
            and for no others, where it does nothing or harm on a processor.

    Raises:
        ZooError: if a batch is larger than the training split.
    """

    def __init__(self, arm: Arm, data: Dataset, *, jit: bool | None = None) -> None:
        training, size = arm.spec.training, arm.spec.data.batch_size
        if size > len(data.train.x):
            raise ZooError(
                f"{arm.id}: data.batch_size is {size}, more than the {len(data.train.x)} training "
                f"examples of {data.name}"
            )
        self._arm, self._data, self._training = arm, data, training
        recurrent = arm.spec.model.family == "rnn"
        self._jit = recurrent if jit is None else jit
        self._total = schedule.steps_in_all(training)
        self._evaluations = self._total // training.evaluate_every
        self.model = build_seeded(arm, data, seed=0)
        batch_norm.fuse(self.model)
        self._loss = loss_of(data)
        self._train = Split(*map(tf.constant, data.train))
        self._validation = Split(*map(tf.constant, data.validation))
        self._test = Split(*map(tf.constant, data.test))
        self._initial = functools.lru_cache(maxsize=2)(self._initial_of)
        self._step = TrainingStep(training, self.model, self._loss, data.outputs, self._jit)
        self._step.prepare(self._train.x[:2], self._train.y[:2])
        self._columns = ["training_loss", *(f"val_{name}" for name in self._metrics)]
        self._probe = Probe(
            self.model,
            self._loss,
            self._train.x[:PROBE_BATCH],
            self._train.y[:PROBE_BATCH],
            scale=self._step.scale,
        )
        self._probed = schedule.probe_steps(training.steps)
        shape = [len(self._probed), len(QUANTITIES), len(self._probe.layers)]
        self._quantities = tf.Variable(tf.zeros(shape, tf.float64), trainable=False)
        self._update_ratios = tf.Variable(self._quantities[:, 0], trainable=False)
        times = data.input_shape[0] if recurrent else 0
        self._by_time = tf.Variable(tf.zeros([len(self._probed), times], tf.float64))
        shape = [self._evaluations, len(self._columns)]
        self._curve = tf.Variable(tf.zeros(shape), trainable=False)
        specs = [tf.TensorSpec((self._total, size), tf.int32), tf.TensorSpec((None, 4), tf.int32)]
        self._advance = tf.function(self._advanced, input_signature=specs)
        # Not inlined, so that the loop around it stays small for the many steps without a probe.
        alone = {"experimental_attributes": {"_noinline": True}}
        options: dict[str, Any] = {"jit_compile": True} if self._jit else alone
        self._measure = tf.function(self._probe.measure, **options)
        self._measure_inputs = tf.function(self._probe.input_grad_rms, **options)
        self._totals = (
            tf.function(self._totals_of, jit_compile=True) if self._jit else self._totals_of
        )
        self._evaluate_test = tf.function(lambda: self._evaluate(self._test))
        self._seconds_per_segment = 1.0
        self._seconds_per_step: float | None = None

    @property
    def _metrics(self) -> list[str]:
        return ["loss", "accuracy"] if self._data.task == "classification" else ["loss"]

    def _segments(self, probe: bool) -> npt.NDArray[np.int32]:
        return schedule.segments(self._training, self._probed if probe else [])

    # ------------------------------------------------------------ compiled

    def _advanced(self, order: Any, segments: Any) -> Any:
        """Trains the given `_segments`; the step that diverged, or -1.

        A loss is seen to be non-finite in the step after the weights became so; weights that an
        activation hides from the loss are caught at the evaluations.
        """
        segment, step, finite = 0, 0, True
        while finite and segment < tf.shape(segments)[0]:
            step, stop = segments[segment, 0], segments[segment, 1]
            probe_row, curve_row = segments[segment, 2], segments[segment, 3]
            if probe_row >= 0:
                self._quantities.scatter_nd_update([[probe_row]], self._measure()[None])
                if self._by_time.shape[1]:
                    self._by_time.scatter_nd_update([[probe_row]], self._measure_inputs()[None])
            while finite and step < stop:
                batch = tf.ensure_shape(order[step], [self._arm.spec.data.batch_size])
                x, y = tf.gather(self._train.x, batch), tf.gather(self._train.y, batch)
                finite = tf.math.is_finite(self._step(x, y, step))
                step += 1
            if not finite:
                step -= 1
            if probe_row >= 0:
                self._update_ratios.scatter_nd_update(
                    [[probe_row]], self._probe.update_ratio()[None]
                )
            if finite and curve_row >= 0:
                logs = {metric.name: metric.result() for metric in self.model.metrics}
                loss = tf.where(self._step.pretrains(stop), math.nan, logs["loss"])
                row = tf.stack([loss, *self._evaluate(self._validation)])
                self._curve.scatter_nd_update([[curve_row]], row[None])
                for metric in self.model.metrics:
                    metric.reset_state()
                finite = self._weights_finite()
            segment += 1
        return tf.where(finite, -1, step)

    def _evaluate(self, split: Split) -> list[Any]:
        """The mean loss, and for classes the accuracy, over a whole split in inference mode."""
        examples = split.x.shape[0]
        if examples <= EVALUATION_BATCH:
            return [total / examples for total in self._totals(split.x, split.y)]
        totals = [tf.constant(0.0) for _ in self._metrics]
        loop: Any = range if self._jit else tf.range  # XLA needs static shapes
        for start in loop(0, examples, EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            new = self._totals(split.x[part], split.y[part])
            totals = [total + value for total, value in zip(totals, new, strict=True)]
        return [total / examples for total in totals]

    def _totals_of(self, x: Any, y: Any) -> list[Any]:
        outputs = self.model(x, training=False)
        loss = self._loss(y, outputs) * tf.cast(tf.shape(x)[0], tf.float32)
        if self._data.task != "classification":
            return [loss]
        right = tf.argmax(outputs, axis=-1, output_type=y.dtype) == y
        classes = self._data.target_length or 1  # of an example
        return [loss, tf.reduce_sum(tf.cast(right, tf.float32)) / classes]

    def _weights_finite(self) -> Any:
        sums = [tf.reduce_sum(variable.value) for variable in self.model.trainable_variables]
        return tf.math.is_finite(tf.add_n([tf.cast(total, tf.float32) for total in sums]))

    # ------------------------------------------------------------ a run

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
        self._quantities.assign(tf.fill(self._quantities.shape, tf.constant(math.nan, tf.float64)))
        self._update_ratios.assign(self._quantities[:, 0])
        self._by_time.assign(tf.fill(self._by_time.shape, tf.constant(math.nan, tf.float64)))
        self._probe.start()

    def _initial_of(self, seed: int) -> list[npt.NDArray[Any]]:
        return [
            variable.numpy() for variable in build_seeded(self._arm, self._data, seed).variables
        ]

    @property
    def seconds_per_step(self) -> float:
        """The time of one training step alone: the quickest of a few stretches, measured once.

        Where steps differ, in pretraining, their mean over the budget.
        """
        if self._seconds_per_step is None:
            budget = self._training.steps
            self._seconds_per_step = sum(
                self._quickest(first, stop) * (stop - first) / budget
                for first, stop in self._step.phases
                if stop > first
            )
        return self._seconds_per_step

    def _quickest(self, first: int, stop: int) -> float:
        steps = max(1, min(64, (stop - first) // 20))
        stretch = tf.constant([[first, first + steps, -1, -1]])
        self.reset(0, 0.0)
        seconds = []
        for _ in range(4):  # the first one compiles
            started = time.perf_counter()
            int(self._advance(self._order, stretch))
            seconds.append((time.perf_counter() - started) / steps)
        return min(seconds)

    def run(self, seed: int, learning_rate: float, *, probe: bool = True) -> dict[str, Any]:
        """Trains one run to two evaluations past its budget, or until it diverges.

        Args:
            seed: of the initial weights, the data order and any dropout.
            learning_rate: constant.
            probe: also measure gradients, at `probe_steps`.

        Returns:
            What training decides of a run record: curve, test metrics at the budget, divergence,
            probe, seconds, parameters. Raw floats, of which undefined ones are NaN.
        """
        seconds_per_step = self.seconds_per_step
        started = time.perf_counter()
        self.reset(seed, learning_rate)
        segments = self._segments(probe)
        at_budget = int(np.searchsorted(segments[:, 1], self._training.steps)) + 1
        diverged = self._train_segments(segments[:at_budget])
        test: list[float | None] = [None] * len(self._metrics)
        if diverged < 0:
            test = [float(value) for value in self._evaluate_test()]
            diverged = self._train_segments(segments[at_budget:])
        trained = self._total if diverged < 0 else diverged
        rows = trained // self._training.evaluate_every
        curve = self._curve.numpy()[:rows].T.tolist()
        quantities = [self._update_ratios.numpy(), *self._quantities.numpy().transpose(1, 0, 2)]
        measured = np.isfinite(quantities[1 + QUANTITIES.index("nonfinite")][:, 0])  # a count
        probed = [step for step, done in zip(self._probed, measured, strict=True) if done]
        return {
            "seed": seed,
            "learning_rate": learning_rate,
            "diverged_at": None if diverged < 0 else diverged,
            **dict(zip((f"test_{name}" for name in self._metrics), test, strict=True)),
            "evaluation": {
                "step": [self._training.evaluate_every * (row + 1) for row in range(rows)],
                **dict(zip(self._columns, curve, strict=True)),
            },
            "probe": {
                "steps": probed,
                "layers": self._probe.layers,
                **{
                    name: values[: len(probed)].tolist()
                    for name, values in zip(("update_ratio", *QUANTITIES), quantities, strict=True)
                },
                "input_grad_rms": self._by_time.numpy()[: len(probed)].tolist()
                if self._by_time.shape[1]
                else None,
            },
            "clipping": self._clipping(),
            "seconds": time.perf_counter() - started,
            "seconds_per_step": seconds_per_step,
            "parameters": self.model.count_params(),
            "input_shape": list(self._data.input_shape),
        }

    def _clipping(self) -> dict[str, float] | None:
        """The share of clipped steps, and the largest norm of all gradients before clipping."""
        watch = self._step.watch
        if watch is None:
            return None
        share = int(watch.clipped) / max(1, int(watch.steps))
        return {"clipped": share, "largest_norm": float(watch.largest)}

    def _train_segments(self, segments: npt.NDArray[np.int32]) -> int:
        """Trains in calls of about `SECONDS_PER_CALL`; the step that diverged, or -1."""
        drops = np.array(self._training.drops)
        while len(segments):
            first = segments[0, 0]
            if len(drops):
                self._step.set_rate(self._learning_rate / 10 ** int((drops <= first).sum()))
            count = max(1, int(SECONDS_PER_CALL / self._seconds_per_segment))
            count = min([count, *(np.searchsorted(segments[:, 0], d) for d in drops if d > first)])
            started = time.perf_counter()
            diverged = int(self._advance(self._order, segments[:count]))
            taken = min(count, len(segments))
            self._seconds_per_segment = (time.perf_counter() - started) / taken
            if diverged >= 0:
                return diverged
            segments = segments[count:]
        return -1
