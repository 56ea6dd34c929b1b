"""What the arguments of a part may hold: numbers, words and other parts, but no path and no code.

Keras makes an object of every `{class_name, config}` that it meets in the arguments of another, and
a few of its layers read a file or run code that a recipe does not show.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import keras

from zoo.errors import KeyPath, nearest, shown

# Layers that run code or load files which the recipe does not show, and the bases of the others.
NOT_FOR_RECIPES = {
    *("Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"),
    *("Layer", "Wrapper", "InputLayer", "Initializer", "Optimizer"),
    *("LossScaleOptimizer", "MultiOptimizer"),  # of optimizers, not of a learning rate
}
_NAMESPACES = ("layers", "initializers", "regularizers", "constraints", "dtype_policies")
_PATH_NAMES = re.compile(r"(.*_)?(file|file_?path|file_?name|path|dir|directory|folder|uri|url)s?")
_FILE_OR_VALUES = re.compile(r"(.*_)?(vocabulary|weights)")  # a path, or a list of what is in it
_PATH_VALUES = re.compile(r"~.*|.*[/\\].*|.*\w\.[A-Za-z]\w{0,9}", re.DOTALL)


def mistakes(config: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """What the arguments of a part may not hold: where it is in the part, and why."""
    return _in_arguments(config, ("config",))


def _in_arguments(config: dict[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for name, value in config.items():
        opened = _PATH_NAMES.fullmatch(name) or _FILE_OR_VALUES.fullmatch(name)
        if isinstance(value, str) and opened:
            yield (*path, name), f"{shown(value)} names a file or an address: recipes open none"
        elif isinstance(value, list) and _FILE_OR_VALUES.fullmatch(name):
            yield from _in([item for item in value if not isinstance(item, str)], (*path, name))
        else:
            yield from _in(value, (*path, name))


def _in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str) and _PATH_VALUES.fullmatch(value):
        yield path, f"{shown(value)} looks like a file or an address: recipes open none"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _in(item, (*path, index))
    elif isinstance(value, dict) and value.keys() & {"class_name", "module", "registered_name"}:
        yield from _in_part(value, path)
    elif isinstance(value, dict):
        yield from _in_arguments(value, path)


def _in_part(part: dict[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with a dict of which Keras makes an object."""
    name, known = part.get("class_name"), _modules()
    if not isinstance(name, str) or name not in known:
        hint = nearest(str(name), known, "give Keras's name of one, or --import yours")
        yield (*path, "class_name"), f"no part inside another is called {shown(name)}, {hint}"
        return
    for key, allowed in (("module", known[name]), ("registered_name", name)):
        if part.get(key) not in (None, allowed):
            given = shown(part[key])
            yield (*path, key), f"{given} is not that of {name}: leave {key} out"
    for key in sorted(part.keys() - {"class_name", "config", "module", "registered_name"}):
        yield (*path, key), "unknown key: a part inside another has class_name and config"
    config = part.get("config") or {}
    if isinstance(config, dict):
        yield from _in_arguments(config, (*path, "config"))
    else:
        yield (*path, "config"), f"should be the arguments of {name}, not {shown(config)}"


def _modules() -> dict[str, str | None]:
    """Where Keras has each class that may be inside a part; None for one of the user's."""
    return _keras_modules() | dict.fromkeys(keras.saving.get_custom_objects())


@functools.cache
def _keras_modules() -> dict[str, str | None]:
    return {
        name: f"keras.{namespace}"
        for namespace in _NAMESPACES
        for name, each in vars(getattr(keras, namespace)).items()
        if isinstance(each, type) and each.__name__ not in NOT_FOR_RECIPES
    }
