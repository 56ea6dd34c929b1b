"""What a forward pass in training mode may change, so that it can be put back."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_HOLDERS = (keras.Layer, keras.Metric, keras.Loss, keras.random.SeedGenerator)


def variables_of(model: keras.Model) -> list[tf.Variable]:
    """Every variable that a model can reach, each once.

    More than `model.variables`: the states of recurrent layers are none of them, nor is what a
    layer of the user's keeps in an attribute. The optimizer has no part in a forward pass.
    """
    optimizer = getattr(model, "optimizer", None)
    seen: set[int] = {id(optimizer)}
    found: dict[int, tf.Variable] = {}
    waiting: list[Any] = [model]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, keras.Variable):
            each = each.value if isinstance(each.value, tf.Variable) else None
        if isinstance(each, tf.Variable):
            found[id(each)] = each
        elif isinstance(each, list | tuple | set):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, _HOLDERS):
            waiting += vars(each).values()
    return list(found.values())


@contextlib.contextmanager
def kept(variables: list[tf.Variable]) -> Iterator[None]:
    """Puts the variables back on leaving, whatever happened; also while a graph is traced."""
    before = [tf.identity(variable) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
