"""Keras objects from their names in a recipe, the user's own registered ones among them.

Each call makes a new object: an initializer instance shared by two layers would give both the same
numbers.
"""

from collections.abc import Callable
from typing import Any

import keras

from zoo.errors import ZooError
from zoo.schema import KerasPart


def _registered(name: str) -> Any:
    """What `keras.saving.register_keras_serializable` put under a name, with or without package."""
    find = keras.saving.get_registered_object
    return find(name) or find(f"Custom>{name}")


def _make(kind: str, part: KerasPart, make: Callable[[], Any]) -> Any:
    """Calls `make`; a mistake in the part's name or arguments becomes one line."""
    try:
        made = make()
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ZooError(f"{kind} {part}: {reason}") from None
    if made is None:
        raise ZooError(f"{kind} {part}: neither Keras nor an imported file has it")
    return made


def layer(part: KerasPart) -> keras.Layer:
    """A Keras layer, such as BatchNormalization, or a registered one."""

    def make() -> keras.Layer | None:
        cls = _registered(part.class_name) or getattr(keras.layers, part.class_name, None)
        return None if cls is None else cls(**part.config)

    return _make("layer", part, make)


def activation(part: KerasPart) -> keras.Layer:
    """A layer that applies a Keras activation function, an activation layer, or a registered one."""
    function = _registered(part.class_name) or getattr(keras.activations, part.class_name, None)
    if function is None or isinstance(function, type):
        return layer(part)
    if part.config:
        raise ZooError(f"activation {part}: a function takes no config; name the layer instead")
    return keras.layers.Activation(function)


def initializer(part: KerasPart) -> keras.Initializer:
    """A Keras initializer, or a registered one."""
    return _make("initializer", part, lambda: _instance(part, keras.initializers.get))


def optimizer(part: KerasPart, learning_rate: float) -> keras.Optimizer:
    """A Keras optimizer, or a registered one, at a constant learning rate."""
    part = KerasPart(
        class_name=part.class_name, config={**part.config, "learning_rate": learning_rate}
    )
    return _make("optimizer", part, lambda: _instance(part, keras.optimizers.get))


def _instance(part: KerasPart, get: Callable[[Any], Any]) -> Any:
    cls = _registered(part.class_name)
    if isinstance(cls, type):
        return cls(**part.config)
    return get({"class_name": part.class_name, "config": dict(part.config)})
