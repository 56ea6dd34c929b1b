"""The recipe: find, load, extend, override and validate it; every mistake is told by its place."""

import copy
import difflib
import fnmatch
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zoo import explanation, fairness, yaml_source
from zoo.errors import ZooError
from zoo.schema import ArmSpec, RecipeFile
from zoo.yaml_source import KeyPath, Place, YamlSource, dotted, mistake, shown

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the recipes lie inside the package; in a checkout beside it.
FOLDER = _PACKAGE / "recipes" if (_PACKAGE / "recipes").is_dir() else _PACKAGE.parent / "recipes"


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
        place = YamlSource(self.id, {}, dict(self.places)).place(path)
        changes = (tuple(change.split(".")) for change in self.changes)
        own = any(path[: len(change)] == change for change in changes)
        return mistake(place, *([f"arms.{self.name}"] if own else []), dotted(path), text)


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
                hint = explanation.nearest(name, self.arms, f"arms: {', '.join(self.arms)}")
                raise ZooError(mistake(Place(self.id), f"no arm {shown(name)}, {hint}"))
        kept = {name: arm for name, arm in self.arms.items() if name in (self.baseline, *names)}
        return replace(self, arms=kept)


# ---------------------------------------------------------------- finding


def available(folder: Path = FOLDER) -> dict[str, Path]:
    """The id and path of every recipe in a folder, by default those of the zoo, sorted by id."""
    paths = folder.glob("*/*.yaml")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(paths)}


def _root(path: Path) -> Path | None:
    """The nearest folder named recipes that a file is in."""
    return next((above for above in path.resolve().parents if above.name == "recipes"), None)


def _id_of(path: Path) -> str:
    """A file's id: its path below the nearest folder named recipes, else its name."""
    root = _root(path)
    parts = path.resolve().relative_to(root).parts if root else (path.name,)
    for part in parts:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", part):
            hint = "rename it: a recipe's path is its id, of letters, digits, _, - and ."
            raise ZooError(mistake(Place(str(path)), shown(part), hint))
    return "/".join(parts).rpartition(".")[0]


def find(patterns: Sequence[str]) -> list[tuple[str, Path]]:
    """The (id, path) of the recipes that ids, globs of ids, or paths to YAML files name.

    Raises:
        ZooError: for a pattern that names none, with the nearest ids; for two files with one id.
    """
    known = available()
    found: dict[str, Path] = {}
    for pattern in patterns:
        place = Place(pattern)
        if pattern.endswith((".yaml", ".yml")):
            path = Path(pattern)
            try:
                path.stat()
            except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
                reason = getattr(error, "strerror", None) or error
                raise ZooError(mistake(place, "cannot be read", reason)) from None
            matches = {_id_of(path): path}
        else:
            matches = {recipe_id: known[recipe_id] for recipe_id in fnmatch.filter(known, pattern)}
        if not matches:
            close = difflib.get_close_matches(pattern, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(close)}?" if close else "see: zoo list"
            raise ZooError(mistake(place, f"no such recipe; {hint}"))
        for recipe_id, path in matches.items():
            other = found.setdefault(recipe_id, path)
            if other.resolve() != path.resolve():
                raise ZooError(mistake(place, f"has the id of {other}, {recipe_id}: rename one"))
    return list(found.items())


# ---------------------------------------------------------------- loading


def parse_setting(text: str) -> tuple[str, Any]:
    """The key and value of `--set key=value`; the value is YAML.

    Raises:
        ZooError: if it is not of that form.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        place = Place(f"--set {text}")
        raise ZooError(mistake(place, "expected key=value, such as training.steps=100"))
    return key, yaml_source.parse_value(value, f"--set {key}")


def load(
    recipe: str | Path, settings: Mapping[str, Any] | None = None, seeds: int | None = None
) -> Recipe:
    """Loads and validates a recipe; `check` looks at what only Keras and the data sets know.

    Args:
        recipe: an id such as "digits/activation", or the path of a YAML file.
        settings: dotted keys and values that replace the file's, as `--set` gives them.
        seeds: replaces `training.seeds`; unlike other settings it leaves old evidence valid.

    Raises:
        ZooError: one line a mistake, each with file, line, column, key and what to do.
    """
    found = find([str(recipe)])
    if len(found) > 1:
        raise ZooError(mistake(Place(str(recipe)), f"names {len(found)} recipes: name one"))
    [(recipe_id, path)] = found
    source = _source(path)
    _apply(source, {key: (value, {(): Place("--set")}) for key, value in (settings or {}).items()})
    if seeds is not None:
        _apply(source, {"training.seeds": (seeds, {(): Place("--seeds")})})
    _raise(
        mistake(source.place(key), dotted(key), text)
        for key, text in explanation.mistakes(RecipeFile, source.values)
    )
    return _resolve(recipe_id, source)


def check(recipe: Recipe) -> None:
    """Checks what `load` cannot know without Keras: every named object is made once, untrained.

    Objects of the user's own must have been imported (`zoo.user_files.import_file`). Takes the
    seconds that importing TensorFlow takes; loads no data.

    Raises:
        ZooError: one line a mistake, as `load` does.
    """
    from zoo import data, keras_parts

    mistakes = []
    for arm in recipe.arms.values():
        try:
            data.known(arm.spec.data.name)
        except ZooError as error:
            mistakes.append(arm.mistake(("data", "name"), str(error)))
        mistakes += [arm.mistake(path, text) for path, text in keras_parts.mistakes(arm.spec)]
    _raise(mistakes)


def _raise(mistakes: Any) -> None:
    """Raises one error of all the mistakes, each once, if there are any."""
    lines = list(dict.fromkeys(mistakes))
    if lines:
        raise ZooError("\n".join(lines))


def _source(path: Path) -> YamlSource:
    """The file's values, upon those of the recipe that it extends."""
    source = yaml_source.read(path, _display(path))
    if "extends" not in source.values:
        return source
    parent = _parent(source, path)
    _apply(
        parent,
        {
            key: (value, source.below((key,)))
            for key, value in source.values.items()
            if key != "extends"
        },
        RecipeFile,
    )
    return parent


