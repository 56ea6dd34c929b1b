"""What a run measures, held in TensorFlow until it ends: its curve and its probes."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zoo.probe import QUANTITIES


class Measurements:
    """A table of evaluations and one of probes; the compiled loop writes them row by row.

    Args:
        columns: names of what an evaluation gives.
        evaluations: how many a run may have.
        probed: the steps at which it is probed.
        layers: names of the layers that the probe measures.
        kernel_sizes: entries of their kernels.
        input_rms: of the batch that the probe measures on; None for tokens.
        times: steps of time with a gradient of their own; 0 for none.
    """

    def __init__(
        self,
        columns: Sequence[str],
        evaluations: int,
        probed: Sequence[int],
        layers: Sequence[str],
        kernel_sizes: Sequence[int],
        input_rms: float | None,
        times: int,
    ) -> None:
        self._columns, self._probed, self._layers = list(columns), list(probed), list(layers)
        self._batch = {"kernel_sizes": list(kernel_sizes), "input_rms": input_rms}
        self.by_time = times > 0
        self._curve = _table(tf.float32, evaluations, len(columns))
        self._quantities = _table(tf.float64, len(probed), len(QUANTITIES), len(layers))
        self._update_ratios = _table(tf.float64, len(probed), len(layers))
        self._gradients_by_time = _table(tf.float64, len(probed), times)
        self._measured = tf.Variable(tf.zeros([len(probed)], tf.bool), trainable=False)

    def clear(self) -> None:
        """Forgets the run before."""
        for table in (self._quantities, self._update_ratios, self._gradients_by_time):
            table.assign(tf.fill(table.shape, tf.constant(math.nan, table.dtype)))
        self._measured.assign(tf.zeros_like(self._measured))

    # ------------------------------------------------------------ written by the compiled loop

    def write_evaluation(self, row: Any, values: Any) -> None:
        """Keeps what an evaluation gave, in the order of the columns."""
        self._curve.scatter_nd_update([[row]], values[None])

    def write_probe(self, row: Any, quantities: dict[str, Any]) -> None:
        """Keeps what `Probe.measure` gave."""
        stacked = tf.stack([quantities[name] for name in QUANTITIES])
        self._quantities.scatter_nd_update([[row]], stacked[None])
        self._measured.scatter_nd_update([[row]], [True])

    def write_gradients_by_time(self, row: Any, gradients: Any) -> None:
        """Keeps what `Probe.input_grad_rms` gave."""
        self._gradients_by_time.scatter_nd_update([[row]], gradients[None])

    def write_update_ratio(self, row: Any, ratios: Any) -> None:
        """Keeps what `Probe.update_ratio` gave, after the step."""
        self._update_ratios.scatter_nd_update([[row]], ratios[None])

    # ------------------------------------------------------------ read when the run has ended

    def curve(self, evaluations: int) -> dict[str, list[float]]:
        """The first evaluations of a run, by column."""
        rows = self._curve.numpy()[:evaluations].T.tolist()
        return dict(zip(self._columns, rows, strict=True))

    def probe(self) -> dict[str, Any]:
        """The probe of a run record: steps, layers, then by quantity rows over layers."""
        measured = self._measured.numpy()
        steps = [step for step, done in zip(self._probed, measured, strict=True) if done]
        tables = [self._update_ratios.numpy(), *self._quantities.numpy().transpose(1, 0, 2)]
        by_time = self._gradients_by_time.numpy()[: len(steps)].tolist() if self.by_time else None
        return {
            "steps": steps,
            "layers": self._layers,
            **self._batch,
            **{
                name: table[: len(steps)].tolist()
                for name, table in zip(("update_ratio", *QUANTITIES), tables, strict=True)
            },
            "input_grad_rms": by_time,
        }


def _table(dtype: Any, *shape: int) -> tf.Variable:
    return tf.Variable(tf.zeros(shape, dtype), trainable=False)
