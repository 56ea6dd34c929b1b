"""A recipe as it is used: its arms, each with every value resolved."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.errors import KeyPath, Place, ZooError, dotted, mistake, nearest, shown
from zoo.recipe.schema import ArmSpec


@dataclass(frozen=True)
class Arm:
    """One way to build and train the model: the recipe with `changes` applied.

    Attributes:
        recipe: the recipe's id.
        name: the arm's name in it.
        changes: dotted keys and the values that the arm gives them; empty for the baseline.
        spec: the resolved values.
        places: where each of them is written.
    """

    recipe: str
    name: str
    changes: dict[str, Any]
    spec: ArmSpec
    places: Mapping[KeyPath, Place] = field(default_factory=dict, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Such as `digits/activation/relu`."""
        return f"{self.recipe}/{self.name}"

    @functools.cached_property
    def sha256(self) -> str:
        """Of what decides the outcome of a run: data, model, training without its seeds, target.

        Arguments at their default are left out, so that an argument added to a model family later
        leaves the evidence of arms that do not use it valid. The learning-rate grid and the number
        of tuning seeds count: they decide the rate that the reported runs use.
        """
        resolved = self.spec.model_dump(exclude_defaults=True, exclude={"training": {"seeds"}})
        text = json.dumps(resolved, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def mistake(self, path: KeyPath, text: str) -> str:
        """The line that says what is wrong with a value of the arm, by where it is written."""
        written = path
        while written and written not in self.places:
            written = written[:-1]
        place = self.places.get(written, Place(self.id, 1, 1))
        changes = (tuple(change.split(".")) for change in self.changes)
        changed = any(path[: len(change)] == change for change in changes)
        return mistake(place, *([f"arms.{self.name}"] if changed else []), dotted(path), text)


@dataclass(frozen=True)
class Recipe:
    """One controlled comparison: a baseline and the arms that each change a few declared keys."""

    id: str
    title: str
    claim: str
    sources: list[str]
    baseline: str
    arms: dict[str, Arm]
    comparisons: int  # arms against the baseline; also where only some of the arms are kept
    minutes: float | None = None  # of all runs on 2 cores

    @property
    def spec(self) -> ArmSpec:
        """What the baseline trains, and what every arm shares unless it changes it."""
        return self.arms[self.baseline].spec

    def only(self, names: Sequence[str]) -> "Recipe":
        """The recipe with the named arms and its baseline alone.

        Raises:
            ZooError: for a name that is no arm.
        """
        for name in names:
            if name not in self.arms:
                hint = nearest(name, self.arms, f"arms: {', '.join(self.arms)}")
                raise ZooError(mistake(Place(self.id), f"no arm {shown(name)}, {hint}"))
        kept = {name: arm for name, arm in self.arms.items() if name in (self.baseline, *names)}
        return replace(self, arms=kept)
