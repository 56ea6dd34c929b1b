"""The models that ship with the package: offline, in a fresh process, as their records say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import recipe as recipes
from zoo.evidence.record import RunRecord
from zoo.evidence.store import Store
from zoo.files import read_bytes
from zoo.pretrained import ids, places, registry
from zoo.results.folder import FOLDER
from zoo.results.published import rows

ROOT = Path(__file__).resolve().parents[2]
MOST = 5e6  # bytes, of all together

# Loads models, and says of each what it makes of the test split as it comes.
PROGRAM = """
import json, sys
import numpy as np
import zoo, zoo.data
from zoo import recipe as recipes
from zoo.pretrained import ids
import keras
for name in sys.argv[1:]:
    model = zoo.load(name)
    arm = recipes.load(ids.parse(name).recipe).arms[ids.parse(name).arm]
    data = zoo.data.load_for(arm.spec.data)
    result = model.evaluate(data.test.x, data.test.y, batch_size=1024, verbose=0)
    result = [float(value) for value in (result if isinstance(result, list) else [result])]
    print(json.dumps([name, *result]))
"""


def bundled():
    path = places.bundled() / places.REGISTRY
    return registry.read(read_bytes(path), str(path)).models


def in_a_process(names, home, **environment):
    """What a fresh process without a network says of models."""
    closed = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **closed, "ZOO_HOME": str(home), **environment}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, env=environment
    )
    assert process.returncode == 0, process.stderr
    assert not home.exists()
    return {name: result for name, *result in map(json.loads, process.stdout.splitlines())}


def stands(entry, result):
    """On the record's versions and kind of processor to the digit, elsewhere within 0.5 %."""
    loss, *accuracy = result
    if accuracy:
        assert accuracy[0] == pytest.approx(entry.metrics["test_accuracy"], rel=0.005)
    assert loss == pytest.approx(entry.metrics["test_loss"], rel=0.005)


def test_each_reproduces_its_recorded_test_metrics_offline(tmp_path):
    entries = {name: e for name, e in bundled().items() if not name.startswith("fashion")}
    results = in_a_process(entries, tmp_path / "home")
    assert results.keys() == entries.keys()
    for name, entry in entries.items():
        stands(entry, results[name])


@pytest.mark.system
def test_each_of_fashion_mnist_does_too(tmp_path):
    folder = tmp_path / "files"
    command = [sys.executable, ROOT / "scripts" / "fashion_mnist_from_debian.py", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    entries = {name: e for name, e in bundled().items() if name.startswith("fashion")}
    assert entries
    environment = {
        "ZOO_MANUAL_DIR": str(folder),
        "TFDS_DATA_DIR": str(tmp_path / "prepared"),
        "ZOO_CACHE_DIR": str(tmp_path / "decoded"),
    }
    results = in_a_process(entries, tmp_path / "home", **environment)
    for name, entry in entries.items():
        stands(entry, results[name])


def test_they_are_small():
    files = [path for path in places.bundled().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST


def test_every_one_has_metrics_parameters_recipe_and_licence_and_is_of_the_evidence():
    entries, store = bundled(), Store(FOLDER)
    assert len(entries) >= 10
    for name, entry in entries.items():
        of = ids.parse(name)
        arm = recipes.load(of.recipe).arms[of.arm]
        assert entry.arm_sha256 == arm.sha256, f"{name}: python scripts/bundle.py"
        record = store.records(arm)[entry.seed]
        folder = places.bundled() / of.folder
        assert RunRecord.model_validate_json((folder / "record.json").read_text()) == record
        assert entry.parameters == record.parameters
        assert entry.license == "apache-2.0"
        for metric, value in entry.metrics.items():
            assert value == getattr(record, metric)
        assert entry.metrics


def test_they_are_the_baselines_and_the_best_of_the_main_recipes():
    import importlib.util

    spec = importlib.util.spec_from_file_location("bundle", ROOT / "scripts" / "bundle.py")
    bundle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bundle)
    assert sorted(bundled()) == sorted(f"{name}@1.0" for name in bundle.chosen())
    means = {row.arm: row.mean_steps for row in rows() if row.recipe == "digits/activation"}
    assert f"digits/activation/{min(means, key=means.get)}" in bundle.chosen()


@pytest.mark.usefixtures("one_thread")
def test_raw_digits_in_right_classes_out(digits, monkeypatch, tmp_path):
    from sklearn.datasets import load_digits

    import zoo

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    model, raw = zoo.load("digits/activation/relu_he"), load_digits()
    np.testing.assert_array_equal(
        np.sort(model.preprocess(raw.images).ravel()),
        np.sort(
            np.concatenate(
                [part.x.ravel() for part in (digits.train, digits.validation, digits.test)]
            )
        ),
    )
    outputs = model.predict(model.preprocess(raw.images), verbose=0)
    right = [model.class_names[place] for place in outputs.argmax(axis=1)]
    assert np.mean(np.array(right) == raw.target.astype(str)) > 0.95


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ["digits/activation/sigmoid", "digits/normalization/none"])
def test_the_untrained_twin_starts_with_the_gradients_of_the_record(digits, name):
    import zoo
    import zoo.probe

    entry = bundled()[f"{name}@1.0"]
    of = ids.parse(name)
    record = Store(FOLDER).records(recipes.load(of.recipe).arms[of.arm])[entry.seed]
    model = zoo.load(name, weights=None)
    measured = zoo.probe.measure(model, x=digits.train.x[:128], y=digits.train.y[:128])
    for quantity in ("kernel_grad_norm", "delta_rms"):
        np.testing.assert_allclose(
            measured[quantity], record.probe.quantity(quantity)[0], rtol=2e-3
        )
