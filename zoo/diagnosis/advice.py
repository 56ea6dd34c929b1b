"""What to try first: cures that fit a symptom, by the evidence for the arm most like the model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.diagnosis import keras_lines
from zoo.diagnosis.likeness import Features, Nearest
from zoo.diagnosis.verdict import Verdict

# Mitigations, as the overview calls them, that are for a symptom.
CURES: Mapping[str, Sequence[str]] = {
    "vanishing gradients": (
        *("activation", "initialization", "normalization", "skip connections"),
        *("scaled residual branches", "layer-wise pretraining", "optimizer", "depth"),
    ),
    "vanishing through time": ("gating", "initialization", "normalization", "skip connections"),
    "exploding gradients": (
        *("initialization", "normalization", "gradient clipping", "scaled residual branches"),
        *("skip connections", "depth"),
    ),
    "saturated units": ("activation", "initialization", "normalization"),
    "dead units": ("activation", "initialization", "normalization"),
    "float16 underflow": ("precision",),
    "float16 overflow": ("precision", "initialization", "normalization"),
    "not finite": ("gradient clipping", "initialization"),
    "diverged": ("gradient clipping", "initialization", "normalization"),
    "too deep": ("skip connections", "scaled residual branches", "depth"),
    "stagnating": ("optimizer", "normalization", "initialization"),
}
SKIPS_FROM = 5  # hidden layers
MOST = 3  # cures that are told
ENOUGH = 0.8  # of an arm's runs must reach the target for it to be a cure
RECIPES = 3  # the nearest, that are looked through


@dataclass(frozen=True)
class Cure:
    """One thing to try, and the evidence for it.

    Attributes:
        id: of the arm that shows it.
        against: of the arm that is most like the model.
        changes: what the first differs in from the second, as recipes write it.
        lines: of Keras, that make the change.
        speedup: mean steps to the target of `against` over those of the arm.
        bound: "≥" where runs of `against` were cut off, "" where none was.
        interval: of the speedup, where the two are a pair of the recipe; else None.
        cost: of a step, over that of `against`; None where it was not measured.
        reached: runs of the arm that learned, and all of them.
        reached_against: the same of `against`.
        rate: the learning rate that was best for the arm.
        evidence: the folder with its runs.
    """

    id: str
    against: str
    changes: Mapping[str, Any]
    lines: Sequence[str]
    speedup: float
    bound: str
    interval: tuple[float | None, float | None] | None
    cost: float | None
    reached: tuple[int, int]
    reached_against: tuple[int, int]
    rate: float
    evidence: str

    def __str__(self) -> str:
        low, high = self.interval or (None, None)
        between = ""
        if low is not None and high is not None:
            between = f" [{low:.2g}, {high:.2g}]"
        elif low is not None:
            between = f" (≥ {low:.2g})"
        cost = f", a step costs {self.cost:.2g} times as much" if self.cost is not None else ""
        return (
            f"{self.id}: {self.bound}{self.speedup:.3g}{between} times as soon as "
            f"{self.against.rpartition('/')[2]}; {self.reached[0]} of {self.reached[1]} runs "
            f"learned, there {self.reached_against[0]} of {self.reached_against[1]}{cost}"
        )


def cures(verdict: Verdict, features: Features, near: Sequence[Nearest]) -> list[Cure]:
    """What to try for a symptom, what helped most first; at most a few.

    Args:
        verdict: with the symptom.
        features: of the model.
        near: as `zoo.diagnosis.likeness.nearest` gives them.
    """
    wanted = CURES.get(verdict.symptom, ())
    for each in near[:RECIPES]:
        if each.far == math.inf:
            break
        if cured := _of_recipe(each, wanted, features):
            return cured
    return []


def _of_recipe(near: Nearest, wanted: Sequence[str], features: Features) -> list[Cure]:
    by_kind: dict[tuple[str, ...], Cure] = {}
    rows = sorted(near.rows.values(), key=lambda row: row["mean_steps"])
    for row in rows:
        if row["arm"] == near.arm.name or row["reached"] < ENOUGH * row["seeds"]:
            continue
        changes = differences(near.arm.changes, near.arms[row["arm"]].changes)
        kinds = tuple(
            sorted({keras_lines.mitigation(key, value) for key, value in changes.items()})
        )
        if not kinds or not set(kinds) <= set(wanted) or kinds in by_kind:
            continue
        if "skip connections" in kinds and features.depth < SKIPS_FROM:
            continue
        lines = keras_lines.lines(changes)
        speedup = near.row["mean_steps"] / row["mean_steps"]
        if not lines or speedup <= 1:
            continue
        pair = row["against"] == near.arm.name
        by_kind[kinds] = Cure(
            id=f"{row['recipe']}/{row['arm']}",
            against=f"{row['recipe']}/{near.arm.name}",
            changes=changes,
            lines=lines,
            speedup=speedup,
            bound="≥ " if near.row["reached"] < near.row["seeds"] else "",
            interval=(row["speedup_low"], row["speedup_high"]) if pair else None,
            cost=row["step_cost"] if pair else None,
            reached=(row["reached"], row["seeds"]),
            reached_against=(near.row["reached"], near.row["seeds"]),
            rate=row["learning_rate"],
            evidence=f"results/runs/{row['recipe']}/{row['arm']}",
        )
        if len(by_kind) == MOST:
            break
    return list(by_kind.values())


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What one arm's changes say otherwise than another's; None for the recipe's own value."""
    keys = [*second, *(key for key in first if key not in second)]
    return {key: second.get(key) for key in keys if first.get(key) != second.get(key)}
