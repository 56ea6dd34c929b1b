"""The layers of the transformer encoder, as its arguments say."""

from collections.abc import Callable
from typing import Any

import keras

from zoo.mitigations.attention_kernel import AttentionKernel
from zoo.mitigations.deepnorm import ScaledAdd, branch_scale, residual_scale, shrink_branch
from zoo.mitigations.fixup import Scaled
from zoo.mitigations.padding_mask import PaddingMask
from zoo.mitigations.position_embedding import PositionEmbedding
from zoo.models.sequences import require_sequence
from zoo.models.transformer import Transformer
from zoo.parts import making
from zoo.recipe.families import Shapes

INNER = 4  # widths of the feed-forward net's hidden layer (Vaswani et al. 2017, section 3.3)


def build(net: Transformer, of: Shapes) -> keras.Model:
    """The model; arguments and errors as `Transformer.build`."""
    require_sequence(of.input_shape, net.family)
    length = of.input_shape[0]
    inputs = keras.Input(of.input_shape, dtype="int32" if of.vocabulary else "float32")
    x, seen = inputs, None
    if of.vocabulary is not None:
        unit = keras.initializers.RandomNormal(stddev=1.0)  # what a normalization would make of it
        x = keras.layers.Embedding(of.vocabulary, net.width, unit, name="embedding")(x)
        seen = PaddingMask()(inputs)
    else:
        if len(of.input_shape) == 1:
            x = keras.layers.Reshape((length, 1))(x)
        kernel = making.initializer(net.initializer)
        x = keras.layers.Dense(net.width, kernel_initializer=kernel, name="projection")(x)
    x = PositionEmbedding(name="positions")(x)
    looked_at = None if seen is None else keras.layers.Reshape((1, length))(seen)
    for block in range(1, net.depth + 1):
        attention, feed_forward = f"block_{block}_attention", f"block_{block}_feed_forward"
        x = _branch(net, x, attention, lambda x, name: _attended(net, x, name, looked_at))
        x = _branch(net, x, feed_forward, lambda x, name: _fed_forward(net, x, name))
    if net.normalization_place == "before":
        x = making.layer(net.normalization, "normalization")(x)
    if of.target_length is not None:
        x = keras.layers.Cropping1D((length - of.target_length, 0))(x)
    else:
        x = keras.layers.GlobalAveragePooling1D()(x, mask=seen)
    kernel = making.initializer(net.initializer)
    x = keras.layers.Dense(of.outputs, kernel_initializer=kernel, name=net.output_layer)(x)
    return keras.Model(inputs, x)


def _branch(net: Transformer, x: Any, name: str, branch: Callable[[Any, str], Any]) -> Any:
    """A branch and its skip, with the normalization where it belongs."""

    def normalized(x: Any) -> Any:
        return making.layer(net.normalization, f"{name}_normalization")(x)

    h = branch(normalized(x) if net.normalization_place == "before" else x, name)
    if net.deepnorm:
        x = ScaledAdd(residual_scale(net.depth), name=f"{name}_skip")([x, h])
    else:
        x = making.skip(net.skip, f"{name}_skip")([x, h])
    return normalized(x) if net.normalization_place == "after" else x


def _attended(net: Transformer, x: Any, name: str, looked_at: Any) -> Any:
    attention = keras.layers.MultiHeadAttention(
        net.heads,
        net.width // net.heads,
        kernel_initializer=AttentionKernel(making.initializer(net.initializer)),
        name=name,
    )
    causal = net.mask == "causal"
    h = attention(x, x, attention_mask=looked_at, use_causal_mask=causal)
    if net.deepnorm:
        shrink_branch(attention, branch_scale(net.depth))
    return h


def _fed_forward(net: Transformer, x: Any, name: str) -> Any:
    def dense(units: int, number: int) -> keras.layers.Dense:
        kernel = making.initializer(net.initializer)
        if net.deepnorm:
            kernel = Scaled(kernel, branch_scale(net.depth))
        return keras.layers.Dense(units, kernel_initializer=kernel, name=f"{name}_{number}")

    h = making.activation(net.activation)(dense(INNER * net.width, 1)(x))
    return dense(net.width, 2)(h)
