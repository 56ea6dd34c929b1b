"""Whether a loss of the user's compares each target with each output, for their shapes differ."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.diagnosis.examples import Examples
from zoo.diagnosis.heads import Head
from zoo.diagnosis.verdict import Verdict
from zoo.probe.loss import Objective

UNLIKE = 1e-3  # relative: more than rounding makes of the same sum


def broadcast(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> list[Verdict]:
    """Targets (n,) beside outputs (n, 1), or the reverse, that a loss makes (n, n) of.

    Keras's losses see to it; one of the user's, `ops.mean((y - outputs) ** 2)`, does not, and is
    least for a constant output. It is seen by giving it the targets in the shape of the outputs.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return []
    [head], y = heads, some.y
    if not hasattr(y, "shape") or y.size != head.output.size or y.shape == head.output.shape:
        return []
    objective, x = Objective(model, loss, "data"), tf.nest.map_structure(tf.constant, some.x)
    # Outputs that differ, so that a mean over all pairs is not that over the pairs that belong.
    outputs = tf.constant(
        np.linspace(0.1, 0.9, y.size, dtype=np.float32).reshape(head.output.shape)
    )
    try:
        given = float(objective(x, tf.constant(y), outputs))
        shaped = float(objective(x, tf.constant(y.reshape(head.output.shape)), outputs))
    except Exception:  # the user's code; whether it can be computed is seen elsewhere
        return []
    if not np.isfinite([given, shaped]).all() or abs(given - shaped) <= UNLIKE * abs(shaped):
        return []
    return [
        Verdict(
            "labels do not fit",
            f"output {head.name}",
            f"the targets have the shape {y.shape} and the outputs {head.output.shape}, and the "
            f"loss gives another value ({given:.3g}) than for targets in the shape of the outputs "
            f"({shaped:.3g}): it compares each with each",
            "targets and outputs of one shape",
            repair="y = y.reshape(len(y), 1)" if y.ndim == 1 else "y = y[:, 0]",
        )
    ]