def _display(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _parent(source: YamlSource, path: Path) -> YamlSource:
    """The recipe that a file extends: one beside it in its recipes folder, or one of the zoo."""
    parent, place = source.values["extends"], source.place(("extends",))
    root = _root(path)
    known = {**available(), **(available(root) if root else {})}
    if not isinstance(parent, str) or parent not in known:
        hint = explanation.nearest(str(parent), known, "give the id of one, see: zoo list")
        raise ZooError(mistake(place, "extends", f"no recipe {shown(parent)}, {hint}"))
    if known[parent].resolve() == path.resolve():
        raise ZooError(mistake(place, "extends", "a recipe cannot extend itself"))
    values = yaml_source.read(known[parent], _display(known[parent]))
    if "extends" in values.values:
        reason = f"{parent} itself extends another: extend that one, there is one level only"
        raise ZooError(mistake(place, "extends", reason))
    values.values.pop("minutes", None)  # of the parent's own runs
    return values


_Changes = Mapping[str, tuple[Any, Mapping[KeyPath, Place]]]


def _apply(
    source: YamlSource,
    changes: _Changes,
    sections: type[BaseModel] = ArmSpec,
    above: tuple[str, ...] = (),
) -> None:
    """Overrides keys of some sections with (value, places) pairs; collects the mistakes.

    Args:
        source: changed in place.
        changes: by dotted key.
        sections: the schema whose keys may be changed.
        above: what messages put before a key, such as the arm it is in.
    """
    mistakes = []
    for key, (value, places) in changes.items():
        path = tuple(key.split("."))
        within = [other for other in changes if key.startswith(f"{other}.")]
        try:
            if path[0] not in sections.model_fields:
                known = list(sections.model_fields)
                hint = explanation.nearest(path[0], known, f"known: {', '.join(known)}")
                raise LookupError(f"unknown key, {hint}")
            if within:
                raise LookupError(f"is in {within[0]}, which is given too: give one of them")
            source.override(key, value, places)
        except LookupError as error:
            mistakes.append(mistake(places[()], *above, dotted(path), error))
    _raise(mistakes)


# ---------------------------------------------------------------- arms


def _resolve(recipe_id: str, source: YamlSource) -> Recipe:
    """Applies each arm's changes; collects the mistakes of all arms."""
    values, mistakes = source.values, []
    baseline, names = values["baseline"], values["arms"]
    if baseline not in names:
        hint = explanation.nearest(baseline, names, f"arms: {', '.join(names)}")
        mistakes.append(mistake(source.place(("baseline",)), "baseline", f"no arm, {hint}"))
    base = ArmSpec.model_validate({key: values[key] for key in ArmSpec.model_fields})
    arms = {}
    for name, changes in names.items():
        place, key = source.place(("arms", name)), f"arms.{name}"
        if changes and name == baseline:
            hint = "the baseline is the recipe itself: write its values at the top"
            mistakes.append(mistake(place, key, hint))
        elif not changes and name != baseline:
            mistakes.append(mistake(place, key, "changes nothing: only the baseline may be {}"))
        try:
            arms[name] = arm = _arm(recipe_id, name, source)
        except ZooError as error:
            mistakes += str(error).split("\n")
            continue
        mistakes += _idle(arm, source) + fairness.mistakes(arm, base)
    _raise(mistakes)
    return Recipe(
        recipe_id,
        values["title"],
        values["claim"],
        values.get("sources", []),
        baseline,
        arms,
        comparisons=len(arms) - 1,
        minutes=values.get("minutes"),
    )


def _arm(recipe_id: str, name: str, source: YamlSource, without: str | None = None) -> Arm:
    """The arm with its changes applied: all, or all but one."""
    changes = {key: v for key, v in source.values["arms"][name].items() if key != without}
    sections = ArmSpec.model_fields
    resolved = YamlSource(
        source.name,
        copy.deepcopy({key: source.values[key] for key in sections}),
        {path: place for path, place in source.places.items() if path[0] in sections},
    )
    placed = {key: (value, source.below(("arms", name, key))) for key, value in changes.items()}
    _apply(resolved, placed, above=(f"arms.{name}",))
    draft = Arm(recipe_id, name, changes, ArmSpec.model_construct(), resolved.places)
    _raise(
        draft.mistake(path, text) for path, text in explanation.mistakes(ArmSpec, resolved.values)
    )
    return replace(draft, spec=ArmSpec.model_validate(resolved.values))


def _idle(arm: Arm, source: YamlSource) -> list[str]:
    """The changes without which the arm would be the same."""
    mistakes = []
    for key, value in arm.changes.items():
        try:
            same = _arm(arm.recipe, arm.name, source, without=key).spec == arm.spec
        except ZooError:  # the others need it
            continue
        if same:
            path = tuple(key.split("."))
            mistakes.append(arm.mistake(path, f"changes nothing, it is {shown(value)} already"))
    return mistakes
