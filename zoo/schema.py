"""The keys of a recipe, their types and bounds (pydantic); `recipes/recipe.schema.json` is made from it.

The classes of the model families list the arguments of the functions in `zoo.models` of the same name.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PositiveInt,
    model_validator,
)

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]


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


class Data(Strict):
    """The data set and the batch."""

    name: Annotated[str, Field(min_length=1, description="a name that zoo.data.load knows")]
    batch_size: PositiveInt


class MLP(Strict):
    """A multilayer perceptron: `depth` hidden blocks of Dense, normalization, activation."""

    family: Literal["mlp"]
    depth: Annotated[PositiveInt, Field(description="hidden layers")]
    width: Annotated[PositiveInt, Field(description="units of each hidden layer")]
    activation: Annotated[Part, Field(description="a Keras activation, or an activation layer")]
    initializer: Annotated[Part, Field(description="of every kernel")] = KerasPart(
        class_name="glorot_uniform"
    )
    normalization: Annotated[
        Part | None, Field(description="a Keras normalization layer between Dense and activation")
    ] = None


def _distinct(rates: list[float]) -> list[float]:
    if len(set(rates)) < len(rates):
        raise ValueError("a learning rate is given twice")
    return sorted(rates)


class Training(Strict):
    """The budget, the optimizer and the grid of learning rates."""

    optimizer: Part
    learning_rate: Annotated[
        list[PositiveFloat],
        Field(min_length=1, description="the grid tried with tuning_seeds"),
        AfterValidator(_distinct),
    ]
    steps: Annotated[PositiveInt, Field(description="the budget B, in optimizer steps")]
    evaluate_every: Annotated[PositiveInt, Field(description="steps between evaluations")]
    seeds: Annotated[PositiveInt, Field(description="reported seeds: 0, 1, ...")]
    tuning_seeds: Annotated[PositiveInt, Field(description="tuning seeds: 1000, 1001, ...")]

    @model_validator(mode="after")
    def _evaluated(self) -> "Training":
        if self.evaluate_every > self.steps:
            raise ValueError(
                f"evaluate_every is {self.evaluate_every}, more than steps ({self.steps}): "
                "no evaluation within the budget"
            )
        if "learning_rate" in self.optimizer.config:
            raise ValueError("the learning rate belongs in training.learning_rate, not in config")
        return self


class Target(Strict):
    """The validation metric value that counts as learned."""

    metric: Literal["val_accuracy", "val_loss"]
    mode: Literal["max", "min"]
    value: FiniteFloat


class ArmSpec(Strict):
    """One resolved arm: everything that decides what its runs compute."""

    data: Data
    model: MLP
    training: Training
    target: Target


Overrides = dict[str, Any]


class RecipeFile(ArmSpec):
    """One YAML file: one controlled comparison.

    A recipe that `extends` another gives only what differs, as dotted keys like an arm's.
    """

    title: Annotated[str, Field(min_length=1)]
    claim: Annotated[str, Field(min_length=1, description="what the comparison is said to show")]
    sources: list[Name] = []
    baseline: Name
    arms: Annotated[
        dict[Name, Overrides],
        Field(min_length=2, description="for each arm the dotted keys it changes"),
    ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe file, for editors."""
    schema = RecipeFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    required = schema.pop("required")
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "the id of the recipe this one changes; the other keys may then be dotted",
    }
    schema["patternProperties"] = {r"^(data|model|training|target)\.": {}}
    schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    return schema
