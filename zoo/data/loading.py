"""The one door to data: `load(name)` gives train, validation and test arrays, standardized.

But for the sets that say otherwise (`Raw.standardize`): made sequences stay as their papers have
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo import random_states
from zoo.data import cache, folders, splits
from zoo.data.names import ROWS, maker, package
from zoo.data.raw import METRICS, Raw, Task
from zoo.errors import KeyPath, ZooError
from zoo.recipe import schema

CHUNK = 10_000  # examples standardized at once


class Split(NamedTuple):
    """Inputs and targets.

    Inputs are (n, ...) float32, standardized unless the set says otherwise, or (n, length) int32
    tokens; targets are int32 classes, (n,) or for each of the last time steps (n, steps), or
    (n, outputs) float32 values.
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """A data set in one fixed split.

    Attributes:
        outputs: the number of classes, or of predicted values.
        task: what the model is trained for; it decides the loss and the metrics.
        vocabulary: the number of tokens, if the inputs are sequences of tokens; else None.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    outputs: int
    task: Task
    vocabulary: int | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.train.x.shape[1:])

    @property
    def target_length(self) -> int | None:
        """The number of last time steps of which each has a class; None for one class in all."""
        per_step = self.task == "classification" and self.train.y.ndim == 2
        return self.train.y.shape[1] if per_step else None


@random_states.kept()
def load(
    name: str, split: Mapping[str, str] | None = None, image_size: int | None = None
) -> Dataset:
    """Loads a data set, standardized by the training split's mean and deviation per channel.

    Made sequences, such as those of the adding problem, and tokens stay as they are.

    Args:
        name: of a set made here (`zoo.data.sets`), some with a length, such as "copy_memory_50"; or
            a name of tensorflow-datasets such as "fashion_mnist"; that is prepared on first use and
            then kept as arrays (`zoo.data.cache`). With `ROWS` after the name of an image set, its
            images are sequences, (height, width * channels).
        split: for train, validation and test, a split in tensorflow-datasets's notation. Without
            it: the set's own, and the last tenth of train where it has no validation split.
        image_size: images are resized to this height and width; for sets whose images differ.

    Raises:
        ZooError: for a name that no data set has, or a set that cannot be had.
    """
    base = name.removesuffix(ROWS)
    make = maker(base)
    if make is not None:
        if split or image_size:
            raise ZooError(f"{name}: comes in one split and one size: leave both out")
        try:
            raw = make()
        except ModuleNotFoundError as error:
            if error.name != package(base):
                raise
            raise ZooError(
                f"{name}: needs the package {error.name}: pip install 'gradient-zoo[data]'"
            ) from None
    else:
        at = folders.place(base, split, image_size)
        kept = cache.read(at)
        if kept is None:
            known(base)  # before there is a folder for it
            from zoo.data import tfds

            kept = cache.load(at, lambda: tfds.load(base, split, image_size))
        raw = kept
    if base != name and raw.splits["train"][0].ndim != 4:
        raise ZooError(f"{name}: {base} has no images whose rows could be a sequence")
    inputs: dict[str, npt.NDArray[Any]]
    numbers = raw.vocabulary is None
    inputs = _standardized(raw) if numbers and raw.standardize else _as_it_is(raw)
    if base != name:
        inputs = {part: x.reshape(*x.shape[:2], -1) for part, x in inputs.items()}
    target_type = np.int32 if raw.task == "classification" else np.float32
    of_parts = {
        part: Split(inputs[part], y.astype(target_type)) for part, (_, y) in raw.splits.items()
    }
    return Dataset(name, **of_parts, outputs=raw.outputs, task=raw.task, vocabulary=raw.vocabulary)


def load_for(data: schema.Data) -> Dataset:
    """Loads what a recipe names; arguments and errors as `load`."""
    return load(data.name, data.split.model_dump() if data.split else None, data.image_size)


def known(name: str) -> None:
    """Checks that a data set of this name exists, without loading it.

    Raises:
        ZooError: if none does, with the nearest names.
    """
    base = name.removesuffix(ROWS)
    if maker(base) is None:
        from zoo.data import tfds

        tfds.builder_of(base)


def mistakes(data: schema.Data) -> list[tuple[KeyPath, str]]:
    """What is wrong with what a recipe says of its data, found without loading or downloading any.

    Returns:
        The key path of each mistake, and what is wrong.
    """
    base = data.name.removesuffix(ROWS)
    split = data.split.model_dump() if data.split else {}
    try:
        if maker(base) is not None:
            given = [key for key in ("split", "image_size") if getattr(data, key) is not None]
            return [
                ((key,), f"{base} comes in one split and one size: leave it out") for key in given
            ]
        from zoo.data import tfds

        builder = tfds.builder_of(base)
    except ZooError as error:
        return [(("name",), str(error))]
    if not split:
        return []
    prepared = builder.info.splits if builder.is_prepared() else None
    return [(("split", part), text) for part, text in splits.mistakes(split, prepared)]


def no_metric(name: str, task: Task, metric: str) -> str | None:
    """What is wrong with a target of this metric, if the data set does not have it."""
    has = [f"val_{each}" for each in METRICS[task]]
    if metric in has:
        return None
    return f"{name} is a {task} set and has no {metric}: give {' or '.join(has)}"


def _as_it_is(raw: Raw) -> dict[str, npt.NDArray[Any]]:
    kind = np.float32 if raw.vocabulary is None else np.int32
    return {part: x.astype(kind) for part, (x, _) in raw.splits.items()}


def _standardized(raw: Raw) -> dict[str, npt.NDArray[np.float32]]:
    """The inputs less the training mean, over the training deviation, each per channel.

    Computed in float64, in parts: images as they come are a few times smaller than that.
    """
    train = raw.splits["train"][0]
    axes, count = tuple(range(train.ndim - 1)), train[..., 0].size

    def total(function: Any) -> Any:
        parts = range(0, len(train), CHUNK)
        return sum(function(train[i : i + CHUNK].astype(np.float64)).sum(axes) for i in parts)

    mean = total(lambda x: x) / count
    deviation = np.sqrt(total(lambda x: (x - mean) ** 2) / count)
    deviation = np.where(deviation > 0, deviation, 1.0)
    result = {}
    for part, (x, _) in raw.splits.items():
        result[part] = np.empty(x.shape, np.float32)
        for i in range(0, len(x), CHUNK):
            result[part][i : i + CHUNK] = (x[i : i + CHUNK] - mean) / deviation
    return result
