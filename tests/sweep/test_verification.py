"""A recorded run trained again: honest records stand, made-up ones do not, on any processor."""

import hashlib
import json
import os
import platform
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import with_settings
from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence import record as records
from zoo.evidence.agreement import agreement
from zoo.evidence.record import RunRecord
from zoo.evidence.store import Store
from zoo.recipe import Arm
from zoo.results.folder import FOLDER
from zoo.sweep import verification, workers

RATE, SLOW = 0.1, 0.01


@pytest.fixture(scope="module")
def trained(one_thread):
    """Records of runs of small arms, each trained once."""
    runs: dict[tuple[str, float, int], RunRecord] = {}

    def train(arm: str = "relu", rate: float = RATE, seed: int = 0) -> RunRecord:
        of = with_settings().arms[arm]
        if (arm, rate, seed) not in runs:
            runs[arm, rate, seed] = records.of_run(of, workers.train((), of, rate, seed, True))
        return runs[arm, rate, seed]

    return train


def verified(arm: Arm, record: RunRecord):
    return agreement(arm, record, verification.train_again(arm, record))


def of_another_processor(record: RunRecord, **changes) -> RunRecord:
    environment = {**record.environment, "cpu": "Another Processor"}
    return record.model_copy(update={"environment": environment, **changes})


def digests(root: Path) -> dict[Path, tuple[str, int]]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {p: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in files}


def test_an_honest_record_is_equal_and_nothing_is_written(trained, tmp_path):
    arm, store = with_settings().arms["relu"], Store(tmp_path)
    for seed, rate in enumerate((RATE, SLOW)):
        store.write_record(arm, trained(seed=seed, rate=rate))
    store.manifest.write()
    before = digests(tmp_path)
    for seed in (0, 1):
        found = verified(arm, verification.recorded(store, arm, seed))
        assert (found.state, found.differences, found.one_sided) == ("equal", [], ([], []))
        assert found.numbers > 500
    assert digests(tmp_path) == before


def test_one_changed_digit_is_found_on_the_same_processor(trained):
    record = trained()
    loss = float(f"{record.test_loss * 1.00001:.6g}")
    assert loss != record.test_loss
    found = verified(with_settings().arms["relu"], record.model_copy(update={"test_loss": loss}))
    [difference] = found.differences
    assert difference == (("test_loss", None, ""), loss, record.test_loss)
    if record.environment["instructions"]:  # else no processor is known to be of the same kind
        assert found.state == "differs"


