"""Any image or text classification set of tensorflow-datasets, by its name, decoded to arrays.

A set is prepared on first use, by its own builder, with checksums. Files that a person brings go to
the folder in ZOO_MANUAL_DIR, under the names that the set's publisher gave them; they are checked
like downloads.
"""

import contextlib
import io
import logging
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo import keras_setup
from zoo.data import folders, hosts
from zoo.data.names import LOCAL
from zoo.data.raw import SPLITS, Array, Raw
from zoo.data.splits import mistakes
from zoo.errors import ZooError, nearest

VALIDATION_PERCENT = 10  # the last of the training split, where a set has no validation split
WORDS, LENGTH = 10_000, 200  # of a text: vocabulary and tokens kept
INNER_NAMES = r"\{\{.*?\}\} ?|\[Op:.*|Failed to construct dataset .*?\}\": "  # not for people
LARGEST = 4 * 2**30  # bytes of decoded data


def names() -> list[str]:
    """The names of all sets that tensorflow-datasets has."""
    import tensorflow_datasets as tfds

    catalogue: list[str] = tfds.list_builders(with_community_datasets=False)
    return catalogue


def builder_of(name: str) -> Any:
    """The builder of a set, prepared or not.

    Raises:
        ZooError: for an unknown name, configuration or version, or what was prepared is damaged.
    """
    import tensorflow_datasets as tfds

    known = names()
    base = name.split("/")[0].split(":")[0]
    if base not in known:
        hint = nearest(base, [*LOCAL, *known], "see: zoo data list", most=3)
        raise ZooError(f"{name}: no such data set, here or in tensorflow-datasets; {hint}")
    logging.getLogger("absl").setLevel(logging.ERROR)  # it warns of every set not prepared yet
    try:
        return tfds.builder(name, data_dir=folders.prepared())
    except Exception as error:
        problem = _first_line(error)
    with tempfile.TemporaryDirectory() as empty:
        try:
            elsewhere = Path(tfds.builder(name, data_dir=empty).data_dir)
        except Exception as error:  # whatever the folder
            configurations = [config.name for config in tfds.builder_cls(base).BUILDER_CONFIGS]
            hint = f"; configurations: {', '.join(configurations[:20])}" if configurations else ""
            raise ZooError(f"{name}: no such configuration or version{hint}") from error
        damaged = folders.prepared() / elsewhere.relative_to(empty)
    raise ZooError(f"{name}: {damaged} is damaged ({problem}): remove it and prepare again")


def has_bytes(name: str, builder: Any) -> bool:
    """Whether a set's inputs are images of 0 to 255 as uint8, prepared or not.

    Raises:
        ZooError: if it is no set of images or texts with one class each.
    """
    with keras_setup.quiet_native_code():  # some features import TensorFlow
        inputs, _ = _classification(name, builder)
    return bool(inputs.shape) and inputs.np_dtype == np.uint8


# ---------------------------------------------------------------- preparing


def prepare(name: str) -> Any:
    """Prepares a set if it is not; returns its builder.

    Raises:
        ZooError: naming the set, the folder, the host that could not be reached, and what to do.
    """
    builder, manual = builder_of(name), folders.brought()
    with keras_setup.quiet_native_code():  # some features import TensorFlow
        _classification(name, builder)  # nothing else is worth a download
    if builder.is_prepared():
        return builder
    # Asked again: another process may just have prepared it.
    if Path(builder.data_dir).exists() and not builder.is_prepared():
        raise ZooError(
            f"{name}: {builder.data_dir} is not a whole set: remove it and prepare again"
        )
    brought = manual is not None and _all_brought(builder, manual)
    if not brought:
        _reach(builder)
    keras_setup.load_tensorflow()
    import tensorflow_datasets as tfds

    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of every further attempt
    config = tfds.download.DownloadConfig(
        manual_dir=manual, force_checksums_validation=bool(builder.url_infos)
    )
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
            builder.download_and_prepare(download_config=config)
    except FileExistsError:  # another process was quicker
        builder = builder_of(name)
        if not builder.is_prepared():
            raise ZooError(f"{name}: {builder.data_dir}: in the way: remove it") from None
    except Exception as error:
        raise ZooError(
            f"{name}: cannot be prepared in {builder.data_dir}: {type(error).__name__}: "
            f"{_first_line(error)}; {'bring its files anew' if brought else _by_hand(builder)}"
        ) from None
    return builder


def _all_brought(builder: Any, manual: Path) -> bool:
    infos = builder.url_infos or {}
    return bool(infos) and all((manual / info.filename).is_file() for info in infos.values())


def _by_hand(builder: Any) -> str:
    files = sorted({info.filename for info in (builder.url_infos or {}).values()})
    which = f" ({', '.join(files)})" if files and len(files) <= 6 else ""
    return f"or bring its files{which} to a folder and name it in ZOO_MANUAL_DIR"


def _reach(builder: Any) -> None:
    """Tries the hosts of a set's files."""
    if unreachable := hosts.unreachable(builder.url_infos or {}):
        host, problem = unreachable
        raise ZooError(
            f"{builder.name}: not in {builder.data_dir}, and {host} cannot be reached ({problem}): "
            f"connect, {_by_hand(builder)}"
        )


# ---------------------------------------------------------------- decoding


