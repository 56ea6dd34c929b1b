"""The one door to data: `load(name)` gives train, validation and test arrays, standardized."""

import difflib
import importlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from zoo.errors import ZooError

# name -> module of zoo.datasets that has a function of the module's name
LOCAL = {"digits": "digits"}


class Split(NamedTuple):
    """Inputs (n, ...) float32, standardized; labels (n,) int32, or values (n, outputs) float32."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """A data set in one fixed split.

    Attributes:
        outputs: the number of classes, or of predicted values.
        task: what the model is trained for; it decides the loss and the metrics.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    outputs: int
    task: Literal["classification", "regression"]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.train.x.shape[1:])


def load(name: str) -> Dataset:
    """Loads a data set, standardized by the training split's mean and deviation per channel.

    Raises:
        ZooError: for a name that no data set has.
    """
    if name not in LOCAL:
        nearest = difflib.get_close_matches(name, LOCAL, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(LOCAL)}"
        raise ZooError(f"data.name: {name}: no such data set; {hint}")
    function = getattr(importlib.import_module(f"zoo.datasets.{LOCAL[name]}"), LOCAL[name])
    raw = function()
    images = raw["train"][0].astype(np.float64)
    axes = tuple(range(images.ndim - 1))
    mean, deviation = images.mean(axes), images.std(axes)
    deviation = np.where(deviation > 0, deviation, 1.0)
    splits = {
        split: Split(((x - mean) / deviation).astype(np.float32), y.astype(np.int32))
        for split, (x, y) in raw.items()
    }
    return Dataset(name, **splits, outputs=int(splits["train"].y.max()) + 1, task="classification")
