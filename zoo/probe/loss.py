"""The loss whose gradient is measured: what training descends, penalties included."""

from collections.abc import Callable
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.errors import ZooError, said_by

Tensor = Any
Part = Literal["all", "data", "penalty"]


class Objective:
    """The loss of a model's outputs on a batch, as `fit` has it.

    Args:
        model: whose regularizers and activity losses (`model.losses`) count too.
        loss: as `compile` takes it: a Keras loss, its name, a function, or a list or dict of them,
            one an output, None for an output without; None for what the model was compiled with,
            loss weights included.
        part: all of it, what the data say alone, or the penalties alone.

    Raises:
        ZooError: if there is no loss, or Keras has none of the name.
    """

    def __init__(self, model: keras.Model, loss: Any = None, part: Part = "all") -> None:
        self._model, self._part, self._loss = model, part, loss
        if loss is None and not getattr(model, "compiled", False):
            raise ZooError(
                f"model {model.name}: has no loss: compile it with one, or name one, such as "
                "loss='mse'"
            )
        try:
            self._given = _given(model, loss)
        except Exception as error:  # Keras's, of what it does not know
            raise ZooError(f"loss {loss!r}: {said_by(error)}") from None

    def __call__(self, x: Any, y: Any, outputs: Any, weights: Any = None) -> Tensor:
        """The loss, a scalar; call it after the model, within the same tape.

        Args:
            x: inputs.
            y: targets, structured like the outputs, or like the losses; None if no loss takes them.
            outputs: what the model gave.
            weights: of the examples, (batch,), or of each of their steps; for several outputs a
                list or dict of them.
        """
        penalties = [tf.cast(tf.reduce_sum(each), tf.float32) for each in self._model.losses]
        penalty = tf.add_n(penalties) if penalties else tf.constant(0.0)
        if self._part == "penalty":
            return penalty
        of_data = self._given
        if of_data is None and self._part == "data":
            of_data = keras_private.compiled_data_loss(self._model)
        if of_data is None:
            both = keras_private.compute_loss(self._model, x, y, outputs, weights)
            both = tf.convert_to_tensor(both)
            if both.shape.rank != 0:
                both = tf.reduce_sum(both)  # as a gradient is of one that is not summed
            return both - penalty if self._part == "data" and penalties else both
        named = isinstance(self._loss, dict)
        if named and not (isinstance(outputs, dict) or getattr(self._model, "output_names", None)):
            raise ZooError(
                f"model {self._model.name}: the outputs have no names: give one loss, or a list"
            )
        data = tf.reduce_mean(of_data(y, outputs, sample_weight=weights))
        return data + penalty if self._part == "all" and penalties else data


def _given(model: keras.Model, loss: Any) -> Callable[..., Tensor] | None:
    """What computes a loss that is given, as `fit` would; None for none.

    Raises:
        ValueError: for a name that Keras does not know.
    """
    if loss is None or isinstance(loss, keras.Loss):
        return loss
    for each in tree.flatten(loss):
        if isinstance(each, str) and each.lower() not in ("crossentropy", "ce"):
            keras.losses.get(each)
        elif each is not None and not isinstance(each, str) and not callable(each):
            raise ValueError("is no loss")
    return keras_private.compiled_loss(model, loss)