LIES = {
    "another seed": {"seed": 1},
    "another rate": {"rate": SLOW},
    "another arm": {"arm": "tanh"},
    "another start": {"arm": "relu_he"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_of_another_run_does_not_stand_even_as_of_another_processor(lie, trained):
    """All that says which run it was is as it should be."""
    honest = trained()
    claimed = ("recipe", "arm", "arm_sha256", "seed", "learning_rate")
    update = {name: getattr(honest, name) for name in claimed}
    record = of_another_processor(trained(**LIES[lie]), **update)
    found = verified(with_settings().arms["relu"], record)
    assert found.state == "differs"
    assert not next(bound for bound in found.bounds if bound.what == "probe at step 0").kept


def test_a_curve_that_was_made_up_does_not_stand_either(trained):
    """All else is that of the run: the probe, the first evaluation, the test metrics."""
    arm, honest = with_settings().arms["relu"], trained()
    curve = honest.evaluation
    improved = curve.model_copy(
        update={
            "val_accuracy": [curve.val_accuracy[0], *[0.99] * (len(curve.step) - 1)],
            "val_loss": [curve.val_loss[0], *[0.01] * (len(curve.step) - 1)],
        }
    )
    time = records.time_to_target(improved, arm.spec.target, arm.spec.training.steps)
    record = of_another_processor(honest, evaluation=improved, steps_to_target=time)
    assert verified(arm, of_another_processor(honest)).state == "equal"
    assert verified(arm, record).state == "differs"


# ---------------------------------------------------------------- what there is to verify


def refusal(store: Store, arm: Arm, seed: int | None = None) -> str:
    with pytest.raises(ZooError) as refused:
        verification.recorded(store, arm, seed)
    return str(refused.value)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def write(store: Store, arm: Arm, seed: int, status: str = "budget") -> None:
    rate = arm.spec.training.learning_rate[0]
    record = records.of_failure(arm, seed, rate, {})
    steps = arm.spec.training.evaluation_steps
    flat = {name: [0.1] * len(steps) for name in ("training_loss", "val_loss", "val_accuracy")}
    curve = records.Curve(step=steps, **flat)
    update = {"status": status, "evaluation": curve, "test_accuracy": 0.1, "test_loss": 0.1}
    store.write_record(arm, record.model_copy(update=update))


def test_which_record_is_verified(store):
    arm = with_settings().arms["relu"]  # of two reported seeds
    assert refusal(store, arm) == (
        f"{store.root}: no record of digits/activation/relu of a reported seed; "
        "run: zoo run digits/activation"
    )
    write(store, arm, 100)  # as of a trial
    assert "of a reported seed; seeds with one: 100" in refusal(store, arm)
    assert verification.recorded(store, arm, 100).seed == 100
    write(store, arm, 0, status="failed")
    assert "relu: seed 0 failed: there is nothing to compare with" in refusal(store, arm)
    write(store, arm, 1)
    assert verification.recorded(store, arm).seed == 1
    assert "relu: seed 0 failed" in refusal(store, arm, 0)
    assert "no record of digits/activation/relu of seed 7; seeds with one: 0, 1, 100" in refusal(
        store, arm, 7
    )


def test_a_record_of_other_settings_is_refused(store):
    write(store, with_settings().arms["relu"], 0)
    said = refusal(store, with_settings(model__width=17).arms["relu"])
    assert "arm_sha256: made with other settings than the recipe has now" in said


def test_other_imported_files_than_the_records_are_refused():
    arm = with_settings().arms["relu"]
    record = records.of_failure(arm, 3, 0.1, {"imports": {"mine.py": "0" * 64}})
    with pytest.raises(ZooError, match=r"seed 3 was trained with another --import \(mine.py\)"):
        verification.train_again(arm, record)
    with pytest.raises(ZooError, match=r"another --import \(mine.py, other.py\)"):
        verification.train_again(arm, record, [("folder/other.py", "")])


def test_a_run_that_cannot_be_trained_here_is_told_in_a_line(monkeypatch):
    def fail(*_):
        raise RuntimeError("no memory\nfor that")

    monkeypatch.setattr(workers, "train", fail)
    arm = with_settings().arms["relu"]
    with pytest.raises(ZooError) as refused:
        verification.train_again(arm, records.of_failure(arm, 3, 0.1, {}))
    assert str(refused.value) == (
        "digits/activation/relu: seed 3: cannot be trained here: RuntimeError: no memory"
    )


# ---------------------------------------------------------------- what is printed


def test_the_text_says_what_differs_in_a_few_lines_of_100_columns(trained):
    arm, honest = with_settings().arms["relu"], trained()
    environment = {**honest.environment, "numpy": "0.1", "cpu": "A Processor " * 20}
    other = trained(seed=1).model_copy(update={"environment": environment})
    lines = verification.text(agreement(arm, other, honest)).splitlines()
    assert max(map(len, lines)) <= 100
    told = [line.split() for line in lines]
    assert ["numpy", "0.1", honest.environment["numpy"]] in told
    assert not any(line.startswith("keras") for line in lines)  # which is the same
    start = next(index for index, words in enumerate(told) if words[:1] == ["what"])
    stop = lines.index("", start)
    shown = told[start + 1 : stop]
    assert 5 <= len(shown) <= 10
    loss = ["test_loss", str(other.test_loss), str(honest.test_loss)]
    assert any(words[:3] == loss for words in shown)
    assert any(words[-1:] == ["beyond"] for words in told)
    count = len(agreement(arm, other, honest).differences)
    assert lines[-1].startswith(f"differs: {count} of ") and "kind of processor" in lines[-1]


def test_the_text_of_equal_runs_is_a_line(trained):
    arm, honest = with_settings().arms["relu"], trained()
    found = agreement(arm, honest, honest)
    assert verification.text(found) == f"equal: {found.numbers} numbers, in all recorded digits"
    old = honest.model_copy(update={"probe": honest.probe.model_copy(update={"kernel_sizes": []})})
    text = verification.text(agreement(arm, old, honest))
    assert text.splitlines()[:2] == ["only now: kernel_sizes", ""]


# ---------------------------------------------------------------- the committed evidence

DRAWN, CHEAP = 0, 1.0  # the seed of the choice; seconds that a run took


def committed() -> list[tuple[str, int]]:
    """Three runs that need no network: the id of the arm, and the seed.

    None in half precision: oneDNN, held back, would crash on its bfloat16.
    """
    files = sorted((FOLDER / "runs" / "digits").rglob("seed-*.json"))
    runs = [json.loads(path.read_text()) for path in files if "precision" not in str(path)]
    cheap = [
        (f"{run['recipe']}/{run['arm']}", run["seed"]) for run in runs if run["seconds"] < CHEAP
    ]
    return random.Random(DRAWN).sample(cheap, 3)


@pytest.mark.combination
@pytest.mark.parametrize("row", range(3))
def test_committed_rows_are_what_training_them_gives(row, one_thread):
    """Equal on the versions and kind of processor of the record, else within the tolerance."""
    name, seed = committed()[row]
    _, arm = recipes.load_arm(name)
    found = verified(arm, verification.recorded(Store(FOLDER), arm, seed))
    assert found.state == "equal" or not found.same_kind, verification.text(found)
    assert found.state != "differs", verification.text(found)


HELD_BACK = {  # instruction sets, as `make test-oldest` holds them back
    "Eigen": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
}


@pytest.mark.combination
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instructions of x86")
@pytest.mark.parametrize("kernels", HELD_BACK)
def test_a_committed_row_stands_with_other_kernels(kernels, tmp_path):
    name, seed = committed()[0]
    process = subprocess.run(
        [sys.executable, "-m", "zoo", "verify", name, "--seed", str(seed)],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **HELD_BACK[kernels]},
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    assert "kernel_variables" in process.stdout
    assert process.stdout.splitlines()[-1].startswith(("equal", "within tolerance"))
