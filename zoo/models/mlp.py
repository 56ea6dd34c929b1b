"""The multilayer perceptron."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from zoo.recipe.families import Family, Shapes
from zoo.recipe.values import GLOROT, ZEROS, Activation, Count, Initializer, KerasPart, Makes, Part

if TYPE_CHECKING:
    import keras


class MLP(Family):
    """A multilayer perceptron: `depth` hidden blocks of Dense, normalization, activation."""

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

    @property
    def pretrained_layers(self) -> int:
        """The hidden ones."""
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
        """
        import keras

        from zoo.parts import making

        inputs = keras.Input(of.input_shape, dtype="int32" if of.vocabulary else "float32")
        if of.vocabulary is None:
            x = keras.layers.Flatten()(inputs)
        else:
            x = keras.layers.Embedding(of.vocabulary, self.width, name="embedding")(inputs)
            x = keras.layers.GlobalAveragePooling1D()(x)
        for number in range(1, self.depth + 1):
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
        kernel = making.initializer(self.initializer)
        x = keras.layers.Dense(of.outputs, kernel_initializer=kernel, name=self.output_layer)(x)
        return keras.Model(inputs, x)
