"""A file of weights, looked through before Keras opens it: it has what the model has, and no more.

An HDF5 file can do more than hold numbers: it can point to other files, describe arrays that are
larger than any memory, and unpack to them. Keras saves none of that. So a file is taken only if it
has the very groups and arrays that this model's own file has, with the same shapes and types,
stored plainly within the file.
"""

import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras

from zoo.errors import Place, ZooError, mistake, printable, shown
from zoo.files import read_bytes

SUFFIX = ".weights.h5"  # by which Keras knows its format
LARGEST = 2**30  # bytes of a file
SPARE = 2**20  # bytes of a file beyond twice those of the model's own
OPTIMIZER = "optimizer"  # what Keras saves beside the weights of a compiled model, and is not read


class Array(NamedTuple):
    """An array of a file of weights."""

    shape: tuple[int, ...]
    dtype: str


def save(model: keras.Model, path: Path) -> None:
    """Saves the weights of a model that is not compiled: Keras would save its optimizer too."""
    model.save_weights(path)


def load(model: keras.Model, path: Path, data: bytes | None = None) -> None:
    """Loads weights into a model that was built like the one that saved them.

    Args:
        model: built, not compiled.
        path: of the file, and its name in messages.
        data: what is in it, if it was read already, and its digest checked.

    Raises:
        ZooError: if it cannot be read, or is not exactly a file of this model's weights.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / f"own{SUFFIX}"
        save(model, own)
        layout = _layout(own)
        most = min(LARGEST, 2 * own.stat().st_size + SPARE)
        data = read_bytes(path, most_bytes=most) if data is None else data
        if wrong := difference(data, layout):
            raise ZooError(mistake(Place(str(path)), f"not weights of this model: {wrong}"))
        # What was checked is what Keras opens, whatever becomes of the file meanwhile.
        checked = Path(folder) / f"checked{SUFFIX}"
        checked.write_bytes(data)
        model.load_weights(checked)


def _layout(path: Path) -> dict[str, Array | None]:
    """The arrays of a file that Keras wrote, by path; None for a group."""
    with h5py.File(path, "r") as file:
        layout: dict[str, Array | None] = {}

        def note(name: str, item: Any) -> None:
            is_array = isinstance(item, h5py.Dataset)
            layout[name] = Array(item.shape, item.dtype.str) if is_array else None

        file.visititems(note)
    return layout


def difference(data: bytes, layout: dict[str, Array | None]) -> str | None:
    """What a file has that is not as the layout says; None if it is all the same.

    No array is read, and none but a link of the layout is followed.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return _difference(file, layout)
    except ZooError:
        raise
    except Exception as error:  # h5py raises many kinds for what is no HDF5 file
        return printable(f"no file of weights: {error}")[:200]


def _difference(file: h5py.File, layout: dict[str, Array | None]) -> str | None:
    names: dict[str, set[str]] = {"": set()}
    for path, array in layout.items():
        above, _, name = path.rpartition("/")
        names.setdefault(above, set()).add(name)
        if array is None:
            names.setdefault(path, set())
    for path, inside in names.items():
        group = file if not path else file[path]
        there = set(group)  # the names of links, none of which is followed
        if not path:
            there.discard(OPTIMIZER)
        if there != inside:
            odd = min(there ^ inside)
            where = f"{path}/{odd}".strip("/")
            return f"{shown(where)} {'is not in the model' if odd in there else 'is missing'}"
        for name in sorted(inside):
            where = f"{path}/{name}".strip("/")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return f"{where} is a link"
            if wrong := _item(group[name], layout[where]):
                return f"{where} {wrong}"
        if wrong := _attributes(group):
            return f"{path or 'the file'} {wrong}"
    return None


def _item(item: Any, expected: Array | None) -> str | None:
    if expected is None:
        return None if isinstance(item, h5py.Group) else "is no group"
    if not isinstance(item, h5py.Dataset):
        return "is no array"
    if item.shape != expected.shape:
        return f"has shape {shown(item.shape)}, the model's has {expected.shape}"
    if item.dtype.str != expected.dtype or item.dtype.hasobject:
        return f"is {shown(str(item.dtype))}, the model's is {expected.dtype}"
    plan = item.id.get_create_plist()
    plain = plan.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not plain or plan.get_external_count() or plan.get_nfilters() or item.is_virtual:
        return "is not stored plainly in the file"
    if item.id.get_storage_size() != item.nbytes:
        return "has less in the file than it says"
    return _attributes(item)


def _attributes(item: Any) -> str | None:
    """What is wrong with what is written beside an item: Keras writes a layer's name."""
    for name in item.attrs:
        kind = item.attrs.get_id(name)
        text = h5py.check_string_dtype(kind.dtype)
        if name != "name" or text is None or kind.shape not in ((), (1,)):
            return f"has an attribute {shown(name)}"
    return None
