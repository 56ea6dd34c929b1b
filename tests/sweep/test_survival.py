"""Sweeps whose workers are killed again and again, here and on a cluster, and a killed one."""

import math
import multiprocessing
import os
import random
import signal
import time

import psutil
import pytest

from tests.sweep.test_interruption import all_whole, finish, start
from tests.sweep.test_sweep import evidence
from zoo.evidence.store import Store
from zoo.sweep.dask import cluster
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local

pytestmark = pytest.mark.system
KILLS = 10


@pytest.fixture
def recipe(small_recipe):
    return small_recipe(training__seeds=30, training__tuning_seeds=3).only(["relu", "tanh"])


@pytest.fixture(scope="module")
def undisturbed(one_thread, tmp_path_factory):
    from tests.conftest import SMALL
    from zoo import recipe

    root = tmp_path_factory.mktemp("undisturbed")
    settings = {**SMALL, "training.seeds": 30, "training.tuning_seeds": 3}
    job = Sweep([recipe.load("digits/activation", settings).only(["relu", "tanh"])], Store(root))
    with local(1) as workers:
        job.run(workers, lambda states: None)
    return evidence(root)


class Killer:
    """Kills the oldest worker each time that some more runs have ended.

    One that has just begun anew, and compiles for longer than five runs of the other take, is
    spared: a run that is lost with three workers is taken for what ended them.
    """

    def __init__(self, pids):
        self.pids, self.kills, self._last = pids, 0, 0

    def __call__(self, states):
        done = sum(state.done for state in states)
        if done >= self._last + 5 and self.kills < KILLS:
            self._last, self.kills = done, self.kills + 1
            os.kill(min(self.pids(), key=started), signal.SIGKILL)


def started(pid):
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return math.inf


def test_processes_killed_one_after_the_other(recipe, undisturbed, tmp_path):
    killer = Killer(lambda: [child.pid for child in multiprocessing.active_children()])
    job = Sweep([recipe], Store(tmp_path))
    with local(2) as workers:
        job.run(workers, killer)
    assert (killer.kills, job.failures) == (KILLS, [])
    assert evidence(tmp_path) == undisturbed


@pytest.fixture
def dask_cluster(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit="3GiB",
        local_directory=str(tmp_path / "dask"),
        silence_logs=50,
    ) as made:
        yield made


def test_dask_gives_the_same_evidence_though_its_workers_are_killed(
    recipe, undisturbed, tmp_path, dask_cluster
):
    def pids():
        return [nanny.pid for nanny in dask_cluster.workers.values() if nanny.pid]

    killer = Killer(pids)
    job = Sweep([recipe], Store(tmp_path / "evidence"))
    with cluster(dask_cluster.scheduler_address) as workers:
        assert len(workers) == 2
        job.run(workers, killer)
    assert (killer.kills, job.failures) == (KILLS, [])
    assert evidence(tmp_path / "evidence") == undisturbed


def test_the_command_killed_five_times(tmp_path):
    moments = random.Random(5)
    for _ in range(5):
        process = start(tmp_path, "--workers", "2")
        before = len(list(tmp_path.rglob("*.json")))
        while len(list(tmp_path.rglob("*.json"))) <= before and process.poll() is None:
            time.sleep(0.05 + moments.random() / 5)
        process.kill()
        process.communicate(timeout=300)
        all_whole(tmp_path)
    survived = finish(tmp_path, "--workers", "2")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert survived == finish(fresh, "--workers", "1")
