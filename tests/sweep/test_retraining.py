"""A row from others, from the author's run to its refutation."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import recipe as recipes
from zoo.evidence.store import Store
from zoo.results import submissions

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
title: The author's activation beside ReLU
claim: Nothing yet.
data: {name: digits, batch_size: 64}
model: {family: mlp, depth: 2, width: 16, activation: relu, initializer: he_normal}
training:
  optimizer: SGD
  learning_rate: [0.1, 0.3]
  steps: 60
  evaluate_every: 10
  seeds: 10
  tuning_seeds: 1
  final_tuning_seeds: 1
target: {metric: val_accuracy, mode: max, value: 0.8}
baseline: relu
arms:
  relu: {}
  bent: {model.activation: "mine>bent"}
"""
CODE = """
import keras

@keras.saving.register_keras_serializable("mine")
def bent(x):
    return (keras.ops.sqrt(x * x + 1) - 1) / 2 + x
"""


@pytest.fixture(scope="module")
def author(tmp_path_factory):
    """The author's recipe, file and evidence."""
    folder = tmp_path_factory.mktemp("author")
    path, code = folder / "recipes" / "mine" / "bent.yaml", folder / "bent.py"
    path.parent.mkdir(parents=True)
    path.write_text(RECIPE)
    code.write_text(CODE)
    options = ["--import", code, "--out", folder / "evidence", "--workers", "2"]
    command = [sys.executable, "-m", "zoo", "run", path, *options]
    process = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert process.returncode == 0, process.stderr
    return folder, path, code


@pytest.mark.combination
def test_a_run_trained_again_confirms_or_refutes_a_submission(author, tmp_path, one_thread):
    folder, path, code = author
    recipe = recipes.load(path)
    submitted = submissions.pack(recipe, path, [code], folder / "evidence", tmp_path)
    script = runpy.run_path(str(ROOT / "scripts" / "retrain.py"))
    submission = submissions.read(submitted)
    assert submission.status == "recomputed"

    drawn = script["drawn"](submission, 7, 3)
    assert drawn == script["drawn"](submission, 7, 3) != script["drawn"](submission, 8, 3)
    assert len(set(drawn)) == 3
    runs = script["retrained"](submission, [("bent", 4)])
    assert [(run.arm, run.seed, run.state) for run in runs] == [("bent", 4, "equal")]
    submissions.keep(submitted, runs)
    assert submissions.read(submitted).status == "re-trained"

    # The author takes the best of many seeds for one that was asked for.
    store, arm = Store(submitted), recipe.arms["bent"]
    other = store.records(arm)[5].model_copy(update={"seed": 4})
    store.write_record(arm, other)
    [run] = script["retrained"](submission, [("bent", 4)])
    assert run.state == "differs"
    submissions.keep(submitted, [run])
    store.manifest.write()
    with pytest.raises(Exception, match=r"another row than the records give"):
        submissions.read(submitted)
