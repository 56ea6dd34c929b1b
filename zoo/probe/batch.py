"""A batch as it is given to be measured: arrays of one length, and weights of the examples."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo.errors import ZooError, said_by


def checked(model: keras.Model, x: Any, y: Any) -> tuple[Any, Any]:
    """Inputs and targets as numeric arrays of one length.

    Raises:
        ZooError: for what is missing, empty, of unequal lengths, or no numbers.
    """
    if x is None:
        raise ZooError(f"model {model.name}: give a batch of inputs, x, and of targets, y")
    if isinstance(x, Iterator | keras.utils.PyDataset | tf.data.Dataset):
        raise ZooError(
            f"model {model.name}: gives batches: measure one: x, y = next(iter(batches))"
        )
    try:
        x, y = (tree.map_structure(_array, _whole(each)) for each in (x, y))
    except (TypeError, ValueError) as error:  # NumPy's, of what is no array
        raise ZooError(f"model {model.name}: the batch: {said_by(error)}") from None
    for what, arrays in (("inputs", x), ("targets", y)):
        for array in tree.flatten(arrays):
            if array is not None and array.dtype.kind not in "biufc" and not _is_text(array, what):
                raise ZooError(
                    f"model {model.name}: {what} of type {array.dtype} are no numbers: turn them "
                    "into numbers, such as classes from 0 on"
                )
    lengths = {
        len(array) if array.ndim else 0 for array in tree.flatten([x, y]) if array is not None
    }
    if lengths == {0}:
        raise ZooError(f"model {model.name}: the batch is empty: give some examples")
    if len(lengths) > 1:
        given = " and ".join(str(length) for length in sorted(lengths))
        raise ZooError(f"model {model.name}: {given} examples: give as many targets as inputs")
    return x, y


def _whole(values: Any) -> Any:
    """A list of plain numbers, of words or of such lists as one array."""
    first = values
    while isinstance(first, list | tuple) and first:
        first = first[0]
    plain = isinstance(values, list | tuple) and np.ndim(first) == 0 and first is not None
    return np.asarray(values) if plain and not isinstance(first, dict) else values


def _array(values: Any) -> Any:
    if isinstance(values, tf.SparseTensor | tf.RaggedTensor):
        raise TypeError(f"a {type(values).__name__} is not dense: give an array")
    return values if values is None else np.asarray(values)


def _is_text(array: Any, what: str) -> bool:
    """Whether inputs are words, which layers of text take."""
    return what == "inputs" and all(isinstance(each, str | bytes) for each in array.flat)


def size(x: Any) -> int:
    """How many examples inputs have."""
    return len(tree.flatten(x)[0])


def weights_of(
    y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None, batch: int
) -> Any:
    """The weights of the examples, (batch, ...) float32, structured as they are given.

    None if all count the same.
    """
    try:
        weights = tree.map_structure(_float32, _whole(sample_weight))
    except (TypeError, ValueError) as error:
        raise ZooError(f"sample_weight: {said_by(error)}") from None
    for each in tree.flatten(weights):
        if each is not None and each.shape[:1] != (batch,):
            raise ZooError(f"sample_weight: has shape {each.shape}, there are {batch} examples")
    if class_weight is not None:
        targets = tree.flatten(y)
        if len(targets) != 1 or targets[0] is None:
            raise ZooError("class_weight: is for one output, as in fit; give sample_weight")
        classes = targets[0]
        if classes.ndim > 1:
            classes = classes.argmax(-1) if classes.shape[-1] > 1 else classes[..., 0]
        if classes.ndim != 1:
            raise ZooError("class_weight: is for one class an example; give sample_weight")
        of_class = [float(class_weight.get(int(each), 1.0)) for each in classes]
        weights = np.array(of_class, np.float32) * (1.0 if weights is None else weights)
    return tree.map_structure(lambda each: None if each is None else tf.constant(each), weights)


def _float32(values: Any) -> Any:
    return None if values is None else np.asarray(values, np.float32)
