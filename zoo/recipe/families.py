"""Model families: what each declares once, for recipes, training and measurements alike.

A family is a module or package of `zoo.models` named like it, with a subclass of `Family` whose
fields are the family's arguments. A recipe knows families by name alone: the module is imported
when a recipe is read, and Keras when its model is built.
"""

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Union

from pydantic import Field, GetCoreSchemaHandler

from zoo.recipe.values import Strict

if TYPE_CHECKING:
    import keras

# The families by the name that a recipe gives, and their classes in `zoo.models.<name>`.
FAMILIES = {
    "mlp": "MLP",
    "cnn": "CNN",
    "rnn": "RNN",
    "transformer": "Transformer",
}


@dataclass(frozen=True)
class Shapes:
    """What a model is built for.

    Attributes:
        input_shape: of one example.
        outputs: units of the last layer, which is linear.
        vocabulary: if the inputs are that many different tokens.
        target_length: if given, the model gives outputs at each of that many last steps of time,
            (batch, target_length, outputs).
    """

    input_shape: tuple[int, ...]
    outputs: int
    vocabulary: int | None = None
    target_length: int | None = None


class Family(Strict):
    """The arguments of a model family, as fields, and what the other stages ask of it.

    A subclass narrows `family` to its name, a `Literal`.

    Attributes:
        xla: whether XLA compiles the training step: it makes recurrent networks faster, and does
            nothing or harm to the others on a processor.
        gradient_by_time: whether examples are sequences whose gradient dL/dx_t tells, step by step
            of time, what vanishes; the ratio of first to last is then one of times.
        output_per_step: whether a model can be built for a `target_length`.
        output_layer: the name of the last layer, which is no hidden one.
    """

    family: str

    xla: ClassVar[bool] = False
    gradient_by_time: ClassVar[bool] = False
    output_per_step: ClassVar[bool] = False
    output_layer: ClassVar[str] = "output"

    def build(self, of: Shapes) -> "keras.Model":
        """Builds the model; every random initial weight comes from Keras's global seed.

        Raises:
            ZooError: if the family is not for such data.
        """
        raise NotImplementedError

    def hidden_layers(self, measured: Sequence[str]) -> list[str]:
        """Of the names of the measured layers, those of the hidden ones, from input to output."""
        return [name for name in measured if name != self.output_layer]

    @property
    def pretrained_layers(self) -> int | None:
        """How many layers greedy pretraining trains in turn; None if it is not for the family.

        Raises:
            ValueError: if it is, but not for these arguments.
        """
        return None

    @property
    def hidden_shape(self) -> tuple[int, ...] | None:
        """The shape of what enters each activation and normalization layer, without the batch.

        Parts are tried on it before any training. None if it depends on the data.
        """
        return None


@functools.cache
def families() -> dict[str, type[Family]]:
    """The class of each of `FAMILIES`."""
    return {
        name: getattr(importlib.import_module(f"zoo.models.{name}"), class_name)
        for name, class_name in FAMILIES.items()
    }


class _OneOfThem:
    """Tells pydantic that a `Family` is one of `FAMILIES`, by its key `family`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        union: Any = Union[tuple(families().values())]  # noqa: UP007
        return handler.generate_schema(Annotated[union, Field(discriminator="family")])


AnyFamily = Annotated[Family, _OneOfThem()]
