"""Gradient norms of groups of layers, written to a CSV file, to TensorBoard and to MLflow."""

import contextlib
import csv
import io
import itertools
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from zoo import files
from zoo.errors import ZooError, said_by

TOTAL = "total"


class Groups:
    """Consecutive layers, so that there is a curve a group rather than one a layer.

    Args:
        layers: names, in the order of computation.
        count: of groups, of as equal sizes as can be; as many as layers if there are fewer.

    Attributes:
        names: "total", then those of the groups: their first and last layer.
    """

    def __init__(self, layers: Sequence[str], count: int) -> None:
        count = min(count, len(layers))
        ends = [round(len(layers) * group / count) for group in range(count + 1)]
        self._slices = [slice(*pair) for pair in itertools.pairwise(ends)]
        names = [
            layers[part.start]
            if part.stop - part.start == 1
            else f"{layers[part.start]} to {layers[part.stop - 1]}"
            for part in self._slices
        ]
        self.names = [TOTAL, *names]

    def norms(self, of_layers: Sequence[float]) -> list[float]:
        """The L2 norm of all kernels' gradients, and of those of each group."""
        return [math.hypot(*of_layers), *(math.hypot(*of_layers[part]) for part in self._slices)]


class Log:
    """Where the norms go, a row a step.

    Args:
        names: of the curves.
        csv: a file, written anew and whole at each row; None for none.
        log_dir: a folder that TensorBoard reads; None for none.
    """

    def __init__(
        self, names: Sequence[str], csv: str | Path | None, log_dir: str | Path | None
    ) -> None:
        self._csv = None if csv is None else Path(csv)
        self._rows: list[list[object]] = [["step", *names]]
        self._tags = [f"gradient_norm/{name}" for name in names]
        self._log_dir = log_dir
        self._writer = None
        if log_dir is not None:
            with self._to_folder():
                self._writer = tf.summary.create_file_writer(str(log_dir))

    def write(self, step: int, norms: Sequence[float]) -> None:
        """Writes a row everywhere.

        Raises:
            ZooError: if the file system refuses.
        """
        self._rows.append([step, *norms])
        if self._csv is not None:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(self._rows)
            files.write_whole(self._csv, text.getvalue())
        if self._writer is not None:
            with self._to_folder(), self._writer.as_default(step):
                for tag, norm in zip(self._tags, norms, strict=True):
                    # What `tf.summary.scalar` writes; that asks for TensorBoard itself.
                    tf.summary.write(tag, tf.constant(norm, tf.float32), metadata=_scalar())
                self._writer.flush()
        # A run can be active only where MLflow is imported already.
        mlflow = sys.modules.get("mlflow")
        if mlflow is not None and mlflow.active_run() is not None:
            # Names that MLflow refuses would end the training.
            names = [re.sub(r"[^\w\-. /]", "_", tag) for tag in self._tags]
            mlflow.log_metrics(dict(zip(names, norms, strict=True)), step=step)

    def close(self) -> None:
        """Ends the file that TensorBoard reads."""
        if self._writer is not None:
            self._writer.close()

    @contextlib.contextmanager
    def _to_folder(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            raise ZooError(
                f"log_dir {self._log_dir}: cannot be written: {said_by(error)}"
            ) from None


def _scalar() -> tf.compat.v1.SummaryMetadata:
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    return metadata
