"""Models on this machine: each file is checked whenever a model is asked for, before it is opened.

Asked are the models that ship with the package, then the cache, then a mirror: the network for what
is not here, and for nothing else. A model comes to the cache whole, by one rename.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import from_json

from zoo.errors import Place, ZooError, dotted, mistake, nearest
from zoo.files import is_there, open_plain, put_whole, read_bytes
from zoo.pretrained import listing, places, registry, release
from zoo.pretrained.ids import ModelId
from zoo.pretrained.mirrors import Mirror, Received
from zoo.pretrained.registry import FILES, Entry, Registry, Sha256
from zoo.recipe.values import Strict

# Told how many bytes are to come; within what it gives, how many came.
Watch = Callable[[int], AbstractContextManager[Received]]


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


class _Kept(Strict):
    """What is kept beside the files of a model in the cache."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    mirror: str
    entry: Entry
    sha256: Sha256  # of the rest, as it is written


# ---------------------------------------------------------------- what is here


def locate(model: ModelId) -> Local | None:
    """The model as it ships with the package, or as it is in the cache; None if it is not here.

    Raises:
        ZooError: if a file of it is damaged; with what to do.
    """
    return _bundled(model) or _cached(model)


def _bundled(model: ModelId) -> Local | None:
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


def _cached(model: ModelId) -> Local | None:
    folder = places.home() / model.folder
    if not is_there(folder):
        return None
    remedy = f"to get it anew: zoo pull {model}"
    kept = _kept(folder / places.ENTRY, model, remedy)
    entry = kept.entry
    if (own := places.of_release()) is not None and kept.mirror == places.without_password(own):
        # Pinned, as what lies beside the files is not.
        released = _kept_release_registry(own)
        entry = entry if released is None else released.models.get(str(model), entry)
    _check(places.home(), folder, entry, remedy)
    return Local(model, folder, entry, "cached", kept.mirror)


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
    if text != _text_of(model, kept.mirror, kept.entry).encode():
        raise ZooError(mistake(place, "damaged", remedy))
    return kept


def _text_of(model: ModelId, mirror: str, entry: Entry) -> str:
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
    for path in _below(root, folder):
        _refuse_link(path)
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


# ---------------------------------------------------------------- registries of mirrors


def _kept_release_registry(address: str) -> Registry | None:
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


def address_to_ask(given: str | None, what: str) -> str:
    """The address of the mirror to ask.

    Args:
        given: by --mirror; None for ZOO_MIRROR, or the release's.
        what: what is looked for, for messages.

    Raises:
        ZooError: if there is none, or the network may not be asked.
    """
    address = places.mirror(given)
    looked = f"not in {places.home()}"
    if address is None:
        hint = "name one with --mirror or ZOO_MIRROR; in a clone, make mirror makes one"
        known = [model.id for model in listing.known({})]
        if what not in known and (meant := nearest(what, known, "")):
            hint = f"{hint}; {meant}"
        raise ZooError(mistake(Place(what), f"{looked}, and there is no mirror to ask: {hint}"))
    if places.offline() and not places.is_folder(address):
        shown = places.without_password(address)
        raise ZooError(mistake(Place(what), f"{looked}, and ZOO_OFFLINE=1 keeps from {shown}"))
    return address


class Source:
    """The mirror to ask for what is not here, which is not asked before.

    Args:
        given: as `address_to_ask`.
    """

    def __init__(self, given: str | None = None) -> None:
        self._given = given
        self._asked: tuple[Mirror, Registry] | None = None

    def ask(self, what: str) -> tuple[Mirror, Registry]:
        """The mirror and its registry, which is got once, and kept.

        Raises:
            ZooError: as `address_to_ask`, or if it has no registry.
        """
        if self._asked is None:
            address = address_to_ask(self._given, what)
            mirror = Mirror(address)
            self._asked = mirror, _registry_to_pull(address, mirror)
        return self._asked


def _registry_to_pull(address: str, mirror: Mirror) -> Registry:
    """A mirror's registry, which is kept; the release's is not asked for twice."""
    if mirror.pinned is not None and (kept := _kept_release_registry(address)) is not None:
        return kept
    text = mirror.registry_text()
    read = registry.read(text, f"{mirror.shown}/{registry.NAME}")
    path = places.kept_registry(address)
    with _writing(path):
        put_whole(path, text)
    return read


