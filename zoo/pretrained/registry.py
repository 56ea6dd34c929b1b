"""A registry: what a mirror has, to the byte.

    {"schema": 1, "models": {"digits/activation/relu_he@1.0": {"files": {...}, ...}, ...}}

It names no paths and no addresses: a model's files lie below its id, under names that are known
beforehand, so that nothing in a registry can lead out of the mirror or the cache.
"""

import json
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError
from pydantic_core import from_json

from zoo.errors import Place, ZooError, dotted, mistake
from zoo.files import each_key_once
from zoo.pretrained import places
from zoo.pretrained.ids import PATTERN
from zoo.recipe.values import PositiveFloat, Strict

FileName = Literal[
    "model.weights.h5",
    "recipe.yaml",
    "metadata.json",
    "config.json",
    "record.json",
    "README.md",
    "gradients.svg",
]
FILES: tuple[FileName, ...] = get_args(FileName)
NAME = places.REGISTRY
MOST_BYTES = 16 * 2**20  # of a registry
LARGEST_FILE = 2**30  # of a model

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Metric = Literal["test_accuracy", "test_loss"]
Id = Annotated[str, Field(pattern=PATTERN)]


class File(Strict):
    """What a file holds: its bytes, counted and hashed."""

    size: Annotated[NonNegativeInt, Field(le=LARGEST_FILE)]
    sha256: Sha256


class Probe(Strict):
    """What the model gives for inputs that need no data, by which one that was loaded is checked.

    Attributes:
        outputs: (examples, outputs), or (examples, steps, outputs) of a class a step, flattened.
    """

    outputs: list[list[FiniteFloat]]


class Entry(Strict):
    """A model of a mirror.

    Attributes:
        files: of each, what it holds; all of `FILES`.
        keras_version: that trained it.
        arm_sha256: the digest of the settings that decide a run (`zoo.recipe.Arm.sha256`).
        seed: of the run whose weights these are.
        learning_rate: of that run.
        parameters: how many weights it has.
        metrics: of the run on the test split, at the budget.
        data: the name of the data set.
        license: of the weights.
        probe: how a model that was loaded is checked.
    """

    files: dict[FileName, File]
    keras_version: str
    arm_sha256: Sha256
    seed: NonNegativeInt
    learning_rate: PositiveFloat
    parameters: PositiveInt
    metrics: dict[Metric, FiniteFloat]
    data: str
    license: str
    probe: Probe

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())


class Registry(Strict):
    """What a mirror has, by id."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    models: dict[Id, Entry] = {}


def read(text: bytes, name: str) -> Registry:
    """A registry.

    Args:
        text: of the file.
        name: what messages call it.

    Raises:
        ZooError: naming what is wrong with it.
    """
    place = Place(name)
    if len(text) > MOST_BYTES:
        raise ZooError(mistake(place, f"more than {MOST_BYTES} bytes: no registry of a mirror"))
    try:
        json.loads(text, object_pairs_hook=each_key_once, parse_int=str)
        registry = Registry.model_validate(from_json(text, allow_inf_nan=False))
    except ValidationError as error:
        detail = error.errors()[0]
        where = [dotted(detail["loc"])] if detail["loc"] else []
        raise ZooError(
            mistake(place, *where, detail["msg"].removeprefix("Value error, "))
        ) from None
    except (ValueError, RecursionError) as error:
        raise ZooError(mistake(place, f"no registry of a mirror: {error}")) from None
    for model, entry in registry.models.items():
        if lacking := [file for file in FILES if file not in entry.files]:
            raise ZooError(mistake(place, f"models.{model}.files: lacks {lacking[0]}"))
    return registry


def written(registry: Registry) -> str:
    """The text of a registry, the same for the same models."""
    values = registry.model_dump(by_alias=True)
    values["models"] = dict(sorted(values["models"].items()))
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a registry, for those who make or read one without this package."""
    schema = Registry.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$defs"]["Entry"]["properties"]["files"]["required"] = list(FILES)
    models = schema["properties"]["models"]
    # Of names of groups, Python's are not JavaScript's.
    models["patternProperties"] = {re.sub(r"\?P<\w+>", "", PATTERN): {"$ref": "#/$defs/Entry"}}
    models["additionalProperties"] = False
    return schema
