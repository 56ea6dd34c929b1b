"""One arm, compiled once and reset for every run: weights, optimizer state, data order.

The whole training between two probes is one compiled function that loops over Keras's own
`train_step`, with the data held as tensors and each batch gathered by index.
"""

import math
import random
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import environment, keras_parts, models
from zoo.data import Dataset, Split
from zoo.probe import QUANTITIES, Probe
from zoo.recipe import Arm

PROBE_BATCH = 256
EVALUATION_BATCH = 1024


def use_threads(threads: int) -> None:
    """Sets TensorFlow's own thread pools; OMP_NUM_THREADS does not limit them.

    Raises:
        RuntimeError: if TensorFlow already computed with another number of threads.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def batch_order(seed: int, examples: int, batch_size: int, steps: int) -> np.ndarray:
    """The examples of every step, (steps, batch_size) int32: a new permutation each epoch.

    Depends on nothing but its arguments, so that all arms of a seed see the same batches in the same
    order. What does not fill a batch at the end of an epoch is left out of that epoch.
    """
    per_epoch = examples // batch_size
    if per_epoch == 0:
        raise ValueError(f"batch_size {batch_size} is more than the {examples} training examples")
    epochs = [
        np.random.default_rng([seed, epoch]).permutation(examples)[: per_epoch * batch_size]
        for epoch in range(math.ceil(steps / per_epoch))
    ]
    return np.concatenate(epochs).reshape(-1, batch_size)[:steps].astype(np.int32)


def probe_steps(steps: int) -> list[int]:
    """The steps at which a run of the given budget is probed: 0, 1, 2, 4, 8, 16 and each tenth."""
    early = [step for step in (0, 1, 2, 4, 8, 16) if step <= steps]
    return sorted({*early, *(round(steps * tenth / 10) for tenth in range(1, 11))})


def loss_of(data: Dataset) -> keras.Loss:
    """The loss of the data set's task, averaged over the batch."""
    if data.task == "classification":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.losses.MeanSquaredError()


def build_seeded(arm: Arm, data: Dataset, seed: int) -> keras.Model:
    """The arm's model as every run with this seed starts it.

    Keras draws its initial weights from Python's generator. `tf.random.set_seed` is left alone: it
    would make TensorFlow prepare every compiled function anew, at the price of hundreds of steps.
    """
    random.seed(seed)
    np.random.seed(seed)
    return models.build(arm.spec.model, data)