# ---------------------------------------------------------------- what is not here


@contextlib.contextmanager
def _unwatched(_: int) -> Iterator[Received]:
    yield lambda _: None


def get(model: ModelId, given: str | None = None, watch: Watch = _unwatched) -> Local:
    """The model, pulled if it is not here.

    Args:
        model: which.
        given: the address of a mirror; None for ZOO_MIRROR, or the release's.
        watch: shows how it goes.

    Raises:
        ZooError: if it cannot be had.
    """
    [local] = pull([model], Source(given), watch)
    return local


def pull(models: Sequence[ModelId], source: Source, watch: Watch = _unwatched) -> Iterator[Local]:
    """The models in turn, each as soon as it is here; what is here and right is not asked for.

    Args:
        models: which.
        source: where those are that are not here.
        watch: shows how it goes.

    Raises:
        ZooError: if one cannot be had; those before it are here, and of it is nothing.
    """
    here = {model: _bundled(model) or _right(model) for model in dict.fromkeys(models)}
    lacking = [model for model, local in here.items() if local is None]
    if not lacking:
        yield from (local for local in here.values() if local is not None)
        return
    mirror, known = source.ask(str(lacking[0]))
    for model in lacking:
        if str(model) not in known.models:
            hint = nearest(str(model), known.models, "see: zoo models --mirror", most=3)
            raise ZooError(mistake(Place(str(model)), f"not in {mirror.shown}; {hint}"))
    entries = {model: known.models[str(model)] for model in lacking}
    with watch(sum(entry.size for entry in entries.values())) as received:
        for model, local in here.items():
            yield local or _brought(model, entries[model], mirror, received)


def _right(model: ModelId) -> Local | None:
    """The model in the cache; None also where it is damaged, for it is then pulled anew."""
    try:
        return _cached(model)
    except ZooError:
        return None


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Within it, what the file system refuses is told in one line."""
    try:
        yield
    except OSError as error:
        raise ZooError(
            f"{path}: cannot be written: {error.strerror or error}; "
            "make room, or name another folder in ZOO_HOME"
        ) from None


def _brought(model: ModelId, entry: Entry, mirror: Mirror, received: Received) -> Local:
    """Brings a model to the cache; who asks for it meanwhile waits, and finds it there."""
    from filelock import FileLock

    place = places.home() / model.folder
    # Names that no other model's folder has, as no arm's starts with a dot.
    partial = place.with_name(f".{place.name}.partial")
    with _writing(place):
        _make_folders(place.parent)
        with FileLock(place.with_name(f".{place.name}.lock")):
            if (local := _right(model)) is not None:
                received(entry.size)
                return local
            _remove(partial)  # of a process that was killed
            partial.mkdir()
            try:
                for name in FILES:
                    mirror.fetch(model, name, entry.files[name], partial, received)
                text = _text_of(model, mirror.shown, entry)
                (partial / places.ENTRY).write_text(text, encoding="utf-8")
                _replace(partial, place)
            except BaseException:
                _remove(partial)
                raise
    local = _cached(model)
    assert local is not None
    return local


def _make_folders(folder: Path) -> None:
    """Makes a folder of the cache, through no link below the cache's own."""
    places.home().mkdir(parents=True, exist_ok=True)
    for path in _below(places.home(), folder):
        _refuse_link(path)
        path.mkdir(exist_ok=True)


def _below(root: Path, folder: Path) -> list[Path]:
    """The folders from a root, without it, down to one."""
    inner = folder.relative_to(root)
    return [root / part for part in (*reversed(inner.parents), inner)][1:]


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise ZooError(mistake(Place(str(path)), "a symbolic link: remove it"))


def _replace(new: Path, place: Path) -> None:
    """Puts a folder in the place of one that is damaged, if there is one."""
    old = place.with_name(f".{place.name}.damaged")
    _remove(old)
    if is_there(place):
        place.rename(old)
    new.rename(place)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
