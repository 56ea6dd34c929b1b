"""Sweeps: the same evidence with one worker or two, resumed or not, and failures recorded.

A run in this process is trained once and then remembered: that it would come out the same again is
what `tests.training.test_arm` proves.
"""

import functools
import json
import multiprocessing
import os
import shutil
import signal

import pytest

from tests.conftest import with_settings
from tests.sweep import remembered
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results.leaderboard import rows
from zoo.sweep import workers
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local, worker_count


def evidence(root):
    """All that a sweep wrote, without what differs from machine to machine and moment to moment."""
    files = {}
    for path in sorted(root.rglob("*.json")):
        if path.name == "manifest.json":
            continue
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            for key in ("seconds", "seconds_per_step", "environment"):
                del content[key]
        files[path.relative_to(root).as_posix()] = content
    return files


TRAIN, REMEMBERED = workers.train, {}


def train_once(*task):
    """`workers.train`, of which the outcome is remembered."""
    key = remembered.key(*task)
    if key not in REMEMBERED:
        REMEMBERED[key] = TRAIN(*task)
    return REMEMBERED[key]


@pytest.fixture(autouse=True)
def trained_once(monkeypatch):
    monkeypatch.setattr(workers, "train", train_once)


def train(recipe, root, count=1, listener=lambda states: None, **options):
    job = Sweep([recipe], Store(root), **options)
    with local(count) as its_workers:
        job.run(its_workers, listener)
    return job


@pytest.fixture(scope="module")
def undisturbed(one_thread, tmp_path_factory):
    """Two arms of the small recipe trained in this process."""
    root = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "train", train_once)
        train(two_arms(), root)
    return root


def two_arms(**settings):
    return with_settings(**settings).only(["relu"])


def test_a_sweep_writes_every_run_once(undisturbed):
    recipe = two_arms()
    files = evidence(undisturbed)
    assert len(files) == 2 * (2 + 1)  # two arms: two seeds and a search
    for name, arm in recipe.arms.items():
        search = files[f"tuning/digits/activation/{name}.json"]
        assert [(run["learning_rate"], run["seed"]) for run in search] == [
            (0.01, 1000),
            (0.01, 1001),
            (0.1, 1000),
            (0.1, 1001),
        ]
        assert all(run["arm_sha256"] == arm.sha256 for run in search)
        record = files[f"runs/digits/activation/{name}/seed-1.json"]
        assert record["status"] == ("reached" if record["steps_to_target"] else "budget")
    store = Store(undisturbed)
    assert store.manifest.changed() == store.manifest.missing_or_extra() == []


def test_records_hold_the_environment(undisturbed):
    path = undisturbed / "runs/digits/activation/relu/seed-0.json"
    environment = json.loads(path.read_text())["environment"]
    assert environment["threads"] == 1 and environment["keras"] and environment["cpu"]
    if environment["platform"] == "Linux x86_64":
        assert "sse4_1" in environment["instructions"]  # without which TensorFlow does not start
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()


@pytest.fixture
def kill_one():
    """A listener that kills a worker once, and knows when it has, and whether all have ended."""

    class Killer:
        def __init__(self):
            self.before, self.killed = set(multiprocessing.active_children()), False

        def workers(self):
            return set(multiprocessing.active_children()) - self.before

        def __call__(self, states):
            if sum(state.done for state in states) >= 1 and not self.killed:
                self.killed = True
                os.kill(self.workers().pop().pid, signal.SIGKILL)

    return Killer()


def test_two_processes_give_the_same_evidence_even_if_one_is_killed(
    undisturbed, kill_one, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "train", functools.partial(remembered.answer, REMEMBERED))
    monkeypatch.setattr(workers, "load", remembered.nothing)
    monkeypatch.setattr(workers, "check", remembered.nothing)
    job = train(two_arms(), tmp_path, count=2, listener=kill_one)
    assert kill_one.killed and job.failures == []
    assert evidence(tmp_path) == evidence(undisturbed)
    for worker in kill_one.workers():
        worker.join(300)
    assert not kill_one.workers()  # they end with the pool


@pytest.mark.combination
def test_two_processes_train_the_same_even_if_one_is_killed(
    undisturbed, kill_one, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "train", TRAIN)
    job = train(two_arms(), tmp_path, count=2, listener=kill_one)
    assert kill_one.killed and job.failures == []
    assert evidence(tmp_path) == evidence(undisturbed)


def test_what_has_a_record_is_not_trained_again(undisturbed):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.json")}
    job = Sweep([two_arms()], Store(undisturbed))
    assert job.finished
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.json")} == before


def test_a_stopped_sweep_goes_on_where_it_was(undisturbed, tmp_path):
    class Stop(BaseException):
        pass

    stops = iter(range(1, 100, 2))
    limit = next(stops)

    def stop(states):
        if sum(state.done for state in states) >= limit:
            raise Stop

    attempts = 0
    while True:
        try:
            train(two_arms(), tmp_path, listener=stop)
            break
        except Stop:
            attempts, limit = attempts + 1, next(stops)
    assert attempts >= 3
    assert evidence(tmp_path) == evidence(undisturbed)


def test_more_seeds_are_added_to_what_is_there(undisturbed, tmp_path):
    few = two_arms(training__seeds=1)
    train(few, tmp_path)
    first = (tmp_path / "runs/digits/activation/relu/seed-0.json").read_bytes()
    train(two_arms(), tmp_path)
    assert (tmp_path / "runs/digits/activation/relu/seed-0.json").read_bytes() == first
    assert rows(few, Store(tmp_path))[1].seeds == 2


