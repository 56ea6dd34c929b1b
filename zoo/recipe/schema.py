"""The keys of a recipe, their types and bounds (pydantic).

The arguments of a model family are declared by the family itself (`zoo.recipe.families`).
"""

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
)

from zoo.errors import KeyPath
from zoo.recipe.families import AnyFamily, Family
from zoo.recipe.values import (
    AddedLater,
    Count,
    KerasPart,
    Makes,
    Name,
    Part,
    PositiveFloat,
    Strict,
)
from zoo.recipe.version import BENCHMARK as BENCHMARK

FIRST_TUNING_SEED = 1000

Seeds = Annotated[int, Field(ge=1, le=FIRST_TUNING_SEED)]  # so that no reported seed was tuned on


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
    scale: Annotated[
        Literal["standard", "unit"],
        AddedLater(before="standard"),
        Field(description="unit: images of 0 to 255 over 255, in place of standardized"),
    ] = "standard"


EVEN = 1.1  # a ratio of neighbours over that of the whole grid: 1, 3, 10 is even, 1, 2, 10 is not


def _grid(rates: list[float]) -> list[float]:
    """The rates in order, if they are a grid: a finer one around a guess would be a better search.

    Raises:
        ValueError: if a rate is there twice, or they are not evenly spaced in the logarithm.
    """
    if len(set(rates)) < len(rates):
        raise ValueError("a learning rate is given twice")
    rates = sorted(rates)
    places = [math.log(rate) for rate in rates]
    mean = (places[-1] - places[0]) / max(1, len(rates) - 1)
    for index, (low, high) in enumerate(itertools.pairwise(places)):
        if abs(high - low - mean) > math.log(EVEN):
            raise ValueError(
                f"should be evenly spaced in the logarithm: {rates[index]:g} to "
                f"{rates[index + 1]:g} is a factor {_factor(high - low):.3g}, the "
                f"{len(rates)} rates {_factor(mean):.3g} on average"
            )
    return rates


def _factor(distance: float) -> float:
    return math.exp(min(distance, 700.0))  # of numbers as far apart as there are


class Pretraining(Strict):
    """Greedy layer-wise pretraining of a multilayer perceptron; its steps count."""

    method: Literal["autoencoder", "supervised"]
    steps: Annotated[Count, Field(description="steps for each hidden layer")]
    corruption: Annotated[
        FiniteFloat, Field(ge=0, lt=1, description="share of inputs an autoencoder sees as 0")
    ] = 0.25


