"""What is to be known of a model beside its weights, to build it without its data."""

import functools

from pydantic import NonNegativeInt, PositiveInt

from zoo.data import Dataset, Split, loading
from zoo.data.preprocessing import Preprocessing
from zoo.data.raw import Task
from zoo.evidence.record import RunRecord
from zoo.recipe import Arm
from zoo.recipe.values import PositiveFloat, Strict


class Metadata(Strict):
    """The file metadata.json; its first two names are those of Keras's hub.

    Attributes:
        keras_version: that trained it.
        parameter_count: how many weights it has.
        benchmark: the version of protocol and recipes.
        seed: of the run whose weights these are.
        learning_rate: of that run.
        step: of the run at which its weights were taken: the budget.
        data: the name of the data set.
        task: what it was trained for.
        input_shape: of one example, as the model is given it.
        outputs: units of its last layer.
        vocabulary: if the inputs are that many different tokens.
        target_length: if it gives outputs at each of that many last steps of time.
        preprocess: gives inputs of examples as they come.
        class_names: what each class is called; None where they have no names.
    """

    keras_version: str
    parameter_count: PositiveInt
    benchmark: str
    seed: NonNegativeInt
    learning_rate: PositiveFloat
    step: PositiveInt
    data: str
    task: Task
    input_shape: list[PositiveInt]
    outputs: PositiveInt
    vocabulary: PositiveInt | None
    target_length: PositiveInt | None
    preprocess: Preprocessing
    class_names: list[str] | None


class Described:
    """Stands for a data set where a model is built: it is loaded if a layer starts from it."""

    def __init__(self, arm: Arm, of: Metadata) -> None:
        self._data = arm.spec.data
        self.name, self.task, self.outputs = of.data, of.task, of.outputs
        self.vocabulary, self.target_length = of.vocabulary, of.target_length
        self.input_shape = tuple(of.input_shape)

    @functools.cached_property
    def train(self) -> Split:
        """The training split."""
        return loading.load_for(self._data).train


def of_run(arm: Arm, data: Dataset, run: RunRecord, keras_version: str) -> Metadata:
    """Of a run, as its record has it.

    Args:
        arm: which.
        data: that it was trained on.
        run: its record.
        keras_version: that trained it.
    """
    assert data.preprocess is not None and run.parameters is not None
    return Metadata(
        keras_version=keras_version,
        parameter_count=run.parameters,
        benchmark=run.benchmark,
        seed=run.seed,
        learning_rate=run.learning_rate,
        step=arm.spec.training.steps,
        data=data.name,
        task=data.task,
        input_shape=list(data.input_shape),
        outputs=data.outputs,
        vocabulary=data.vocabulary,
        target_length=data.target_length,
        preprocess=data.preprocess,
        class_names=None if data.class_names is None else list(data.class_names),
    )
