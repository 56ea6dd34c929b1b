"""The loss of the best output that does not look at its input: what a random guess has."""

from collections.abc import Sequence

import numpy as np

from zoo.diagnosis.heads import Head


def loss(heads: Sequence[Head]) -> float | None:
    """Of all outputs together; None if it is not known for the loss of one.

    The entropy of the targets for a cross-entropy, ln K of K equally frequent classes; the variance
    for the mean squared error, the mean distance from the median for the mean absolute one.
    """
    total = 0.0
    judged = [head for head in heads if head.loss is not None]
    for head in judged:
        if (part := _loss(head)) is None:
            return None
        total += head.weight * part
    return float(total) if judged else None


def _loss(head: Head) -> float | None:
    y, name = head.y, head.loss.name if head.loss else ""
    if y is None or not y.size or y.dtype.kind not in "iuf" or not np.isfinite(y).all():
        return None
    if name == "sparse_categorical_crossentropy":
        _, counts = np.unique(y, return_counts=True)
        return _entropy(counts / counts.sum())
    if name == "categorical_crossentropy" and y.ndim > 1:
        shares = y.reshape(-1, y.shape[-1]).mean(0)
        return _entropy(shares) if (shares >= 0).all() and shares.sum() > 0 else None
    if name == "binary_crossentropy":
        units = y.reshape(len(y), -1).mean(0)
        if (units < 0).any() or (units > 1).any():
            return None
        return float(np.mean([_entropy(np.array([unit, 1 - unit])) for unit in units]))
    units = y.reshape(len(y), -1).astype(np.float64)
    if name == "mean_squared_error":
        return float(units.var(0).mean())
    if name == "mean_absolute_error":
        return float(np.abs(units - np.median(units, 0)).mean())
    return None


def _entropy(shares: np.ndarray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
