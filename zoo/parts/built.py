"""Whether arms differ in what Keras builds, and not in how it is spelled."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.parts import kinds, making
from zoo.recipe import Arm, Recipe
from zoo.recipe.pairs import BESIDE, differences
from zoo.recipe.schema import parts
from zoo.recipe.values import KerasPart

_STEPS, _RATE = 32, 0.125

_MAKE: dict[str, Callable[[KerasPart], Any]] = {
    "activation": making.activation,
    "initializer": making.initializer,
    "layer": making.layer,
    "dense": lambda part: making.dense(part, units=4),
    "skip": making.skip,
    "cell": lambda part: making.recurrent(part, units=4),
    "optimizer": lambda part: making.optimizer(part, _RATE),
}
# Of the way that the weights went: less does not move the best rate by half a step of a grid.
_ALIKE = 0.25


def mistakes(recipe: Recipe) -> list[str]:
    """The arms that build what another does, or that have a grid of their own without a reason.

    Args:
        recipe: whose parts can all be made.
    """
    lines = []
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
    lines += [
        arm.mistake(
            ("training", "learning_rate"),
            "only an arm that changes the optimizer may shift the grid, and "
            f"{making.cut(str(arm.spec.training.optimizer), 60)} steps as {other.name}'s does",
        )
        for arm, other in grids_without_reason(recipe)
    ]
    return lines


def grids_without_reason(recipe: Recipe) -> list[tuple[Arm, Arm]]:
    """The arms with another grid than one that takes the same steps: the baseline, or their other.

    Raises:
        PartError: if an optimizer cannot be made.
    """
    pairs = []
    for arm in recipe.arms.values():
        others = {recipe.baseline, arm.against or recipe.baseline} - {arm.name}
        for other in (recipe.arms[name] for name in sorted(others)):
            mine, theirs = arm.spec.training, other.spec.training
            if mine.learning_rate != theirs.learning_rate and steps_alike(
                mine.optimizer, theirs.optimizer
            ):
                pairs.append((arm, other))
    return pairs


def _built(arm: Arm, key: str) -> Any:
    """What Keras makes of the value at a key: what it gives, or as it would be saved."""
    path = tuple(key.split("."))
    for at, kind, part in parts(arm.spec):
        if at == path and kind in _MAKE:
            return _given(kind, part)
    section, name = path
    return getattr(getattr(arm.spec, section), name, None)


def _given(kind: str, part: KerasPart) -> Any:
    """The numbers of an initializer or of an activation without weights; else what is saved.

    The numbers of an initializer that starts from data say too little: what is saved of it. Of an
    activation they are its values and what comes back through it: a layer may change that.
    """
    if kind == "initializer" and not hasattr(making.initializer(part), "start_of"):
        known = kinds.arguments(kinds.find(kind, part)) or set()
        seeded = {**part.config, **({"seed": 0} if "seed" in known else {})}
        draw = making.initializer(KerasPart(class_name=part.class_name, config=seeded))
        with contextlib.suppress(Exception):  # such as Chrono's, which is for biases alone
            return np.asarray(draw((6, 4), dtype="float32")).tolist()
    made = _MAKE[kind](part)
    if kind == "activation":
        x = tf.constant(np.linspace(-4, 4, 33, dtype="float32")[None])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = made(x)
        if not made.weights:
            back = tape.gradient(y, x, output_gradients=tf.cos(x))
            return np.asarray(y).tolist(), None if back is None else np.asarray(back).tolist()
    return _nameless(keras.saving.serialize_keras_object(made))


def _nameless(saved: Any) -> Any:
    if isinstance(saved, list | tuple):
        return [_nameless(item) for item in saved]
    if isinstance(saved, dict):
        return {key: _nameless(item) for key, item in saved.items() if key != "name"}
    return saved


def steps_alike(one: KerasPart, other: KerasPart) -> bool:
    """Whether two optimizers take the same steps from the same gradients, or nearly."""
    bare = [_bare(part) for part in (one, other)]
    try:
        ways = [_way(part) for part in bare]
    except Exception:  # such as AdaHessian, which takes no gradients alone
        return bare[0] == bare[1]
    far = max(float(np.abs(way).max()) for way in ways)
    return float(np.abs(ways[0] - ways[1]).max()) <= _ALIKE * far


def _bare(part: KerasPart) -> KerasPart:
    config = {key: value for key, value in part.config.items() if key not in (*BESIDE, "name")}
    return KerasPart(class_name=part.class_name, config=config)


def _way(part: KerasPart) -> Any:
    """Where a few steps lead on made-up gradients."""
    optimizer = making.optimizer(part, _RATE)
    draw = np.random.default_rng(0)
    weights = [keras.Variable(draw.normal(size=shape), name="w") for shape in ((6, 4), (4,))]
    starts = [weight.numpy() for weight in weights]
    slopes = [draw.normal(size=start.shape) for start in starts]
    optimizer.build(weights)
    for _ in range(_STEPS):
        noisy = [slope + draw.normal(size=slope.shape) / 2 for slope in slopes]
        optimizer.apply([keras.ops.convert_to_tensor(each, "float32") for each in noisy])
    ways = [weight.numpy() - start for weight, start in zip(weights, starts, strict=True)]
    return np.concatenate([way.ravel() for way in ways])