class Training(Strict):
    """The budget, the optimizer and the grid of learning rates."""

    optimizer: Annotated[Part, Makes("optimizer")]
    learning_rate: Annotated[
        list[PositiveFloat],
        Field(min_length=1, description="the grid tried with tuning_seeds"),
        AfterValidator(_grid),
    ]
    steps: Annotated[Count, Field(description="the budget B, in optimizer steps")]
    evaluate_every: Annotated[Count, Field(description="steps between evaluations")]
    seeds: Annotated[Seeds, Field(description="reported seeds: 0, 1, ...")]
    tuning_seeds: Annotated[Seeds, Field(description="tuning seeds of every rate: 1000, 1001, ...")]
    final_tuning_seeds: Annotated[
        int, Field(ge=0, le=FIRST_TUNING_SEED, description="further ones of the two best rates")
    ] = 4
    drops: Annotated[
        list[Count], Field(description="steps at which the learning rate is divided by ten")
    ] = []
    clipping: Annotated[
        Part | None,
        Makes("clipping"),
        Field(description="a clipping rule that Keras's optimizers do not have"),
    ] = None
    watch_gradients: Annotated[
        bool, Field(description="the norms of all gradients are recorded, as where an arm clips")
    ] = False
    pretraining: Pretraining | None = None
    warmup: Annotated[
        int,
        Field(ge=0, lt=2**31, description="steps over which the learning rate rises linearly"),
        AddedLater(before=0),
    ] = 0
    precision: Annotated[
        Literal["float32", "mixed_float16", "mixed_bfloat16"] | None,
        Field(description="Keras's dtype policy; if given, zero gradients are counted"),
    ] = None
    loss_scaling: Annotated[
        bool, Field(description="Keras's dynamic loss scaling, for mixed_float16")
    ] = False

    @property
    def evaluation_steps(self) -> list[int]:
        """The steps after which a run is evaluated: the last two lie past the budget.

        They may confirm a target that was met within it.
        """
        every = self.evaluate_every
        return [every * count for count in range(1, self.steps // every + 3)]

    @field_validator("optimizer")
    @classmethod
    def _without_rate(cls, optimizer: KerasPart) -> KerasPart:
        if "learning_rate" in optimizer.config:
            raise ValueError("the learning rate belongs in training.learning_rate, not in config")
        return optimizer

    @field_validator("final_tuning_seeds")
    @classmethod
    def _of_two_rates(cls, seeds: int, info: ValidationInfo) -> int:
        if seeds and len(info.data.get("learning_rate", [1, 2])) == 1:
            raise ValueError(
                f"{seeds} more for the two best rates, and training.learning_rate has one: "
                "leave it out"
            )
        return seeds

    @field_validator("drops")
    @classmethod
    def _increasing(cls, drops: list[int]) -> list[int]:
        if drops != sorted(set(drops)):
            raise ValueError("should increase")
        return drops

    @field_validator("warmup")
    @classmethod
    def _ends_within_budget(cls, warmup: int, info: ValidationInfo) -> int:
        if warmup > info.data.get("steps", warmup):
            raise ValueError(
                f"{warmup} is more than training.steps ({info.data['steps']}): the learning rate "
                "would never be what the grid says"
            )
        if warmup and info.data.get("pretraining") is not None:
            raise ValueError(
                "is not for training.pretraining, whose layers have optimizers of their own: "
                "leave one out"
            )
        return warmup

    @field_validator("loss_scaling")
    @classmethod
    def _for_half_precision(cls, scaling: bool, info: ValidationInfo) -> bool:
        if scaling and info.data.get("precision") != "mixed_float16":
            raise ValueError("is for the precision mixed_float16")
        return scaling

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

    # Families are imported when the first recipe is read, not with this module.
    model_config = ConfigDict(**Strict.model_config, defer_build=True)

    data: Data
    model: AnyFamily
    training: Training
    target: Target

    @field_validator("training")
    @classmethod
    def _fits_the_model(cls, training: Training, info: ValidationInfo) -> Training:
        model: Family | None = info.data.get("model")
        if training.pretraining and model is not None:
            layers = model.pretrained_layers
            if layers is None:
                raise ValueError(f"pretraining is not for the model family {model.family}")
            taken = training.pretraining.steps * layers
            if taken >= training.steps:
                raise ValueError(
                    f"pretraining takes {taken} steps ({layers} layers), which leaves none of "
                    f"the budget of {training.steps}"
                )
        return training


class RecipeFile(ArmSpec):
    """One YAML file: one controlled comparison.

    A recipe that `extends` another gives only what differs, as dotted keys like an arm's.
    """

    title: Annotated[str, Field(min_length=1)]
    claim: Annotated[str, Field(min_length=1, description="what the comparison is said to show")]
    sources: list[Name] = []
    minutes: Annotated[
        PositiveFloat | None, Field(description="of all runs on 2 cores, as measured")
    ] = None
    baseline: Name
    against: Annotated[
        dict[Name, Name],
        Field(description="for an arm the one it is judged against; the baseline for the others"),
    ] = {}
    arms: Annotated[
        dict[Name, dict[str, Any]],
        Field(min_length=2, description="for each arm the dotted keys it changes"),
    ]


def parts(spec: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str, KerasPart]]:
    """Every Keras part of a resolved arm: its key path, what it `Makes`, and the part."""
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        for marker in field.metadata:
            if isinstance(marker, Makes) and isinstance(value, KerasPart):
                yield (*path, name), marker.kind, value
        if isinstance(value, BaseModel) and not isinstance(value, KerasPart):
            yield from parts(value, (*path, name))
