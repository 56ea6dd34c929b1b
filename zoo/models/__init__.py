"""Model families: functions that return a keras.Model, whose arguments are the mitigations."""

from typing import TYPE_CHECKING

from zoo.data import Dataset
from zoo.schema import MLP

if TYPE_CHECKING:
    import keras


def build(arguments: MLP, data: Dataset) -> "keras.Model":
    """Builds the family's model for a data set: logits for classes, values for regression.

    Every random initial weight comes from Keras's global seed: call `keras.utils.set_random_seed`
    first for a model that can be made again.
    """
    from zoo.models.mlp import mlp

    families = {"mlp": mlp}
    keywords = {name: getattr(arguments, name) for name in type(arguments).model_fields}
    return families[keywords.pop("family")](
        data.input_shape, data.outputs, vocabulary=data.vocabulary, **keywords
    )
