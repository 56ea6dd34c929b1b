"""Scaled dot-product attention with its gradient written out: Keras's numbers, sooner.

Keras's is two `einsum`s, which TensorFlow transposes and reshapes anew in each gradient; Vaswani et
al. 2017, arXiv:1706.03762, need four products and one softmax.
"""

from typing import Any

import keras
import tensorflow as tf

from zoo import keras_private
from zoo.probe.layers import layers_inside


def fuse(model: keras.Model) -> None:
    """Gives the model's MultiHeadAttention layers the gradient that is written out here.

    It counts in training alone, where outputs and gradients are Keras's to rounding. Layers of a
    subclass, that drop out, of another precision, or that attend over more than one axis, stay as
    they are.
    """
    for layer in layers_inside(model):
        if type(layer) is not keras.layers.MultiHeadAttention or layer.compute_dtype != "float32":
            continue
        if keras_private.attends_over_time_alone(layer):
            keras_private.replace_attention(layer, _seen)


def _seen(query: Any, key: Any, value: Any, mask: Any) -> Any:
    """The values that each query sees, (batch, steps, heads, units).

    Args:
        query: (batch, steps, heads, units).
        key: (batch, steps that are looked at, heads, units).
        value: as `key`.
        mask: which are looked at, bool, to broadcast to (batch, steps, looked at); or None for all.
    """
    scale = query.shape[-1] ** -0.5

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def seen(query: Any, key: Any, value: Any) -> Any:
        query, key, value = _by_head(query * scale), _by_head(key), _by_head(value)
        scores = tf.matmul(query, key, transpose_b=True)
        if mask is not None:
            scores = tf.where(mask[:, None], scores, 0.7 * scores.dtype.min)  # Keras's, so finite
        share = tf.nn.softmax(scores)
        output = tf.matmul(share, value)

        def gradient(delta: Any) -> tuple[Any, Any, Any]:
            delta = _by_head(delta)
            by_share = tf.matmul(delta, value, transpose_b=True)
            by_score = share * (by_share - tf.reduce_sum(delta * output, -1, keepdims=True))
            if mask is not None:
                by_score = tf.where(mask[:, None], by_score, 0.0)
            by_query = tf.matmul(by_score, key) * scale
            by_key = tf.matmul(by_score, query, transpose_a=True)
            by_value = tf.matmul(share, delta, transpose_a=True)
            return _by_head(by_query), _by_head(by_key), _by_head(by_value)

        return _by_head(output), gradient

    return seen(query, key, value)


def _by_head(x: Any) -> Any:
    """Exchanges steps and heads, there and back."""
    return tf.transpose(x, [0, 2, 1, 3])
