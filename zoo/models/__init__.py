"""Model families: a file or package each, whose class declares arguments and builds the model."""

from typing import TYPE_CHECKING

from zoo import keras_setup
from zoo.errors import ZooError
from zoo.recipe.families import Family, Shapes, families

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset


def build(arguments: Family, data: "Dataset", *, start: bool = True) -> "keras.Model":
    """Builds the family's model for a data set: logits for classes, values for regression.

    Every random initial weight comes from Keras's global seed: call `keras.utils.set_random_seed`
    first for a model that can be made again. Layers that start from data see the first training
    examples, without their targets (`zoo.mitigations.first_batch`).

    Args:
        arguments: of the family.
        data: what the model is for.
        start: whether layers start from data; not those whose weights will be loaded.

    Raises:
        ZooError: if the family is not for such data.
    """
    keras_setup.require()
    if data.target_length is not None and not arguments.output_per_step:
        able = [name for name, family in families().items() if family.output_per_step]
        raise ZooError(
            f"{data.name}: has a class for each of several steps, which the model family "
            f"{arguments.family} does not give: use {' or '.join(able)}"
        )
    from zoo.mitigations import first_batch

    model = arguments.build(
        Shapes(data.input_shape, data.outputs, data.vocabulary, data.target_length)
    )
    if start:
        first_batch.start(model, lambda: data.train.x[: first_batch.EXAMPLES])
    return model
