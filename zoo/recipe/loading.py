"""Loads, extends, overrides and validates a recipe; every mistake is told by its place."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zoo.errors import KeyPath, Place, ZooError, dotted, mistake, nearest, shown
from zoo.recipe import fairness, messages, pairs, yaml_places
from zoo.recipe.finding import available, find, root_of
from zoo.recipe.resolved import Arm, Recipe
from zoo.recipe.schema import ArmSpec, RecipeFile
from zoo.recipe.yaml_places import YamlSource


def parse_setting(text: str) -> tuple[str, Any]:
    """The key and value of `--set key=value`; the value is YAML.

    Raises:
        ZooError: if it is not of that form.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        place = Place(f"--set {text}")
        raise ZooError(mistake(place, "expected key=value, such as training.steps=100"))
    if not value.strip():
        raise ZooError(
            mistake(Place(f"--set {text}"), "an empty value: give one, or null for none")
        )
    return key, yaml_places.parse_value(value, f"--set {key}")


def load(
    recipe: str | Path, settings: Mapping[str, Any] | None = None, seeds: int | None = None
) -> Recipe:
    """Loads and validates a recipe; `zoo.parts.check` looks at what only
    Keras and the data sets know.

    Args:
        recipe: an id such as "digits/activation", or the path of a YAML file.
        settings: dotted keys and values that replace the file's, as `--set` gives them.
        seeds: replaces `training.seeds`; unlike other settings it leaves old evidence valid.

    Raises:
        ZooError: one line a mistake, each with file, line, column, key and what to do.
    """
    matches = find([str(recipe)])
    if len(matches) > 1:
        raise ZooError(mistake(Place(str(recipe)), f"names {len(matches)} recipes: name one"))
    [(recipe_id, path)] = matches
    source = _source(path)
    asked = _at(source.values, "training", "seeds")
    _apply(source, {key: (value, {(): Place("--set")}) for key, value in (settings or {}).items()})
    if seeds is not None:
        _apply(source, {"training.seeds": (seeds, {(): Place("--seeds")})})
    _raise(
        mistake(source.place(key), dotted(key), text)
        for key, text in messages.mistakes(RecipeFile, source.values)
    )
    resolved = _resolve(recipe_id, source)
    return replace(
        resolved,
        seeds=asked if isinstance(asked, int) else resolved.seeds,
        altered=bool((settings or {}).keys() - {"training.seeds"}),
    )


def load_arm(name: str, settings: Mapping[str, Any] | None = None) -> tuple[Recipe, Arm]:
    """Loads a recipe for one of its arms.

    Args:
        name: the id of an arm such as "digits/activation/relu", or the path of a YAML file, a slash
            and the arm.
        settings: as `load` takes them.

    Raises:
        ZooError: as `load`; if no arm is named, or the recipe has none of that name.
    """
    if name in available() or name.lower().endswith((".yaml", ".yml")):
        arms = ", ".join(load(name, settings).arms)
        raise ZooError(mistake(Place(name), f"a recipe: give an arm after a slash; arms: {arms}"))
    recipe, slash, arm = name.rpartition("/")
    if not slash:
        hint = "give a recipe, a slash and an arm, such as digits/activation/relu"
        raise ZooError(mistake(Place(name), f"no arm of a recipe: {hint}"))
    loaded = load(recipe, settings)
    return loaded, loaded.only([arm]).arms[arm]


def _at(values: Any, *path: str) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _raise(mistakes: Any) -> None:
    """Raises one error of all the mistakes, each once, if there are any."""
    lines = list(dict.fromkeys(mistakes))
    if lines:
        raise ZooError("\n".join(lines))


def _source(path: Path) -> YamlSource:
    """The file's values, upon those of the recipe that it extends."""
    source = yaml_places.read(path, _display(path))
    if "extends" not in source.values:
        return source
    parent = _parent(source, path)
    if {"arms", "baseline"} & source.values.keys():
        parent.values.pop("against", None)  # pairs of arms that are others now
    parent.values.setdefault("against", {})
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
    root = root_of(path)
    known = {**available(), **(available(root) if root else {})}
    if not isinstance(parent, str) or parent not in known:
        hint = nearest(str(parent), known, "give the id of one, see: zoo list")
        raise ZooError(mistake(place, "extends", f"no recipe {shown(parent)}, {hint}"))
    if known[parent].resolve() == path.resolve():
        raise ZooError(mistake(place, "extends", "a recipe cannot extend itself"))
    values = yaml_places.read(known[parent], _display(known[parent]))
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
                hint = nearest(path[0], known, f"known: {', '.join(known)}")
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
        hint = nearest(baseline, names, f"arms: {', '.join(names)}")
        mistakes.append(mistake(source.place(("baseline",)), "baseline", f"no arm, {hint}"))
    against = values.get("against", {})
    mistakes += _unknown_or_in_a_circle(source, against)
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
    arms = {
        name: replace(arm, against=None if name == baseline else against.get(name, baseline))
        for name, arm in arms.items()
    }
    _raise(_confounded(source, arms))
    return Recipe(
        recipe_id,
        values["title"],
        values["claim"],
        values.get("sources", []),
        baseline,
        arms,
        seeds=base.training.seeds,
        names=tuple(arms),
        minutes=values.get("minutes"),
    )


def _unknown_or_in_a_circle(source: YamlSource, against: Mapping[str, str]) -> list[str]:
    """What is wrong with the names of who is judged against whom."""
    names, mistakes = source.values["arms"], []
    for name, other in against.items():
        why = None
        if name not in names or other not in names:
            unknown = other if name in names else name
            hint = nearest(unknown, names, f"arms: {', '.join(names)}")
            why = f"no arm {shown(unknown)}, {hint}"
        elif name == source.values["baseline"]:
            why = f"is the baseline, which is judged against none: not against {other}"
        elif name == other:
            why = "an arm cannot be judged against itself"
        elif way := pairs.circle(name, against):
            why = f"goes in a circle: {' against '.join(way)}"
        if why:
            mistakes.append(mistake(source.place(("against", name)), f"against.{name}", why))
    return mistakes


def _confounded(source: YamlSource, arms: Mapping[str, Arm]) -> list[str]:
    """Pairs that differ in nothing, or in more than one thing."""
    mistakes = []
    for arm in arms.values():
        if arm.against is None:
            continue
        other = arms[arm.against]
        place, key = source.place(("arms", arm.name)), f"arms.{arm.name}"
        if fairness.shifts_alone(arm.spec, other.spec):
            reason = f"has the optimizer of {other.name}, which it is judged against"
            mistakes.append(mistake(place, key, f"{reason}, at another grid"))
        elif not pairs.differences(arm.spec, other.spec):
            reason = f"is the same as {other.name}, which it is judged against"
            mistakes.append(mistake(place, key, reason))
        elif keys := pairs.confounded(arm, other, arms.values()):
            reason = (
                f"differs from {other.name}, which it is judged against, in {' and '.join(keys)}: "
                "say under against which arm it differs from in one thing, or add the arm without "
                "one of them"
            )
            mistakes.append(mistake(place, key, reason))
    return mistakes


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
    draft = Arm(recipe_id, name, changes, ArmSpec.model_construct(), places=resolved.places)
    _raise(draft.mistake(path, text) for path, text in messages.mistakes(ArmSpec, resolved.values))
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
