"""The learning rate of an arm: chosen in two stages, and what the search says of the grid.

All rates run with the tuning seeds, then the two best with the final tuning seeds too: on few seeds
the better of two neighbours is a matter of luck, and a rate that was chosen by luck makes arms
differ that do not (docs/method.md has the simulation).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zoo.evidence.record import TuningRun
from zoo.evidence.target import capped
from zoo.recipe.schema import FIRST_TUNING_SEED, Training

FINALISTS = 2


@dataclass(frozen=True)
class Tuned:
    """The rate of an arm, and what the search says of its grid.

    Attributes:
        learning_rate: the rate of the reported runs.
        runner_up: the rate that came second, and its mean min(T, B).
        at_edge: whether the rate is the grid's smallest or largest.
        band: how many rates of the grid reach the target with every tuning seed.
    """

    learning_rate: float
    runner_up: tuple[float, float]
    at_edge: bool
    band: int


def first_runs(training: Training) -> set[tuple[float, int]]:
    """The (rate, seed) of the first stage; none where the grid has one rate."""
    grid = training.learning_rate
    seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + training.tuning_seeds)
    return {(rate, seed) for rate in grid for seed in seeds} if len(grid) > 1 else set()


def final_runs(training: Training, finalists: Iterable[float]) -> set[tuple[float, int]]:
    """The (rate, seed) of the second stage."""
    first = FIRST_TUNING_SEED + training.tuning_seeds
    seeds = range(first, first + training.final_tuning_seeds)
    return {(rate, seed) for rate in finalists for seed in seeds}


def best_first(runs: Mapping[float, Sequence[TuningRun]], budget: int) -> list[float]:
    """The rates, the best first.

    By how many runs reach the target, then by the mean of min(T, B), and if none reaches by the
    mean validation loss at the budget, a run that ended before it being the worst. Ties go to the
    smaller rate.

    Args:
        runs: of each rate, as many as of any other.
        budget: B.
    """

    def worth(rate: float) -> tuple[float, ...]:
        times = [run.steps_to_target for run in runs[rate]]
        reached = sum(time is not None for time in times)
        losses = [math.inf if run.final_loss is None else run.final_loss for run in runs[rate]]
        loss = 0.0 if reached else math.fsum(losses) / len(losses)
        return -reached, sum(capped(times, budget)), loss, rate

    return sorted(runs, key=worth)


def _by_rate(
    training: Training, runs: Iterable[TuningRun], wanted: set[tuple[float, int]]
) -> dict[float, list[TuningRun]] | None:
    """The wanted runs, by rate; None if one is missing or failed."""
    of_key = {(run.learning_rate, run.seed): run for run in runs if run.status != "failed"}
    if not wanted <= of_key.keys():
        return None
    return {
        rate: [of_key[key] for key in sorted(wanted) if key[0] == rate]
        for rate in training.learning_rate
        if any(key[0] == rate for key in wanted)
    }


def finalists(training: Training, runs: Iterable[TuningRun]) -> list[float] | None:
    """The two best rates after the first stage; None while it is not complete."""
    by_rate = _by_rate(training, runs, first_runs(training))
    return None if by_rate is None else best_first(by_rate, training.steps)[:FINALISTS]


def search(training: Training, runs: Sequence[TuningRun]) -> set[tuple[float, int]]:
    """The (rate, seed) of the whole search, as far as it can be known."""
    first, two = first_runs(training), finalists(training, runs)
    return first | (final_runs(training, two) if two else set())


def tune(training: Training, runs: Sequence[TuningRun]) -> Tuned | None:
    """What the search for a rate says; None while it is not complete, or if there is none.

    Args:
        training: the grid, and how many seeds each stage has.
        runs: those that ended so far.
    """
    two = finalists(training, runs)
    if not two:
        return None
    seeds = {seed for _, seed in first_runs(training) | final_runs(training, two)}
    of_two = _by_rate(training, runs, {(rate, seed) for rate in two for seed in seeds})
    of_all = _by_rate(training, runs, first_runs(training))
    if of_two is None or of_all is None:
        return None
    best, second = best_first(of_two, training.steps)
    times = capped([run.steps_to_target for run in of_two[second]], training.steps)
    return Tuned(
        learning_rate=best,
        runner_up=(second, sum(times) / len(times)),
        at_edge=best in (training.learning_rate[0], training.learning_rate[-1]),
        band=sum(
            all(run.steps_to_target is not None for run in of_rate) for of_rate in of_all.values()
        ),
    )


def reported_rate(training: Training, runs: Sequence[TuningRun]) -> float | None:
    """The rate of the reported runs; None while the search for it is not complete."""
    if len(training.learning_rate) == 1:
        return training.learning_rate[0]
    tuned = tune(training, runs)
    return None if tuned is None else tuned.learning_rate
