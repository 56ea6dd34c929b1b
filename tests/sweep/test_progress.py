"""What a sweep says of itself while it runs."""

import io
from concurrent.futures import Future

import pytest
from rich.console import Console

from zoo.evidence import record as records
from zoo.evidence.store import Store
from zoo.sweep import progress
from zoo.sweep.plan import ArmState
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import Worker


@pytest.fixture
def clock(monkeypatch):
    """Seconds since the start, as a list whose only item a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    return now


@pytest.mark.parametrize("terminal", [False, True])
def test_the_time_left_is_judged_from_when_the_workers_were_ready(terminal, clock, small_recipe):
    arm = small_recipe(training__seeds=8).arms["relu"]
    state = ArmState(arm, range(8), [], {})  # 4 tuning runs and 8 seeds
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, _environ={})
    with progress.shown(console, [state]) as listener:
        clock[0] = 100.0  # TensorFlow is imported
        listener([state])
        for seed in range(2):
            state.records[seed] = records.of_failure(arm, seed, 0.1, {})
        clock[0] = 106.0  # two runs in six seconds
        listener([state])
    said = output.getvalue()
    assert "0 of 12 runs, 1:40 gone, starting" in said
    assert "2 of 12 runs, 1:46 gone, 0:30 left" in said


def test_a_sweep_tells_its_listener_when_a_worker_is_ready(small_recipe, tmp_path):
    events = []

    class EndedError(Exception):
        pass

    class Executor:
        def submit(self, function, *arguments):
            events.append(function.__name__)
            future = Future()
            future.set_result(None)
            return future

    def listener(states):
        events.append(sum(state.done for state in states))
        raise EndedError

    job = Sweep([small_recipe()], Store(tmp_path))
    with pytest.raises(EndedError):
        job.run([Worker(Executor)], listener)
    assert events == ["load", "check", 0]
