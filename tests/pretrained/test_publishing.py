"""What is published of an arm: a run that comes out as its record says, and all that it needs."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.made_up_evidence import written
from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence.record import RunRecord
from zoo.evidence.store import Store
from zoo.pretrained import recipe_file, registry
from zoo.pretrained.ids import ModelId

RECIPE = """
title: A made-up comparison
claim: Nothing.
data: {name: digits, batch_size: 64}
model: {family: mlp, depth: 2, width: 8, activation: tanh, initializer: lsuv_orthogonal}
training:
  optimizer: {class_name: SGD, config: {momentum: 0.9}}
  learning_rate: [0.05, 0.1]
  steps: 40
  evaluate_every: 10
  seeds: 2
  tuning_seeds: 1
  final_tuning_seeds: 1
target: {metric: val_accuracy, mode: max, value: 0.5}
baseline: tanh
arms:
  tanh: {}
  batch_norm: {model.normalization: {class_name: BatchNormalization, config: {momentum: 0.9}}}
""".replace("lsuv_orthogonal", "glorot_uniform")


@pytest.fixture(scope="module")
def evidence(one_thread, tmp_path_factory):
    """Two arms, each with two runs, trained."""
    from zoo.sweep.sweep import Sweep
    from zoo.sweep.workers import local

    folder = tmp_path_factory.mktemp("published")
    recipe, store = written(folder, RECIPE), Store(folder / "evidence")
    with local(1) as pool:
        Sweep([recipe], store).run(pool, lambda states: None)
    return recipe, store


@pytest.fixture(scope="module")
def mirror(evidence, tmp_path_factory):
    """A mirror of both arms."""
    folder = tmp_path_factory.mktemp("mirror")
    assert pushed(folder, evidence) == []
    return folder


def pushed(folder, evidence, names=("tanh", "batch_norm"), heard=None):
    from zoo.pretrained import publishing, pushing
    from zoo.sweep.workers import local

    recipe, store = evidence
    models = publishing.of_evidence(recipe, store, list(names))
    lines = [] if heard is None else heard
    with local(1) as pool:
        return pushing.push(folder, models, pool, lambda model, what: lines.append(what))


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


# ------------------------------------------------------------ which run


def test_the_median_run_is_published_not_the_best(evidence):
    from zoo.pretrained.publishing import representative

    recipe, store = evidence
    arm = recipe.arms["tanh"]
    [record, *_] = store.records(arm).values()

    def ended(seed, value, diverged_at=None):
        curve = record.evaluation.model_copy(update={"val_accuracy": [0.9, 0.9, 0.9, value, 0, 0]})
        update = {"seed": seed, "evaluation": curve, "diverged_at": diverged_at}
        return record.model_copy(update=update)

    values = [0.8, 0.2, 0.6, 0.6, 0.9, 0.1]
    runs = {seed: ended(seed, value) for seed, value in enumerate(values)}
    assert representative(arm, runs).seed == 2  # of 0.1 0.2 0.6 0.6 0.8 0.9
    del runs[4]
    assert representative(arm, runs).seed == 2  # of 0.1 0.2 0.6 0.6 0.8
    del runs[2], runs[3]
    assert representative(arm, runs).seed == 1
    runs[1] = ended(1, 0.2, diverged_at=30)
    assert representative(arm, runs).seed == 5  # one that diverged has no weights
    runs = {1: runs[1]}
    with pytest.raises(ZooError, match="no run came to its budget"):
        representative(arm, runs)


def test_an_arm_without_weights_is_told_and_the_others_are_published():
    from zoo import recipe as recipes
    from zoo.evidence.store import Store
    from zoo.pretrained import publishing
    from zoo.results.folder import FOLDER

    recipe, store = recipes.load("digits/initialization"), Store(FOLDER)
    with pytest.raises(
        publishing.NoWeightsError, match="digits/initialization/normal_large: no run"
    ):
        publishing.of_evidence(recipe, store, ["normal_large", "he"])
    without = []
    models = publishing.of_evidence(recipe, store, ["normal_large", "he"], without)
    assert [model.arm.name for model in models] == ["he"]
    assert len(without) == 1 and "digits/initialization/normal_large" in without[0]


# ------------------------------------------------------------ what is in the folder


def test_every_arm_of_the_zoo_is_the_same_when_its_file_is_read_again():
    for recipe_id in recipes.available():
        recipe = recipes.load(recipe_id)
        for arm in recipe.arms.values():
            of = ModelId(recipe_id, arm.name, "1.0")
            again = recipe_file.read(of, recipe_file.text(of, recipe, arm).encode())
            assert again.sha256 == arm.sha256, arm.id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("depth: 2", "depth: two"), "model.depth"),
        (lambda text: text.replace("tanh@1.0", "relu@1.0"), "is of 'made/up/relu@1.0'"),
        (lambda text: text.replace("title:", "title: &a [*a, *a]\nagain:"), "recipe.yaml"),
        (lambda text: text + "\nmodel: {}\n", "twice"),
        (lambda text: text.replace("data:", "none:"), "data"),
        (lambda text: "- a list", "recipe.yaml"),
        (lambda text: "!!python/object/apply:os.getcwd []", "recipe.yaml"),
    ],
)
def test_a_recipe_that_is_none_is_refused_by_its_place(mirror, change, said):
    text = (mirror / "1.0/made/up/tanh/recipe.yaml").read_text()
    with pytest.raises(ZooError, match=said):
        recipe_file.read(ModelId("made/up", "tanh", "1.0"), change(text).encode())


def test_a_mirror_has_what_its_registry_says(mirror, evidence):
    recipe, store = evidence
    text = (mirror / "registry.json").read_bytes()
    known = registry.read(text, "registry")
    assert list(known.models) == ["made/up/batch_norm@1.0", "made/up/tanh@1.0"]
    assert registry.written(known).encode() == text
    there = files(mirror)
    del there["registry.json"]
    for name, entry in known.models.items():
        folder = f"1.0/{name.partition('@')[0]}"
        arm = recipe.arms[folder.rpartition("/")[2]]
        record = store.records(arm)[entry.seed]
        for file, about in entry.files.items():
            data = there.pop(f"{folder}/{file}")
            assert (len(data), hashlib.sha256(data).hexdigest()) == (about.size, about.sha256)
            if file == "record.json":
                assert RunRecord.model_validate_json(data) == record
        assert entry.arm_sha256 == arm.sha256
        assert entry.learning_rate == record.learning_rate
        assert entry.parameters == record.parameters
        assert entry.metrics == {
            "test_accuracy": record.test_accuracy,
            "test_loss": record.test_loss,
        }
    assert not there


def test_the_same_models_give_the_same_mirror(mirror, evidence, tmp_path):
    assert pushed(tmp_path, evidence) == []
    assert files(tmp_path) == files(mirror)


def test_the_card_is_one_of_a_hub_and_its_numbers_are_the_records(mirror, evidence):
    from huggingface_hub import ModelCard

    recipe, store = evidence
    text = (mirror / "1.0/made/up/batch_norm/README.md").read_text()
    data = ModelCard(text).data
    entry = registry.read((mirror / "registry.json").read_bytes(), "").models[
        "made/up/batch_norm@1.0"
    ]
    record = store.records(recipe.arms["batch_norm"])[entry.seed]
    [result] = data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", record.test_accuracy)
    assert (result.dataset_name, result.dataset_split) == ("digits", "test")
    assert (data.library_name, data.license, data.datasets) == ("keras", "apache-2.0", ["digits"])
    for said in (
        f"Of 2 reported runs the one with seed {record.seed}",
        f"{record.parameters}, as they were after 40 steps",
        f"| test accuracy | {record.test_accuracy:g} |",
        f"SGD(momentum=0.9) at {record.learning_rate:g}",
        "judged against `tanh`",
        "](gradients.svg)",
    ):
        assert said in text, said


def test_what_keras_reads_of_the_folder_is_keras_own(mirror):
    import keras

    folder = mirror / "1.0/made/up/tanh"
    config = json.loads((folder / "config.json").read_text())
    model = keras.saving.deserialize_keras_object(config)
    model.load_weights(folder / "model.weights.h5")
    about = json.loads((folder / "metadata.json").read_text())
    assert about["parameter_count"] == model.count_params()
    assert about["keras_version"] == keras.__version__


# ------------------------------------------------------------ a run that does not come out


def test_a_record_that_is_not_what_comes_out_is_not_published(evidence, tmp_path):
    recipe, store = evidence
    lying = Store(tmp_path / "evidence")
    shutil.copytree(store.root, lying.root)
    arm = recipe.arms["tanh"]
    for record in store.records(arm).values():
        probe = record.probe.model_copy(deep=True)
        probe.quantity("kernel_grad_norm")[0][0] *= 1.5
        lying.write_record(arm, record.model_copy(update={"probe": probe}))
    lying.manifest.write()
    folder, heard = tmp_path / "mirror", []
    [failure] = pushed(folder, (recipe, lying), heard=heard)
    assert "made/up/tanh: seed" in failure and "does not come out" in failure
    assert heard[-2:].count("not published") == 1
    assert {name.split("/")[-2] for name in files(folder) if "/" in name} == {"batch_norm"}
    assert list(registry.read((folder / "registry.json").read_bytes(), "").models) == [
        "made/up/batch_norm@1.0"
    ]


def test_what_needs_a_users_code_is_not_published(evidence, tmp_path):
    from zoo.pretrained import publishing

    recipe, store = evidence
    [model] = publishing.of_evidence(recipe, store, ["tanh"])
    environment = {**model.record.environment, "imports": {"bent.py": "0" * 64}}
    record = model.record.model_copy(update={"environment": environment})
    with pytest.raises(ZooError, match=r"needs bent\.py"):
        publishing.publish(replace(model, record=record), tmp_path)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------ a mirror that is extended


def test_what_a_mirror_has_is_kept_and_what_is_damaged_made_again(mirror, evidence, tmp_path):
    folder, whole = tmp_path / "mirror", files(mirror)
    shutil.copytree(mirror, folder)
    heard: list[str] = []
    assert pushed(folder, evidence, heard=heard) == []
    assert heard == ["is there already"] * 2
    (folder / "1.0/made/up/tanh/model.weights.h5").unlink()
    (folder / ".staging-left").mkdir()
    heard.clear()
    assert pushed(folder, evidence, heard=heard) == []
    assert heard.count("is there already") == 1
    assert files(folder) == whole
    registry_alone = folder / "registry.json"
    other = json.loads(registry_alone.read_text())
    other["models"]["somebody/else/arm@1.0"] = other["models"]["made/up/tanh@1.0"]
    registry_alone.write_text(json.dumps(other))
    assert pushed(folder, evidence, ("batch_norm",)) == []
    assert "somebody/else/arm@1.0" in json.loads(registry_alone.read_text())["models"]


def test_two_do_not_write_to_a_mirror_at_once(evidence, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"), pytest.raises(ZooError, match="another zoo push"):
        pushed(tmp_path, evidence)


# ------------------------------------------------------------ loaded again


def test_a_pushed_model_is_loaded_as_it_was_and_as_it_started(
    mirror, evidence, monkeypatch, tmp_path
):
    import zoo
    import zoo.probe
    from zoo import data, training

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    recipe, store = evidence
    digits = data.load("digits")
    for name, arm in recipe.arms.items():
        model = zoo.load(f"made/up/{name}", mirror=str(mirror))
        entry = registry.read((mirror / "registry.json").read_bytes(), "").models[
            f"made/up/{name}@1.0"
        ]
        record = store.records(arm)[entry.seed]
        loss, accuracy = model.evaluate(digits.test.x, digits.test.y, batch_size=360, verbose=0)
        assert accuracy == pytest.approx(record.test_accuracy, abs=1e-6)
        assert loss == pytest.approx(record.test_loss, rel=1e-4)
        start = zoo.load(f"made/up/{name}", weights=None)  # from the cache now
        loss_of = training.loss_of(digits)
        measured = zoo.probe.measure(start, loss_of, digits.train.x[:128], digits.train.y[:128])
        for quantity in ("kernel_grad_norm", "delta_rms"):
            np.testing.assert_allclose(
                measured[quantity], record.probe.quantity(quantity)[0], rtol=2e-3
            )
