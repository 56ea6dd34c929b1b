"""The convolutional network, 1-d or 2-d: plain, residual, pre-activated, highway, dense or Fixup.

The layers are those of the CIFAR nets of He et al. 2015 (arXiv:1512.03385, section 4.2): a stem,
stages of blocks of two convolutions, each stage at half the size of the one before, global average
pooling and a linear layer. A skip merges each block's input with its output; its shortcut has no
parameters (their option A). Order of pre-activated blocks: He et al. 2016, arXiv:1603.05027.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from zoo.recipe.families import Family, Shapes
from zoo.recipe.values import GLOROT, Activation, Count, Initializer, KerasPart, Makes, Part

if TYPE_CHECKING:
    import keras


class CNN(Family):
    """A convolutional network, 1-d or 2-d by its data: stages of blocks of two convolutions."""

    family: Literal["cnn"]
    depth: Annotated[
        Count, Field(description="layers with a kernel: 2 + 2 * stages * blocks of a stage")
    ]
    widths: Annotated[
        list[Count], Field(min_length=1, description="channels of each stage, each half as large")
    ]
    kernel_size: Count = 3
    stem_stride: Annotated[Count, Field(description="of the first convolution")] = 1
    activation: Activation
    initializer: Annotated[Initializer, Field(description="of every kernel")] = GLOROT
    normalization: Annotated[
        Part | None,
        Makes("layer"),
        Field(description="a Keras normalization layer after each convolution"),
    ] = None
    skip: Annotated[
        Part | None,
        Makes("skip"),
        Field(description="a Keras layer that merges a block's input and output, such as Add"),
    ] = None
    preactivation: Annotated[
        bool, Field(description="normalization and activation before each convolution, not after")
    ] = False
    fixup: Annotated[
        bool, Field(description="initialization and scalars of Fixup, for blocks with skip Add")
    ] = False

    @field_validator("widths")
    @classmethod
    def _whole_blocks(cls, widths: list[int], info: ValidationInfo) -> list[int]:
        depth = info.data.get("depth", 2 + 2 * len(widths))
        if depth <= 2 or (depth - 2) % (2 * len(widths)):
            raise ValueError(
                f"{len(widths)} stages need a depth of 2 + {2 * len(widths)} * blocks, "
                f"such as {2 + 6 * len(widths)}; depth is {depth}"
            )
        return widths

    @field_validator("skip")
    @classmethod
    def _drops_no_channel(cls, skip: KerasPart | None, info: ValidationInfo) -> KerasPart | None:
        widths = info.data.get("widths", [])
        if skip is not None and skip.class_name != "Concatenate" and widths != sorted(widths):
            raise ValueError(
                f"model.widths {widths} shrink, and a shortcut without parameters cannot drop "
                f"channels: let them grow, or leave out {skip}"
            )
        return skip

    @field_validator("fixup")
    @classmethod
    def _replaces_normalization(cls, fixup: bool, info: ValidationInfo) -> bool:
        skip, normalization = info.data.get("skip"), info.data.get("normalization")
        if fixup and (skip is None or skip.class_name != "Add"):
            raise ValueError(f"is for blocks with model.skip: Add, not {skip}")
        if fixup and normalization is not None:
            raise ValueError(
                f"is in place of normalization: leave out model.normalization ({normalization})"
            )
        return fixup

    def build(self, of: Shapes) -> "keras.Model":
        """A stem, stages of blocks, global average pooling, a linear Dense layer.

        For inputs (length, channels) or (height, width, channels); of tokens, each becomes a vector
        of as many entries as the stem has channels. Convolution, normalization and activation are
        layers of their own, so that pre-activations exist as tensors. The first block of every
        stage but the first strides by 2. What a kernel covers outside of the image is 0.

        With `preactivation`, the stem's normalization and activation come right after it, before
        the first block's two ways part, and the last block has one more pair after it (He et al.
        2016, appendix).

        Raises:
            ZooError: for data of another rank.
        """
        from zoo.models.cnn import network

        return network.build(self, of)
