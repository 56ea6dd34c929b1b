"""What there is to train: the runs of each arm, and how far it has come."""

from dataclasses import dataclass, field

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


@dataclass
class ArmState:
    """How far an arm has come."""

    arm: Arm
    seeds: int
    tuning: list[TuningRun]
    records: dict[int, RunRecord]
    waiting: list[Task] = field(default_factory=list)
    running: int = 0

    @property
    def planned(self) -> int:
        """How many runs the arm needs in all, tuning included."""
        grid = self.arm.spec.training.learning_rate
        return self.seeds + (self._tuning_runs if len(grid) > 1 else 0)

    @property
    def _tuning_runs(self) -> int:
        training = self.arm.spec.training
        return len(training.learning_rate) * training.tuning_seeds

    @property
    def done(self) -> int:
        """How many of the planned runs have ended."""
        return len(self.tuning) + sum(seed < self.seeds for seed in self.records)

    @property
    def reached(self) -> int:
        """How many reported runs reached the target."""
        reported = [run for seed, run in self.records.items() if seed < self.seeds]
        return sum(run.status == "reached" for run in reported)

    @property
    def failed(self) -> int:
        """How many runs raised or lost their worker."""
        statuses = [run.status for run in self.tuning]
        statuses += [record.status for record in self.records.values()]
        return statuses.count("failed")