def test_a_grid_of_one_rate_needs_no_search(undisturbed, tmp_path):
    recipe = two_arms(training__learning_rate=[0.1], training__final_tuning_seeds=0)
    train(recipe, tmp_path)
    assert not (tmp_path / "tuning").exists()
    row = rows(recipe, Store(tmp_path))[1]
    assert (row.learning_rate, row.lr_at_edge, row.lr_band) == (0.1, None, None)


def test_rates_of_many_digits_are_tuned_once_and_give_rows(small_recipe, tmp_path):
    """The points of a logarithmic grid have as many digits as a float."""
    grid = [0.0031622776601683794, 0.03162277660168379]

    def not_endless(states):
        assert sum(state.done for state in states) <= sum(state.planned for state in states)

    recipe = small_recipe(training__learning_rate=grid).only(["relu"])
    train(recipe, tmp_path, listener=not_endless)
    assert Sweep([recipe], Store(tmp_path)).finished
    assert all(row.learning_rate in grid for row in rows(recipe, Store(tmp_path)))


def test_records_of_a_changed_arm_are_refused_and_left_alone(undisturbed):
    before = evidence(undisturbed)
    with pytest.raises(ZooError, match="arm_sha256: made with other settings") as error:
        Sweep([two_arms(model__width=17)], Store(undisturbed))
    assert str(undisturbed) in str(error.value)
    assert evidence(undisturbed) == before


def test_a_file_changed_by_hand_is_refused(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "copy")
    path = tmp_path / "copy/runs/digits/activation/relu/seed-0.json"
    path.write_text(path.read_text().replace('"steps_to_target": ', '"steps_to_target":  '))
    with pytest.raises(ZooError, match=r"relu/seed-0.json: changed since manifest.json"):
        Sweep([two_arms()], Store(tmp_path / "copy"))


def test_a_damaged_record_can_be_deleted_and_is_trained_again(undisturbed, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(undisturbed, copy)
    path = copy / "runs/digits/activation/relu/seed-0.json"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ZooError, match=r"seed-0.json"):
        Sweep([two_arms()], Store(copy))
    path.unlink()
    train(two_arms(), copy)
    assert evidence(copy) == evidence(undisturbed)


def test_records_and_searches_of_another_user_file_are_refused(undisturbed, tmp_path):
    source = (
        "import keras\n@keras.saving.register_keras_serializable()\n"
        "def mine(x):\n    return keras.ops.{}(x)\n"
    )
    recipe = with_settings(model__activation="mine").only([])
    train(recipe, tmp_path, imports=[("mine.py", source.format("tanh"))])
    with pytest.raises(ZooError, match=r"trained with another --import \(mine.py\)"):
        Sweep([recipe], Store(tmp_path), imports=[("mine.py", source.format("relu"))])
    shutil.rmtree(tmp_path / "runs")
    with pytest.raises(ZooError, match=r"trained with another --import \(mine.py\)"):
        Sweep([recipe], Store(tmp_path))


# ---------------------------------------------------------------- failures


def test_a_run_that_raises_is_recorded_with_its_traceback_and_tried_again_next_time(
    one_thread, tmp_path, monkeypatch
):
    recipe = two_arms(training__learning_rate=[0.1], training__final_tuning_seeds=0)
    real = workers.train

    def failing(imports, arm, learning_rate, seed, probe):
        if arm.name == "relu" and seed == 1:
            raise MemoryError("no room")
        return real(imports, arm, learning_rate, seed, probe)

    monkeypatch.setattr(workers, "train", failing)
    job = train(recipe, tmp_path)
    [line] = job.failures
    log = tmp_path / "logs/digits/activation/relu/seed-1.log"
    assert "digits/activation/relu seed 1" in line and str(log) in line
    assert "MemoryError: no room" in log.read_text() and "Traceback" in log.read_text()
    records = Store(tmp_path).records(recipe.arms["relu"])
    assert (records[1].status, records[0].status != "failed") == ("failed", True)
    row = rows(recipe, Store(tmp_path))[1]
    assert row.seeds == 1  # a crash is no evidence against the arm

    class Stop(BaseException):
        pass

    def stop(states):
        raise Stop

    monkeypatch.setattr(workers, "train", real)
    with pytest.raises(Stop):  # the retry itself is interrupted
        train(recipe, tmp_path, listener=stop)
    assert train(recipe, tmp_path).failures == []
    assert Store(tmp_path).records(recipe.arms["relu"])[1].status != "failed"


def test_an_arm_whose_search_failed_gets_no_reported_run(undisturbed, tmp_path, monkeypatch):
    real = workers.train

    def failing(imports, arm, learning_rate, seed, probe):
        if arm.name == "relu" and learning_rate == 0.01:
            raise ValueError("odd")
        return real(imports, arm, learning_rate, seed, probe)

    monkeypatch.setattr(workers, "train", failing)
    recipe = two_arms()
    job = train(recipe, tmp_path)
    assert len(job.failures) == 1
    assert Store(tmp_path).records(recipe.arms["relu"]) == {}
    assert len(Store(tmp_path).records(recipe.arms["sigmoid"])) == 2


# ---------------------------------------------------------------- workers


def test_worker_count_is_bounded_by_cores_and_memory():
    gib = 2**30
    assert worker_count(cores=8, memory=100 * gib) == 8
    assert worker_count(cores=8, memory=4 * gib) == 2
    assert worker_count(cores=8, memory=gib // 2) == 1
