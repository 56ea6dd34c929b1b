"""The multilayer perceptron."""

import keras

from zoo import keras_parts
from zoo.schema import KerasPart


def mlp(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    depth: int,
    width: int,
    activation: KerasPart,
    initializer: KerasPart,
    normalization: KerasPart | None = None,
    vocabulary: int | None = None,
) -> keras.Model:
    """`depth` hidden blocks of Dense, normalization, activation, then a linear Dense layer.

    The three are layers of their own, so that pre-activations exist as tensors. Biases start at 0.

    Args:
        input_shape: of one example; flattened.
        outputs: units of the last layer.
        depth: hidden layers.
        width: units of each hidden layer.
        activation: a Keras activation, or an activation layer.
        initializer: of every kernel, the last one included.
        normalization: a Keras normalization layer, or None.
        vocabulary: if the inputs are that many different tokens: each becomes a vector of `width`,
            and a text the mean of its vectors (Joulin et al. 2017).
    """
    inputs = keras.Input(input_shape, dtype="float32" if vocabulary is None else "int32")
    if vocabulary is None:
        x = keras.layers.Flatten()(inputs)
    else:
        x = keras.layers.Embedding(vocabulary, width, name="embedding")(inputs)
        x = keras.layers.GlobalAveragePooling1D()(x)
    for number in range(1, depth + 1):
        kernel = keras_parts.initializer(initializer)
        x = keras.layers.Dense(width, kernel_initializer=kernel, name=f"dense_{number}")(x)
        if normalization is not None:
            x = keras_parts.layer(normalization)(x)
        x = keras_parts.activation(activation)(x)
    kernel = keras_parts.initializer(initializer)
    x = keras.layers.Dense(outputs, kernel_initializer=kernel, name="output")(x)
    return keras.Model(inputs, x)
