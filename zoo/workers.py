"""Workers: executors that do one run at a time, in this process or in spawned ones.

Each is single-threaded and keeps the arm that it compiled last.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import environment, schema, user_files
from zoo import recipe as zoo_recipe
from zoo.recipe import Arm, Recipe

BYTES_PER_WORKER = 2**30 * 3 // 2  # TensorFlow, a compiled arm and its data


# ---------------------------------------------------------------- in a worker


def _start_worker(threads: int) -> None:
    """Runs once in each new process, which ends with its parent and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _load(threads)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _load(threads: int) -> None:
    environment.load_tensorflow()
    from zoo import training

    training.use_threads(threads)


def _data(wanted: schema.Data) -> Any:
    from zoo import data

    if wanted not in _loaded:
        _loaded.clear()
        _loaded[wanted] = data.load_for(wanted)
    return _loaded[wanted]


_loaded: dict[schema.Data, Any] = {}  # the data that this worker used last


_compiled: dict[str, Any] = {}  # the arm this worker compiled last, by arm_sha256


def train(
    imports: Sequence[user_files.Source], arm: Arm, learning_rate: float, seed: int, probe: bool
) -> dict[str, Any]:
    """One run in this process, with the environment it ran in."""
    import tensorflow as tf

    from zoo import training

    for name, source in imports:
        user_files.import_source(name, source)
    if arm.sha256 not in _compiled:
        _compiled.clear()
        _compiled[arm.sha256] = training.CompiledArm(arm, _data(arm.spec.data))
    result: dict[str, Any] = _compiled[arm.sha256].run(seed, learning_rate, probe=probe)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return {
        **result,
        "environment": {
            **environment.describe(),
            "threads": threads,
            "imports": user_files.digests(imports),
        },
    }


def check(imports: Sequence[user_files.Source], recipes: Sequence[Recipe]) -> None:
    """Finds what Keras would refuse before any training, and loads TensorFlow on the way."""
    for name, source in imports:
        user_files.import_source(name, source)
    for recipe in recipes:
        zoo_recipe.check(recipe)


class _InProcess(Executor):
    """Runs each call at once, where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


# ---------------------------------------------------------------- workers


@dataclass(eq=False)
class Worker:
    """An executor that does one run at a time, and the arm it has compiled."""

    executor: Executor
    restart: Callable[[], Executor] | None = None
    arm: str = ""


def worker_count(cores: int | None = None, memory: int | None = None) -> int:
    """How many single-threaded workers fit: one a core, less where memory is short."""
    if cores is None:
        affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    memory = memory or _available_memory()
    return max(1, cores if memory is None else min(cores, memory // BYTES_PER_WORKER))


def _available_memory() -> int | None:
    """Bytes that new processes can have, the page cache included; None where it is not told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _process() -> Executor:
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(1, context, initializer=_start_worker, initargs=(1,))
    with _ctrl_c_ignored():
        executor.submit(int)  # starts the process, which inherits that
    return executor


@contextlib.contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """A terminal sends Ctrl-C to all processes; the first one alone shall answer."""
    if threading.current_thread() is not threading.main_thread():  # may not set signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def pool(count: int) -> Iterator[list[Worker]]:
    """This process for one worker, else so many spawned processes; all ended on leaving."""
    if count == 1:
        _load(threads=1)
        yield [Worker(_InProcess())]
        return
    before = set(multiprocessing.active_children())
    workers = [Worker(_process(), restart=_process) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
