"""What Keras and the user have of each kind of part, by the names that a recipe may give.

A user's object is one that `keras.saving.register_keras_serializable` registered; a recipe names it
with or without its package, `my_package>swoosh` or `swoosh`.
"""

import functools
import inspect
from typing import Any

import keras

from zoo import mitigations
from zoo.errors import KeyPath, ZooError, nearest, shown
from zoo.parts.nested import NOT_FOR_RECIPES
from zoo.recipe.values import KerasPart

KINDS: dict[str, type] = {
    "activation": keras.Layer,
    "layer": keras.Layer,
    "dense": keras.layers.Dense,
    "initializer": keras.Initializer,
    "skip": keras.Layer,
    "cell": keras.Layer,
    "optimizer": keras.Optimizer,
    "clipping": object,
}
mitigations.register()


class PartError(ZooError):
    """What is wrong with a part: its message has a line for each of `mistakes`.

    Attributes:
        mistakes: where in the part, as `("config", "momentum")`, and what is wrong.
    """

    def __init__(self, mistakes: list[tuple[KeyPath, str]]) -> None:
        super().__init__("\n".join(text for _, text in mistakes))
        self.mistakes = mistakes


@functools.cache
def _of_keras(kind: str) -> dict[str, Any]:
    """Keras's own objects of a kind, by every name they have."""
    if kind == "clipping":
        return {}
    if kind == "skip":
        merges = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
        return {name: getattr(keras.layers, name) for name in merges}
    if kind == "dense":
        return {"Dense": keras.layers.Dense}
    if kind == "cell":
        return {name: getattr(keras.layers, name) for name in ("SimpleRNN", "LSTM", "GRU")}
    plural = "layers" if kind == "activation" else f"{kind}s"
    names = {name: each for name, each in vars(getattr(keras, plural)).items() if name[0] != "_"}
    classes = {
        name: each
        for name, each in names.items()
        if isinstance(each, type)
        and issubclass(each, KINDS[kind])
        and each.__name__ not in NOT_FOR_RECIPES
    }
    if kind == "optimizer":  # Keras takes `adam` too
        return classes | {name.lower(): each for name, each in classes.items()}
    if kind != "activation":
        return classes
    functions = {
        name: each
        for name, each in vars(keras.activations).items()
        if inspect.isfunction(each) and name not in ("get", "serialize", "deserialize")
    }
    return functions | classes


def _of_the_user(kind: str) -> dict[str, Any]:
    """Registered objects that can be of a kind, by full name."""
    functions = kind in ("activation", "initializer", "clipping")
    others = () if kind != "clipping" else (keras.Layer, keras.Initializer, keras.Optimizer)
    return {
        name: each
        for name, each in keras.saving.get_custom_objects().items()
        if (
            issubclass(each, KINDS[kind]) and not issubclass(each, others)
            if isinstance(each, type)
            else functions
        )
    }


def find(kind: str, part: KerasPart) -> Any:
    """The class or function that a part names.

    Raises:
        PartError: if nothing has the name, or more than one thing.
    """
    name, of_the_user, of_keras = part.class_name, _of_the_user(kind), _of_keras(kind)
    if name in of_the_user:
        return of_the_user[name]
    short = {full: full.rpartition(">")[2] for full in of_the_user}
    matches = [full for full in of_the_user if short[full] == name]
    if len(matches) + (name in of_keras) > 1:
        owners = [*matches, *(["Keras itself"] if name in of_keras else [])]
        reason = f"{name} is ambiguous, {' and '.join(owners)} have it: write {matches[0]}"
        raise PartError([((), f"{reason}, or rename yours")])
    if matches:
        return of_the_user[matches[0]]
    if name not in of_keras:
        hint = nearest(
            name,
            [*of_keras, *of_the_user, *short.values()],
            "give Keras's name of one, or --import yours",
        )
        raise PartError([((), f"no {kind} is called {shown(name)}, {hint}")])
    return of_keras[name]


def arguments(cls: Any) -> set[str] | None:
    """The arguments a class takes, through its `**kwargs` those of its bases; None for any."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        if base is object:
            break
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        names.update(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return names
    # Keras's base layer and base optimizer refuse what is left; other bases have no say.
    return names if issubclass(cls, keras.Layer | keras.Optimizer) else None
