"""One sweep at a time writes to a folder of evidence; a lock ends with its process."""

import os
import signal
import subprocess
import sys

import pytest

from tests.cli.test_commands import zoo_here
from tests.sweep.test_interruption import start
from tests.sweep.test_sweep import evidence
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local

HOLD = """
import sys, time
from pathlib import Path
from zoo.evidence.store import Store

with Store(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that keeps the folder locked until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"locked\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_until_the_first_is_gone(holder, tmp_path):
    with (
        pytest.raises(ZooError, match=r": another zoo run writes to this folder: wait .*--out"),
        Store(tmp_path).locked(),
    ):
        pass
    holder.kill()  # and has no time to unlock anything
    holder.wait()
    with Store(tmp_path).locked():
        pass


def test_a_sweep_is_refused_and_nothing_is_written(holder, small_recipe, tmp_path):
    job = Sweep([small_recipe()], Store(tmp_path))
    with pytest.raises(ZooError, match="another zoo run writes"), local(1) as workers:
        job.run(workers, lambda states: None)
    assert list(tmp_path.rglob("*.json")) == []
    command = zoo_here("run", "digits/activation", "--out", ".", cwd=tmp_path)
    assert command.returncode == 2 and command.stderr.count("\n") == 1
    assert command.stderr.startswith(".: another zoo run writes to this folder: ")


def test_a_store_can_be_locked_within_its_own_lock(tmp_path):
    store = Store(tmp_path)
    with store.locked():
        with store.locked():
            pass
        with pytest.raises(ZooError), Store(tmp_path).locked():
            pass
    with Store(tmp_path).locked():
        pass


def test_a_folder_that_cannot_be_locked_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ZooError) as error, Store(root).locked():
            pass
        assert str(error.value).startswith(f"{root}: cannot be written: ")


@pytest.mark.combination
def test_two_commands_with_other_settings_do_not_destroy_each_others_evidence(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    first = start(tmp_path, "--workers", "1")
    try:
        while "runs," not in first.stdout.readline():  # progress: it has begun
            assert first.poll() is None
        os.kill(first.pid, signal.SIGSTOP)
        second = start(tmp_path, "--workers", "1", "--set", "model.width=8")
        _, errors = second.communicate(timeout=120)
        assert second.returncode == 2
        assert errors.startswith("evidence: another zoo run writes to this folder: ")
        assert errors.count("\n") == 1
    finally:
        os.kill(first.pid, signal.SIGCONT)
        _, errors = first.communicate(timeout=120)
    assert (first.returncode, errors) == (0, "")
    files = evidence(tmp_path / "evidence")
    digests = {run["arm_sha256"] for run in files.values() if isinstance(run, dict)}
    assert len(files) == 2 * (12 + 1) and len(digests) == 2  # of two arms
    store = Store(tmp_path / "evidence")
    assert store.manifest.changed() == store.manifest.missing_or_extra() == []
