"""Models on this machine: each file is checked whenever a model is asked for, before it is opened.

Asked are the models that ship with the package, then the cache, then a mirror (`pulling.py`): the
network for what is not here, and for nothing else. What came from the release's own mirror is held
to its pinned registry, once that is kept; from a mirror that was named, to what that said.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import from_json

from zoo.errors import Place, ZooError, dotted, mistake
from zoo.files import is_there, open_plain, read_bytes
from zoo.pretrained import places, registry, release
from zoo.pretrained.ids import ModelId
from zoo.pretrained.registry import FILES, Entry, FileName, Registry, Sha256
from zoo.recipe.values import Strict


@dataclass(frozen=True)
class Local:
    """A model on this machine, whose files were right when it was asked for.

    Attributes:
        id: of the model.
        folder: of its files, which have the names of `zoo.pretrained.registry.FILES`.
        entry: what they hold, and what is known of the model.
        where: whether it ships with the package.
        mirror: the address of the mirror that it came from, without a password; None if bundled.
    """

    id: ModelId
    folder: Path
    entry: Entry
    where: Literal["bundled", "cached"]
    mirror: str | None = None

    def read(self, name: FileName) -> bytes:
        """What is in a file, checked once more: it may have changed since.

        Raises:
            ZooError: if it has.
        """
        data = read_bytes(self.folder / name, most_bytes=registry.LARGEST_FILE)
        if hashlib.sha256(data).hexdigest() != self.entry.files[name].sha256:
            raise ZooError(mistake(Place(str(self.folder / name)), "damaged (SHA-256)"))
        return data


class _Kept(Strict):
    """What is kept beside the files of a model in the cache."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    mirror: str
    entry: Entry
    sha256: Sha256  # of the rest, as it is written


def locate(model: ModelId) -> Local | None:
    """The model as it ships with the package, or as it is in the cache; None if it is not here.

    Raises:
        ZooError: if a file of it is damaged; with what to do.
    """
    return bundled(model) or cached(model)


def bundled(model: ModelId) -> Local | None:
    """The model as it ships with the package; None if it does not. Errors as `locate`."""
    path = places.bundled() / places.REGISTRY
    if not is_there(path):
        return None
    text = read_bytes(path, most_bytes=registry.MOST_BYTES)
    if release.BUNDLED_SHA256 not in (None, hashlib.sha256(text).hexdigest()):
        raise ZooError(mistake(Place(str(path)), "damaged (SHA-256): install gradient-zoo anew"))
    entry = registry.read(text, str(path)).models.get(str(model))
    if entry is None:
        return None
    folder = places.bundled() / model.folder
    _check(places.bundled(), folder, entry, "install gradient-zoo anew")
    return Local(model, folder, entry, "bundled")


def cached(model: ModelId) -> Local | None:
    """The model in the cache; None if it is not there. Errors as `locate`."""
    folder = places.home() / model.folder
    if not is_there(folder):
        return None
    remedy = f"to get it anew: zoo pull {model}"
    kept = _kept(folder / places.ENTRY, model, remedy)
    entry = kept.entry
    if (own := places.of_release()) is not None and kept.mirror == places.without_password(own):
        # Pinned, as what lies beside the files is not.
        released = kept_registry_of_release(own)
        entry = entry if released is None else released.models.get(str(model), entry)
    _check(places.home(), folder, entry, remedy)
    return Local(model, folder, entry, "cached", kept.mirror)


def cached_and_right(model: ModelId) -> Local | None:
    """The model in the cache; None also where it is damaged, for it is then pulled anew."""
    try:
        return cached(model)
    except ZooError:
        return None


def _kept(path: Path, model: ModelId, remedy: str) -> _Kept:
    """What is kept beside a model of the cache, as it was written."""
    place = Place(str(path))
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            text = file.read(registry.MOST_BYTES + 1)
        kept = _Kept.model_validate(from_json(text, allow_inf_nan=False))
    except OSError as error:
        raise ZooError(mistake(place, error.strerror or error, remedy)) from None
    except ValidationError as error:
        where = dotted(error.errors()[0]["loc"])
        raise ZooError(mistake(place, f"damaged at {where or 'its start'}", remedy)) from None
    except ValueError as error:
        raise ZooError(mistake(place, f"damaged ({error})", remedy)) from None
    whole = all(name in kept.entry.files for name in FILES)
    if not whole or text != text_beside(model, kept.mirror, kept.entry).encode():
        raise ZooError(mistake(place, "damaged", remedy))
    return kept


def text_beside(model: ModelId, mirror: str, entry: Entry) -> str:
    """What is kept beside a model; its last value is the SHA-256 of the others."""
    about = {
        "schema": 1,
        "id": str(model),
        "mirror": mirror,
        "entry": entry.model_dump(),
    }
    digest = hashlib.sha256(json.dumps(about, allow_nan=False).encode()).hexdigest()
    return json.dumps({**about, "sha256": digest}, indent=1, allow_nan=False) + "\n"


def _check(root: Path, folder: Path, entry: Entry, remedy: str) -> None:
    """Refuses a model whose files are not those of its entry, to the byte.

    Raises:
        ZooError: naming the file and the remedy.
    """
    for path in folders_below(root, folder):
        refuse_link(path)
    for name in FILES:
        path, file = folder / name, entry.files[name]
        try:
            with os.fdopen(open_plain(path), "rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                same = size == file.size
                same = same and hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
        except OSError as error:
            raise ZooError(mistake(Place(str(path)), error.strerror or error, remedy)) from None
        if not same:
            what = "SHA-256" if size == file.size else f"{size} bytes instead of {file.size}"
            raise ZooError(mistake(Place(str(path)), f"damaged ({what})", remedy))


def kept_registry_of_release(address: str) -> Registry | None:
    """The registry of the release's mirror as it was kept; None if it is not the pinned one."""
    path = places.kept_registry(address)
    if release.REGISTRY_SHA256 is None or not is_there(path):
        return None
    try:
        text = read_bytes(path, most_bytes=registry.MOST_BYTES)
    except ZooError:
        return None
    if hashlib.sha256(text).hexdigest() != release.REGISTRY_SHA256:
        return None
    return registry.read(text, str(path))


def folders_below(root: Path, folder: Path) -> list[Path]:
    """The folders from a root, without it, down to one."""
    inner = folder.relative_to(root)
    return [root / part for part in (*reversed(inner.parents), inner)][1:]


def refuse_link(path: Path) -> None:
    """Refuses a symbolic link, which would lead out of the cache.

    Raises:
        ZooError: if it is one.
    """
    if path.is_symlink():
        raise ZooError(mistake(Place(str(path)), "a symbolic link: remove it"))
