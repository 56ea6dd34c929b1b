"""The recipe: load, extend, override, validate, and explain every mistake by its place."""

import copy
import difflib
import fnmatch
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo import yaml_source
from zoo.errors import ZooError
from zoo.schema import ArmSpec, RecipeFile
from zoo.yaml_source import KeyPath, Place, YamlSource

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the recipes lie inside the package; in a checkout beside it.
FOLDER = _PACKAGE / "recipes" if (_PACKAGE / "recipes").is_dir() else _PACKAGE.parent / "recipes"


@dataclass(frozen=True)
class Arm:
    """One way to build and train the model: the recipe with `changes` applied."""

    recipe: str
    name: str
    changes: dict[str, Any]
    spec: ArmSpec

    @property
    def id(self) -> str:
        return f"{self.recipe}/{self.name}"

    @functools.cached_property
    def sha256(self) -> str:
        """Of what decides the outcome of a run: data, model, training without its seeds, target.

        Arguments at their default are left out, so that an argument added to a model family later
        leaves the evidence of arms that do not use it valid. The learning-rate grid and the number of
        tuning seeds count: they decide the rate that the reported runs use.
        """
        resolved = self.spec.model_dump(exclude_defaults=True, exclude={"training": {"seeds"}})
        text = json.dumps(resolved, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Recipe:
    """One controlled comparison: a baseline and the arms that each change a few declared keys."""

    id: str
    title: str
    claim: str
    sources: list[str]
    baseline: str
    arms: dict[str, Arm]

    @property
    def spec(self) -> ArmSpec:
        """What the baseline trains, and what every arm shares unless it changes it."""
        return self.arms[self.baseline].spec


# ---------------------------------------------------------------- finding


def available() -> dict[str, Path]:
    """The id and path of every recipe that comes with the zoo, sorted by id."""
    paths = FOLDER.glob("*/*.yaml")
    return {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in sorted(paths)}


def _id_of(path: Path) -> str:
    """A file's id: its path below the nearest folder named recipes, else its name."""
    parts = path.resolve().with_suffix("").parts
    if "recipes" in parts[:-1]:
        start = len(parts) - parts[::-1].index("recipes")
        return "/".join(parts[start:])
    return parts[-1]


def find(patterns: Sequence[str]) -> list[tuple[str, Path]]:
    """The (id, path) of the recipes that ids, globs of ids, or paths to YAML files name.

    Raises:
        ZooError: for a pattern that names none, with the nearest ids.
    """
    known = available()
    found: dict[str, Path] = {}
    for pattern in patterns:
        if pattern.endswith((".yaml", ".yml")):
            path = Path(pattern)
            if not path.is_file():
                raise ZooError(f"{pattern}: no such file")
            found[_id_of(path)] = path
            continue
        ids = fnmatch.filter(known, pattern)
        if not ids:
            nearest = difflib.get_close_matches(pattern, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else "see: zoo list"
            raise ZooError(f"{pattern}: no such recipe; {hint}")
        found.update({recipe_id: known[recipe_id] for recipe_id in ids})
    return list(found.items())


# ---------------------------------------------------------------- loading


@dataclass
class _Draft:
    """The resolved but unchecked values of a recipe, and where each was written."""

    values: dict[str, Any]
    places: dict[KeyPath, Place]
    name: str

    def override(self, key: str, value: Any, place: Place) -> None:
        """Replaces the value at a dotted key; never merges."""
        path = tuple(key.split("."))
        target = self.values
        for part in path[:-1]:
            if not isinstance(target.get(part), dict):
                raise ZooError(f"{place}: {key}: there is no {part} to change")
            target = target[part]
        target[path[-1]] = copy.deepcopy(value)
        for old in [old for old in self.places if old[: len(path)] == path]:
            del self.places[old]
        self.places[path] = place

    def place(self, path: KeyPath) -> Place:
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.name))


