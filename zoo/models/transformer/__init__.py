"""The transformer encoder: post-LN, pre-LN, without normalization, or DeepNorm.

Vaswani et al. 2017, arXiv:1706.03762: blocks of multi-head self-attention and of a feed-forward
net, each with a residual connection, normalized after the sum. Before the branch instead: Xiong et
al. 2020, arXiv:2002.04745.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from zoo.recipe.families import Family, Shapes
from zoo.recipe.values import GLOROT, Activation, Count, Initializer, KerasPart, Makes, Part

if TYPE_CHECKING:
    import keras


class Transformer(Family):
    """A transformer encoder: `depth` blocks of attention and a feed-forward net.

    Where the normalization stands is one key, which says "nowhere" too: arms with post-LN, pre-LN
    and none then differ in that one thing, and none has a place for a normalization that it lacks.
    """

    output_per_step = True

    family: Literal["transformer"]
    depth: Annotated[Count, Field(description="blocks of attention and a feed-forward net")]
    width: Annotated[Count, Field(description="entries of the vector of each step")]
    heads: Annotated[Count, Field(description="of attention; they divide the width")]
    activation: Annotated[Activation, Field(description="of the 4 * width hidden units")]
    initializer: Annotated[Initializer, Field(description="of every kernel")] = GLOROT
    normalization: Annotated[
        Part, Makes("layer"), Field(description="a Keras normalization layer")
    ] = KerasPart(class_name="LayerNormalization")
    normalization_place: Annotated[
        Literal["after", "before", "nowhere"],
        Field(description="after each sum (post-LN), before each branch (pre-LN), or nowhere"),
    ] = "after"
    skip: Annotated[
        Part,
        Makes("skip"),
        Field(description="a Keras layer that merges a branch's input and output"),
    ] = KerasPart(class_name="Add")
    deepnorm: Annotated[
        bool, Field(description="scaled sums and kernels of DeepNorm, for post-LN with skip Add")
    ] = False
    mask: Annotated[
        Literal["none", "causal"], Field(description="what a step may look at: all, or none later")
    ] = "none"

    @field_validator("heads")
    @classmethod
    def _divide_the_width(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("width", heads)
        if width % heads:
            raise ValueError(f"{heads} heads do not divide model.width ({width})")
        return heads

    @field_validator("skip")
    @classmethod
    def _keeps_the_width(cls, skip: KerasPart) -> KerasPart:
        if skip.class_name == "Concatenate":
            raise ValueError("Concatenate widens each block: name a merge such as Add")
        return skip

    @field_validator("deepnorm")
    @classmethod
    def _scales_a_sum_before_normalization(cls, deepnorm: bool, info: ValidationInfo) -> bool:
        skip, place = info.data.get("skip"), info.data.get("normalization_place")
        if deepnorm and place not in ("after", None):
            raise ValueError(f"is for model.normalization_place: after, not {place}")
        if deepnorm and skip is not None and skip.class_name != "Add":
            raise ValueError(f"is for blocks with model.skip: Add, not {skip}")
        return deepnorm

    def hidden_layers(self, measured: Sequence[str]) -> list[str]:
        """The second kernel of each block's feed-forward net.

        The layers of a block are unlike one another: compared from block to block is the one whose
        gradient is that of the sum it is added to, so that its delta says what reaches the block;
        and of whose kernel the theorem of Xiong et al. speaks.
        """
        return [name for name in measured if name.endswith("_feed_forward_2")]

    def build(self, of: Shapes) -> "keras.Model":
        """Vectors of the steps, blocks, the mean over time, a linear Dense layer.

        For inputs (steps, features), or (steps,) for one feature or tokens. A linear layer makes
        features vectors of `width`; tokens become vectors, of unit variance at the start, and 0,
        which stands for none, is looked at by no attention and no mean. A learned vector is added
        for each place. Pre-LN has one
        more normalization after the last block. With a `target_length` there is no mean: each of
        the last steps has outputs. All biases start at 0.

        Attention sees all steps alike: unlike a recurrent network's, its gradients by the inputs do
        not vanish over time but by depth, and so the delta ratio is one of blocks.

        Raises:
            ZooError: for inputs that are no sequence.
        """
        from zoo.models.transformer import network

        return network.build(self, of)
