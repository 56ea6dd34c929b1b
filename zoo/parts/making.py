"""Keras objects from their names in a recipe, and from the user's own files.

Each call makes a new object: an initializer instance shared by two layers would give both the same
numbers.
"""

import copy
from collections.abc import Callable
from typing import Any

import keras

from zoo.errors import KeyPath, nearest, said_by, shown
from zoo.parts import nested
from zoo.parts.kinds import PartError, arguments, find
from zoo.recipe.values import KerasPart


def _make(kind: str, part: KerasPart, **wanted: Any) -> Any:
    """An instance of the part's class, or its function.

    Args:
        kind: what is to be made.
        part: its class and arguments; none of `wanted`, or a part would be several changes at once.
        wanted: further arguments, with which the zoo makes it.

    Raises:
        PartError: for an unknown name or argument, or one that the class refuses.
    """
    named = find(kind, part)
    if not isinstance(named, type):
        if part.config:
            reason = f"{part.class_name} is a function and takes no config: name a layer instead"
            raise PartError([(("config",), reason)])
        return named
    refused = list(nested.mistakes(part.config))
    if refused:
        raise PartError(refused)
    given: list[tuple[KeyPath, str]] = [
        (("config", key), f"the model gives {part.class_name} its {key}: leave it out")
        for key in part.config
        if key in wanted
    ]
    if given:
        raise PartError(given)
    config = {**wanted, **copy.deepcopy(part.config)}
    known = arguments(named)
    if known is not None:
        if issubclass(named, keras.Layer) and "name" in part.config:
            known.discard("name")  # the zoo makes several of each layer, and names them
        unknown = sorted(set(config) - known)
        if unknown:
            takes = f"{part.class_name} takes {', '.join(sorted(known))}"
            hints = {name: nearest(name, known, takes) for name in unknown}
            raise PartError(
                [
                    (("config", name), f"{part.class_name} has no argument {shown(name)}, {hint}")
                    for name, hint in hints.items()
                ]
            )
    return attempt(part, lambda: named(**config))


def attempt(part: KerasPart, make: Callable[[], Any]) -> Any:
    """Calls code of Keras's or the user's, which may fail in any way, for a part of a recipe."""
    try:
        return make()
    except PartError:  # says where in the part
        raise
    except Exception as error:
        raise PartError([((), f"{cut(str(part), 60)}: {cut(said_by(error), 200)}")]) from None


def cut(text: str, size: int) -> str:
    """The text, with dots in place of what is beyond the size."""
    return text if len(text) <= size else f"{text[: size - 3]}..."


def layer(part: KerasPart, name: str | None = None) -> keras.Layer:
    """A Keras layer, such as BatchNormalization, or a registered one; named if it takes a name."""
    return _make("layer", part, **_named("layer", part, name))


def _named(kind: str, part: KerasPart, name: str | None) -> dict[str, str]:
    known = arguments(find(kind, part))
    return {} if name is None or (known is not None and "name" not in known) else {"name": name}


def dense(part: KerasPart, **wanted: Any) -> keras.layers.Dense:
    """Keras's Dense, or a registered layer that wraps its weights.

    Args:
        part: its class and arguments.
        wanted: arguments that the model gives the layer, such as units.
    """
    return _make("dense", part, **wanted)


def activation(part: KerasPart) -> keras.Layer:
    """A layer that applies a Keras activation function or is one, or a registered one."""
    function = _make("activation", part)
    return function if isinstance(function, keras.Layer) else keras.layers.Activation(function)


def initializer(part: KerasPart) -> keras.Initializer:
    """A Keras initializer, or a registered one."""
    return _make("initializer", part)


def optimizer(part: KerasPart, learning_rate: float) -> keras.Optimizer:
    """A Keras optimizer, or a registered one, at a constant learning rate."""
    return _make("optimizer", part, learning_rate=learning_rate)


def skip(part: KerasPart, name: str | None = None) -> keras.Layer:
    """A Keras layer that merges [input, output] of a block, such as Add, or a registered one.

    It is named if it takes a name: names that Keras counts up differ from run to run.
    """
    return _make("skip", part, **_named("skip", part, name))


def recurrent(part: KerasPart, **wanted: Any) -> keras.layers.RNN:
    """Keras's SimpleRNN, LSTM or GRU, or a `keras.layers.RNN` of a registered cell.

    Args:
        part: its class and arguments.
        wanted: arguments that the model gives the recurrent layer, such as units; those that a
            registered cell does not take are left out.
    """
    named = find("cell", part)
    if isinstance(named, type) and issubclass(named, keras.layers.RNN):
        return _make("cell", part, **wanted)
    known = arguments(named)
    of_layer = {key: wanted.pop(key) for key in ("return_sequences", "name") if key in wanted}
    taken = {key: v for key, v in wanted.items() if known is None or key in known}
    return keras.layers.RNN(_make("cell", part, **taken), **of_layer)


def clipping(part: KerasPart) -> Callable[[list[Any], list[Any]], list[Any]]:
    """A rule that is called with gradients and their variables and gives the clipped gradients."""
    rule: Callable[[list[Any], list[Any]], list[Any]] = _make("clipping", part)
    return rule