def _display(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _draft(path: Path) -> _Draft:
    source = yaml_source.read(path, _display(path))
    if "extends" not in source.values:
        return _Draft(source.values, dict(source.places), source.name)
    draft = _Draft(*_extended(source, path), source.name)
    for key, value in source.values.items():
        if key != "extends":
            draft.override(key, value, source.places[(key,)])
            for inner, place in source.places.items():
                if len(inner) > 1 and inner[0] == key:
                    draft.places[(*key.split("."), *inner[1:])] = place
    return draft


def _extended(source: YamlSource, path: Path) -> tuple[dict[str, Any], dict[KeyPath, Place]]:
    parent_id, place = source.values["extends"], source.places[("extends",)]
    known = available()
    if not isinstance(parent_id, str) or parent_id not in known:
        nearest = difflib.get_close_matches(str(parent_id), known, n=1, cutoff=0.4)
        hint = f", did you mean {nearest[0]}?" if nearest else "; see: zoo list"
        raise ZooError(f"{place}: extends: {parent_id!r} is no recipe{hint}")
    if known[parent_id].resolve() == path.resolve():
        raise ZooError(f"{place}: extends: a recipe cannot extend itself")
    parent = yaml_source.read(known[parent_id], _display(known[parent_id]))
    if "extends" in parent.values:
        raise ZooError(f"{place}: extends: {parent_id} itself extends another; one level only")
    return copy.deepcopy(parent.values), dict(parent.places)


def load(
    recipe: str | Path, settings: Mapping[str, Any] | None = None, seeds: int | None = None
) -> Recipe:
    """Loads and validates a recipe.

    Args:
        recipe: an id such as "digits/activation", or the path of a YAML file.
        settings: dotted keys and values that replace the file's, as `--set` gives them.
        seeds: replaces `training.seeds`; unlike other settings it leaves old evidence valid.

    Raises:
        ZooError: one line a mistake, each with file, line, column, key and what to do.
    """
    [(recipe_id, path)] = find([str(recipe)])
    draft = _draft(path)
    changes = dict(settings or {})
    if seeds is not None:
        changes["training.seeds"] = seeds
    for key, value in changes.items():
        place = Place("--seeds" if seeds is not None and key == "training.seeds" else "--set")
        if key.split(".")[0] not in ArmSpec.model_fields:
            allowed = ", ".join(ArmSpec.model_fields)
            raise ZooError(f"{place}: {key}: only keys of {allowed} can be set")
        draft.override(key, value, place)
    mistakes = _mistakes(RecipeFile, draft.values, draft.place)
    if mistakes:
        raise ZooError("\n".join(mistakes))
    return _resolve(recipe_id, draft)


def _resolve(recipe_id: str, draft: _Draft) -> Recipe:
    """Applies each arm's changes; collects the mistakes of all arms."""
    values, baseline, mistakes = draft.values, draft.values["baseline"], []
    base = {key: values[key] for key in ArmSpec.model_fields}
    base_spec = ArmSpec.model_validate(base)
    if baseline not in values["arms"]:
        names = ", ".join(values["arms"])
        mistakes.append(
            f"{draft.place(('baseline',))}: baseline: {baseline} is no arm; arms: {names}"
        )
    arms = {}
    for name, changes in values["arms"].items():
        place = draft.place(("arms", name))
        if name == baseline:
            if changes:
                mistakes.append(
                    f"{place}: arms.{name}: the baseline is the recipe itself and changes nothing: "
                    "write its values at the top"
                )
        elif not changes:
            mistakes.append(f"{place}: arms.{name}: changes nothing; only the baseline may be {{}}")
        arm_draft = _Draft(copy.deepcopy(base), dict(draft.places), draft.name)
        try:
            for key, value in changes.items():
                _change(arm_draft, name, key, value, base_spec, draft)
        except ZooError as error:
            mistakes.append(str(error))
            continue
        found = _mistakes(ArmSpec, arm_draft.values, arm_draft.place)
        if found:
            mistakes += found
            continue
        spec = ArmSpec.model_validate(arm_draft.values)
        arms[name] = Arm(recipe_id, name, dict(changes), spec)
        mistakes += _unfair(arms[name], base_spec, draft)
    if mistakes:
        raise ZooError("\n".join(dict.fromkeys(mistakes)))
    return Recipe(
        recipe_id, values["title"], values["claim"], values.get("sources", []), baseline, arms
    )


def _change(arm: _Draft, name: str, key: str, value: Any, base: ArmSpec, recipe: _Draft) -> None:
    """Applies one override of an arm; refuses one that leaves the recipe as it is."""
    place = recipe.place(("arms", name, key))
    before = copy.deepcopy(arm.values)
    arm.override(key, value, place)
    for inner, at in recipe.places.items():
        if len(inner) > 3 and inner[:3] == ("arms", name, key):
            arm.places[(*key.split("."), *inner[3:])] = at
    alone = _Draft({k: v for k, v in base.model_dump().items()}, {}, recipe.name)
    try:
        alone.override(key, value, place)
        same = ArmSpec.model_validate(alone.values) == base
    except (ZooError, ValidationError):
        same = arm.values == before
    if same:
        raise ZooError(f"{place}: arms.{name}: {key}: changes nothing, it is {value} already")


def _unfair(arm: Arm, base: ArmSpec, draft: _Draft) -> list[str]:
    """What would give one arm more or other tuning, budget or judgement than the rest."""
    mistakes = []
    for key, why in (
        ("training.steps", "every arm has the same budget"),
        ("training.evaluate_every", "every arm has the same evaluation grid"),
        ("training.seeds", "pairs share seeds"),
        ("training.tuning_seeds", "every arm has the same tuning budget"),
        ("target", "every arm has the same target"),
        ("data.name", "every arm has the same data"),
    ):
        if _at(arm.spec, key) != _at(base, key):
            place = _place_of_change(arm, key, draft)
            mistakes.append(f"{place}: arms.{arm.name}: {key}: cannot be changed by an arm: {why}")
    grid, base_grid = arm.spec.training.learning_rate, base.training.learning_rate
    if grid != base_grid:
        place = _place_of_change(arm, "training.learning_rate", draft)
        where = f"{place}: arms.{arm.name}: training.learning_rate"
        if arm.spec.training.optimizer == base.training.optimizer:
            mistakes.append(
                f"{where}: only an arm that changes the optimizer may give its own grid"
            )
        elif (
            len(grid) != len(base_grid)
            or abs(grid[-1] / grid[0] * base_grid[0] / base_grid[-1] - 1) > 1e-6
        ):
            mistakes.append(
                f"{where}: needs as many points and the same ratio as the recipe's grid"
            )
    return mistakes


def _at(spec: BaseModel, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), spec)


