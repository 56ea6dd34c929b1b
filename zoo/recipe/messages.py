"""What is wrong with the values of a recipe, in words for the person who wrote them."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from zoo.errors import KeyPath, nearest, shown
from zoo.recipe.families import Family, families
from zoo.recipe.schema import parts


def mistakes(schema: type[BaseModel], values: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """The key path of everything wrong with `values`, and what is wrong and what to do."""
    try:
        spec = schema.model_validate(values)
    except ValidationError as error:
        return [
            (path, _why(schema, detail, values, path))
            for detail in error.errors(include_url=False)
            for path in [_written(detail, values)]
        ]
    return [
        mistake
        for path, _, part in parts(spec)
        for mistake in _in_arguments((*path, "config"), part.config)
    ]


def _in_arguments(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, str]]:
    """What no argument of a part may be, though Keras takes it."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, f"should be a finite number, not {shown(value)}"
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        if key == "seed" and inner is not None:
            yield (*path, key), "every run has random numbers of its own seed: leave it out"
        elif key == "trainable" and not inner:
            yield (*path, key), "weights that cannot learn: leave it out"
        else:
            yield from _in_arguments((*path, key), inner)


def _written(detail: Any, values: Any) -> KeyPath:
    """Pydantic's location of a mistake, less what is not a key: the names of types and unions."""
    path: list[str | int] = []
    *above, last = detail["loc"] or [""]
    for part in above:
        if _has(values, part):
            values = values[part]
            path.append(part)
    if _has(values, last) or (isinstance(values, dict) and detail["type"] == "missing"):
        path.append(last)
    if detail["type"].startswith("union_tag"):
        path.append("family")
    return tuple(path)


def _has(values: Any, part: str | int) -> bool:
    if isinstance(values, list):
        return isinstance(part, int) and part < len(values)
    return isinstance(values, dict) and part in values


def _why(schema: type[BaseModel], detail: Any, values: Any, path: KeyPath) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    message: str = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    if kind == "extra_forbidden":
        known = _keys_at(schema, values, path[:-1])
        return f"unknown key, {nearest(str(path[-1]), known, 'known: ' + ', '.join(known))}"
    if kind in ("missing", "union_tag_not_found"):
        return "missing"
    if kind == "value_error":
        return message
    if kind == "string_too_short":
        return "should not be empty"
    if kind == "too_short":
        return f"needs at least {context['min_length']}, has {context['actual_length']}"
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context["expected_tags"]
        return f"should be {expected}, not {shown(context.get('tag', given))}"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        message = "should be a mapping of keys to values"
    elif kind == "string_pattern_mismatch":
        message = "should be lower-case letters, digits and _"
    return f"{message}, not {shown(given)}"


def _keys_at(schema: type[BaseModel], values: Any, path: KeyPath) -> list[str]:
    """The keys that the schema knows at a path; of several model families, the one named there."""
    for part in path:
        field, values = schema.model_fields.get(str(part)), values[part]
        models = models_in(field.annotation) if field else []
        if not models:
            return []
        family = values.get("family") if isinstance(values, dict) else None
        schema = families().get(str(family), models[0]) if len(models) > 1 else models[0]
    return list(schema.model_fields)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models that a type annotation stands for: of `Family`, all families."""
    if annotation is Family:
        return list(families().values())
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in models_in(part)]
