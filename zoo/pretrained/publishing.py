"""What is published of an arm: one run is trained again, and only if its record comes out."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from zoo import keras_private
from zoo.data import Dataset, Split
from zoo.errors import ZooError
from zoo.evidence.agreement import agreement
from zoo.evidence.record import RunRecord, at_budget
from zoo.evidence.store import Store
from zoo.files import read_text, write_whole
from zoo.pretrained import card, loading, metadata, probe, recipe_file, weights
from zoo.pretrained.ids import ModelId
from zoo.pretrained.registry import FILES, Entry, File, FileName
from zoo.recipe import Arm, Recipe
from zoo.results import figures, leaderboard
from zoo.results.columns import Row
from zoo.sweep import verification, workers
from zoo.training import loss_of
from zoo.training.evaluation import Evaluation

SAME = 1e-4  # of a loss, relative, and of an accuracy: what another order of adding may do to it


class NoWeightsError(ZooError):
    """All runs of an arm diverged."""


def representative(arm: Arm, records: Mapping[int, RunRecord]) -> RunRecord:
    """The run whose final metric is the median of the reported runs.

    The metric is the target's on the validation split, at the budget: the test split chooses
    nothing. Of an even number the lower one of the two in the middle, of equal ones that of the
    lowest seed; a run that had diverged by then has no weights and is left out.

    Raises:
        NoWeightsError: if none is left.
    """
    target, budget = arm.spec.target, arm.spec.training.steps
    finals = [
        (value, seed)
        for seed, record in records.items()
        if (value := at_budget(record, target.metric, budget)) is not None
        and math.isfinite(value)
        and (record.diverged_at is None or record.diverged_at > budget)
    ]
    if not finals:
        raise NoWeightsError(
            f"{arm.id}: no run came to its budget: there are no weights to publish"
        )
    finals.sort(key=lambda each: (each[0], each[1]))
    median = finals[(len(finals) - 1) // 2][0]
    return records[min(seed for value, seed in finals if value == median)]


@dataclass(frozen=True)
class Model:
    """A model that is to be published.

    Attributes:
        recipe: the arm with those that it is judged against, and no others.
        arm: whose run.
        record: of the run.
        rows: of the arms.
        beside: what is in the files that follow from the evidence alone: record and figure.
    """

    recipe: Recipe
    arm: Arm
    record: RunRecord
    rows: Sequence[Row]
    beside: Mapping[FileName, str]

    @property
    def id(self) -> ModelId:
        """Under which it is published."""
        return ModelId(self.arm.recipe, self.arm.name, self.record.benchmark)


def of_evidence(
    recipe: Recipe, store: Store, names: Sequence[str], without: list[str] | None = None
) -> list[Model]:
    """What is to be published of some arms of a recipe.

    Args:
        recipe: with evidence.
        store: of the evidence.
        names: of arms.
        without: is given a line for each arm that has no weights, as all of its runs diverged; by
            default that is an error.

    Raises:
        ZooError: if the evidence is damaged or missing, or an arm has no run with weights.
    """
    rows = {row.arm: row for row in leaderboard.rows(recipe, store)}
    of_arms = leaderboard.evidence(recipe, store)
    models = []
    for name in names:
        pair = recipe.only([name])
        arm = pair.arms[name]
        if name not in of_arms:
            raise ZooError(f"{store.root}: no record of {arm.id}; run: zoo run {recipe.id}")
        try:
            record = representative(arm, of_arms[name].records)
        except NoWeightsError as error:
            if without is None:
                raise
            without.append(str(error))
            continue
        [gradients, *_] = figures.plots_of(pair, {each: of_arms[each] for each in pair.arms})
        beside: dict[FileName, str] = {
            "record.json": read_text(store.record_path(arm, record.seed)),
            "gradients.svg": figures.svg(gradients).decode(),
        }
        models.append(Model(pair, arm, record, [rows[each] for each in pair.arms], beside))
    return models


def publish(model: Model, into: Path) -> Entry:
    """Trains a run again and writes what is published of it to a folder.

    Args:
        model: which.
        into: an empty folder.

    Returns:
        What a registry says of it.

    Raises:
        ZooError: if the run does not come out as its record has it, or what was written cannot be
            loaded again and give the same.
    """
    of, recipe, arm, record = model.id, model.recipe, model.arm, model.record
    if record.environment.get("imports"):
        names = ", ".join(record.environment["imports"])
        raise ZooError(f"{arm.id}: needs {names}: only what the zoo builds can be published")
    values: list[Any] = []
    now = verification.train_again(
        arm,
        record,
        at_budget=lambda model: values.extend(each.numpy() for each in model.variables),
    )
    if agreement(arm, record, now).state == "differs":
        raise ZooError(
            f"{arm.id}: seed {record.seed} does not come out as its record has it: not published; "
            f"see: zoo verify {arm.id} --seed {record.seed}"
        )
    data = workers.data_of(arm.spec.data)
    about = metadata.of_run(arm, data, record, keras.__version__)
    texts: dict[FileName, str] = {
        **model.beside,
        loading.RECIPE: recipe_file.text(of, recipe, arm),
        loading.METADATA: json.dumps(about.model_dump(), indent=1) + "\n",
        "README.md": card.text(of, recipe, arm, record, about, model.rows),
    }
    as_bytes = [texts[name].encode() for name in (loading.RECIPE, loading.METADATA)]
    with keras_private.names_from_zero():  # so that the same run gives the same bytes
        trained = loading.rebuilt(of, *as_bytes, start=False)
    again = loading.rebuilt(of, *as_bytes, start=False)
    description = keras.saving.serialize_keras_object(trained.model)
    texts["config.json"] = json.dumps(description, indent=1) + "\n"
    for variable, value in zip(trained.model.variables, values, strict=True):
        variable.assign(value)
    path = into / loading.WEIGHTS
    weights.save(trained.model, path)
    weights.load(again.model, path)
    for metric, result in evaluated(again, data).items():
        recorded = getattr(now, f"test_{metric}")
        if abs(result - recorded) > SAME * max(1.0, abs(recorded)):
            raise ZooError(f"{of}: loaded again its test {metric} is {result:.6g}, not {recorded}")
    for name, text in texts.items():
        write_whole(into / name, text)
    return Entry(
        files={name: _file(into / name) for name in FILES},
        keras_version=keras.__version__,
        arm_sha256=arm.sha256,
        seed=record.seed,
        learning_rate=record.learning_rate,
        parameters=about.parameter_count,
        metrics={
            name: value
            for name in ("test_accuracy", "test_loss")
            if (value := getattr(record, name)) is not None
        },
        data=about.data,
        license=card.LICENSE,
        probe=probe.measured(again.model, about),
    )


def evaluated(built: loading.Built, data: Dataset) -> dict[str, float]:
    """The loss and, of classes, the accuracy on the test split, as a run evaluates them."""
    evaluation = Evaluation(built.model, loss_of(data), data, xla=False)
    test = Split(*map(tf.constant, data.test))
    values = keras_private.traced_without_warning(lambda: evaluation(test))()
    return dict(zip(evaluation.metrics, map(float, values), strict=True))


def _file(path: Path) -> File:
    data = path.read_bytes()
    return File(size=len(data), sha256=hashlib.sha256(data).hexdigest())
