"""A data set as it comes, before it is standardized."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Task = Literal["classification", "regression"]
SPLITS = ("train", "validation", "test")
DIGITS = tuple("0123456789")  # the classes of sets of digits
METRICS: dict[Task, list[str]] = {"classification": ["loss", "accuracy"], "regression": ["loss"]}


@dataclass(frozen=True)
class Raw:
    """A data set as it comes, in its three splits.

    Attributes:
        splits: inputs (n, ...) and targets, by `SPLITS`; classes are (n,), or (n, steps) for each
            of the last steps of a sequence, values (n, outputs).
        outputs: the number of classes, or of predicted values.
        task: what the model is trained for.
        vocabulary: the number of tokens, if the inputs are sequences of tokens; else None.
        standardize: whether inputs are standardized on the way to a model; not those of problems
            that are defined by their numbers.
        class_names: what each class is called; None where they have no names.
    """

    splits: dict[str, tuple[Array, Array]]
    outputs: int
    task: Task = "classification"
    vocabulary: int | None = None
    standardize: bool = True
    class_names: tuple[str, ...] | None = None


def shuffled(x: Array, y: Array, train: int, validation: int) -> dict[str, tuple[Array, Array]]:
    """Splits a set that has no official split: train, validation, and the rest for test.

    The split is fixed: a permutation by NumPy's PCG64 with seed 0.
    """
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order], y[order]
    ends = (0, train, train + validation, len(y))
    return {
        name: (x[start:end], y[start:end])
        for name, start, end in zip(SPLITS, ends[:-1], ends[1:], strict=True)
    }
