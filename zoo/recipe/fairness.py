"""What makes the arms of a recipe comparable: none has more data, tuning, budget or leniency."""

import functools
from typing import Any

from pydantic import BaseModel

from zoo.errors import KeyPath
from zoo.recipe.resolved import Arm
from zoo.recipe.schema import ArmSpec


def mistakes(arm: Arm, base: ArmSpec) -> list[str]:
    """What would give one arm more or other tuning, budget or judgement than the rest."""
    unfair = []
    for key, why in (
        ("data", "every arm has the same data, in the same order"),
        ("training.steps", "every arm has the same budget"),
        ("training.evaluate_every", "every arm has the same evaluation grid"),
        ("training.seeds", "pairs share seeds"),
        ("training.tuning_seeds", "every arm has the same tuning budget"),
        ("training.final_tuning_seeds", "every arm has the same tuning budget"),
        ("training.drops", "every arm's rate drops at the same steps"),
        ("target", "every arm has the same target"),
    ):
        path = tuple(key.split("."))
        if _at(arm.spec, path) != _at(base, path):
            unfair.append(arm.mistake(_given(arm, path), f"no arm may change it: {why}"))
    path = ("training", "learning_rate")
    grid, base_grid = arm.spec.training.learning_rate, base.training.learning_rate
    ratio, base_ratio = grid[-1] / grid[0], base_grid[-1] / base_grid[0]
    if shifts_alone(arm.spec, base):
        reason = "only an arm that changes the optimizer may shift the grid"
        unfair.append(arm.mistake(_given(arm, path), reason))
    elif len(grid) != len(base_grid) or abs(ratio / base_ratio - 1) > 1e-6:
        reason = (
            f"needs {len(base_grid)} points and the ratio {base_ratio:g} of the last to the "
            f"first, as the recipe's grid has; has {len(grid)} and {ratio:g}"
        )
        unfair.append(arm.mistake(_given(arm, path), reason))
    return unfair


def shifts_alone(one: ArmSpec, other: ArmSpec) -> bool:
    """Whether two arms have the same optimizer, as it is spelled, and not the same grid."""
    return (
        one.training.optimizer == other.training.optimizer
        and one.training.learning_rate != other.training.learning_rate
    )


def _at(spec: BaseModel, path: KeyPath) -> Any:
    return functools.reduce(getattr, map(str, path), spec)


def _given(arm: Arm, path: KeyPath) -> KeyPath:
    """The key of the arm that changes what is at a path: above it, at it or in it."""
    for change in (tuple(key.split(".")) for key in arm.changes):
        if change[: len(path)] == path[: len(change)]:
            return change
    return path
