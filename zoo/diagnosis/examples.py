"""The examples that a model is diagnosed on, as arrays of one length."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo.errors import ZooError
from zoo.probe import batch

MOST_STREAMED = 2048  # examples that are taken from what gives batches


@dataclass(frozen=True)
class Examples:
    """Inputs and targets.

    Attributes:
        x: an array (examples, ...), or a list or dict of them.
        y: the same for targets; None if the loss takes none.
        count: how many examples there are.
    """

    x: Any
    y: Any
    count: int

    def at(self, places: Any) -> "Examples":
        """Some of the examples, by their places or a slice."""
        x, y = (tree.map_structure(lambda each: _taken(each, places), v) for v in (self.x, self.y))
        return Examples(x, y, batch.size(x))


def of_model(model: keras.Model, x: Any, y: Any = None) -> Examples:
    """Examples as arrays; of what gives batches the first few thousand.

    Args:
        model: what messages name.
        x: arrays as `fit` takes them, or what gives pairs of them and their targets: a
            `tf.data.Dataset`, a `PyDataset`, an iterator.
        y: targets, unless x gives them.

    Raises:
        ZooError: one line, for what is missing, empty, of unequal lengths, or no numbers.
    """
    if isinstance(x, Iterator | keras.utils.PyDataset | tf.data.Dataset):
        if y is not None:
            raise ZooError(f"model {model.name}: x gives batches with their targets: leave out y")
        x, y = _streamed(model, x)
    x, y = batch.checked(model, x, y)
    x, y = (tree.map_structure(_as_fit_takes_it, each) for each in (x, y))
    return Examples(x, y, batch.size(x))


def _streamed(model: keras.Model, batches: Any) -> tuple[Any, Any]:
    """The first batches, joined."""
    pairs: list[tuple[Any, Any]] = []
    count = 0
    indexed = isinstance(batches, keras.utils.PyDataset)
    for each in (batches[place] for place in range(len(batches))) if indexed else batches:
        if not isinstance(each, tuple | list) or len(each) < 2:
            raise ZooError(
                f"model {model.name}: gives batches of inputs alone: give pairs of inputs and "
                "targets"
            )
        x, y = (tree.map_structure(np.asarray, part) for part in each[:2])
        if not tree.flatten(x)[0].ndim:
            raise ZooError(f"model {model.name}: gives single examples: add .batch(32)")
        pairs.append((x, y))
        count += batch.size(x)
        if count >= MOST_STREAMED:
            break
    if not pairs:
        raise ZooError(f"model {model.name}: the data are empty: give some examples")
    x, y = (
        tree.map_structure(lambda *parts: np.concatenate(parts), *[pair[side] for pair in pairs])
        for side in (0, 1)
    )
    return x, y


def _as_fit_takes_it(array: Any) -> Any:
    """Numbers of 64 bits as 32, and truth as numbers."""
    if array is not None and (array.dtype == np.float64 or array.dtype == bool):
        return array.astype(np.float32)
    return array


def _taken(array: Any, places: Any) -> Any:
    return None if array is None else array[places]
