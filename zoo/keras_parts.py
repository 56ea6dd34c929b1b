"""Keras objects from their names in a recipe, and from the user's own files.

Each call makes a new object: an initializer instance shared by two layers would give both the same
numbers. A user's object is one that `keras.saving.register_keras_serializable` registered; a recipe
names it with or without its package, `my_package>swoosh` or `swoosh`.
"""

import copy
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import keras

from zoo import explanation, mitigations, schema
from zoo.errors import ZooError
from zoo.schema import ArmSpec, KerasPart
from zoo.yaml_source import KeyPath, shown

# Layers that run code or load files which the recipe does not show, and the bases of the others.
_NOT_FOR_RECIPES = {
    *("Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"),
    *("Layer", "Wrapper", "InputLayer", "Initializer", "Optimizer"),
    *("LossScaleOptimizer", "MultiOptimizer"),  # of optimizers, not of a learning rate
}
_KINDS: dict[str, type] = {
    "activation": keras.Layer,
    "layer": keras.Layer,
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


# ---------------------------------------------------------------- names


@functools.cache
def _of_keras(kind: str) -> dict[str, Any]:
    """Keras's own objects of a kind, by every name they have."""
    if kind == "clipping":
        return {}
    if kind == "skip":
        merges = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
        return {name: getattr(keras.layers, name) for name in merges}
    if kind == "cell":
        return {name: getattr(keras.layers, name) for name in ("SimpleRNN", "LSTM", "GRU")}
    plural = "layers" if kind == "activation" else f"{kind}s"
    names = {name: made for name, made in vars(getattr(keras, plural)).items() if name[0] != "_"}
    classes = {
        name: made
        for name, made in names.items()
        if isinstance(made, type)
        and issubclass(made, _KINDS[kind])
        and made.__name__ not in _NOT_FOR_RECIPES
    }
    if kind == "optimizer":  # Keras takes `adam` too
        return classes | {name.lower(): made for name, made in classes.items()}
    if kind != "activation":
        return classes
    functions = {
        name: made
        for name, made in vars(keras.activations).items()
        if inspect.isfunction(made) and name not in ("get", "serialize", "deserialize")
    }
    return functions | classes


def _of_the_user(kind: str) -> dict[str, Any]:
    """Registered objects that can be of a kind, by full name."""
    functions = kind in ("activation", "initializer", "clipping")
    others = () if kind != "clipping" else (keras.Layer, keras.Initializer, keras.Optimizer)
    return {
        name: made
        for name, made in keras.saving.get_custom_objects().items()
        if (
            issubclass(made, _KINDS[kind]) and not issubclass(made, others)
            if isinstance(made, type)
            else functions
        )
    }


def _find(kind: str, part: KerasPart) -> Any:
    """The class or function that a part names.

    Raises:
        PartError: if nothing has the name, or more than one thing.
    """
    name, own, keras_own = part.class_name, _of_the_user(kind), _of_keras(kind)
    if name in own:
        return own[name]
    short = {full: full.rpartition(">")[2] for full in own}
    matches = [full for full in own if short[full] == name]
    if len(matches) + (name in keras_own) > 1:
        owners = [*matches, *(["Keras itself"] if name in keras_own else [])]
        reason = f"{name} is ambiguous, {' and '.join(owners)} have it: write {matches[0]}"
        raise PartError([((), f"{reason}, or rename yours")])
    if matches:
        return own[matches[0]]
    if name not in keras_own:
        hint = explanation.nearest(
            name, [*keras_own, *own, *short.values()], "give Keras's name of one, or --import yours"
        )
        raise PartError([((), f"no {kind} is called {shown(name)}, {hint}")])
    return keras_own[name]


def _arguments(cls: Any) -> set[str] | None:
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


# ---------------------------------------------------------------- making


def _make(kind: str, part: KerasPart, **more: Any) -> Any:
    """An instance of the part's class, or its function.

    Raises:
        PartError: for an unknown name or argument, or one that the class refuses.
    """
    found = _find(kind, part)
    if not isinstance(found, type):
        if part.config:
            reason = f"{part.class_name} is a function and takes no config: name a layer instead"
            raise PartError([(("config",), reason)])
        return found
    config = {**copy.deepcopy(part.config), **more}
    known = _arguments(found)
    if known is not None and issubclass(found, keras.Layer) and kind != "cell":
        known.discard("name")  # the zoo makes several of each layer, which need names of their own
    unknown = [] if known is None else sorted(set(config) - known)
    if unknown:
        takes = f"{part.class_name} takes {', '.join(sorted(known or ()))}"
        hints = {name: explanation.nearest(name, known or (), takes) for name in unknown}
        raise PartError(
            [
                (("config", name), f"{part.class_name} has no argument {shown(name)}, {hint}")
                for name, hint in hints.items()
            ]
        )
    return _attempt(part, lambda: found(**config))


def _attempt(part: KerasPart, make: Callable[[], Any]) -> Any:
    """Calls code of Keras's or the user's, which may fail in any way, for a part of a recipe."""
    try:
        return make()
    except Exception as error:
        raise PartError([((), f"{_cut(str(part), 60)}: {_cut(_reason(error), 200)}")]) from None


def _reason(error: Exception) -> str:
    """The line of an error's message that says most."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Keras prints in bold
    lines = [line.strip() for line in plain.split("\n") if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        return lines[1]
    return lines[0] if lines else type(error).__name__


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 3]}..."


def layer(part: KerasPart) -> keras.Layer:
    """A Keras layer, such as BatchNormalization, or a registered one."""
    return _make("layer", part)


def activation(part: KerasPart) -> keras.Layer:
    """A layer that applies a Keras activation function or is one, or a registered one."""
    made = _make("activation", part)
    return made if isinstance(made, keras.Layer) else keras.layers.Activation(made)


def initializer(part: KerasPart) -> keras.Initializer:
    """A Keras initializer, or a registered one."""
    return _make("initializer", part)


def optimizer(part: KerasPart, learning_rate: float) -> keras.Optimizer:
    """A Keras optimizer, or a registered one, at a constant learning rate."""
    return _make("optimizer", part, learning_rate=learning_rate)


def skip(part: KerasPart) -> keras.Layer:
    """A Keras layer that merges [input, output] of a block, such as Add, or a registered one."""
    return _make("skip", part)


def recurrent(part: KerasPart, **wanted: Any) -> keras.layers.RNN:
    """Keras's SimpleRNN, LSTM or GRU, or a `keras.layers.RNN` of a registered cell.

    Args:
        part: its `config` wins over `wanted`.
        wanted: arguments of the recurrent layer, such as units; those that a registered cell does
            not take are left out.
    """
    found = _find("cell", part)
    outer = {"return_sequences": wanted.pop("return_sequences", False)}
    outer |= {"name": wanted.pop("name")} if "name" in wanted else {}
    if isinstance(found, type) and issubclass(found, keras.layers.RNN):
        return _make("cell", part, **{**wanted, **part.config}, **outer)
    known = _arguments(found)
    taken = {key: v for key, v in wanted.items() if known is None or key in known}
    return keras.layers.RNN(_make("cell", part, **{**taken, **part.config}), **outer)


def clipping(part: KerasPart) -> Callable[[list[Any], list[Any]], list[Any]]:
    """A rule that is called with gradients and their variables and gives the clipped gradients."""
    rule: Callable[[list[Any], list[Any]], list[Any]] = _make("clipping", part)
    return rule


def mistakes(spec: ArmSpec) -> list[tuple[KeyPath, str]]:
    """Makes every part an arm names and tries it on a few numbers; trains and loads nothing.

    This starts TensorFlow: the number of its threads cannot be set afterwards.

    Returns:
        The key path of each mistake, and what is wrong and what to do.
    """
    found: list[tuple[KeyPath, str]] = []
    for path, kind, part in schema.parts(spec):
        try:
            if kind == "optimizer":
                optimizer(part, spec.training.learning_rate[0])
            else:
                _try(kind, part, spec.model.width if spec.model.family == "mlp" else None)
        except PartError as error:
            found += [((*path, *inside), text) for inside, text in error.mistakes]
    return found


def _try(kind: str, part: KerasPart, width: int | None) -> None:
    """Makes a part and calls it as the model will, on a few numbers.

    Activations and layers between flat hidden tensors, (batch, width), alone: others need the
    shapes of a model.
    """
    ones = keras.ops.ones
    if kind == "cell":
        made = _attempt(part, lambda: recurrent(part, units=4))
        _expect(part, _attempt(part, lambda: made(ones((2, 3, 4)))), (2, 4))
    elif kind == "clipping":
        rule, kernel = clipping(part), keras.Variable(ones((2, 4)))
        clipped = _attempt(part, lambda: list(rule([ones((2, 4))], [kernel])))
        _expect(part, clipped[0] if clipped else None, (2, 4))
    elif kind == "skip":
        merge, image = skip(part), (2, 4, 4, 3)
        merged = _attempt(part, lambda: merge([ones(image), ones(image)]))
        _expect(part, merged, (*image[:-1], tuple(getattr(merged, "shape", (0,)))[-1]))
    elif kind == "initializer":
        made = initializer(part)
        if width:
            _expect(part, _attempt(part, lambda: made((2, 4), dtype="float32")), (2, 4))
    else:
        block = activation(part) if kind == "activation" else layer(part)
        if width:
            _expect(part, _attempt(part, lambda: block(ones((2, width)))), (2, width))
            _attempt(part, lambda: block(keras.KerasTensor((None, width))))  # as a model is built


def _expect(part: KerasPart, result: Any, shape: tuple[int, ...]) -> None:
    given = tuple(getattr(result, "shape", ()))
    if given != shape:
        reason = f"should keep the shape {shape}, gives {given}"
        raise PartError([((), f"{_cut(str(part), 60)}: {_cut(reason, 200)}")])
