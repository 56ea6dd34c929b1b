"""Which models there are, read plainly: a listing loads no schema and asks no mirror.

What it says of a model is for people; whoever uses one has its files checked (`cache.py`).
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import is_there, read_bytes
from zoo.pretrained import places, release
from zoo.pretrained.ids import ModelId, parse
from zoo.results.folder import committed

METRICS = ("test_accuracy", "test_loss")


@dataclass(frozen=True)
class Known:
    """A model that is known of.

    Attributes:
        id: of the model.
        parameters: how many weights it has.
        metrics: on the test split, of the run whose weights these are; of a model that no mirror
            says anything of, the mean over the reported runs of its arm.
        size: bytes of its files; None if no mirror says.
        where: bundled, cached, mirror, damaged, or None if it has to be made first.
    """

    id: str
    parameters: int | None
    metrics: Mapping[str, float]
    size: int | None
    where: str | None


def known(of_mirror: Mapping[str, Any] | None = None) -> list[Known]:
    """All models that are bundled, cached, in a mirror, or arms with reference evidence, by id.

    Args:
        of_mirror: the `models` of a mirror's registry, as in its JSON; None for what was kept of
            that which would be asked.

    Raises:
        ZooError: if the mirror's address is none, or a file of the package is damaged.
    """
    if of_mirror is None:
        of_mirror = _kept()
    models = {}
    for row in committed():
        metrics = {name: row[name] for name in METRICS if row.get(name) is not None}
        name = str(ModelId(row["recipe"], row["arm"], row["benchmark"]))
        models[name] = Known(name, row.get("parameters"), metrics, None, None)
    sources = [("mirror", of_mirror), ("cached", dict(_cached())), ("bundled", _bundled())]
    for where, entries in sources:
        for name, entry in entries.items():
            told = _told(name, entry, where)
            if told is None and where == "cached":
                before = models.get(name, Known(name, None, {}, None, None))
                told = Known(name, before.parameters, before.metrics, before.size, "damaged")
            if told is not None:
                models[name] = told
    return sorted(models.values(), key=lambda model: model.id)


def _told(name: str, entry: Any, where: str) -> Known | None:
    """What an entry says; None if it is none."""
    try:
        if str(parse(name)) != name:
            return None
        values = entry["metrics"]
        metrics = {each: float(values[each]) for each in METRICS if each in values}
        if not all(map(math.isfinite, metrics.values())):
            return None
        size = sum(int(file["size"]) for file in entry["files"].values())
        return Known(name, int(entry["parameters"]), metrics, size, where)
    except (ZooError, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _kept() -> dict[str, Any]:
    """Of the mirror that would be asked, what its registry said when something was pulled."""
    address = places.mirror()
    if address is None:
        return {}
    try:
        text = read_bytes(places.kept_registry(address))
        pinned = release.REGISTRY_SHA256 if address == places.of_release() else None
        if pinned not in (None, hashlib.sha256(text).hexdigest()):
            return {}
        return _models(text)
    except (ZooError, ValueError, RecursionError):
        return {}


def _bundled() -> dict[str, Any]:
    path = places.bundled() / places.REGISTRY
    if not is_there(path):
        return {}
    try:
        return _models(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path}: damaged ({error}): install gradient-zoo anew") from None


def _models(text: bytes) -> dict[str, Any]:
    """What a registry lists.

    Raises:
        ValueError, RecursionError: if it is none.
    """
    values = json.loads(text)
    models = values.get("models") if isinstance(values, dict) else None
    if not isinstance(models, dict):
        raise ValueError("no registry")
    return models


def _cached() -> Iterator[tuple[str, Any]]:
    """The id of each model of the cache, and its entry; None if that is damaged."""
    for path in _entries(places.home(), 1):
        version, *recipe, arm = path.relative_to(places.home()).parts[:-1]
        try:
            name = str(parse(str(ModelId("/".join(recipe), arm, version))))
        except ZooError:
            continue  # only on its way, or somebody else's
        try:
            entry = json.loads(read_bytes(path))["entry"]
        except (ZooError, ValueError, LookupError, TypeError, RecursionError):
            entry = None
        yield name, entry


def _entries(folder: Path, depth: int) -> Iterator[Path]:
    """The entries below a folder."""
    try:
        inner = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError:
        return
    for each in inner:
        if each.name == places.ENTRY and depth > 3:
            yield Path(each.path)
        elif depth < 7 and each.is_dir(follow_symlinks=False):
            yield from _entries(Path(each.path), depth + 1)
