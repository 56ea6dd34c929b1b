"""All runs of a comparison on every core: tasks on `concurrent.futures` executors.

An arm is first tuned, in two stages, then its reported seeds run at the chosen rate. Each worker is
given one run at a time, the next one of the arm it has compiled; what has a record is not trained
again.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any

from zoo.errors import ZooError
from zoo.evidence import provenance
from zoo.evidence import record as records
from zoo.evidence.record import RunRecord, TuningRun
from zoo.evidence.store import Store
from zoo.files import write_whole
from zoo.parts import user_files
from zoo.recipe import Arm, Recipe
from zoo.sweep import workers
from zoo.sweep.plan import ArmState, Task, still_to_do
from zoo.sweep.workers import Worker

MOST_STARTS = 10  # of processes, one after the other, that were lost before they were ready


Listener = Callable[[list[ArmState]], None]


class Sweep:
    """The runs of some recipes that a folder of evidence does not have yet.

    Args:
        recipes: what to train.
        store: where the evidence is and goes; `locked` from here on if other processes may write.
        imports: name and text of each Python file that registers what the recipes name.
        seeds: to be reported, for all recipes; by default as many as each recipe says, from 0 on.

    Attributes:
        failures: one line for each run that failed.

    Raises:
        ZooError: if the folder holds damaged records or records of a changed arm.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        store: Store,
        imports: Sequence[user_files.Source] = (),
        seeds: range | None = None,
    ) -> None:
        self._store, self._recipes, self._imports = store, list(recipes), tuple(imports)
        changed = store.manifest.changed()
        if changed:
            raise ZooError(
                "\n".join(f"{line}; restore it, or use another folder" for line in changed)
            )
        self.states: list[ArmState] = []
        for recipe in recipes:
            for arm in recipe.arms.values():
                tuning = [run for run in store.tuning(arm) if run.status != "failed"]
                kept = {s: r for s, r in store.records(arm).items() if r.status != "failed"}
                self._refuse_other_imports(arm, tuning, kept)
                state = ArmState(arm, seeds or range(arm.spec.training.seeds), tuning, kept)
                self._plan(state)
                self.states.append(state)
        self._breaks: Counter[tuple[str, float, int]] = Counter()
        self._failed_starts = 0
        self.failures: list[str] = []
        if not self.finished:
            store.prepare()

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return not any(state.waiting or state.running for state in self.states)

    def _plan(self, state: ArmState) -> None:
        """Sets what can be trained now."""
        if any(run.status == "failed" for run in state.tuning):
            state.waiting = []  # no fair choice of a rate; the failure is reported
        else:
            state.waiting = still_to_do(state.arm, state.seeds, state.tuning, state.records)

    def _refuse_other_imports(
        self, arm: Arm, tuning: Sequence[TuningRun], kept: dict[int, RunRecord]
    ) -> None:
        """The digest of an arm does not cover the user's files that it names."""
        now = user_files.digests(self._imports)
        before = [run.imports for run in tuning]
        before += [run.environment.get("imports", {}) for run in kept.values()]
        for imports in before:
            if imports != now:
                names = ", ".join(sorted(imports.keys() | now.keys()))
                raise ZooError(
                    f"{self._store.root}: {arm.id}: was trained with another --import ({names}): "
                    "use another folder"
                )

    def run(self, pool: Sequence[Worker], listener: Listener) -> None:
        """Trains on the given workers until nothing is left, with the folder locked.

        Args:
            pool: as `zoo.sweep.workers.local` or `zoo.sweep.dask.cluster` makes it.
            listener: called with all arms' states when there is a worker that is ready, and
                whenever a run has ended.

        Raises:
            ZooError: for a mistake in a recipe that shows only in training; if another process
                writes to the folder.
        """
        with self._store.locked():
            for state in self.states:
                if state.waiting:
                    self._store.forget(state.arm, set(state.seeds) - state.records.keys())
            try:
                self._run(pool, listener)
            finally:
                self._store.manifest.write()

    def _run(self, pool: Sequence[Worker], listener: Listener) -> None:
        self._check(pool[0])
        listener(self.states)
        flying: dict[Future[Any], tuple[Worker, Task]] = {}
        idle = list(pool)
        while not self.finished:
            for worker in list(idle):
                task = self._next(worker)
                if task is not None:
                    idle.remove(worker)
                    self._submit(worker, task, flying)
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            ended = [(future, *flying.pop(future)) for future in done]
            idle += [
                worker for future, worker, _ in ended if not self._goes_on(future, worker, flying)
            ]
            for future, worker, task in ended:
                self._ended(worker, task, future)
                listener(self.states)

    def _goes_on(
        self, future: Future[Any], worker: Worker, flying: dict[Future[Any], tuple[Worker, Task]]
    ) -> bool:
        """Gives a worker its arm's next run while the last one is still to be written."""
        own = any(state.waiting and state.arm.sha256 == worker.arm for state in self.states)
        if worker.here or not own or future.cancelled() or future.exception() is not None:
            return False
        task = self._next(worker)
        assert task is not None
        self._submit(worker, task, flying)
        return True

    def _check(self, worker: Worker) -> None:
        """Has a worker look for mistakes before any training, while the others start."""
        while True:
            try:
                worker.executor.submit(workers.check, self._imports, self._recipes).result()
                return
            except BrokenExecutor:
                self._lost(worker)

    def _lost(self, worker: Worker) -> bool:
        """Starts a worker's process again; whether it was lost in a run, not in starting."""
        in_a_run = worker.ready.done() and worker.ready.exception() is None
        self._failed_starts = 0 if in_a_run else self._failed_starts + 1
        if self._failed_starts >= MOST_STARTS:
            raise ZooError(
                f"a worker process was lost {MOST_STARTS} times while it started: "
                "is there memory for it? Give fewer --workers"
            )
        worker.renew()
        return in_a_run

    def _next(self, worker: Worker) -> Task | None:
        """The next run for a worker: of the arm it has compiled, or of the one with most left."""
        ready = [state for state in self.states if state.waiting]
        own = [state for state in ready if state.arm.sha256 == worker.arm]
        if not own and not ready:
            return None
        state = own[0] if own else max(ready, key=lambda s: (-s.running, len(s.waiting)))
        worker.arm = state.arm.sha256
        state.running += 1
        return state.waiting.pop(0)

    def _submit(
        self, worker: Worker, task: Task, flying: dict[Future[Any], tuple[Worker, Task]]
    ) -> None:
        arguments = (self._imports, task.arm, task.learning_rate, task.seed, not task.tuning)
        while True:
            try:
                flying[worker.executor.submit(workers.train, *arguments)] = (worker, task)
                return
            except BrokenExecutor:  # lost while it was idle
                self._lost(worker)

    def _ended(self, worker: Worker, task: Task, future: Future[Any]) -> None:
        state = next(state for state in self.states if state.arm is task.arm)
        state.running -= 1
        try:
            error = future.exception()
        except CancelledError:
            raise ZooError("the cluster is gone; the same command goes on from here") from None
        if isinstance(error, BrokenExecutor):
            self._breaks[task.key] += self._lost(worker)
            if self._breaks[task.key] < workers.ATTEMPTS:
                state.waiting.insert(0, task)
                return
        if isinstance(error, ZooError):
            raise error
        if error is None:
            record = records.of_run(task.arm, future.result())
        else:
            record = self._failed(task, error)
        if task.tuning:
            state.tuning.append(records.of_tuning(task.arm, record))
            self._store.write_tuning(task.arm, state.tuning)
        else:
            state.records[task.seed] = record
            self._store.write_record(task.arm, record)
        if not state.waiting and not state.running and task.tuning:
            self._plan(state)

    def _failed(self, task: Task, error: BaseException) -> RunRecord:
        """The record of a run that cannot be done; the log holds the traceback."""
        log = self._store.log_path(task.arm, task.seed)
        write_whole(log, f"{task}\n" + "".join(traceback.format_exception(error)))
        # Of an error while tracing, TensorFlow's message quotes the code first.
        said = str(error).strip().rpartition("\n\n")[2] if "in user code" in str(error) else error
        reason = " ".join(f"{type(error).__name__}: {said}".split())[:200]
        self.failures.append(f"{task}: {reason}; see {log}")
        return records.of_failure(task.arm, task.seed, task.learning_rate, provenance.describe())
