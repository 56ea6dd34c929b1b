"""Which arm another is judged against, and that the two differ in one thing."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.recipe.resolved import Arm
from zoo.recipe.schema import ArmSpec


def differences(one: ArmSpec, other: ArmSpec) -> list[str]:
    """The dotted keys at which two resolved arms differ, in the order of the schema.

    A Keras part is one value, whatever its arguments. A grid of rates goes with its optimizer, and
    the arguments of a model family that the other does not have with the family. That gradients are
    watched changes nothing, nor does it that float32 is called by its name.
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
    keys = differences(arm.spec, other.spec)
    if len(keys) <= 1:
        return []
    without = [
        each
        for each in arms
        if each.name != other.name
        and len(differences(each.spec, arm.spec)) == 1
        and len(differences(each.spec, other.spec)) == len(keys) - 1
        and not confounded(each, other, arms)
    ]
    return [] if without else keys
