"""The keys of a recipe, their types and bounds (pydantic), and what to say of a value outside them.

The class of a model family lists the arguments of the function in `zoo.models` of the same name.
`recipes/recipe.schema.json`, for editors, is made from here by `scripts/recipe_schema.py`.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from zoo.yaml_source import KeyPath, shown

FIRST_TUNING_SEED = 1000

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
Count = Annotated[int, Field(ge=1, lt=2**31)]  # TensorFlow counts with 32 bits
Seeds = Annotated[int, Field(ge=1, le=FIRST_TUNING_SEED)]  # so that no reported seed was tuned on


class Strict(BaseModel):
    """No unknown keys, and no value taken for another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KerasPart(Strict):
    """A Keras object by its Keras name and arguments; a name alone stands for default arguments."""

    class_name: Annotated[str, Field(min_length=1)]
    config: dict[str, Any] = {}

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value}" for key, value in self.config.items())
        return f"{self.class_name}({arguments})" if arguments else self.class_name


def _from_name(value: Any) -> Any:
    return {"class_name": value} if isinstance(value, str) else value


Part = Annotated[KerasPart, BeforeValidator(_from_name, json_schema_input_type=str | KerasPart)]


@dataclass(frozen=True)
class Makes:
    """Marks a `Part` field with what `zoo.keras_parts` makes of it, so that it can be checked."""

    kind: Literal["activation", "initializer", "layer", "optimizer"]


class DataSplit(Strict):
    """A split of tensorflow-datasets for each part, in its own notation, such as train[:90%]."""

    train: Annotated[str, Field(min_length=1)]
    validation: Annotated[str, Field(min_length=1)]
    test: Annotated[str, Field(min_length=1)]


class Data(Strict):
    """The data set and the batch."""

    name: Annotated[str, Field(min_length=1, description="a name that zoo.data.load knows")]
    batch_size: Count
    split: Annotated[
        DataSplit | None, Field(description="without it the set's own, and 10 % of train")
    ] = None
    image_size: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None,
        Field(description="images are resized to this height and width"),
    ] = None


class MLP(Strict):
    """A multilayer perceptron: `depth` hidden blocks of Dense, normalization, activation."""

    family: Literal["mlp"]
    depth: Annotated[Count, Field(description="hidden layers")]
    width: Annotated[Count, Field(description="units of each hidden layer")]
    activation: Annotated[
        Part, Makes("activation"), Field(description="a Keras activation, or an activation layer")
    ]
    initializer: Annotated[Part, Makes("initializer"), Field(description="of every kernel")] = (
        KerasPart(class_name="glorot_uniform")
    )
    normalization: Annotated[
        Part | None,
        Makes("layer"),
        Field(description="a Keras normalization layer between Dense and activation"),
    ] = None


def _distinct(rates: list[float]) -> list[float]:
    if len(set(rates)) < len(rates):
        raise ValueError("a learning rate is given twice")
    return sorted(rates)


class Training(Strict):
    """The budget, the optimizer and the grid of learning rates."""

    optimizer: Annotated[Part, Makes("optimizer")]
    learning_rate: Annotated[
        list[PositiveFloat],
        Field(min_length=1, description="the grid tried with tuning_seeds"),
        AfterValidator(_distinct),
    ]
    steps: Annotated[Count, Field(description="the budget B, in optimizer steps")]
    evaluate_every: Annotated[Count, Field(description="steps between evaluations")]
    seeds: Annotated[Seeds, Field(description="reported seeds: 0, 1, ...")]
    tuning_seeds: Annotated[Seeds, Field(description="tuning seeds: 1000, 1001, ...")]

    @field_validator("optimizer")
    @classmethod
    def _without_rate(cls, optimizer: KerasPart) -> KerasPart:
        if "learning_rate" in optimizer.config:
            raise ValueError("the learning rate belongs in training.learning_rate, not in config")
        return optimizer

    @field_validator("evaluate_every")
    @classmethod
    def _within_budget(cls, every: int, info: ValidationInfo) -> int:
        if every > info.data.get("steps", every):
            raise ValueError(
                f"{every} is more than training.steps ({info.data['steps']}): nothing would be "
                "evaluated within the budget"
            )
        return every


