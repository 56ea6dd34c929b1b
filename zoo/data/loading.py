"""The one door to data: `load(name)` gives train, validation and test arrays, standardized.

But for the sets that say otherwise (`Raw.standardize`): made sequences stay as their papers have
them. And images of 0 to 255 may be asked for in [0, 1]. What is kept on disk is neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo import random_states
from zoo.data import cache, folders, splits
from zoo.data.names import ROWS, has_bytes, maker, package
from zoo.data.preprocessing import CHUNK, Preprocessing
from zoo.data.raw import METRICS, Raw, Task
from zoo.errors import KeyPath, ZooError
from zoo.recipe import schema

LARGEST_BYTE = 255.0
NO_BYTES = "scale unit is for images of 0 to 255, which it does not have: leave it out"


class Split(NamedTuple):
    """Inputs and targets.

    Inputs are (n, ...) float32, standardized unless the set or the caller says otherwise, or
    (n, length) int32 tokens; targets are int32 classes, (n,) or for each of the last time steps
    (n, steps), or (n, outputs) float32 values.
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
        preprocess: gives the inputs, as they are here, of examples as they come.
        class_names: what each class is called; None where they have no names.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    outputs: int
    task: Task
    vocabulary: int | None = None
    preprocess: Preprocessing | None = None
    class_names: tuple[str, ...] | None = None

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
    name: str,
    split: Mapping[str, str] | None = None,
    image_size: int | None = None,
    scale: Literal["standard", "unit"] = "standard",
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
        scale: "unit" gives images of 0 to 255, as uint8, divided by 255, in place of standardized.

    Raises:
        ZooError: for a name that no data set has, a set that cannot be had, or one that has no
            such images to be divided.
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
    if scale == "unit":
        tokens, numbers = raw.vocabulary is not None, not raw.standardize
        if tokens or numbers or raw.splits["train"][0].dtype != np.uint8:
            raise ZooError(f"{name}: {NO_BYTES}")
    preprocess = _preprocessing(raw, scale, rows=base != name)
    inputs = {part: preprocess(x) for part, (x, _) in raw.splits.items()}
    target_type = np.int32 if raw.task == "classification" else np.float32
    of_parts = {
        part: Split(inputs[part], y.astype(target_type)) for part, (_, y) in raw.splits.items()
    }
    return Dataset(
        name,
        **of_parts,
        outputs=raw.outputs,
        task=raw.task,
        vocabulary=raw.vocabulary,
        preprocess=preprocess,
        class_names=raw.class_names,
    )


def load_for(data: schema.Data) -> Dataset:
    """Loads what a recipe names; arguments and errors as `load`."""
    split = data.split.model_dump() if data.split else None
    return load(data.name, split, data.image_size, data.scale)


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
            wrong: list[tuple[KeyPath, str]] = [
                ((key,), f"{base} comes in one split and one size: leave it out") for key in given
            ]
            return wrong + _of_scale(data, has_bytes(base))
        from zoo.data import tfds

        builder = tfds.builder_of(base)
        wrong = _of_scale(data, data.scale == "standard" or tfds.has_bytes(base, builder))
    except ZooError as error:
        return [(("name",), str(error))]
    if not split:
        return wrong
    prepared = builder.info.splits if builder.is_prepared() else None
    of_split = splits.mistakes(split, prepared)
    return wrong + [(("split", part), text) for part, text in of_split]


def _of_scale(data: schema.Data, bytes_: bool) -> list[tuple[KeyPath, str]]:
    """What is wrong with the scale, of a set that has images as bytes or not."""
    if data.scale == "standard" or bytes_:
        return []
    return [(("scale",), f"{data.name}: {NO_BYTES}")]


def no_metric(name: str, task: Task, metric: str) -> str | None:
    """What is wrong with a target of this metric, if the data set does not have it."""
    has = [f"val_{each}" for each in METRICS[task]]
    if metric in has:
        return None
    return f"{name} is a {task} set and has no {metric}: give {' or '.join(has)}"


def _preprocessing(raw: Raw, scale: Literal["standard", "unit"], *, rows: bool) -> Preprocessing:
    """What makes inputs of a set's examples.

    The mean and the deviation are the training split's, per channel, computed in float64 and in
    parts: images as they come are a few times smaller than that.
    """
    train = raw.splits["train"][0]
    shape = list(train.shape[1:])
    if raw.vocabulary is not None:
        return Preprocessing(input_shape=shape, tokens=True)
    if scale == "unit":
        return Preprocessing(input_shape=shape, deviation=[LARGEST_BYTE], rows=rows)
    if not raw.standardize:
        return Preprocessing(input_shape=shape, rows=rows)
    axes, count = tuple(range(train.ndim - 1)), train[..., 0].size

    def total(function: Any) -> Any:
        parts = range(0, len(train), CHUNK)
        return sum(function(train[i : i + CHUNK].astype(np.float64)).sum(axes) for i in parts)

    mean = total(lambda x: x) / count
    deviation = np.sqrt(total(lambda x: (x - mean) ** 2) / count)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return Preprocessing(
        input_shape=shape, mean=mean.tolist(), deviation=deviation.tolist(), rows=rows
    )
