"""A folder of evidence: what is written comes back, and damage is named by file and field."""

import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_up_evidence import made_up_run, made_up_search
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.files import write_whole


def test_records_and_tuning_come_back(recipe, store):
    arm = recipe.arms["tanh"]
    run, search = made_up_run(arm, 3, 50), made_up_search(arm, (None, 20, 50))
    store.write_record(arm, run)
    store.write_tuning(arm, search)
    assert store.records(arm) == {3: run}
    assert store.tuning(arm) == search
    assert store.recipes() == ["made/up"]


def test_nothing_there_is_no_error(recipe, store):
    assert store.records(recipe.arms["relu"]) == {}
    assert store.tuning(recipe.arms["relu"]) == []
    assert store.manifest.changed() == [] and store.recipes() == []


def edit(path, **changes):
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, **changes}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seed": "3"}, "seed"),
        ({"seed": 4}, "seed"),
        ({"arm": "relu"}, "arm"),
        ({"recipe": "made/down"}, "recipe"),
        ({"arm_sha256": "0" * 64}, "arm_sha256"),
        ({"status": "won"}, "status"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"unknown": 1}, "unknown"),
        ({"schema": 2}, "schema"),
        ({"benchmark": "0.9"}, "benchmark"),
        ({"evaluation": {"step": [10, 20], "training_loss": [1.0]}}, "evaluation"),
        ({"probe": {"steps": [0], "layers": ["a"], "dead": [[0.0, 0.0]]}}, "probe"),
    ],
)
def test_a_foreign_or_edited_record_is_named_by_file_and_field(recipe, store, changes, field):
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 3, 50))
    path = store.root / "runs/made/up/tanh/seed-3.json"
    edit(path, **changes)
    with pytest.raises(ZooError) as error:
        store.records(arm)
    assert str(error.value).startswith(f"{path}: {field}") and "\n" not in str(error.value)


def test_evidence_that_is_older_than_benchmarks_is_refused_by_that(recipe, store):
    """Whatever else of it is other by now: it names none."""
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 3, 50))
    store.write_tuning(arm, made_up_search(arm, (None, 20, 50)))
    path = store.root / "runs/made/up/tanh/seed-3.json"
    old = {key: value for key, value in json.loads(path.read_text()).items() if key != "benchmark"}
    path.write_text(json.dumps({**old, "arm_sha256": "0" * 64}))
    with pytest.raises(ZooError, match=r"seed-3.json: benchmark: 'none', this zoo's .*'1.0'"):
        store.records(arm)
    path = store.root / "tuning/made/up/tanh.json"
    runs = [
        {k: v for k, v in run.items() if k != "benchmark"} for run in json.loads(path.read_text())
    ]
    path.write_text(json.dumps(runs))
    with pytest.raises(ZooError, match=r"tanh.json: benchmark: 'none', this zoo's .*'1.0'"):
        store.tuning(arm)


def test_a_rate_that_is_not_in_the_grid_is_named(recipe, store):
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 3, 50, rate=0.2000001))
    with pytest.raises(ZooError, match=r"seed-3.json: learning_rate: 0.2000001 is not in the grid"):
        store.records(arm)
    [first, *others] = made_up_search(arm, (None, 20, 50))
    off = first.model_copy(update={"learning_rate": 0.1000001})
    store.write_tuning(arm, [off, *others])
    with pytest.raises(ZooError, match=r"tanh.json: learning_rate: 0.1000001 is not in the grid"):
        store.tuning(arm)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("runs/made/up/tanh/seed-0.json", lambda store, arm: store.records(arm)),
        ("tuning/made/up/tanh.json", lambda store, arm: store.tuning(arm)),
        ("manifest.json", lambda store, arm: store.manifest.listed()),
    ],
)
@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_key_given_twice_is_named(recipe, store, fill, name, read, data):
    """Any key at any depth, with the value that it has or another of its kind."""
    fill({"sigmoid": [None], "tanh": [20]})
    path = store.root / name
    key, value = data.draw(
        st.sampled_from(re.findall(r'"([^"]+)": ([^[{,}\n]+)', path.read_text()))
    )
    text = f'"{key}": {value}'
    other = data.draw(st.sampled_from([value, '"0"' if value[0] == '"' else value]))
    path.write_text(path.read_text().replace(text, f'"{key}": {other}, {text}', 1))
    with pytest.raises(ZooError) as error:
        read(store, recipe.arms["tanh"])
    assert str(error.value) == (
        f"{path}: {key}: key given twice; restore the file, or delete it and run again"
    )


def test_a_truncated_record_is_named(recipe, store):
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 3, 50))
    path = store.root / "runs/made/up/tanh/seed-3.json"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ZooError, match=r"seed-3.json: .*restore the file, or delete it"):
        store.records(arm)


def test_the_manifest_tells_changed_missing_and_extra_files(recipe, store, fill):
    fill({"sigmoid": [None, None], "tanh": [20, 30]})
    assert store.manifest.changed() == store.manifest.missing_or_extra() == []
    folder = store.root / "runs/made/up/tanh"
    edit(folder / "seed-0.json", seconds=2.0)
    (folder / "seed-1.json").unlink()
    arm = recipe.arms["tanh"]
    store.write_record(arm, made_up_run(arm, 2, 50))
    assert store.manifest.changed() == [
        f"{folder / 'seed-0.json'}: changed since manifest.json was written",
    ]
    assert store.manifest.missing_or_extra() == [
        f"{folder / 'seed-1.json'}: missing, but in manifest.json",
        f"{folder / 'seed-2.json'}: not in manifest.json",
    ]


def test_the_digest_follows_the_evidence_of_its_recipe_alone(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    before = store.manifest.digest(recipe.id)
    write_whole(store.root / "runs/other/recipe/tanh/seed-0.json", "{}")
    assert store.manifest.digest(recipe.id) == before
    edit(store.root / "runs/made/up/tanh/seed-0.json", seconds=2.0)
    assert store.manifest.digest(recipe.id) != before


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="cannot be written: Not a directory; make room"):
        write_whole(tmp_path / "file" / "record.json", "{}")


def test_a_killed_writer_leaves_the_old_file_whole(tmp_path):
    """A process that rewrites one file all the time, killed at some moment, ten times over."""
    path = tmp_path / "record.json"
    code = (
        "import sys\nfrom pathlib import Path\nfrom zoo.files import write_whole\n"
        "print('ready', flush=True)\nnumber = 0\n"
        "while True:\n    number += 1\n"
        "    write_whole(Path(sys.argv[1]), str(number % 10) * 200_000)\n"
    )
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=os.environ
        )
        process.stdout.readline()
        while not path.exists():
            pass
        process.kill()
        process.wait()
        process.stdout.close()
        text = path.read_text()
        assert len(text) == 200_000 and len(set(text)) == 1
        path.unlink()


def test_two_stores_of_one_folder_see_each_other(recipe, store):
    arm = recipe.arms["relu"]
    store.write_record(arm, made_up_run(arm, 0, 10))
    assert Store(store.root).records(arm).keys() == {0}
