"""The card of a published model: a README.md as model hubs read it; no number is typed by hand."""

from collections.abc import Sequence
from typing import Any

from zoo.data.raw import Task
from zoo.errors import ZooError
from zoo.evidence.record import RunRecord
from zoo.pretrained.ids import ModelId
from zoo.pretrained.metadata import Metadata
from zoo.recipe import Arm, Recipe
from zoo.recipe.values import written
from zoo.results import tables
from zoo.results.cells import number
from zoo.results.columns import Row

LICENSE = "apache-2.0"  # of weights and cards
METRICS: dict[Task, tuple[str, str]] = {  # the hubs' name of a metric, and the record's
    "classification": ("accuracy", "test_accuracy"),
    "regression": ("mse", "test_loss"),
}


def text(
    of: ModelId, recipe: Recipe, arm: Arm, record: RunRecord, about: Metadata, rows: Sequence[Row]
) -> str:
    """The card: front matter with the evaluation's result, use, training, results, limits.

    Args:
        of: the model's id.
        recipe: the arm with those that it is judged against, and no others.
        arm: whose run.
        record: of the run.
        about: the model.
        rows: of those arms.

    Raises:
        ZooError: if huggingface_hub is not installed.
    """
    parts = [
        f"---\n{_front_matter(of, record, about)}\n---",
        f"# {of}",
        _what(recipe, arm),
        _use(of, about),
        _training(arm, record, about, rows),
        _results(recipe, rows),
        "## Gradients\n\n![Gradients of the arms at the start of training](gradients.svg)",
        _limits(arm, about),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _front_matter(of: ModelId, record: RunRecord, about: Metadata) -> str:
    try:
        from huggingface_hub import EvalResult, ModelCardData
    except ModuleNotFoundError:
        raise ZooError(
            "cards are made with huggingface_hub: pip install 'gradient-zoo[hub]'"
        ) from None
    metric, field = METRICS[about.task]
    images = len(about.input_shape) == 3 and about.task == "classification"
    result = EvalResult(
        task_type="image-classification" if images else "other",
        dataset_type=about.data,
        dataset_name=about.data,
        dataset_split="test",
        metric_type=metric,
        metric_value=getattr(record, field),
        metric_name=field.replace("_", " "),
    )
    data = ModelCardData(
        model_name=str(of),
        license=LICENSE,
        library_name="keras",
        datasets=[about.data],
        tags=["gradient-zoo", "vanishing-gradients"],
        eval_results=[result],
    )
    return str(data.to_yaml())


def _what(recipe: Recipe, arm: Arm) -> str:
    pair = f"It is the baseline of `{recipe.id}`"
    if arm.against is not None:
        changes = ", ".join(f"`{key}: {_short(value)}`" for key, value in arm.changes.items())
        pair = f"One arm of `{recipe.id}` ({changes}), judged against `{arm.against}`"
    return (
        f"{recipe.title}. {pair}: the arms of a recipe have the same data, batches, budget and "
        "choice of the learning rate."
    )


def _short(value: Any) -> str:
    return str(written(value)).replace("'", "")


def _use(of: ModelId, about: Metadata) -> str:
    shape = ", ".join(map(str, ("n", *about.preprocess.input_shape)))
    gives = f"(n, {about.outputs})"
    if about.target_length is not None:
        gives = f"(n, {about.target_length}, {about.outputs})"
    last = "logits of the classes" if about.task == "classification" else "values"
    return f"""## Use

```python
import zoo

model = zoo.load("{of}")
# x: ({shape}), as the data set has it; outputs: {gives}, {last}
outputs = model.predict(model.preprocess(x))
# The same model as its run started.
start = zoo.load("{of}", weights=None)
```"""


def _training(arm: Arm, record: RunRecord, about: Metadata, rows: Sequence[Row]) -> str:
    training, target = arm.spec.training, arm.spec.target
    row = next(row for row in rows if row.arm == arm.name)
    reached = record.steps_to_target
    lines = {
        "data": f"{about.data}, batches of {arm.spec.data.batch_size}",
        "optimizer": f"{training.optimizer} at {record.learning_rate:g}",
        "weights": f"{about.parameter_count}, as they were after {training.steps} steps",
        f"{target.metric} {target.value:g}": "not reached"
        if reached is None
        else f"at step {reached}",
        **{
            name.replace("_", " "): number(value, 6)
            for name in ("test_accuracy", "test_loss")
            if (value := getattr(record, name)) is not None
        },
        "Keras": about.keras_version,
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in lines.items())
    return f"""## Training

| | |
| --- | --- |
{table}

Of {row.seeds} reported runs the one with seed {record.seed}: its `{target.metric}` at the end of
the budget is their median, not the best. `recipe.yaml` has every setting, `record.json` the curve
and the gradients of each layer. `zoo verify {arm.id} --seed {record.seed}` trains it again."""


def _results(recipe: Recipe, rows: Sequence[Row]) -> str:
    table = tables.markdown(recipe, rows).partition("\n\n")[2].strip()
    return f"## All runs\n\n{table}\n\n{tables.legend(tables.columns(rows))}"


def _limits(arm: Arm, about: Metadata) -> str:
    return f"""## Limits

The model is evidence, not a product: the network, {about.data} and the budget were chosen so that
a difference in gradients shows within minutes, and an arm that learns badly is kept as it is. It
is small, it was trained once on the training split alone, and it knows no inputs but those of
{about.data}. On another kind of processor its outputs differ in the last digits."""
