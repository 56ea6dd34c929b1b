"""The mean loss, and for classes the accuracy, over a whole split in inference mode."""

from typing import Any

import keras
import tensorflow as tf

from zoo.data import Dataset, Split
from zoo.data.raw import METRICS

BATCH = 1024


class Evaluation:
    """Evaluates a model on the splits of a data set; call it inside a `tf.function`.

    Args:
        model: of the data set's inputs and outputs.
        loss: averaged over the batch.
        data: what the model is for.
        xla: whether XLA compiles a batch.

    Attributes:
        metrics: what a call gives, by name.
    """

    def __init__(self, model: keras.Model, loss: keras.Loss, data: Dataset, xla: bool) -> None:
        self._model, self._loss, self._data, self._xla = model, loss, data, xla
        self.metrics = METRICS[data.task]
        self._totals = tf.function(self._totals_of, jit_compile=True) if xla else self._totals_of

    def __call__(self, split: Split) -> list[Any]:
        """The `metrics` of a split."""
        examples = split.x.shape[0]
        if examples <= BATCH:
            return [total / examples for total in self._totals(split.x, split.y)]
        totals = [tf.constant(0.0) for _ in self.metrics]
        loop: Any = range if self._xla else tf.range  # XLA needs static shapes
        for start in loop(0, examples, BATCH):
            part = slice(start, start + BATCH)
            new = self._totals(split.x[part], split.y[part])
            totals = [total + value for total, value in zip(totals, new, strict=True)]
        return [total / examples for total in totals]

    def _totals_of(self, x: Any, y: Any) -> list[Any]:
        outputs = self._model(x, training=False)
        loss = self._loss(y, outputs) * tf.cast(tf.shape(x)[0], tf.float32)
        if self._data.task != "classification":
            return [loss]
        right = tf.argmax(outputs, axis=-1, output_type=y.dtype) == y
        classes = self._data.target_length or 1  # of an example
        return [loss, tf.reduce_sum(tf.cast(right, tf.float32)) / classes]