def _place_of_change(arm: Arm, key: str, draft: _Draft) -> Place:
    for change in arm.changes:
        if key.startswith(change) or change.startswith(key):
            return draft.place(("arms", arm.name, change))
    return draft.place(("arms", arm.name))


# ---------------------------------------------------------------- explaining


def _mistakes(schema: type[BaseModel], values: dict[str, Any], place_of: Any) -> list[str]:
    """One line for each thing wrong with `values`: place, key, what is wrong and what to do."""
    try:
        schema.model_validate(values)
    except ValidationError as error:
        lines = []
        for detail in error.errors():
            path = tuple(part for part in detail["loc"] if part != "[key]")
            lines.append(
                f"{place_of(path)}: {'.'.join(map(str, path))}: {_why(schema, detail, path)}"
            )
        return lines
    return []


def _why(schema: type[BaseModel], detail: Any, path: KeyPath) -> str:
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        known = _keys_at(schema, path[:-1])
        nearest = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        return (
            f"unknown key, did you mean {nearest[0]}?"
            if nearest
            else (f"unknown key; known: {', '.join(known)}")
        )
    if kind == "missing":
        return "missing"
    if kind == "literal_error" and isinstance(given, str):
        return f"{given!r} is not {detail['ctx']['expected']}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    if kind == "value_error" or isinstance(given, dict):
        return message
    return f"{message}, not {given!r}"


def _keys_at(schema: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the schema knows at a path."""
    for part in path:
        field = schema.model_fields.get(str(part))
        found = _models_in(field.annotation) if field else []
        if not found:
            return []
        schema = found[0]
    return list(schema.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def parse_setting(text: str) -> tuple[str, Any]:
    """The key and value of `--set key=value`; the value is YAML.

    Raises:
        ZooError: if it is not of that form.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ZooError(f"--set {text}: expected key=value, such as training.steps=100")
    try:
        return key, yaml_source.scalar_or_flow(value)
    except ZooError:
        raise ZooError(f"--set {text}: the value is not YAML") from None
