"""Live progress of a sweep: what is done, how many runs reached the target, the time left."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from zoo.sweep.plan import ArmState

LINE_EVERY = 10.0  # seconds between lines where the output is no terminal


class _Clock:
    """Time gone and left, judged by the runs that ended since the workers were ready."""

    def __init__(self, states: list[ArmState]) -> None:
        self._start = time.monotonic()
        self._ready = self._start
        self._before = sum(state.done for state in states)

    def told(self, states: list[ArmState]) -> None:
        """What a listener is told first is that workers are ready; start-up says nothing of runs.

        No run has ended then.
        """
        if sum(state.done for state in states) == self._before:
            self._ready = time.monotonic()

    def line(self, states: list[ArmState]) -> str:
        done = sum(state.done for state in states)
        planned = sum(state.planned for state in states)
        failed = sum(state.failed for state in states)
        now = time.monotonic()
        fresh, elapsed = done - self._before, now - self._start
        a_run = (now - self._ready) / fresh if fresh else None
        left = "starting" if a_run is None else f"{_duration(a_run * (planned - done))} left"
        failures = f", {failed} failed" if failed else ""
        return f"{done} of {planned} runs, {_duration(elapsed)} gone, {left}{failures}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _arm_line(state: ArmState) -> str:
    reported = sum(seed in state.seeds for seed in state.records)
    if not reported:
        return "tuning" if state.tuning or state.running else ""
    return f"{state.reached} of {reported} reached the target"


def _drawing(states: list[ArmState], clock: _Clock) -> Group:
    table = Table.grid(padding=(0, 1))
    for state in states:
        bar = ProgressBar(total=state.planned, completed=state.done, width=24)
        count = f"{state.done}/{state.planned}"
        table.add_row(state.arm.id, bar, Text(count, justify="right"), _arm_line(state))
    return Group(table, Text(clock.line(states)))


@contextlib.contextmanager
def shown(console: Console, states: list[ArmState]) -> Iterator[Callable[[list[ArmState]], None]]:
    """Shows a sweep while it runs; yields its listener (`zoo.sweep.sweep.Listener`).

    On a terminal a drawing that is kept up to date, elsewhere a line now and then.
    """
    clock = _Clock(states)
    if console.is_terminal:
        with Live(console=console, get_renderable=lambda: _drawing(states, clock)) as live:

            def refresh(states: list[ArmState]) -> None:
                clock.told(states)
                live.refresh()

            yield refresh
        return
    last = time.monotonic()

    def line(states: list[ArmState]) -> None:
        nonlocal last
        clock.told(states)
        finished = all(state.done >= state.planned for state in states)
        if finished or time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            console.print(clock.line(states), highlight=False)

    console.print(clock.line(states), highlight=False)
    yield line


@contextlib.contextmanager
def one_run(console: Console, task: str, seconds: float | None) -> Iterator[None]:
    """Shows, while it lasts, that one run is trained again.

    Args:
        console: where; on a terminal the time gone is shown, elsewhere one line is printed.
        task: what is trained.
        seconds: that the run took when it was recorded; loading TensorFlow comes on top.
    """
    before = "" if seconds is None else f", {seconds:.2g} s when it was recorded"
    if not console.is_terminal:
        console.print(f"training {task}{before}", highlight=False, markup=False, soft_wrap=True)
        yield
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(f"{task}{before}", total=None)
        yield