def load(
    name: str, split: Mapping[str, str] | None = None, image_size: int | None = None
) -> tuple[str, Raw]:
    """Prepares a set if need be and decodes it whole.

    Args:
        name: as `tensorflow_datasets.builder` takes it.
        split: for train, validation and test, a split in tensorflow-datasets's own notation.
        image_size: images are resized to this height and width.

    Returns:
        The full name, with configuration and version, and the set.

    Raises:
        ZooError: if the set is unknown, cannot be had, is damaged, or is no set of images or texts
            with one class each.
    """
    builder = prepare(name)
    inputs, label = _classification(name, builder)
    wanted = dict(split) if split else default_split(list(builder.info.splits))
    for part, text in mistakes(wanted, builder.info.splits) if split else []:
        raise ZooError(f"{name}: split {wanted[part]}: {text}")
    shape = inputs.shape
    is_text = not shape
    if not is_text:
        shape = _image_shape(name, shape, image_size)
        _refuse_if_large(name, builder, wanted, shape)
    elif image_size is not None:
        raise ZooError(f"{name}: its inputs are texts: leave data.image_size out")
    splits = {
        part: _decode(name, builder, wanted[part], None if is_text else shape) for part in SPLITS
    }
    if not is_text:
        return builder.info.full_name, Raw(
            splits, outputs=label.num_classes, class_names=tuple(label.names)
        )
    raw = Raw(
        _tokens(splits),
        outputs=label.num_classes,
        vocabulary=WORDS,
        class_names=tuple(label.names),
    )
    return builder.info.full_name, raw


def default_split(known: list[str]) -> dict[str, str]:
    """Train, validation and test of a set with the given splits.

    A set without a validation split gives the last tenth of its training split, one without a test
    split its validation split for test; one without either, a tenth of its training split each.
    """
    if known == ["train"]:
        cuts = 100 - 2 * VALIDATION_PERCENT, 100 - VALIDATION_PERCENT
        return {
            "train": f"train[:{cuts[0]}%]",
            "validation": f"train[{cuts[0]}%:{cuts[1]}%]",
            "test": f"train[{cuts[1]}%:]",
        }
    test = "test" if "test" in known or not known else "validation"
    if "validation" in known and test == "test":
        return {"train": "train", "validation": "validation", "test": test}
    cut = 100 - VALIDATION_PERCENT
    return {"train": f"train[:{cut}%]", "validation": f"train[{cut}%:]", "test": test}


def _classification(name: str, builder: Any) -> tuple[Any, Any]:
    """The feature of the inputs and that of the class."""
    import tensorflow_datasets as tfds

    keys = builder.info.supervised_keys
    wrong = f"{name}: not a set of images or texts with one class each"
    if not keys or len(keys) != 2 or not all(isinstance(key, str) for key in keys):
        raise ZooError(f"{wrong}: it names no input and target")
    inputs, label = (builder.info.features[key] for key in keys)
    if not isinstance(label, tfds.features.ClassLabel):
        raise ZooError(f"{wrong}: its target {keys[1]} is {type(label).__name__}")
    if not isinstance(inputs, tfds.features.Image | tfds.features.Text):
        raise ZooError(f"{wrong}: its input {keys[0]} is {type(inputs).__name__}")
    return inputs, label


def _image_shape(
    name: str, shape: tuple[int | None, ...], image_size: int | None
) -> tuple[int, ...]:
    if image_size is not None:
        shape = (image_size, image_size, shape[-1])
    if None in shape:
        raise ZooError(f"{name}: its images differ in size: give data.image_size, such as 32")
    return tuple(int(size) for size in shape if size is not None)


def _refuse_if_large(
    name: str, builder: Any, wanted: Mapping[str, str], shape: tuple[int, ...]
) -> None:
    """Refuses a set too large for memory; an unknown split is left to `_decode`."""
    try:
        examples = sum(builder.info.splits[wanted[part]].num_examples for part in SPLITS)
    except (KeyError, ValueError):
        return
    size = examples * int(np.prod(shape))
    if size > LARGEST:
        raise ZooError(
            f"{name}: {size / 2**30:.1f} GiB decoded, the zoo holds data in memory up to "
            f"{LARGEST / 2**30:.0f}: give a smaller data.image_size, or part of it in data.split"
        )


def _decode(
    name: str, builder: Any, split: str, shape: tuple[int, ...] | None
) -> tuple[Array, Array]:
    """Inputs and classes of a split; texts as an array of bytes objects."""
    import tensorflow as tf

    def image(x: Any, y: Any) -> tuple[Any, Any]:
        if shape is not None and x.shape != shape:
            x = tf.image.resize(x, shape[:2], antialias=True)
            x = tf.cast(tf.round(tf.clip_by_value(x, 0, 255)), tf.uint8)
        return x, y

    try:
        dataset = builder.as_dataset(split=split, as_supervised=True).map(image).batch(1000)
        batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    except Exception as error:
        mistaken = isinstance(error, ValueError | AssertionError)  # the split, not what is prepared
        remedy = (
            "" if mistaken else f"; if {builder.data_dir} is damaged, remove it and prepare again"
        )
        raise ZooError(f"{name}: split {split}: {_first_line(error)}{remedy}") from None
    if not batches:
        raise ZooError(f"{name}: split {split}: empty")
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return x, y


def _tokens(splits: dict[str, tuple[Array, Array]]) -> dict[str, tuple[Array, Array]]:
    """Texts as the first tokens of each, (n, LENGTH); the vocabulary is the training split's."""
    import keras

    vectorize = keras.layers.TextVectorization(max_tokens=WORDS, output_sequence_length=LENGTH)
    vectorize.adapt(splits["train"][0])
    return {
        part: (
            np.concatenate([vectorize(texts[i : i + 1000]) for i in range(0, len(texts), 1000)]),
            y,
        )
        for part, (texts, y) in splits.items()
    }


def _first_line(error: BaseException) -> str:
    text = re.sub(INNER_NAMES, "", str(error)).strip()
    return text.splitlines()[0][:300].rstrip(" .:") if text else type(error).__name__
