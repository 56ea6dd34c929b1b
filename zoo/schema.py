"""The keys of a recipe, their types and bounds (pydantic).

The class of a model family lists the arguments of the function in `zoo.models` of the same name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
)

from zoo.yaml_source import KeyPath

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

    kind: Literal["activation", "initializer", "layer", "skip", "cell", "optimizer", "clipping"]


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


Activation = Annotated[
    Part, Makes("activation"), Field(description="a Keras activation, or an activation layer")
]
Initializer = Annotated[Part, Makes("initializer")]
GLOROT = KerasPart(class_name="glorot_uniform")
ZEROS = KerasPart(class_name="zeros")


class MLP(Strict):
    """A multilayer perceptron: `depth` hidden blocks of Dense, normalization, activation."""

    family: Literal["mlp"]
    depth: Annotated[Count, Field(description="hidden layers")]
    width: Annotated[Count, Field(description="units of each hidden layer")]
    activation: Activation
    initializer: Annotated[Initializer, Field(description="of every kernel")] = GLOROT
    bias_initializer: Annotated[Initializer, Field(description="of hidden biases")] = ZEROS
    normalization: Annotated[
        Part | None,
        Makes("layer"),
        Field(description="a Keras normalization layer between Dense and activation"),
    ] = None
    weight_normalization: Annotated[
        bool, Field(description="hidden kernels are split into direction and length")
    ] = False


class CNN(Strict):
    """A convolutional network, 1-d or 2-d by its data: stages of blocks of two convolutions."""

    family: Literal["cnn"]
    depth: Annotated[
        Count, Field(description="layers with a kernel: 2 + 2 * stages * blocks of a stage")
    ]
    widths: Annotated[
        list[Count], Field(min_length=1, description="channels of each stage, each half as large")
    ]
    kernel_size: Count = 3
    stem_stride: Annotated[Count, Field(description="of the first convolution")] = 1
    activation: Activation
    initializer: Annotated[Initializer, Field(description="of every kernel")] = GLOROT
    normalization: Annotated[
        Part | None,
        Makes("layer"),
        Field(description="a Keras normalization layer after each convolution"),
    ] = None
    skip: Annotated[
        Part | None,
        Makes("skip"),
        Field(description="a Keras layer that merges a block's input and output, such as Add"),
    ] = None
    preactivation: Annotated[
        bool, Field(description="normalization and activation before each convolution, not after")
    ] = False
    fixup: Annotated[
        bool, Field(description="initialization and scalars of Fixup, for blocks with skip Add")
    ] = False

    @field_validator("widths")
    @classmethod
    def _whole_blocks(cls, widths: list[int], info: ValidationInfo) -> list[int]:
        depth = info.data.get("depth", 2 + 2 * len(widths))
        if depth <= 2 or (depth - 2) % (2 * len(widths)):
            raise ValueError(
                f"{len(widths)} stages need a depth of 2 + {2 * len(widths)} * blocks, "
                f"such as {2 + 6 * len(widths)}; depth is {depth}"
            )
        return widths

    @field_validator("skip")
    @classmethod
    def _drops_no_channel(cls, skip: KerasPart | None, info: ValidationInfo) -> KerasPart | None:
        widths = info.data.get("widths", [])
        if skip is not None and skip.class_name != "Concatenate" and widths != sorted(widths):
            raise ValueError(
                f"model.widths {widths} shrink, and a shortcut without parameters cannot drop "
                f"channels: let them grow, or leave out {skip}"
            )
        return skip

    @field_validator("fixup")
    @classmethod
    def _replaces_normalization(cls, fixup: bool, info: ValidationInfo) -> bool:
        skip, normalization = info.data.get("skip"), info.data.get("normalization")
        if fixup and (skip is None or skip.class_name != "Add"):
            raise ValueError(f"is for blocks with model.skip: Add, not {skip}")
        if fixup and normalization is not None:
            raise ValueError(
                f"is in place of normalization: leave out model.normalization ({normalization})"
            )
        return fixup


class RNN(Strict):
    """A recurrent network: `depth` recurrent layers, then a linear layer on the last state."""

    family: Literal["rnn"]
    depth: Annotated[Count, Field(description="recurrent layers, one above the other")] = 1
    width: Annotated[Count, Field(description="units of each")]
    cell: Annotated[
        Part,
        Makes("cell"),
        Field(description="SimpleRNN, LSTM, GRU, or a registered cell for keras.layers.RNN"),
    ]
    activation: Annotated[
        Part | None, Makes("activation"), Field(description="without it the cell's own, tanh")
    ] = None
    initializer: Annotated[Initializer, Field(description="of input and output kernels")] = GLOROT
    recurrent_initializer: Annotated[Initializer, Field(description="of state kernels")] = GLOROT
    bias_initializer: Annotated[Initializer, Field(description="of the recurrent biases")] = ZEROS


def _distinct(rates: list[float]) -> list[float]:
    if len(set(rates)) < len(rates):
        raise ValueError("a learning rate is given twice")
    return sorted(rates)


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
        AfterValidator(_distinct),
    ]
    steps: Annotated[Count, Field(description="the budget B, in optimizer steps")]
    evaluate_every: Annotated[Count, Field(description="steps between evaluations")]
    seeds: Annotated[Seeds, Field(description="reported seeds: 0, 1, ...")]
    tuning_seeds: Annotated[Seeds, Field(description="tuning seeds: 1000, 1001, ...")]
    drops: Annotated[
        list[Count], Field(description="steps at which the learning rate is divided by ten")
    ] = []
    clipping: Annotated[
        Part | None,
        Makes("clipping"),
        Field(description="a clipping rule that Keras's optimizers do not have, or NoClipping"),
    ] = None
    pretraining: Pretraining | None = None
    precision: Annotated[
        Literal["float32", "mixed_float16", "mixed_bfloat16"] | None,
        Field(description="Keras's dtype policy; if given, zero gradients are counted"),
    ] = None
    loss_scaling: Annotated[
        bool, Field(description="Keras's dynamic loss scaling, for mixed_float16")
    ] = False

    @field_validator("optimizer")
    @classmethod
    def _without_rate(cls, optimizer: KerasPart) -> KerasPart:
        if "learning_rate" in optimizer.config:
            raise ValueError("the learning rate belongs in training.learning_rate, not in config")
        return optimizer

    @field_validator("drops")
    @classmethod
    def _increasing(cls, drops: list[int]) -> list[int]:
        if drops != sorted(set(drops)):
            raise ValueError("should increase")
        return drops

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

    data: Data
    model: Annotated[MLP | CNN | RNN, Field(discriminator="family")]
    training: Training
    target: Target

    @field_validator("training")
    @classmethod
    def _fits_the_model(cls, training: Training, info: ValidationInfo) -> Training:
        model = info.data.get("model")
        if training.pretraining and not isinstance(model, MLP | None):
            raise ValueError("pretraining is for the model family mlp")
        if isinstance(model, MLP) and training.pretraining:
            taken = training.pretraining.steps * model.depth
            if taken >= training.steps:
                raise ValueError(
                    f"pretraining takes {taken} steps ({model.depth} layers), which leaves none of "
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