class CompiledArm:
    """An arm's model with its training compiled; every `run` starts it afresh.

    A run depends on the arm, the seed and the learning rate alone: on one thread it equals, bit for
    bit, the same run in a process of its own.

    Args:
        arm: what to train.
        data: the arm's data set, loaded.
    """

    def __init__(self, arm: Arm, data: Dataset) -> None:
        training = arm.spec.training
        self._arm, self._data = arm, data
        self._every = training.evaluate_every
        self._evaluations = training.steps // self._every + 2
        self._total = self._evaluations * self._every  # two evaluations past the budget
        self.model = build_seeded(arm, data, seed=0)
        self._loss = loss_of(data)
        self._train = Split(*map(tf.constant, data.train))
        self._validation = Split(*map(tf.constant, data.validation))
        self._test = Split(*map(tf.constant, data.test))
        columns = ["training_loss", *self._metric_names("val_")]
        self._curve = tf.Variable(tf.zeros([self._evaluations, len(columns)]), trainable=False)
        self._columns = columns
        self._compile()
        shapes = [(self._total, arm.spec.data.batch_size), (), ()]
        signature = [tf.TensorSpec(shape, tf.int32) for shape in shapes]
        self._advance = tf.function(self._advanced, input_signature=signature)
        self._tested = tf.function(lambda: self._evaluate(self._test))
        batch = min(PROBE_BATCH, len(data.train.x))
        self._probe = Probe(self.model, self._loss, self._train.x[:batch], self._train.y[:batch])
        self._probed = tf.function(self._probed_step, input_signature=signature[:2])

    def _metric_names(self, prefix: str) -> list[str]:
        classification = self._data.task == "classification"
        return [f"{prefix}loss", *([f"{prefix}accuracy"] if classification else [])]

    def _compile(self) -> None:
        """Compiles with Keras; one step taken, so that every variable exists before tracing."""
        optimizer = keras_parts.optimizer(self._arm.spec.training.optimizer, 1.0)
        self.model.compile(optimizer=optimizer, loss=self._loss, jit_compile=False)
        optimizer.build(self.model.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in optimizer.variables]
        size = self._arm.spec.data.batch_size
        self.model.train_step((self._train.x[:size], self._train.y[:size]))

    # ------------------------------------------------------------ compiled

    def _advanced(self, order: Any, first: Any, last: Any) -> Any:
        """Trains steps first..last-1, evaluating on the grid; the step that diverged, or -1."""
        step, finite = first, True
        while finite and step < last:
            stop = tf.minimum(last, (step // self._every + 1) * self._every)
            while finite and step < stop:
                batch = tf.ensure_shape(order[step], [self._arm.spec.data.batch_size])
                x, y = tf.gather(self._train.x, batch), tf.gather(self._train.y, batch)
                finite = tf.math.is_finite(self.model.train_step((x, y))["loss"])
                step += 1
            if finite and step % self._every == 0:
                logs = {metric.name: metric.result() for metric in self.model.metrics}
                row = tf.stack([logs["loss"], *self._evaluate(self._validation)])
                self._curve.scatter_nd_update([[step // self._every - 1]], row[None])
                for metric in self.model.metrics:
                    metric.reset_state()
        if not finite:
            return step - 1
        return tf.where(self._weights_finite(), -1, step)

    def _probed_step(self, order: Any, step: Any) -> Any:
        """Measures at a step and takes it; the quantities, (1 + QUANTITIES, layers), and divergence."""
        quantities, before = self._probe.measure(), self._probe.kernels()
        diverged = self._advance(order, step, step + 1)
        update_ratio = self._probe.update_ratio(before)
        return tf.concat([update_ratio[None], quantities], axis=0), diverged

    def _evaluate(self, split: Split) -> list[Any]:
        """The mean loss, and for classes the accuracy, over a whole split in inference mode."""
        examples = split.x.shape[0]
        if examples <= EVALUATION_BATCH:
            return [total / examples for total in self._totals(split.x, split.y)]
        totals = [tf.constant(0.0) for _ in self._metric_names("")]
        for start in tf.range(0, examples, EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            new = self._totals(split.x[part], split.y[part])
            totals = [total + value for total, value in zip(totals, new, strict=True)]
        return [total / examples for total in totals]

    def _totals(self, x: Any, y: Any) -> list[Any]:
        outputs = self.model(x, training=False)
        loss = self._loss(y, outputs) * tf.cast(tf.shape(x)[0], tf.float32)
        if self._data.task != "classification":
            return [loss]
        right = tf.argmax(outputs, axis=-1, output_type=y.dtype) == y
        return [loss, tf.reduce_sum(tf.cast(right, tf.float32))]

    def _weights_finite(self) -> Any:
        finite = [tf.reduce_all(tf.math.is_finite(v)) for v in self.model.trainable_variables]
        return tf.reduce_all(tf.stack(finite))

    # ------------------------------------------------------------ a run

    def reset(self, seed: int, learning_rate: float) -> None:
        """Puts weights, random generators, optimizer, metrics and data order to a run's start."""
        fresh = build_seeded(self._arm, self._data, seed)
        for variable, start in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(start)
        optimizer = self.model.optimizer
        for variable, start in zip(optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(start)
        optimizer.learning_rate = learning_rate
        for metric in self.model.metrics:
            metric.reset_state()
        size = self._arm.spec.data.batch_size
        order = batch_order(seed, len(self._data.train.x), size, self._total)
        self._order = tf.constant(order)
        self._probe.start()

    def run(self, seed: int, learning_rate: float, *, probe: bool = True) -> dict[str, Any]:
        """Trains one run to two evaluations past its budget.

        Args:
            seed: of the initial weights, the data order and any dropout.
            learning_rate: constant.
            probe: also measure gradients on the schedule of `probe_steps`.

        Returns:
            The part of the run record that training decides: curve, test metrics at the budget,
            divergence, probe, seconds. Raw floats; undefined ones are NaN.
        """
        started = time.perf_counter()
        self.reset(seed, learning_rate)
        budget = self._arm.spec.training.steps
        steps = probe_steps(budget) if probe else []
        measured: list[np.ndarray] = []
        test: list[float] | None = None
        training_seconds, step, diverged = 0.0, 0, -1
        for stop in sorted({*steps, *(s + 1 for s in steps), budget, self._total}):
            began = time.perf_counter()
            if step in steps:
                quantities, at = self._probed(self._order, step)
                measured.append(quantities.numpy())
                diverged = int(at)
            elif stop > step:
                diverged = int(self._advance(self._order, step, stop))
                training_seconds += time.perf_counter() - began
            if diverged >= 0:
                break
            step = stop
            if step == budget:
                test = [float(value) for value in self._tested()]
        trained = self._total if diverged < 0 else max(diverged, 1)
        rows = (self._total if diverged < 0 else diverged) // self._every
        test_names = self._metric_names("test_")
        return {
            "seed": seed,
            "learning_rate": learning_rate,
            "diverged_at": None if diverged < 0 else diverged,
            **dict(zip(test_names, test or [None] * len(test_names), strict=True)),
            "evaluation": {
                "step": [self._every * (row + 1) for row in range(rows)],
                **{
                    name: self._curve.numpy()[:rows, column].tolist()
                    for column, name in enumerate(self._columns)
                },
            },
            "probe": {
                "steps": steps[: len(measured)],
                "layers": self._probe.layers,
                **{
                    name: [at[row].tolist() for at in measured]
                    for row, name in enumerate(("update_ratio", *QUANTITIES))
                },
            },
            "seconds": time.perf_counter() - started,
            "seconds_per_step": training_seconds / trained,
            "parameters": self.model.count_params(),
            "input_shape": list(self._data.input_shape),
            "environment": {
                **environment.describe(),
                "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            },
        }
