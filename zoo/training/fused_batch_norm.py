"""Batch normalization in one operation of TensorFlow's: Keras's numbers, sooner.

Keras 3 composes the moments, the normalization and their gradients of a dozen operations, each a
pass over the whole tensor: a fifth of a ResNet's training step on a CPU.
"""

import functools
from typing import Any

import keras
import tensorflow as tf

from zoo import keras_private
from zoo.probe.layers import layers_inside


def fuse(model: keras.Model) -> None:
    """Makes the model's own BatchNormalization layers compute their training mode in one operation.

    Outputs, gradients and moving averages are Keras's to rounding. Layers of a subclass, or that
    normalize another axis than the last, stay as they are.
    """
    for layer in layers_inside(model):
        if type(layer) is keras.layers.BatchNormalization and _plain(layer):
            layer.call = functools.partial(_call, layer, layer.call)


def _plain(layer: Any) -> bool:
    last = layer.axis in (-1, layer.input_spec.ndim - 1)
    return last and layer.scale and layer.center and not (layer.renorm or layer.synchronized)


def _call(layer: Any, composed: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    if not training or not layer.trainable or mask is not None:
        return composed(inputs, training=training, mask=mask)
    x = tf.cast(inputs, tf.float32)
    if x.shape.rank != 4:
        x = tf.reshape(x, [tf.shape(x)[0], -1, 1, x.shape[-1]])
    gain, offset = (keras.ops.cast(weight, "float32") for weight in (layer.gamma, layer.beta))
    y, mean, variance = keras_private.fused_batch_norm(x, gain, offset, layer.epsilon)
    count = tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32)
    variance *= tf.maximum(count - 1, 1) / count  # TensorFlow's is the unbiased one
    for average, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        average.assign(average * layer.momentum + value * (1 - layer.momentum))
    return tf.cast(tf.reshape(y, tf.shape(inputs)), layer.compute_dtype)
