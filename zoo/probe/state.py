"""What a forward pass in training mode may change, so that it can be put back."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_HOLDERS = (keras.Layer, keras.Metric, keras.Loss, keras.random.SeedGenerator)
# Operations that take a variable and leave it as it is.
_READING = ("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape")
_LIBRARIES = ("keras", "tensorflow", "numpy", "builtins")


class State:
    """All that a model can reach and a pass may change.

    More than `model.variables`: the states of recurrent layers are none of them, nor is what a
    layer of the user's keeps in an attribute. The optimizer has no part in a forward pass.

    Attributes:
        variables: each once.
        holders: layers, metrics and losses, and a user's own objects, each once.
    """

    def __init__(self, model: keras.Layer) -> None:
        self.variables: list[tf.Variable] = []
        self.holders: list[Any] = []
        seen = {id(getattr(model, "optimizer", None))}
        waiting: list[Any] = [model]
        known: list[Any] = []  # so that no identity is that of another object
        while waiting:
            each = waiting.pop()
            if isinstance(each, keras.Variable):
                each = each.value
            if id(each) in seen:
                continue
            seen.add(id(each))
            known.append(each)
            if isinstance(each, tf.Variable):
                self.variables.append(each)
            elif isinstance(each, list | tuple | set):
                waiting.extend(each)
            elif isinstance(each, dict):
                waiting.extend(each.values())
            elif isinstance(each, _HOLDERS) or _is_users(each):
                self.holders.append(each)
                waiting.extend(vars(each).values())

    @contextlib.contextmanager
    def kept(self, values: bool = True) -> Iterator[None]:
        """Puts all back on leaving, whatever happened; also while a graph is traced.

        Args:
            values: whether those of the variables, too.
        """
        attributes = [(each, _attributes(each)) for each in self.holders if _is_built(each)]
        with values_kept(self.variables if values else []):
            try:
                yield
            finally:
                for each, before in attributes:
                    _put_back(each, before)

    def written(self, graph: tf.Graph) -> list[tf.Variable]:
        """Which variables a graph that was traced may change: it does more than read them."""
        inside = {id(outer): handle for outer, handle in graph.captures}
        handles = [(variable, inside.get(id(variable.handle))) for variable in self.variables]
        return [each for each, handle in handles if handle is not None and _may_write(handle)]


@contextlib.contextmanager
def values_kept(variables: list[tf.Variable]) -> Iterator[None]:
    """Puts the values of variables back on leaving."""
    before = [read(variable) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            # A graph shows what takes each variable: most are only read.
            if tf.executing_eagerly() or any(_may_write(handle) for handle in value.op.inputs):
                variable.assign(value)


def read(variable: tf.Variable) -> Any:
    """A variable's value; `variable.value()` takes twice as long to the same."""
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


def _may_write(handle: Any) -> bool:
    """Whether something in a graph does more with the handle of a variable than to read it."""
    return any(taker.type not in _READING for taker in handle.consumers())


def _is_users(value: Any) -> bool:
    """Whether a value is an object of a class of the user's, with attributes."""
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return False
    library = type(value).__module__.split(".")[0] in _LIBRARIES
    return isinstance(value, tf.Module) or not library


def _is_built(holder: Any) -> bool:
    """A layer that is built by the pass stays so: what is measured must be there."""
    return not isinstance(holder, keras.Layer) or holder.built


def _attributes(holder: Any) -> dict[str, tuple[Any, Any]]:
    """Each attribute, and what is in it if that is a list, dict or set."""
    return {name: (value, _items(value)) for name, value in vars(holder).items()}


def _items(value: Any) -> Any:
    for kind in (list, dict, set):
        if isinstance(value, kind):
            return kind(value)
    return None


def _put_back(holder: Any, before: dict[str, tuple[Any, Any]]) -> None:
    """Puts attributes back, past the holder's own ways to set them: Keras tracks what is set."""
    now = vars(holder)
    for name in [name for name in now if name not in before]:
        del now[name]
    for name, (value, items) in before.items():
        if name not in now or now[name] is not value:
            now[name] = value
        if isinstance(items, list):
            if [*map(id, value)] != [*map(id, items)]:
                list.__setitem__(value, slice(None), items)
        elif isinstance(items, dict):
            if [*map(id, value.values())] != [*map(id, items.values())] or [*value] != [*items]:
                dict.clear(value)
                dict.update(value, items)
        elif isinstance(items, set) and value != items:
            set.clear(value)
            set.update(value, items)
