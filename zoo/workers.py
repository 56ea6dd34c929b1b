"""Workers: executors that do one run at a time, here, in spawned processes or on a cluster.

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
from pathlib import Path
from typing import Any

from zoo import environment, schema, user_files
from zoo import recipe as zoo_recipe
from zoo.errors import ZooError
from zoo.recipe import Arm, Recipe

ATTEMPTS = 3  # a run that takes its worker with it so often is recorded as failed
CONNECT_SECONDS = 5
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
    environment.load_tensorflow()
    from zoo import training

    training.use_threads(1)


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
    load()
    import tensorflow as tf

    from zoo import training

    for name, source in imports:
        user_files.import_source(name, source)
    if arm.sha256 not in _compiled:
        _compiled.clear()
        gc.collect()  # models and graphs refer to themselves: megabytes that Python sees as a few
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
    """Finds what Keras would refuse before any training."""
    load()
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


@contextlib.contextmanager
def cluster(address: str) -> Iterator[list[Worker]]:
    """The workers of a Dask cluster, as many as it has now.

    Dask itself gives a run that lost its worker to another one.

    Args:
        address: of the scheduler, such as tcp://host:8786.

    Raises:
        ZooError: if no scheduler answers, or its workers are none or have several threads.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ZooError("--scheduler: needs Dask: pip install 'gradient-zoo[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ZooError(
            f"--scheduler {address}: no Dask scheduler answers: {reason}; see docs/cluster.md"
        ) from None
    with client:
        threads = list(client.nthreads().values())
        if not threads or any(count != 1 for count in threads):
            found = "none" if not threads else f"some with {max(threads)} threads"
            raise ZooError(
                f"--scheduler {address}: needs workers of one thread each, has {found}: "
                f"dask worker {address} --nworkers auto --nthreads 1"
            )
        executor = client.get_executor(retries=ATTEMPTS - 1, pure=False)
        yield [Worker(lambda: executor) for _ in threads]
