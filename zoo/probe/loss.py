"""The loss whose gradient is measured: what training descends, penalties included."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import tree

from zoo.errors import ZooError

Tensor = Any
Part = Literal["all", "data", "penalty"]


class Objective:
    """The loss of a model's outputs on a batch, as `fit` has it.

    Args:
        model: whose regularizers and activity losses (`model.losses`) count too.
        loss: a Keras loss, its name, a function, or a list or dict of them, one an output; None for
            what the model was compiled with, loss weights included.
        part: all of it, what the data say alone, or the penalties alone.

    Raises:
        ZooError: if there is no loss, or Keras has none of the name.
    """

    def __init__(self, model: keras.Model, loss: Any = None, part: Part = "all") -> None:
        self._model, self._part = model, part
        self._compiled = loss is None
        if loss is None and not getattr(model, "compiled", False):
            raise ZooError(
                f"model {model.name}: has no loss: compile it with one, or name one, such as "
                "loss='mse'"
            )
        try:
            self._losses = None if loss is None else tree.map_structure(_named, loss)
        except ValueError as error:
            raise ZooError(f"loss {loss!r}: {str(error).splitlines()[0]}") from None

    def __call__(self, x: Any, y: Any, outputs: Any, weights: Tensor | None = None) -> Tensor:
        """The loss, a scalar; call it after the model, within the same tape.

        Args:
            x: inputs.
            y: targets, structured like the outputs, or like the losses.
            outputs: what the model gave.
            weights: of the examples, (batch,).
        """
        penalties = [tf.cast(tf.reduce_sum(each), tf.float32) for each in self._model.losses]
        penalty = tf.add_n(penalties) if penalties else tf.constant(0.0)
        if self._part == "penalty":
            return penalty
        if self._compiled:
            both = self._model.compute_loss(
                x=x, y=y, y_pred=outputs, sample_weight=weights, training=True
            )
            return both - penalty if self._part == "data" and penalties else both
        data = _sum_of(self._losses, y, outputs, weights)
        return data + penalty if self._part == "all" and penalties else data


def _named(loss: Any) -> Callable[..., Tensor]:
    function: Callable[..., Tensor] = keras.losses.get(loss) if isinstance(loss, str) else loss
    if not callable(function):
        raise ValueError("is no loss")
    return function


def _sum_of(losses: Any, y: Any, outputs: Any, weights: Tensor | None) -> Tensor:
    if isinstance(losses, Mapping):
        named = outputs if isinstance(outputs, Mapping) else dict(zip(losses, outputs, strict=True))
        return tf.add_n([_mean(losses[k], y[k], named[k], weights) for k in losses])
    if isinstance(losses, list | tuple):
        targets, given = tree.flatten(y), tree.flatten(outputs)
        each = zip(losses, targets, given, strict=True)
        return tf.add_n([_mean(loss, t, o, weights) for loss, t, o in each])
    targets, given = tree.flatten(y), tree.flatten(outputs)
    if len(given) > 1:
        each_output = zip(targets, given, strict=True)
        return tf.add_n([_mean(losses, t, o, weights) for t, o in each_output])
    return _mean(losses, targets[0], given[0], weights)


def _mean(loss: Callable[..., Tensor], y: Tensor, output: Tensor, weights: Tensor | None) -> Tensor:
    """The loss of one output, averaged over the batch where the loss has not done that itself."""
    if weights is None:
        return tf.reduce_mean(loss(y, output))
    if isinstance(loss, keras.Loss):
        return tf.reduce_mean(loss(y, output, sample_weight=weights))
    return tf.reduce_mean(loss(y, output) * tf.cast(weights, output.dtype))
