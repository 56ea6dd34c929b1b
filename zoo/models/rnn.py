"""The recurrent network."""

from typing import Any

import keras

from zoo import keras_parts
from zoo.errors import ZooError
from zoo.schema import ZEROS, KerasPart


def rnn(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    depth: int,
    width: int,
    cell: KerasPart,
    activation: KerasPart | None,
    initializer: KerasPart,
    recurrent_initializer: KerasPart,
    bias_initializer: KerasPart,
    vocabulary: int | None = None,
    target_length: int | None = None,
) -> keras.Model:
    """`depth` recurrent layers, then a linear Dense layer on the last state.

    Args:
        input_shape: (steps, features), or (steps,) for one feature or tokens.
        outputs: units of the last layer.
        depth: recurrent layers, each on the whole sequence of states of the one below.
        width: units of each, and of the vectors of tokens.
        cell: Keras's SimpleRNN, LSTM or GRU, or a cell for `keras.layers.RNN`.
        activation: of the states; None for the cell's own.
        initializer: of the kernels of inputs and of the last layer.
        recurrent_initializer: of the kernels of states.
        bias_initializer: of the recurrent biases; those of the last layer start at 0.
        vocabulary: if the inputs are that many different tokens; 0 stands for none, at the end of a
            shorter text, and leaves the states as they are.
        target_length: if given, the last layer is on each of that many last states, and the model
            gives (batch, target_length, outputs).

    Raises:
        ZooError: for inputs that are no sequence, or biases that Keras's LSTM would not take.
    """
    length = input_shape[0]
    if len(input_shape) > 2:
        raise ZooError(
            f"inputs of shape {input_shape} are no sequence for a recurrent network: "
            "name the set of images with _rows, such as digits_rows"
        )
    inputs = keras.Input(input_shape, dtype="float32" if vocabulary is None else "int32")
    x = inputs
    if vocabulary is not None:
        x = keras.layers.Embedding(vocabulary, width, mask_zero=True, name="embedding")(x)
    elif len(input_shape) == 1:
        x = keras.layers.Reshape((length, 1))(x)
    own = {} if activation is None else {"activation": _function(activation)}
    for number in range(1, depth + 1):
        layer = keras_parts.recurrent(
            cell,
            units=width,
            **own,
            kernel_initializer=keras_parts.initializer(initializer),
            recurrent_initializer=keras_parts.initializer(recurrent_initializer),
            bias_initializer=keras_parts.initializer(bias_initializer),
            return_sequences=number < depth or target_length is not None,
            name=f"rnn_{number}",
        )
        if bias_initializer != ZEROS and getattr(layer.cell, "unit_forget_bias", False):
            raise ZooError(
                f"model.bias_initializer: {bias_initializer} needs an LSTM with "
                "unit_forget_bias: false; without it Keras sets the forget biases itself"
            )
        x = layer(x)
    if target_length is not None:
        x = keras.layers.Cropping1D((length - target_length, 0))(x)
    kernel = keras_parts.initializer(initializer)
    return keras.Model(
        inputs, keras.layers.Dense(outputs, kernel_initializer=kernel, name="output")(x)
    )


def _function(activation: KerasPart) -> Any:
    """What a cell calls: Keras's function itself rather than the layer that applies it."""
    layer = keras_parts.activation(activation)
    return layer.activation if isinstance(layer, keras.layers.Activation) else layer
