"""What there is to train: the runs of each arm, and how far it has come."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from zoo.evidence import tuning
from zoo.evidence.record import RunRecord, TuningRun
from zoo.recipe import Arm
from zoo.recipe.schema import FIRST_TUNING_SEED


@dataclass(frozen=True)
class Task:
    """One run to do; a tuning run is not probed and leaves no record of its own."""

    arm: Arm
    learning_rate: float
    seed: int

    @property
    def tuning(self) -> bool:
        """Whether the run is one of the learning-rate search."""
        return self.seed >= FIRST_TUNING_SEED

    @property
    def key(self) -> tuple[str, float, int]:
        """What tells the run from all others."""
        return self.arm.id, self.learning_rate, self.seed

    def __str__(self) -> str:
        return f"{self.arm.id} seed {self.seed} at learning rate {self.learning_rate}"


def still_to_do(
    arm: Arm, seeds: Iterable[int], tried: Sequence[TuningRun], ran: Container[int]
) -> list[Task]:
    """What can be trained now: the search, stage by stage, and when it is complete the seeds.

    Args:
        arm: which.
        seeds: those to be reported.
        tried: the runs of the search that ended, without any that failed.
        ran: the reported seeds that ended.
    """
    training, have = arm.spec.training, {(run.learning_rate, run.seed) for run in tried}
    missing = tuning.search(training, tried) - have
    if missing:
        seed_by_seed = sorted(missing, key=lambda run: (run[1], run[0]))
        return [Task(arm, rate, seed) for rate, seed in seed_by_seed]
    rate = tuning.reported_rate(training, tried)
    assert rate is not None
    return [Task(arm, rate, seed) for seed in seeds if seed not in ran]


@dataclass
class ArmState:
    """How far an arm has come."""

    arm: Arm
    seeds: range
    tuning: list[TuningRun]
    records: dict[int, RunRecord]
    waiting: list[Task] = field(default_factory=list)
    running: int = 0

    @property
    def planned(self) -> int:
        """How many runs the arm needs in all, tuning included."""
        training = self.arm.spec.training
        first = tuning.first_runs(training)
        final = training.final_tuning_seeds * tuning.FINALISTS if first else 0
        return len(self.seeds) + len(first) + final

    @property
    def done(self) -> int:
        """How many of the planned runs have ended."""
        return len(self.tuning) + sum(seed in self.seeds for seed in self.records)

    @property
    def reached(self) -> int:
        """How many reported runs reached the target."""
        reported = [run for seed, run in self.records.items() if seed in self.seeds]
        return sum(run.status == "reached" for run in reported)

    @property
    def failed(self) -> int:
        """How many runs raised or lost their worker."""
        statuses = [run.status for run in self.tuning]
        statuses += [record.status for record in self.records.values()]
        return statuses.count("failed")
