"""A model and examples from files."""

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.diagnosis.memory import COPIES, available_bytes
from zoo.errors import Place, ZooError, mistake, said_by

UNTRUSTED = "a model file can run code when it is opened: open only what you trust"
INPUTS, TARGETS = ("x", "x_train", "inputs"), ("y", "y_train", "targets", "labels")


def model(path: Path) -> keras.Model:
    """A model from a `.keras` file, in Keras's safe mode: no pickled code, no lambdas.

    Raises:
        ZooError: for what is no such file, or cannot be opened so.
    """
    place = Place(str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            names = {each.filename: each.file_size for each in archive.infolist()}
    except (OSError, ValueError) as error:
        raise ZooError(mistake(place, "cannot be read", _reason(error))) from None
    except zipfile.BadZipFile:
        names = {}
    if "config.json" not in names:
        raise ZooError(
            mistake(place, "no model: give a file that model.save('NAME.keras') has written")
        )
    weights, free = names.get("model.weights.h5", 0), available_bytes()
    if COPIES * weights > free:
        raise ZooError(
            mistake(
                place,
                f"{weights / 1e9:.2g} GB of weights need about {COPIES * weights / 1e9:.2g} GB, "
                f"and {free / 1e9:.2g} GB are free: diagnose a smaller model of the same kind",
            )
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimizer that has not taken a step
            opened = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras's, of what a file may hold
        said = said_by(error)
        hint = (
            "give the Python file with your own classes: --import FILE"
            if "custom" in said or "Could not locate class" in said
            else "save it with the Keras that is installed"
        )
        raise ZooError(mistake(place, "cannot be opened", said[:300], hint)) from None
    if not isinstance(opened, keras.Model):
        raise ZooError(mistake(place, f"a {type(opened).__name__}, not a model"))
    return opened


def data(source: str, of: keras.Model) -> tuple[Any, Any]:
    """Inputs and targets, from an `.npz` file or of a data set of the zoo by name.

    Args:
        source: the path of a file with arrays x and y, or a name such as `digits`.
        of: the model that takes them; examples are reshaped to what it takes where only the shape
            differs.

    Raises:
        ZooError: for what is neither.
    """
    if not source.lower().endswith(".npz"):
        from zoo.data.loading import load

        train = load(source).train
        return _shaped(of, np.asarray(train.x)), np.asarray(train.y)
    place = Place(source)
    try:
        with np.load(source, allow_pickle=False) as file:
            x, y = (_of(file, names, place) for names in (INPUTS, TARGETS))
    except ZooError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ZooError(mistake(place, "cannot be read", _reason(error))) from None
    return _shaped(of, x), y


def _of(file: Any, names: Sequence[str], place: Place) -> Any:
    for name in names:
        if name in file:
            return file[name]
    has = ", ".join(file.files[:5]) or "nothing"
    raise ZooError(
        mistake(place, f"has no array {names[0]} (it has {has}): np.savez(FILE, x=..., y=...)")
    )


def _shaped(model: keras.Model, x: Any) -> Any:
    try:
        [wanted] = [tensor.shape[1:] for tensor in model.inputs]
    except (AttributeError, TypeError, ValueError):  # subclassed, or of several inputs
        return x
    sizes = [size for size in wanted if size is not None]
    same = len(sizes) == len(wanted) and np.prod(sizes) == np.prod(x.shape[1:])
    return x.reshape(len(x), *sizes) if same else x


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or said_by(error))
