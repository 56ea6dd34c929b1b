"""How often the protocol errs, by simulation: the tables of docs/method.md.

    python scripts/simulate.py [--trials 10000]

Two arms that do not differ are tuned and judged as real ones are, by the zoo's own code. Each has
two learning rates, one of which needs some percent more steps, or three; the steps of a run scatter
by 20 % over seeds, in one table by less and by more. Each arm chooses its rate by itself, so that
it can happen on the better one or not: a verdict then tells of the choice. The last table is how
often an interval of 95 % holds the true speedup.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from zoo.cli.process import as_command, at_least
from zoo.evidence import tuning
from zoo.evidence.record import TuningRun
from zoo.recipe.schema import Training
from zoo.results.statistics import LEVEL, sign_flip_p, speedup

DISTANCES = (0, 5, 10, 15, 20, 30, 50)  # percent that one rate needs more steps than the other
THREE = ((1.0, 1.2, 1.5), (1.2, 1.0, 1.2), (1.5, 1.0, 1.5))  # steps of three rates, relative
STAGES = ((2, 0), (2, 4), (6, 0))  # tuning seeds of all rates, and more of the two best
SCATTERS = (0.1, 0.2, 0.3, 0.4)
SCATTER = 0.2  # the standard deviation of the logarithm of steps over seeds
STEPS, EVERY, BUDGET = 200, 5, 1000
PAIRS = 10


def plan(first: int, final: int, rates: int = 2) -> Training:
    """A training with some rates, tuned with so many seeds in each stage."""
    return Training(
        optimizer="SGD",
        learning_rate=[0.1 * 2**number for number in range(rates)],
        steps=BUDGET,
        evaluate_every=EVERY,
        seeds=PAIRS,
        tuning_seeds=first,
        final_tuning_seeds=final,
    )


def times(
    draw: np.random.Generator, mean: float, count: int, scatter: float = SCATTER
) -> list[int]:
    """The steps of some runs, on the grid of evaluations."""
    steps = mean * np.exp(draw.normal(-(scatter**2) / 2, scatter, count))
    return [int(step) for step in np.ceil(steps / EVERY) * EVERY]


def trial(
    draw: np.random.Generator, training: Training, relative: Sequence[float], scatter: float
) -> list[int]:
    """The reported steps of one arm, at the rate that it chose."""
    means = {r: STEPS * ratio for r, ratio in zip(training.learning_rate, relative, strict=True)}
    runs: list[TuningRun] = []
    while missing := tuning.search(training, runs) - {(r.learning_rate, r.seed) for r in runs}:
        for rate, seed in sorted(missing):
            [time] = times(draw, means[rate], 1, scatter)
            runs.append(
                TuningRun.model_construct(
                    learning_rate=rate, seed=seed, status="reached", steps_to_target=time
                )
            )
    rate = tuning.reported_rate(training, runs)
    assert rate is not None
    return times(draw, means[rate], PAIRS, scatter)


def false_verdicts(
    training: Training, relative: Sequence[float], trials: int, scatter: float = SCATTER
) -> float:
    """The share of trials in which two arms that do not differ are told apart, before Holm.

    Args:
        training: the rates and how they are tuned.
        relative: the mean steps at each rate, over those at the best.
        trials: how many.
        scatter: the standard deviation of the logarithm of steps over seeds.
    """
    draw = np.random.default_rng(round(100 * sum(relative)))
    count = 0
    for _ in range(trials):
        one, other = (trial(draw, training, relative, scatter) for _ in range(2))
        count += sign_flip_p([a - b for a, b in zip(one, other, strict=True)]) <= LEVEL
    return count / trials


def coverage(ratio: float, trials: int) -> float:
    """The share of trials in which the interval of a speedup holds the true one."""
    draw = np.random.default_rng(1)
    count = 0
    for _ in range(trials):
        result = speedup(times(draw, STEPS * ratio, PAIRS), times(draw, STEPS, PAIRS), BUDGET)
        assert result.low is not None and result.high is not None
        count += result.low <= ratio <= result.high
    return count / trials


def shares(cases: Sequence[Sequence[float]], trials: int) -> list[list[str]]:
    """A line for each of `STAGES`: the false verdicts in each case."""
    return [
        [f"{first} + {final}"]
        + [f"{false_verdicts(plan(first, final, len(c)), c, trials):.1%}" for c in cases]
        for first, final in STAGES
    ]


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heading, ["---:"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=at_least(1), default=10_000, help="of each figure")
    trials = parser.parse_args().trials
    two = [(1.0, 1 + distance / 100) for distance in DISTANCES]
    print(table(["tuning seeds", *(f"{each} % apart" for each in DISTANCES)], shares(two, trials)))
    print()
    as_far = [false_verdicts(plan(2, 4), (1.0, 1 + each), trials, each) for each in SCATTERS]
    heads = [f"{each:.0%}" for each in SCATTERS]
    print(table(["scatter", *heads], [["2 + 4", *(f"{share:.1%}" for share in as_far)]]))
    print()
    heads = [" : ".join(map(str, relative)) for relative in THREE]
    print(table(["three rates", *heads], shares(THREE, trials)))
    print()
    ratios = (1.0, 1.25, 2.0, 4.0)
    covered = [f"{coverage(ratio, trials):.1%}" for ratio in ratios]
    print(table(["true speedup", *map(str, ratios)], [["covered", *covered]]))


if __name__ == "__main__":
    with as_command():
        main()
