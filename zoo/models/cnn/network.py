"""The layers of the convolutional network, as its arguments say."""

from typing import Any

import keras

from zoo.errors import ZooError
from zoo.mitigations.fixup import ScalarBias, ScalarMultiplier, Scaled, branch_scale
from zoo.mitigations.shortcut import Shortcut
from zoo.models.cnn import CNN
from zoo.parts import making


def build(
    of: CNN, input_shape: tuple[int, ...], outputs: int, vocabulary: int | None
) -> keras.Model:
    """The model; arguments and errors as `CNN.build`."""
    rank = len(input_shape) - (vocabulary is None)
    if rank not in (1, 2):
        raise ZooError(
            "model.family: cnn takes sequences (length, channels) or images (height, width, "
            f"channels), and the data has {rank + 1} dimensions: use mlp"
        )
    blocks = (of.depth - 2) // (2 * len(of.widths))
    inputs = keras.Input(input_shape, dtype="float32" if vocabulary is None else "int32")
    x = inputs
    if vocabulary is not None:
        x = keras.layers.Embedding(vocabulary, of.widths[0], name="embedding")(x)
    x = _convolved(of, x, of.widths[0], "stem", strides=of.stem_stride)
    x = _activated(of, _normalized(of, x))
    for stage, width in enumerate(of.widths, 1):
        for block in range(1, blocks + 1):
            first = block == 1
            strides = 2 if first and stage > 1 else 1
            name = f"stage_{stage}_block_{block}"
            x = _block(of, x, width, name, strides, ready=first and stage == 1)
    if of.preactivation:
        x = _activated(of, _normalized(of, x))
    pooling = (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D)
    x = pooling[rank - 1]()(x)
    if of.fixup:
        x = ScalarBias()(x)
    kernel = "zeros" if of.fixup else making.initializer(of.initializer)
    x = keras.layers.Dense(outputs, kernel_initializer=kernel, name=of.output_layer)(x)
    return keras.Model(inputs, x)


def _convolved(of: CNN, x: Any, width: int, name: str, strides: int = 1, kernel: Any = None) -> Any:
    """A convolution; it has biases (0 at the start) unless normalization or Fixup follows."""
    if of.fixup:
        x = ScalarBias()(x)
    convolution = (keras.layers.Conv1D, keras.layers.Conv2D)[len(x.shape) - 3]
    return convolution(
        width,
        of.kernel_size,
        strides=strides,
        padding="same",
        use_bias=of.normalization is None and not of.fixup,
        kernel_initializer=kernel or making.initializer(of.initializer),
        name=name,
    )(x)


def _normalized(of: CNN, x: Any) -> Any:
    return x if of.normalization is None else making.layer(of.normalization)(x)


def _activated(of: CNN, x: Any) -> Any:
    if of.fixup:
        x = ScalarBias()(x)
    return making.activation(of.activation)(x)


def _block(of: CNN, x: Any, width: int, name: str, strides: int, ready: bool) -> Any:
    """Two convolutions, and the skip.

    Args:
        of: the net's arguments.
        x: the block's input.
        width: channels of both convolutions.
        name: of the block.
        strides: of the first convolution, and of the shortcut.
        ready: the input has been normalized and activated.
    """
    first = last = None
    if of.fixup:
        inner, branches = making.initializer(of.initializer), (of.depth - 2) // 2
        first, last = Scaled(inner, branch_scale(branches)), "zeros"
    h = x if ready or not of.preactivation else _activated(of, _normalized(of, x))
    h = _convolved(of, h, width, f"{name}_conv_1", strides, first)
    h = _activated(of, _normalized(of, h))
    h = _convolved(of, h, width, f"{name}_conv_2", kernel=last)
    if not of.preactivation:
        h = _normalized(of, h)
    if of.fixup:
        h = ScalarMultiplier()(h)
    if of.skip is not None:
        merge = making.skip(of.skip)
        concatenated = isinstance(merge, keras.layers.Concatenate)
        added = 0 if concatenated else max(0, width - x.shape[-1])
        if strides > 1 or added:
            x = Shortcut(strides, added)(x)
        h = merge([x, h])
    return h if of.preactivation else _activated(of, h)
