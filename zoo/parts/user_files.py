"""A user's own Python files, which register the Keras objects that a recipe names.

A file travels as its name and text, so that worker processes, on any machine, can run it too.
"""

import hashlib
import sys
import traceback
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import random_states
from zoo.errors import Place, ZooError, mistake
from zoo.files import read_text

Source = tuple[str, str]  # name and text

_imported: set[str] = set()  # sources
_origins: dict[str, str] = {}  # registered name -> name of the file


def import_file(path: str | Path) -> Source:
    """Runs a user's file, so that a recipe can name the Keras objects it registers.

    Returns:
        What `import_source` takes to do the same in a worker process.

    Raises:
        ZooError: if the file cannot be read, raises, registers nothing, or registers a name again.
    """
    name, source = read_source(path)
    import_source(name, source)
    return name, source


def read_source(path: str | Path) -> Source:
    """The name and text of a user's Python file, as `import_source` takes them.

    Raises:
        ZooError: if it cannot be read.
    """
    return str(path), read_text(Path(path))


def digests(sources: Sequence[Source]) -> dict[str, str]:
    """The SHA-256 of each text by the file's name without folders, for run records.

    Raises:
        ZooError: if two files have one name.
    """
    by_name = {Path(name).name: hashlib.sha256(text.encode()).hexdigest() for name, text in sources}
    if len(by_name) < len(sources):
        raise ZooError("--import: two files have the same name: rename one")
    return by_name


@random_states.kept()
def import_source(name: str, source: str) -> None:
    """Runs a user's source; the same source a second time does nothing.

    The source is run as a module of its own, which finds no modules beside it.

    Args:
        name: what messages call it, its path.
        source: the Python text.

    Raises:
        ZooError: as `import_file`; what the source registered until then is forgotten.
    """
    if source in _imported:
        return
    import keras

    registry = keras.saving.get_custom_objects()
    before = dict(registry)
    stem, digest = Path(name).stem, hashlib.sha256(source.encode()).hexdigest()[:8]
    module = types.ModuleType(f"zoo_import_{stem}_{digest}")
    module.__file__ = name
    sys.modules[module.__name__] = module
    try:
        _run(name, source, module)
        _check_registered(name, before, registry)
    except ZooError:
        registry.clear()
        registry.update(before)
        del sys.modules[module.__name__]
        raise
    _origins.update({new: name for new in registry if new not in before})
    _imported.add(source)


def _run(name: str, source: str, module: types.ModuleType) -> None:
    try:
        exec(compile(source, name, "exec"), vars(module))
    except SyntaxError as error:
        place = Place(f"{name}:{error.lineno}" if error.lineno else name)
        raise ZooError(mistake(place, "SyntaxError", error.msg)) from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == name]
        place = Place(f"{name}:{lines[-1]}" if lines else name)
        reason = str(error).strip().split("\n")[0]
        kind = type(error).__name__
        raise ZooError(mistake(place, f"{kind}: {reason}" if reason else kind)) from None


def _check_registered(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    place = Place(name)
    for taken, registered in before.items():
        if after.get(taken) is not registered:
            owner = _origins.get(taken, "other code")
            reason = f"{taken} is registered by {owner} already: give yours another name"
            raise ZooError(mistake(place, reason))
    if len(after) == len(before):
        hint = "decorate each with @keras.saving.register_keras_serializable()"
        raise ZooError(mistake(place, f"registers no Keras object: {hint}"))
