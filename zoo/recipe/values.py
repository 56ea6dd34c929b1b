"""The kinds of values that the keys of a recipe have (pydantic), Keras's parts among them."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

# A name is part of a file's, which has 255 bytes at most, those of its ending included.
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=200)]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
Count = Annotated[int, Field(ge=1, lt=2**31)]  # TensorFlow counts with 32 bits


class Strict(BaseModel):
    """No unknown keys, no value taken for another type, and no number that is none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class KerasPart(Strict):
    """A Keras object by its Keras name and arguments; a name alone stands for default arguments."""

    class_name: Annotated[str, Field(min_length=1)]
    config: dict[str, Any] = {}

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value}" for key, value in self.config.items())
        return f"{self.class_name}({arguments})" if arguments else self.class_name


def written(value: Any) -> Any:
    """A value as a person would write it: a Keras part without arguments is its name alone."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if not isinstance(value, dict):
        return value
    if value.keys() == {"class_name", "config"} and not value["config"]:
        return value["class_name"]
    return {key: written(item) for key, item in value.items() if item is not None}


def _from_name(value: Any) -> Any:
    return {"class_name": value} if isinstance(value, str) else value


Part = Annotated[KerasPart, BeforeValidator(_from_name, json_schema_input_type=str | KerasPart)]


@dataclass(frozen=True)
class Makes:
    """Marks a `Part` field with what `zoo.parts` makes of it, so that it can be checked."""

    kind: Literal[
        "activation", "initializer", "layer", "dense", "skip", "cell", "optimizer", "clipping"
    ]


@dataclass(frozen=True)
class AddedLater:
    """Marks an argument that is newer than evidence, which its name would make foreign.

    Attributes:
        before: the value that stands for what runs did before there was the argument; the digest of
            an arm at this value is that of an arm without the argument.
    """

    before: Any


Activation = Annotated[
    Part, Makes("activation"), Field(description="a Keras activation, or an activation layer")
]
Initializer = Annotated[Part, Makes("initializer")]
GLOROT = KerasPart(class_name="glorot_uniform")
ZEROS = KerasPart(class_name="zeros")
