"""The compiled loop: trains a run segment by segment, evaluates and probes between them.

The training between two calls from Python is one compiled function that loops over Keras's own
`train_step`, with the data held as tensors and each batch gathered by index.
"""

import math
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import keras_private
from zoo.data import Split
from zoo.probe import Probe
from zoo.recipe.schema import Training
from zoo.training.evaluation import Evaluation
from zoo.training.measurements import Measurements
from zoo.training.schedule import Segments
from zoo.training.step import TrainingStep

SECONDS_PER_CALL = 1.0  # signals wait while TensorFlow computes


class Engine:
    """Trains the model that a `TrainingStep` compiled, on one data set.

    Args:
        training: what the recipe says of it.
        batch_size: examples of a step.
        model: compiled by `step`.
        step: takes a step.
        evaluate: gives what is written of a split.
        train: the examples that are trained on, as tensors.
        validation: the examples that are evaluated on, as tensors.
        probe: measures before a segment.
        measurements: where evaluations and probes are written.
        xla: whether XLA compiles a probe.
    """

    def __init__(
        self,
        training: Training,
        batch_size: int,
        model: keras.Model,
        step: TrainingStep,
        evaluate: Evaluation,
        train: Split,
        validation: Split,
        probe: Probe,
        measurements: Measurements,
        xla: bool,
    ) -> None:
        self._training, self._batch_size, self._model = training, batch_size, model
        self._step, self._evaluate, self._probe = step, evaluate, probe
        self._train, self._validation, self._measurements = train, validation, measurements

        def apart(function: Any) -> Any:
            # So that the loop around it stays small for the many steps without a probe.
            if xla:
                return tf.function(function, jit_compile=True)
            return keras_private.not_inlined(function)

        self._measure = apart(probe.measure)
        self._measure_by_time = apart(probe.input_grad_rms)
        numbers = tf.TensorSpec((None,), tf.int32)
        order = tf.TensorSpec((training.evaluation_steps[-1], batch_size), tf.int32)
        self.advance = tf.function(
            self._advanced, input_signature=[order, Segments(numbers, numbers, numbers, numbers)]
        )
        self._seconds_per_segment = 1.0

    def train(self, order: Any, segments: Segments, learning_rate: float) -> int:
        """Trains in calls of about `SECONDS_PER_CALL`.

        Args:
            order: the examples of every step, (steps, batch_size) int32.
            segments: those to train.
            learning_rate: that of the run's start; divided by ten at each of the recipe's drops.

        Returns:
            The step that diverged, or -1.
        """
        drops = np.array(self._training.drops)
        while len(segments.first):
            first = segments.first[0]
            if len(drops):
                self._step.set_rate(learning_rate / 10 ** int((drops <= first).sum()))
            count = max(1, int(SECONDS_PER_CALL / self._seconds_per_segment))
            count = min([count, *(segments.count_until(drop) for drop in drops if drop > first)])
            started = time.perf_counter()
            diverged = int(self.advance(order, segments.part(0, count)))
            taken = min(count, len(segments.first))
            self._seconds_per_segment = (time.perf_counter() - started) / taken
            if diverged >= 0:
                return diverged
            segments = segments.part(count)
        return -1

    def _advanced(self, order: Any, segments: Segments) -> Any:
        """Trains segments, compiled; the step that diverged, or -1.

        A loss is seen to be non-finite in the step after the weights became so; weights that an
        activation hides from the loss are caught at the evaluations.
        """
        measurements = self._measurements
        segment, step, finite = 0, 0, True
        while finite and segment < tf.shape(segments.first)[0]:
            step, stop = segments.first[segment], segments.stop[segment]
            probe_row, curve_row = segments.probe_row[segment], segments.curve_row[segment]
            if probe_row >= 0:
                measurements.write_probe(probe_row, self._measure())
                if measurements.by_time:
                    measurements.write_gradients_by_time(probe_row, self._measure_by_time())
            while finite and step < stop:
                batch = tf.ensure_shape(order[step], [self._batch_size])
                x, y = tf.gather(self._train.x, batch), tf.gather(self._train.y, batch)
                finite = tf.math.is_finite(self._step(x, y, step))
                step += 1
            if not finite:
                step -= 1
            if probe_row >= 0:
                measurements.write_update_ratio(probe_row, self._probe.update_ratio())
            if finite and curve_row >= 0:
                logs = {metric.name: metric.result() for metric in self._model.metrics}
                loss = tf.where(self._step.pretrains(stop), math.nan, logs["loss"])
                row = tf.stack([loss, *self._evaluate(self._validation)])
                measurements.write_evaluation(curve_row, row)
                for metric in self._model.metrics:
                    metric.reset_state()
                finite = self._weights_finite()
            segment += 1
        return tf.where(finite, -1, step)

    def _weights_finite(self) -> Any:
        sums = [tf.reduce_sum(variable.value) for variable in self._model.trainable_variables]
        return tf.math.is_finite(tf.add_n([tf.cast(total, tf.float32) for total in sums]))
