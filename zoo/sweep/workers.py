"""Workers: executors that do one run at a time, here or in spawned processes.

Each is single-threaded and keeps the arm that it compiled last.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

import joblib
import psutil

from zoo import keras_setup
from zoo.evidence import provenance
from zoo.parts import user_files
from zoo.recipe import Arm, Recipe, schema

ATTEMPTS = 3  # a run that takes its worker with it so often is recorded as failed
BYTES_PER_WORKER = 2**30 * 3 // 2  # TensorFlow, a compiled arm and its data


# ---------------------------------------------------------------- in a worker


def _start_process() -> None:
    """Runs once in each new process, which ends with its parent and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def load() -> None:
    """Loads TensorFlow, with one thread."""
    keras_setup.load_tensorflow()
    from zoo import training

    training.use_threads(1)


def data_of(wanted: schema.Data) -> Any:
    """The data set that a recipe names; the last one is kept."""
    from zoo import data

    if wanted not in _loaded:
        _loaded.clear()
        _loaded[wanted] = data.load_for(wanted)
    return _loaded[wanted]


_loaded: dict[schema.Data, Any] = {}  # the data that this worker used last


_compiled: dict[str, Any] = {}  # the arm this worker compiled last, by arm_sha256


def train(
    imports: Sequence[user_files.Source],
    arm: Arm,
    learning_rate: float,
    seed: int,
    probe: bool,
    at_budget: Callable[[Any], None] | None = None,
) -> dict[str, Any]:
    """One run in this process, with the environment it ran in; `at_budget` as `CompiledArm.run`."""
    load()
    import tensorflow as tf

    from zoo import training

    for name, source in imports:
        user_files.import_source(name, source)
    if arm.sha256 not in _compiled:
        _compiled.clear()
        gc.collect()  # models and graphs refer to themselves: megabytes that Python sees as a few
        _compiled[arm.sha256] = training.CompiledArm(arm, data_of(arm.spec.data))
    result: dict[str, Any] = _compiled[arm.sha256].run(
        seed, learning_rate, probe=probe, at_budget=at_budget
    )
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return {
        **result,
        "environment": {
            **provenance.describe(),
            "threads": threads,
            "imports": user_files.digests(imports),
        },
    }


def check(imports: Sequence[user_files.Source], recipes: Sequence[Recipe]) -> None:
    """Finds what Keras would refuse before any training."""
    load()
    for name, source in imports:
        user_files.import_source(name, source)
    from zoo.parts import trial

    for recipe in recipes:
        trial.check(recipe)


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


class Worker:
    """An executor that does one run at a time, and the arm it has compiled.

    Args:
        start: makes the executor; called again when it is broken.

    Attributes:
        ready: done when the process has loaded TensorFlow.
        here: whether it is this process, which then does nothing else meanwhile.
        arm: the digest of the arm compiled last.
    """

    def __init__(self, start: Callable[[], Executor]) -> None:
        self._start = start
        self.renew()

    def renew(self) -> None:
        """Starts afresh, after the process was lost."""
        self.executor = self._start()
        self.here = isinstance(self.executor, _InProcess)
        self.ready = self.executor.submit(load)
        self.arm = ""


def worker_count(cores: int | None = None, memory: int | None = None) -> int:
    """How many single-threaded workers fit: one a core, less where memory is short.

    Args:
        cores: by default those that this process may use: its affinity, its container's share.
        memory: bytes; by default those that new processes can have, the page cache included.
    """
    cores = joblib.cpu_count() if cores is None else cores
    memory = psutil.virtual_memory().available if memory is None else memory
    return max(1, min(cores, memory // BYTES_PER_WORKER))


def _process() -> Executor:
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(1, context, initializer=_start_process)
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
def local(count: int) -> Iterator[list[Worker]]:
    """This process for one worker, else so many spawned processes; all ended on leaving."""
    if count == 1:
        yield [Worker(_InProcess)]
        return
    before = set(multiprocessing.active_children())
    workers = [Worker(_process) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
