"""A mirror is made or extended: every model in its own folder, then the registry that names it."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.errors import ZooError, said_by
from zoo.files import is_there, read_bytes, unwritable, write_whole
from zoo.pretrained import registry
from zoo.pretrained.publishing import Model, publish
from zoo.pretrained.registry import Entry, Registry
from zoo.sweep.workers import ATTEMPTS, Worker

STAGING = ".staging-"  # what a folder's name begins with that is not whole yet, or is not any more
IS_THERE = "is there already"

Listener = Callable[[Model, str], None]


def push(
    into: Path, models: Sequence[Model], pool: Sequence[Worker], listener: Listener
) -> list[str]:
    """Publishes what a mirror lacks, and keeps what it has.

    A model is trained again in a worker, and its folder appears whole, before the registry names
    it: whenever the process may end, the mirror is right, and the same call goes on from there.

    Args:
        into: the mirror's folder.
        models: to be published, in this order.
        pool: as `zoo.sweep.workers.local` makes it.
        listener: called with each model that is done, and what came of it.

    Returns:
        One line for each that could not be published.

    Raises:
        ZooError: if the folder cannot be written, or another process writes to it.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        with FileLock(into / ".lock", timeout=0):
            return _push(into, models, pool, listener)
    except Timeout:
        raise ZooError(f"{into}: another zoo push writes to it") from None
    except OSError as error:
        raise unwritable(into, error) from None


def _push(
    into: Path, models: Sequence[Model], pool: Sequence[Worker], listener: Listener
) -> list[str]:
    for left in into.glob(f"{STAGING}*"):  # by a process that was killed
        shutil.rmtree(left)
    entries = dict(here(into).models)
    waiting = []
    for model in models:
        if _is_there(into, model, entries.get(str(model.id))):
            listener(model, IS_THERE)
        else:
            waiting.append(model)
    failures: list[str] = []
    attempts: dict[str, int] = {}
    flying: dict[Future[Entry], tuple[Worker, Model, Path]] = {}
    idle = list(pool)
    while waiting or flying:
        while idle and waiting:
            worker, model = idle.pop(), waiting.pop(0)
            staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=into))
            staging.chmod(0o755)
            try:
                flying[worker.executor.submit(publish, model, staging)] = worker, model, staging
            except BrokenExecutor:  # lost while it was idle
                worker.renew()
                idle.append(worker)
                waiting.insert(0, model)
        done, _ = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            worker, model, staging = flying.pop(future)
            idle.append(worker)
            error = future.exception()
            if error is None:
                entries[str(model.id)] = future.result()
                _move(staging, into / model.id.folder)
                write_whole(into / registry.NAME, registry.written(Registry(models=entries)))
                listener(model, f"{future.result().size / 1e6:.1f} MB")
                continue
            shutil.rmtree(staging)
            if isinstance(error, BrokenExecutor):
                worker.renew()
                attempts[str(model.id)] = attempts.get(str(model.id), 0) + 1
                if attempts[str(model.id)] < ATTEMPTS:
                    waiting.insert(0, model)
                    continue
            reason = str(error) if isinstance(error, ZooError) else f"{model.id}: {said_by(error)}"
            failures.append(reason)
            listener(model, "not published")
    return failures


def here(mirror: Path) -> Registry:
    """The registry of a folder; an empty one where there is none.

    Raises:
        ZooError: if it is none.
    """
    path = mirror / registry.NAME
    if not is_there(path):
        return Registry()
    return registry.read(read_bytes(path, most_bytes=registry.MOST_BYTES), str(path))


def _is_there(mirror: Path, model: Model, entry: Entry | None) -> bool:
    """Whether what a mirror has of a model is of this run, and whole."""
    if entry is None or entry.arm_sha256 != model.arm.sha256:
        return False
    record = model.beside["record.json"].encode()
    if entry.files["record.json"].sha256 != hashlib.sha256(record).hexdigest():
        return False
    for name, file in entry.files.items():
        path = mirror / model.id.folder / name
        if not path.is_file() or path.stat().st_size != file.size:
            return False
    return True


def _move(folder: Path, place: Path) -> None:
    """Puts a folder where another may be."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder.parent))
        place.rename(old / place.name)
        folder.rename(place)
        shutil.rmtree(old)
    else:
        folder.rename(place)