class Target(Strict):
    """The validation metric value that counts as learned."""

    metric: Literal["val_accuracy", "val_loss"]
    mode: Literal["max", "min"]
    value: FiniteFloat

    @field_validator("mode")
    @classmethod
    def _better(cls, mode: str, info: ValidationInfo) -> str:
        right = {"val_accuracy": "max", "val_loss": "min"}.get(info.data.get("metric", ""), mode)
        if mode != right:
            raise ValueError(f"{info.data['metric']} is to be at its {right}, not its {mode}")
        return mode

    @field_validator("value")
    @classmethod
    def _possible(cls, value: float, info: ValidationInfo) -> float:
        if value <= 0 or (info.data.get("metric") == "val_accuracy" and value > 1):
            bounds = {"val_accuracy": "above 0 and at most 1", "val_loss": "above 0"}
            raise ValueError(f"should be {bounds.get(info.data.get('metric', ''), 'above 0')}")
        return value


class ArmSpec(Strict):
    """One resolved arm: everything that decides what its runs compute."""

    data: Data
    model: MLP
    training: Training
    target: Target


class RecipeFile(ArmSpec):
    """One YAML file: one controlled comparison.

    A recipe that `extends` another gives only what differs, as dotted keys like an arm's.
    """

    title: Annotated[str, Field(min_length=1)]
    claim: Annotated[str, Field(min_length=1, description="what the comparison is said to show")]
    sources: list[Name] = []
    baseline: Name
    arms: Annotated[
        dict[Name, dict[str, Any]],
        Field(min_length=2, description="for each arm the dotted keys it changes"),
    ]


def parts(spec: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str, KerasPart]]:
    """Every Keras part of a resolved arm: its key path, what it `Makes`, and the part."""
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        for made in field.metadata:
            if isinstance(made, Makes) and isinstance(value, KerasPart):
                yield (*path, name), made.kind, value
        if isinstance(value, BaseModel) and not isinstance(value, KerasPart):
            yield from parts(value, (*path, name))


# ---------------------------------------------------------------- explaining


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean ...?` with the known name most like the given one; if none is, `otherwise`."""
    by_lower: dict[str, str] = {}  # `Relu` is nearer to relu than to elu
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    lower = name.lower()
    close = difflib.get_close_matches(lower, by_lower, n=1)
    if not close and len(lower) > 2:
        close = [candidate for candidate in by_lower if lower in candidate]
    return f"did you mean {by_lower[close[0]]}?" if close else otherwise


def mistakes(schema: type[BaseModel], values: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """The key path of everything wrong with `values`, and what is wrong and what to do."""
    try:
        schema.model_validate(values)
    except ValidationError as error:
        return [
            (path, _why(schema, detail, values, path))
            for detail in error.errors(include_url=False)
            for path in [_written(detail, values)]
        ]
    return []


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
        found = _models_in(field.annotation) if field else []
        if not found:
            return []
        family = values.get("family") if isinstance(values, dict) else None
        schema = next((model for model in found if family in _families(model)), found[0])
    return list(schema.model_fields)


def _families(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("family")
    return get_args(field.annotation) if field else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models_in(part)]


# ---------------------------------------------------------------- for editors


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe file, for editors."""
    schema = RecipeFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    required = schema.pop("required")
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "the id of the recipe this one changes; the other keys may then be dotted",
    }
    change = {
        "anyOf": [
            {"enum": _dotted_keys()},
            {"pattern": r"^(model\.\w+|training\.optimizer)\.(class_name$|config($|\.))"},
        ]
    }
    arms = schema["properties"]["arms"]
    arms["additionalProperties"] = False
    for arm in arms["patternProperties"].values():
        arm["propertyNames"] = change
    schema["patternProperties"] = {r"^(data|model|training|target|arms)\.": {}}
    schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    return schema


def _dotted_keys() -> list[str]:
    """The keys that an arm may change."""
    keys: dict[str, None] = {}
    for section, field in ArmSpec.model_fields.items():
        keys[section] = None
        for model in _models_in(field.annotation):
            keys.update({f"{section}.{name}": None for name in model.model_fields})
    return list(keys)
