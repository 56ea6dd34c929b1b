"""A user's own Python files, which register the Keras objects that a recipe names.

A file travels as its name and text, so that worker processes, on any machine, can run it too.
"""

import hashlib
import random
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
        ZooError: if it cannot be read, or records cannot keep its name.
    """
    if not Path(path).name.isprintable():
        raise ZooError(mistake(Place(str(path)), "rename it: its name holds what is no sign"))
    return str(path), read_text(Path(path))


def digests(sources: Sequence[Source]) -> dict[str, str]:
    """The SHA-256 of each text by the file's name without folders, for run records.

    Raises:
        ZooError: if two different files have one name.
    """
    by_name: dict[str, str] = {}
    for path, text in sources:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if by_name.setdefault(Path(path).name, digest) != digest:
            reason = "another file that is imported has the same name: rename one"
            raise ZooError(mistake(Place(f"--import {path}"), reason))
    return by_name


@random_states.kept()
def import_source(name: str, source: str) -> None:
    """Runs a user's source; the same source a second time does nothing.

    The source is run as a module of its own, which finds no modules beside it. It may not change
    what decides the numbers of every run: Keras's settings and the global random numbers.

    Args:
        name: what messages call it, its path.
        source: the Python text.

    Raises:
        ZooError: as `import_file`; what the source registered until then is forgotten.
    """
    if source in _imported:
        return
    import keras

    from zoo import keras_private

    registry = keras.saving.get_custom_objects()
    before, settings = dict(registry), _settings()
    stem, digest = Path(name).stem, hashlib.sha256(source.encode()).hexdigest()[:8]
    module = types.ModuleType(f"zoo_import_{stem}_{digest}")
    module.__file__ = name
    sys.modules[module.__name__] = module
    try:
        with keras_private.seeds_from(random.Random(source)):  # parts that it makes draw seeds
            _run(name, source, module)
        _check_settings(name, settings, _settings())
        _check_registered(name, before, registry)
    except ZooError:
        _restore(settings)
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


def _settings() -> dict[str, Any]:
    """What is one for the whole process, by the words that messages have for it."""
    import keras
    import tensorflow as tf

    python, (kind, key, *rest) = random_states.current()
    return {
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "image_data_format": keras.config.image_data_format(),
        "the dtype policy": keras.config.dtype_policy().name,
        "the seed of TensorFlow": tf.compat.v1.random.get_seed(0)[0],
        "the random numbers of Python": python,
        "the random numbers of NumPy": (kind, tuple(key), *rest),
    }


def _restore(settings: dict[str, Any]) -> None:
    """Puts back Keras's settings; TensorFlow's seed is set before each run anyway."""
    import keras

    keras.config.set_floatx(settings["floatx"])
    keras.config.set_epsilon(settings["epsilon"])
    keras.config.set_image_data_format(settings["image_data_format"])
    keras.config.set_dtype_policy(settings["the dtype policy"])


def _check_settings(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = [what for what in before if before[what] != after[what]]
    if changed:
        hint = "leave that out, or give a part a dtype, seed or generator of its own"
        reason = f"changes {', '.join(changed)}, for the whole process: {hint}"
        raise ZooError(mistake(Place(name), reason))


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
