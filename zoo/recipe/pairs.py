"""Which arm another is judged against, and that the two differ in one thing."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.recipe.resolved import Arm
from zoo.recipe.schema import ArmSpec
from zoo.recipe.values import KerasPart

# What Keras can add to any optimizer: bounds on the gradient, what it is scaled by and scaled back,
# averages of weights or of gradients.
BESIDE = (
    *("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"),
    *("gradient_accumulation_steps", "use_ema", "ema_momentum", "ema_overwrite_frequency"),
)


def differences(one: ArmSpec, other: ArmSpec) -> list[str]:
    """The dotted keys at which two resolved arms differ, in the order of the schema.

    A Keras part is one value, whatever its arguments: `separate_differences` counts them. A grid of
    rates goes with its optimizer, and the arguments of a model family that the other does not have
    with the family. That gradients are watched changes nothing, nor does it that float32 is called
    by its name.
    """
    keys = []
    for section in ArmSpec.model_fields:
        here, there = getattr(one, section), getattr(other, section)
        keys += [
            f"{section}.{name}"
            for name in type(here).model_fields
            if name in type(there).model_fields
            and _meant(name, getattr(here, name)) != _meant(name, getattr(there, name))
        ]
    if "training.optimizer" in keys:
        keys = [key for key in keys if key != "training.learning_rate"]
    return keys


def separate_differences(one: ArmSpec, other: ArmSpec) -> list[str]:
    """What two resolved arms differ in, told apart within Keras parts.

    Parts of one class differ in each argument that one is given and the other is not, or at another
    value. Parts of two classes differ in their class, with the arguments that belong to it; what
    Keras can add to any optimizer comes on top.
    """
    apart = []
    for key in differences(one, other):
        section, name = key.split(".")
        values = [getattr(getattr(spec, section), name, None) for spec in (one, other)]
        here, there = (v.config if isinstance(v, KerasPart) else {} for v in values)
        changed = [
            argument
            for argument in {**here, **there}
            if here.get(argument) != there.get(argument)  # None is Keras's word for without
        ]
        if "use_ema" in changed:  # whose arguments the others are
            changed = [argument for argument in changed if not argument.startswith("ema_")]
        classes = {value.class_name for value in values if isinstance(value, KerasPart)}
        if len(classes) == 1 and None not in values:
            apart += [f"{key}.{argument}" for argument in changed] or [key]
        else:
            extra = [argument for argument in changed if argument in BESIDE]
            apart += [key, *(f"{key}.{argument}" for argument in extra)]
    return apart


def _meant(name: str, value: Any) -> Any:
    if name == "watch_gradients":
        return None
    return "float32" if name == "precision" and value is None else value


def circle(name: str, against: Mapping[str, str]) -> list[str]:
    """The arms on the way from one along `against`, if the way leads back to where it was."""
    way = [name]
    while way[-1] in against:
        way.append(against[way[-1]])
        if way[-1] in way[:-1]:
            return way
    return []


def confounded(arm: Arm, other: Arm, arms: Iterable[Arm]) -> list[str]:
    """The keys of a pair's differences, if there is more than one and no arm tells them apart.

    What differs in two things is a fair comparison only beside the arm without the second: one that
    differs from `arm` in one of those keys, where it is as `other`, and that is itself fair.
    """
    keys = separate_differences(arm.spec, other.spec)
    if len(keys) <= 1:
        return []
    without = [
        each
        for each in arms
        if each.name != other.name
        and len(separate_differences(each.spec, arm.spec)) == 1
        and len(separate_differences(each.spec, other.spec)) == len(keys) - 1
        and not confounded(each, other, arms)
    ]
    return [] if without else keys
