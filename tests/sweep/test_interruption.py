"""A run that is interrupted, killed or out of disk leaves whole records, and goes on from there."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sweep.test_sweep import evidence
from zoo import recipe as recipes
from zoo.evidence.store import Store
from zoo.sweep.sweep import Sweep

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "model.depth": 3,
    "model.width": 16,
    "training.steps": 28,
    "training.learning_rate": [0.03, 0.1],
    "training.tuning_seeds": 3,
}
COMMAND = [
    *(sys.executable, "-m", "zoo", "run", "digits/activation"),
    *(f"--set={key}={value}" for key, value in SETTINGS.items()),
    *("--seeds", "12", "--arms", "relu", "--out", "evidence"),
]
MADE_UP = """
from tests.sweep import remembered
from zoo.cli import main
from zoo.sweep import workers
workers.load = workers.check = remembered.nothing  # TensorFlow is not needed
workers.train = remembered.made_up
main()
"""
COMMANDS = {"made up": [sys.executable, "-c", MADE_UP, *COMMAND[3:]], "trained": COMMAND}
WORKERS = """
import os, time
from zoo.sweep import workers
workers.load = os.getpid  # TensorFlow is not needed
with workers.local(2) as pool:
    print(*(worker.ready.result() for worker in pool), flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def not_ignored():
    """A job in the background of a shell is started with Ctrl-C ignored, and hands that down."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(cwd, *options, command=COMMAND):
    return subprocess.Popen(
        [*command, *options], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def finish(cwd, *options):
    process = start(cwd, *options)
    _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    return evidence(cwd / "evidence")


def all_whole(root):
    paths = [path for path in root.rglob("*.json") if not path.name.startswith(".")]
    return [json.loads(path.read_text()) for path in paths]


def records_in(folder):
    return len(list(folder.rglob("seed-*.json")))


def wait_for_records(process, folder):
    while records_in(folder) < 3 and process.poll() is None:
        time.sleep(0.02)


@pytest.mark.parametrize(
    "runs", ["made up", pytest.param("trained", marks=pytest.mark.combination)]
)
def test_interrupted_between_two_runs(runs, tmp_path):
    """By a signal to the whole group, as a terminal sends it, long before the last run."""
    process = start(tmp_path, "--workers", "2", "--seeds", "1000", command=COMMANDS[runs])
    wait_for_records(process, tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (130, "")
    all_whole(tmp_path)
    recipe = recipes.load("digits/activation", SETTINGS, 1000).only(["relu"])
    rest = Sweep([recipe], Store(tmp_path / "evidence"))  # which takes no damaged evidence
    assert sum(len(state.records) for state in rest.states) == records_in(tmp_path)
    assert not rest.finished


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", WORKERS],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert len(process.stdout.readline().split()) == 2
    process.kill()
    process.communicate(timeout=300)  # to the end of pipes that the workers hold too


# ---------------------------------------------------------------- at any moment, to the end


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("undisturbed"), "--workers", "1")


@pytest.mark.combination
@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupted_at_any_time(workers, undisturbed, tmp_path):
    """Signals to the whole group, as a terminal sends them, at random moments from the start on."""
    moments = random.Random(int(workers))
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = start(tmp_path, "--workers", workers)
        time.sleep(0.5 + moments.random() * 6)
        if process.poll() is None:
            os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=300)
        assert process.returncode in (code, 0) and "Traceback" not in errors
        all_whole(tmp_path)
    assert finish(tmp_path, "--workers", workers) == undisturbed


@pytest.mark.combination
def test_killed_in_the_middle(undisturbed, tmp_path):
    process = start(tmp_path, "--workers", "2")
    wait_for_records(process, tmp_path)
    process.kill()  # the workers must see by themselves that it is gone
    process.communicate(timeout=300)
    all_whole(tmp_path)
    assert finish(tmp_path, "--workers", "1") == undisturbed


@pytest.mark.system
def test_a_full_disk(undisturbed, tmp_path):
    """A file system of 100 kB in a mount namespace of the test's own, then one with room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    quoted = " ".join(f"'{part}'" for part in [*COMMAND, "--workers", "1"])
    script = f"""
        mount -t tmpfs -o size=100k tmpfs {disk} && cd {disk} || exit 99
        {quoted}; echo "first ended with $?" >&2
        find . -name 'seed-*.json' | wc -l
        mount -o remount,size=10m {disk}
        {quoted} || exit 98
        cp -r evidence {tmp_path}/evidence
    """
    process = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    message, ended = process.stderr.splitlines()
    assert "cannot be written: No space left on device; make room" in message
    assert ended == "first ended with 2"
    kept = int(next(line for line in process.stdout.splitlines() if line.strip().isdigit()))
    assert 0 < kept < 24
    assert evidence(tmp_path / "evidence") == undisturbed
