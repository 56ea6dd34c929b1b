"""The multilayer perceptron."""

import keras

from zoo import keras_parts
from zoo.mitigations.weight_normalization import WeightNormDense
from zoo.schema import KerasPart


def mlp(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    depth: int,
    width: int,
    activation: KerasPart,
    initializer: KerasPart,
    bias_initializer: KerasPart,
    normalization: KerasPart | None = None,
    weight_normalization: bool = False,
    vocabulary: int | None = None,
) -> keras.Model:
    """`depth` hidden blocks of Dense, normalization, activation, then a linear Dense layer.

    The three are layers of their own, so that pre-activations exist as tensors.

    Args:
        input_shape: of one example; flattened.
        outputs: units of the last layer.
        depth: hidden layers.
        width: units of each hidden layer.
        activation: a Keras activation, or an activation layer.
        initializer: of every kernel, the last one included.
        bias_initializer: of the hidden biases; those of the last layer start at 0.
        normalization: a Keras normalization layer, or None.
        weight_normalization: hidden kernels are split into direction and length.
        vocabulary: if the inputs are that many different tokens: each becomes a vector of `width`,
            and a text the mean of its vectors (Joulin et al. 2017).
    """
    inputs = keras.Input(input_shape, dtype="float32" if vocabulary is None else "int32")
    if vocabulary is None:
        x = keras.layers.Flatten()(inputs)
    else:
        x = keras.layers.Embedding(vocabulary, width, name="embedding")(inputs)
        x = keras.layers.GlobalAveragePooling1D()(x)
    dense = WeightNormDense if weight_normalization else keras.layers.Dense
    for number in range(1, depth + 1):
        x = dense(
            width,
            kernel_initializer=keras_parts.initializer(initializer),
            bias_initializer=keras_parts.initializer(bias_initializer),
            name=f"dense_{number}",
        )(x)
        if normalization is not None:
            x = keras_parts.layer(normalization)(x)
        x = keras_parts.activation(activation)(x)
    kernel = keras_parts.initializer(initializer)
    x = keras.layers.Dense(outputs, kernel_initializer=kernel, name="output")(x)
    return keras.Model(inputs, x)
