"""The convolutional network, 1-d or 2-d: plain, residual, pre-activated, highway, dense or Fixup.

The layers are those of the CIFAR nets of He et al. 2015 (arXiv:1512.03385, section 4.2): a stem,
stages of blocks of two convolutions, each stage at half the size of the one before, global average
pooling and a linear layer. A skip merges each block's input with its output; its shortcut has no
parameters (their option A). Order of pre-activated blocks: He et al. 2016, arXiv:1603.05027.
"""

from dataclasses import dataclass
from typing import Any

import keras

from zoo import keras_parts
from zoo.errors import ZooError
from zoo.mitigations.fixup import ScalarBias, ScalarMultiplier, Scaled, branch_scale
from zoo.schema import KerasPart


def cnn(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    depth: int,
    widths: list[int],
    kernel_size: int = 3,
    stem_stride: int = 1,
    activation: KerasPart,
    initializer: KerasPart,
    normalization: KerasPart | None = None,
    skip: KerasPart | None = None,
    preactivation: bool = False,
    fixup: bool = False,
    vocabulary: int | None = None,
) -> keras.Model:
    """A stem, stages of blocks of two convolutions, global average pooling, a linear Dense layer.

    Convolution, normalization and activation are layers of their own, so that pre-activations exist
    as tensors. A convolution has biases (started at 0) unless normalization or Fixup follows.

    Args:
        input_shape: (length, channels) or (height, width, channels).
        outputs: units of the last layer.
        depth: layers with a kernel: 2 + 2 * stages * blocks of a stage.
        widths: channels of each stage; the first block of all but the first strides by 2.
        kernel_size: of every convolution, in each direction; what it covers outside is 0.
        stem_stride: of the first convolution.
        activation: a Keras activation, or an activation layer.
        initializer: of every kernel, that of the last layer included.
        normalization: a Keras normalization layer after each convolution, or None.
        skip: a Keras layer that merges [input, output] of a block; without it the plain net.
        preactivation: normalization and activation come before each convolution of a block, not
            after. The stem's come right after it, before the first block's two ways part, and the
            last block has one more pair after it (He et al. 2016, appendix).
        fixup: Fixup's initialization and scalars (`zoo.mitigations.fixup`).
        vocabulary: if the inputs are that many different tokens: each becomes a vector of as many
            entries as the stem has channels.

    Raises:
        ZooError: for data of another rank.
    """
    rank = len(input_shape) - (vocabulary is None)
    if rank not in (1, 2):
        raise ZooError(
            "model.family: cnn takes sequences (length, channels) or images (height, width, "
            f"channels), and the data has {rank + 1} dimensions: use mlp"
        )
    blocks = (depth - 2) // (2 * len(widths))
    parts = _Parts(
        rank, kernel_size, activation, initializer, normalization, skip, preactivation, fixup,
        blocks * len(widths),
    )  # fmt: skip
    inputs = keras.Input(input_shape, dtype="float32" if vocabulary is None else "int32")
    x = inputs
    if vocabulary is not None:
        x = keras.layers.Embedding(vocabulary, widths[0], name="embedding")(x)
    x = parts.convolved(x, widths[0], "stem", strides=stem_stride)
    x = parts.activated(parts.normalized(x))
    for stage, width in enumerate(widths, 1):
        for block in range(1, blocks + 1):
            first = block == 1
            strides = 2 if first and stage > 1 else 1
            name = f"stage_{stage}_block_{block}"
            x = parts.block(x, width, name, strides, ready=first and stage == 1)
    if preactivation:
        x = parts.activated(parts.normalized(x))
    pooling = (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D)[rank - 1]
    x = pooling()(x)
    if fixup:
        x = ScalarBias()(x)
    kernel = "zeros" if fixup else keras_parts.initializer(initializer)
    x = keras.layers.Dense(outputs, kernel_initializer=kernel, name="output")(x)
    return keras.Model(inputs, x)


@dataclass(frozen=True)
class _Parts:
    """What a net is made of, as its arguments say; each method adds layers to a tensor."""

    rank: int
    kernel_size: int
    activation: KerasPart
    initializer: KerasPart
    normalization: KerasPart | None
    skip: KerasPart | None
    preactivation: bool
    fixup: bool
    blocks: int  # in all

    def convolved(self, x: Any, width: int, name: str, strides: int = 1, kernel: Any = None) -> Any:
        if self.fixup:
            x = ScalarBias()(x)
        convolution = (keras.layers.Conv1D, keras.layers.Conv2D)[self.rank - 1]
        return convolution(
            width,
            self.kernel_size,
            strides=strides,
            padding="same",
            use_bias=self.normalization is None and not self.fixup,
            kernel_initializer=kernel or keras_parts.initializer(self.initializer),
            name=name,
        )(x)

    def normalized(self, x: Any) -> Any:
        return x if self.normalization is None else keras_parts.layer(self.normalization)(x)

    def activated(self, x: Any) -> Any:
        if self.fixup:
            x = ScalarBias()(x)
        return keras_parts.activation(self.activation)(x)

    def block(self, x: Any, width: int, name: str, strides: int, ready: bool) -> Any:
        """Two convolutions, and the skip.

        Args:
            x: the block's input.
            width: channels of both convolutions.
            name: of the block.
            strides: of the first convolution, and of the shortcut.
            ready: the input has been normalized and activated.
        """
        first = last = None
        if self.fixup:
            inner = keras_parts.initializer(self.initializer)
            first, last = Scaled(inner, branch_scale(self.blocks)), "zeros"
        h = x if ready or not self.preactivation else self.activated(self.normalized(x))
        h = self.convolved(h, width, f"{name}_conv_1", strides, first)
        h = self.activated(self.normalized(h))
        h = self.convolved(h, width, f"{name}_conv_2", kernel=last)
        if not self.preactivation:
            h = self.normalized(h)
        if self.fixup:
            h = ScalarMultiplier()(h)
        if self.skip is not None:
            merge = keras_parts.skip(self.skip)
            concatenated = isinstance(merge, keras.layers.Concatenate)
            added = 0 if concatenated else max(0, width - x.shape[-1])
            if strides > 1 or added:
                x = Shortcut(strides, added)(x)
            h = merge([x, h])
        return h if self.preactivation else self.activated(h)


@keras.saving.register_keras_serializable(package="zoo")
class Shortcut(keras.Layer):  # type: ignore[misc]
    """A block's input at the size of its output, without parameters (He et al. 2015, option A).

    (batch, length, channels) or (batch, height, width, channels).

    Args:
        strides: every so many-th entry is taken, in each direction.
        added_channels: so many channels of zeros follow those there are.
    """

    def __init__(self, strides: int, added_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strides, self.added_channels = strides, added_channels

    def call(self, inputs: Any) -> Any:
        """The entries taken, and the zeros."""
        space = [slice(None, None, self.strides)] * (len(inputs.shape) - 2)
        taken = inputs[(slice(None), *space)]
        return keras.ops.pad(taken, [(0, 0)] * (len(space) + 1) + [(0, self.added_channels)])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        own = {"strides": self.strides, "added_channels": self.added_channels}
        return {**super().get_config(), **own}
