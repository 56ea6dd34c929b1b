"""Models that are not here yet, or damaged: from a mirror to the cache, whole, by one rename."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from zoo.errors import Place, ZooError, mistake, nearest
from zoo.files import is_there, put_whole
from zoo.pretrained import cache, listing, places, registry
from zoo.pretrained.cache import Local
from zoo.pretrained.ids import ModelId
from zoo.pretrained.mirrors import Mirror, Received
from zoo.pretrained.registry import FILES, Entry, Registry

# Told how many bytes are to come; within what it gives, how many came.
Watch = Callable[[int], AbstractContextManager[Received]]


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
    if mirror.pinned is not None and (kept := cache.kept_registry_of_release(address)) is not None:
        return kept
    text = mirror.registry_text()
    read = registry.read(text, f"{mirror.shown}/{registry.NAME}")
    path = places.kept_registry(address)
    with _writing(path):
        put_whole(path, text)
    return read


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
    here = {
        model: cache.bundled(model) or cache.cached_and_right(model)
        for model in dict.fromkeys(models)
    }
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
            if (local := cache.cached_and_right(model)) is not None:
                received(entry.size)
                return local
            _remove(partial)  # of a process that was killed
            partial.mkdir()
            try:
                for name in FILES:
                    mirror.fetch(model, name, entry.files[name], partial, received)
                text = cache.text_beside(model, mirror.shown, entry)
                (partial / places.ENTRY).write_text(text, encoding="utf-8")
                _replace(partial, place)
            except BaseException:
                _remove(partial)
                raise
    local = cache.cached(model)
    assert local is not None
    return local


def _make_folders(folder: Path) -> None:
    """Makes a folder of the cache, through no link below the cache's own."""
    places.home().mkdir(parents=True, exist_ok=True)
    for path in cache.folders_below(places.home(), folder):
        cache.refuse_link(path)
        path.mkdir(exist_ok=True)


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
