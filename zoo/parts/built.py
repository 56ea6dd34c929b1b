"""Whether arms differ in what Keras builds, and not in how it is spelled."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.parts import making
from zoo.recipe import Arm, Recipe
from zoo.recipe.pairs import differences
from zoo.recipe.schema import parts
from zoo.recipe.values import KerasPart

_STEPS, _RATE = 4, 0.125

_MAKE: dict[str, Callable[[KerasPart], Any]] = {
    "activation": making.activation,
    "initializer": making.initializer,
    "layer": making.layer,
    "dense": lambda part: making.dense(part, units=4),
    "skip": making.skip,
    "cell": lambda part: making.recurrent(part, units=4),
    "optimizer": lambda part: making.optimizer(part, _RATE),
}
_BOUNDS = ("clipnorm", "clipvalue", "global_clipnorm")  # none is a reason for another grid
# Of the way that the weights went: what changes no rate that is worth trying.
_ALIKE = 0.01


def mistakes(recipe: Recipe) -> list[str]:
    """The arms that build what another does, or that have a grid of their own without a reason.

    Args:
        recipe: whose parts can all be made.
    """
    base, lines = recipe.arms[recipe.baseline], []
    for arm in recipe.arms.values():
        if arm.against is None:
            continue
        other = recipe.arms[arm.against]
        keys = differences(arm.spec, other.spec)
        if all(_built(arm, key) == _built(other, key) for key in keys):
            path = tuple(keys[0].split("."))
            lines.append(
                arm.mistake(path, f"changes nothing, Keras builds the same for {other.name}")
            )
        optimizer, of_base = arm.spec.training.optimizer, base.spec.training.optimizer
        shifted = arm.spec.training.learning_rate != base.spec.training.learning_rate
        if shifted and steps_alike(optimizer, of_base):
            reason = (
                "only an arm that changes the optimizer may shift the grid, and "
                f"{making.cut(str(optimizer), 60)} steps as that of {base.name} does"
            )
            lines.append(arm.mistake(("training", "learning_rate"), reason))
    return lines


def _built(arm: Arm, key: str) -> Any:
    """What Keras makes of the value at a key, as it would be saved: names apart."""
    path = tuple(key.split("."))
    for at, kind, part in parts(arm.spec):
        if at == path and kind in _MAKE:
            return _nameless(keras.saving.serialize_keras_object(_MAKE[kind](part)))
    section, name = path
    return getattr(getattr(arm.spec, section), name, None)


def _nameless(saved: Any) -> Any:
    if isinstance(saved, list | tuple):
        return [_nameless(item) for item in saved]
    if isinstance(saved, dict):
        return {key: _nameless(item) for key, item in saved.items() if key != "name"}
    return saved


def steps_alike(one: KerasPart, other: KerasPart) -> bool:
    """Whether two optimizers take the same steps from the same gradients, bounds on them apart."""
    try:
        ways = [_way(part) for part in (one, other)]
    except Exception:  # such as AdaHessian, which takes no gradients alone
        return one == other
    far = max(float(np.abs(way).max()) for way in ways)
    return float(np.abs(ways[0] - ways[1]).max()) <= _ALIKE * far


def _way(part: KerasPart) -> Any:
    """Where a few steps lead on made-up gradients."""
    config = {key: value for key, value in part.config.items() if key not in _BOUNDS}
    optimizer = making.optimizer(KerasPart(class_name=part.class_name, config=config), _RATE)
    draw = np.random.default_rng(0)
    weights = [keras.Variable(draw.normal(size=shape), name="w") for shape in ((6, 4), (4,))]
    starts = [weight.numpy() for weight in weights]
    optimizer.build(weights)
    for _ in range(_STEPS):
        optimizer.apply(
            [keras.ops.convert_to_tensor(draw.normal(size=w.shape), "float32") for w in weights]
        )
    ways = [weight.numpy() - start for weight, start in zip(weights, starts, strict=True)]
    return np.concatenate([way.ravel() for way in ways])
