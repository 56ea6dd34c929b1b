"""A recipe as it is used: its arms, each with every value resolved."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from zoo.errors import KeyPath, Place, ZooError, dotted, mistake, nearest, shown
from zoo.recipe.schema import ArmSpec
from zoo.recipe.values import AddedLater, KerasPart


@dataclass(frozen=True)
class Arm:
    """One way to build and train the model: the recipe with `changes` applied.

    Attributes:
        recipe: the recipe's id.
        name: the arm's name in it.
        changes: dotted keys and the values that the arm gives them; empty for the baseline.
        spec: the resolved values.
        against: the name of the arm it is judged against; None for the baseline.
        places: where each of them is written.
    """

    recipe: str
    name: str
    changes: dict[str, Any]
    spec: ArmSpec
    against: str | None = None
    places: Mapping[KeyPath, Place] = field(default_factory=dict, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Such as `digits/activation/relu`."""
        return f"{self.recipe}/{self.name}"

    @functools.cached_property
    def sha256(self) -> str:
        """Of what decides the outcome of a run: data, model, training without its seeds, target.

        Every value counts, defaults too: a changed default makes other runs. An argument that came
        after evidence was made says so (`zoo.recipe.values.AddedLater`). The learning-rate grid and
        the numbers of tuning seeds count: they decide the rate that the reported runs use.
        """
        resolved = deciding(self.spec)
        del resolved["training"]["seeds"]
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


def deciding(spec: BaseModel) -> dict[str, Any]:
    """All values of an arm, without arguments added later that are at what they stand for."""
    values = {}
    for name, argument in type(spec).model_fields.items():
        value = getattr(spec, name)
        later = [mark for mark in argument.metadata if isinstance(mark, AddedLater)]
        if any(value == mark.before for mark in later):
            continue
        if isinstance(value, BaseModel):
            value = value.model_dump() if isinstance(value, KerasPart) else deciding(value)
        values[name] = value
    return values


@dataclass(frozen=True)
class Recipe:
    """One controlled comparison: a baseline and the arms that each change a few declared keys.

    Attributes:
        seeds: how many reported runs the recipe asks for, whatever `--seeds` and `--set` say.
        names: of all its arms, also where only some of them are kept.
        altered: whether `--set` has changed values of it, the number of seeds apart.
        minutes: of all runs on 2 cores, as measured.
    """

    id: str
    title: str
    claim: str
    sources: list[str]
    baseline: str
    arms: dict[str, Arm]
    seeds: int
    names: tuple[str, ...]
    altered: bool = False
    minutes: float | None = None

    @property
    def spec(self) -> ArmSpec:
        """What the baseline trains, and what every arm shares unless it changes it."""
        return self.arms[self.baseline].spec

    @property
    def comparisons(self) -> int:
        """Arms that are judged against another."""
        return len(self.names) - 1

    def only(self, names: Sequence[str]) -> "Recipe":
        """The recipe with the named arms, those they are judged against and its baseline alone.

        Raises:
            ZooError: for a name that is no arm.
        """
        for name in names:
            if name not in self.arms:
                hint = nearest(name, self.arms, f"arms: {', '.join(self.arms)}")
                raise ZooError(mistake(Place(self.id), f"no arm {shown(name)}, {hint}"))
        wanted = {self.baseline, *names}
        for name in names:
            while (other := self.arms[name].against) is not None:
                wanted.add(name := other)
        return replace(self, arms={name: self.arms[name] for name in self.arms if name in wanted})
