"""The multilayer perceptron."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from zoo.errors import ZooError
from zoo.recipe.families import Family, Shapes
from zoo.recipe.values import (
    GLOROT,
    ZEROS,
    Activation,
    AddedLater,
    Count,
    Initializer,
    KerasPart,
    Makes,
    Part,
)

if TYPE_CHECKING:
    import keras


class MLP(Family):
    """A multilayer perceptron: `depth` hidden blocks of Dense, normalization, activation, skip."""

    family: Literal["mlp"]
    depth: Annotated[Count, Field(description="hidden layers")]
    width: Annotated[Count, Field(description="units of each hidden layer")]
    activation: Activation
    initializer: Annotated[Initializer, Field(description="of every kernel")] = GLOROT
    bias_initializer: Annotated[Initializer, Field(description="of hidden biases")] = ZEROS
    dense: Annotated[
        Part, Makes("dense"), Field(description="Dense, or a layer that wraps its weights")
    ] = KerasPart(class_name="Dense")
    normalization: Annotated[
        Part | None,
        Makes("layer"),
        Field(description="a Keras normalization layer between Dense and activation"),
    ] = None
    skip: Annotated[
        Part | None,
        Makes("skip"),
        AddedLater(before=None),
        Field(description="a Keras layer that merges what enters and leaves layers, such as Add"),
    ] = None
    skip_over: Annotated[
        list[list[Count]] | None,
        AddedLater(before=None),
        Field(description="first and last hidden layer of each skip; without it each layer's own"),
    ] = None

    @field_validator("skip_over")
    @classmethod
    def _one_after_the_other(
        cls, skip_over: list[list[int]] | None, info: ValidationInfo
    ) -> list[list[int]] | None:
        if skip_over is None:
            return None
        if info.data.get("skip", "unreadable") is None:
            raise ValueError("says where model.skip is: give that too, such as Add, or neither")
        end = 0
        for pair in skip_over:
            if len(pair) != 2 or not end < pair[0] <= pair[1]:
                raise ValueError(
                    "should be pairs of a first and a last hidden layer, each after the one "
                    "before, such as [[2, 3], [5, 7]]"
                )
            end = pair[1]
        depth = info.data.get("depth", end)
        if not 0 < end <= depth:
            raise ValueError(f"should name hidden layers from 1 to model.depth ({depth})")
        return skip_over

    @property
    def pretrained_layers(self) -> int:
        """The hidden ones."""
        if self.skip is not None:
            raise ValueError(
                f"pretraining trains each hidden layer alone, and model.skip ({self.skip}) leads "
                "past it: leave one of them out"
            )
        return self.depth

    @property
    def hidden_shape(self) -> tuple[int]:
        """A vector of the hidden units."""
        return (self.width,)

    def build(self, of: Shapes) -> "keras.Model":
        """Hidden blocks, then a linear Dense layer; the inputs are flattened.

        The three of a block are layers of their own, so that pre-activations exist as tensors. The
        last kernel has the initializer of the others; the last biases start at 0. Of tokens, each
        becomes a vector of `width`, and a text the mean of its vectors (Joulin et al. 2017).

        A skip merges what enters a block with what leaves it, after the activation, or what enters
        the first and leaves the last of the blocks that `skip_over` names. Without that every block
        has its own, but for a first one that changes the size.

        Raises:
            ZooError: for a skip over a first layer that changes the size, unless it concatenates.
        """
        import keras

        from zoo.parts import making

        inputs = keras.Input(of.input_shape, dtype="int32" if of.vocabulary else "float32")
        if of.vocabulary is None:
            x = keras.layers.Flatten()(inputs)
        else:
            x = keras.layers.Embedding(of.vocabulary, self.width, name="embedding")(inputs)
            x = keras.layers.GlobalAveragePooling1D()(x)
        entered = {}
        for number in range(1, self.depth + 1):
            entered[number] = x
            x = making.dense(
                self.dense,
                units=self.width,
                kernel_initializer=making.initializer(self.initializer),
                bias_initializer=making.initializer(self.bias_initializer),
                name=f"dense_{number}",
            )(x)
            if self.normalization is not None:
                x = making.layer(self.normalization, f"normalization_{number}")(x)
            x = making.activation(self.activation)(x)
            if self.skip is not None and (first := self._first_of_skip(number, entered[1])):
                x = making.skip(self.skip, f"skip_{number}")([entered[first], x])
        kernel = making.initializer(self.initializer)
        x = keras.layers.Dense(of.outputs, kernel_initializer=kernel, name=self.output_layer)(x)
        return keras.Model(inputs, x)

    def _first_of_skip(self, last: int, entering: Any) -> int | None:
        """The layer at which the skip begins that ends with this one; None if none does."""
        keeps_size = entering.shape[-1] == self.width
        if self.skip_over is None:
            return last if last > 1 or keeps_size else None
        first = {end: start for start, end in self.skip_over}.get(last)
        assert self.skip is not None
        if first == 1 and not keeps_size and self.skip.class_name != "Concatenate":
            raise ZooError(
                f"model.skip_over: {self.skip} cannot merge {entering.shape[-1]} inputs with "
                f"{self.width} hidden units: let the first skip begin at layer 2"
            )
        return first
