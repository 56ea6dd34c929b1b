"""Model families: functions that return a keras.Model, whose arguments are the mitigations."""

import importlib
from typing import TYPE_CHECKING

from zoo.data import Dataset
from zoo.errors import ZooError
from zoo.schema import CNN, MLP, RNN

if TYPE_CHECKING:
    import keras


def build(arguments: MLP | CNN | RNN, data: Dataset) -> "keras.Model":
    """Builds the family's model for a data set: logits for classes, values for regression.

    Every random initial weight comes from Keras's global seed: call `keras.utils.set_random_seed`
    first for a model that can be made again.

    Raises:
        ZooError: if the family is not for such data.
    """
    family = getattr(importlib.import_module(f"zoo.models.{arguments.family}"), arguments.family)
    keywords = {name: getattr(arguments, name) for name in type(arguments).model_fields}
    del keywords["family"]
    if data.target_length is not None:
        if arguments.family != "rnn":
            raise ZooError(
                f"{data.name}: has a class for each of several steps, which only the model family "
                f"rnn gives, not {arguments.family}"
            )
        keywords["target_length"] = data.target_length
    model: keras.Model = family(
        data.input_shape, data.outputs, vocabulary=data.vocabulary, **keywords
    )
    return model
