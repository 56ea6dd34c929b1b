"""The recurrent network."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from zoo.errors import ZooError
from zoo.models.sequences import require_sequence
from zoo.recipe.families import Family, Shapes
from zoo.recipe.values import GLOROT, ZEROS, Count, Initializer, KerasPart, Makes, Part

if TYPE_CHECKING:
    import keras


class RNN(Family):
    """A recurrent network: `depth` recurrent layers, then a linear layer on the last state."""

    xla = True
    gradient_by_time = True
    output_per_step = True

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

    def build(self, of: Shapes) -> "keras.Model":
        """Recurrent layers, each on the whole sequence of states of the one below, then Dense.

        For inputs (steps, features), or (steps,) for one feature or tokens. Tokens become vectors
        of `width`; 0 stands for none, at the end of a shorter text, and leaves the states as they
        are. The biases of the last layer start at 0.

        Raises:
            ZooError: for inputs that are no sequence, or biases that Keras's LSTM would not take.
        """
        import keras

        from zoo.parts import making

        require_sequence(of.input_shape, self.family)
        length = of.input_shape[0]
        inputs = keras.Input(of.input_shape, dtype="int32" if of.vocabulary else "float32")
        x = inputs
        if of.vocabulary is not None:
            x = keras.layers.Embedding(of.vocabulary, self.width, mask_zero=True, name="embedding")(
                x
            )
        elif len(of.input_shape) == 1:
            x = keras.layers.Reshape((length, 1))(x)
        of_states = {} if self.activation is None else {"activation": _function(self.activation)}
        for number in range(1, self.depth + 1):
            layer = making.recurrent(
                self.cell,
                units=self.width,
                **of_states,
                kernel_initializer=making.initializer(self.initializer),
                recurrent_initializer=making.initializer(self.recurrent_initializer),
                bias_initializer=making.initializer(self.bias_initializer),
                return_sequences=number < self.depth or of.target_length is not None,
                name=f"rnn_{number}",
            )
            if self.bias_initializer != ZEROS and getattr(layer.cell, "unit_forget_bias", False):
                raise ZooError(
                    f"model.bias_initializer: {self.bias_initializer} needs an LSTM with "
                    "unit_forget_bias: false; without it Keras sets the forget biases itself"
                )
            x = layer(x)
        if of.target_length is not None:
            x = keras.layers.Cropping1D((length - of.target_length, 0))(x)
        kernel = making.initializer(self.initializer)
        x = keras.layers.Dense(of.outputs, kernel_initializer=kernel, name=self.output_layer)(x)
        return keras.Model(inputs, x)


def _function(activation: KerasPart) -> Any:
    """What a cell calls: Keras's function itself rather than the layer that applies it."""
    import keras

    from zoo.parts import making

    layer = making.activation(activation)
    return layer.activation if isinstance(layer, keras.layers.Activation) else layer
