"""The layers of the convolutional network, as its arguments say."""

from typing import Any

import keras

from zoo.errors import ZooError
from zoo.mitigations.fixup import ScalarBias, ScalarMultiplier, Scaled, branch_scale
from zoo.mitigations.shortcut import Shortcut
from zoo.models.cnn import CNN
from zoo.parts import making
from zoo.recipe.families import Shapes


def build(net: CNN, of: Shapes) -> keras.Model:
    """The model; arguments and errors as `CNN.build`."""
    rank = len(of.input_shape) - (of.vocabulary is None)
    if rank not in (1, 2):
        raise ZooError(
            "model.family: cnn takes sequences (length, channels) or images (height, width, "
            f"channels), and the data has {rank + 1} dimensions: use mlp"
        )
    blocks = (net.depth - 2) // (2 * len(net.widths))
    inputs = keras.Input(of.input_shape, dtype="int32" if of.vocabulary else "float32")
    x = inputs
    if of.vocabulary is not None:
        x = keras.layers.Embedding(of.vocabulary, net.widths[0], name="embedding")(x)
    x = _convolved(net, x, net.widths[0], "stem", strides=net.stem_stride)
    x = _activated(net, _normalized(net, x))
    for stage, width in enumerate(net.widths, 1):
        for block in range(1, blocks + 1):
            first = block == 1
            strides = 2 if first and stage > 1 else 1
            name = f"stage_{stage}_block_{block}"
            x = _block(net, x, width, name, strides, ready=first and stage == 1)
    if net.preactivation:
        x = _activated(net, _normalized(net, x))
    pooling = (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D)
    x = pooling[rank - 1]()(x)
    if net.fixup:
        x = ScalarBias()(x)
    kernel = "zeros" if net.fixup else making.initializer(net.initializer)
    x = keras.layers.Dense(of.outputs, kernel_initializer=kernel, name=net.output_layer)(x)
    return keras.Model(inputs, x)


def _convolved(
    net: CNN, x: Any, width: int, name: str, strides: int = 1, kernel: Any = None
) -> Any:
    """A convolution; it has biases (0 at the start) unless normalization or Fixup follows."""
    if net.fixup:
        x = ScalarBias()(x)
    convolution = (keras.layers.Conv1D, keras.layers.Conv2D)[len(x.shape) - 3]
    return convolution(
        width,
        net.kernel_size,
        strides=strides,
        padding="same",
        use_bias=net.normalization is None and not net.fixup,
        kernel_initializer=kernel or making.initializer(net.initializer),
        name=name,
    )(x)


def _normalized(net: CNN, x: Any) -> Any:
    return x if net.normalization is None else making.layer(net.normalization)(x)


def _activated(net: CNN, x: Any) -> Any:
    if net.fixup:
        x = ScalarBias()(x)
    return making.activation(net.activation)(x)


def _block(net: CNN, x: Any, width: int, name: str, strides: int, ready: bool) -> Any:
    """Two convolutions, and the skip.

    Args:
        net: its arguments.
        x: the block's input.
        width: channels of both convolutions.
        name: of the block.
        strides: of the first convolution, and of the shortcut.
        ready: the input has been normalized and activated.
    """
    first = last = None
    if net.fixup:
        inner, branches = making.initializer(net.initializer), (net.depth - 2) // 2
        first, last = Scaled(inner, branch_scale(branches)), "zeros"
    h = x if ready or not net.preactivation else _activated(net, _normalized(net, x))
    h = _convolved(net, h, width, f"{name}_conv_1", strides, first)
    h = _activated(net, _normalized(net, h))
    h = _convolved(net, h, width, f"{name}_conv_2", kernel=last)
    if not net.preactivation:
        h = _normalized(net, h)
    if net.fixup:
        h = ScalarMultiplier()(h)
    if net.skip is not None:
        merge = making.skip(net.skip, f"{name}_skip")
        concatenated = isinstance(merge, keras.layers.Concatenate)
        added = 0 if concatenated else max(0, width - x.shape[-1])
        if strides > 1 or added:
            x = Shortcut(strides, added)(x)
        h = merge([x, h])
    return h if net.preactivation else _activated(net, h)
