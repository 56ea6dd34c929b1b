"""Made-up evidence with known answers."""

from pathlib import Path

import pytest

from zoo import recipe as recipes
from zoo.evidence import tuning
from zoo.evidence.record import Curve, ProbeRecord, RunRecord, TuningRun
from zoo.evidence.store import Store
from zoo.recipe.schema import BENCHMARK

BUDGET, EVERY = 100, 10
QUANTITIES = {
    "delta_rms", "kernel_grad_norm", "update_ratio", "displacement",
    "kernel_rms", "saturated", "dead", "nonfinite", "zero_grads",
}  # fmt: skip
YAML = """
title: A made-up comparison
claim: Nothing.
data: {name: digits, batch_size: 64}
model: {family: mlp, depth: 2, width: 4, activation: sigmoid}
training:
  optimizer: SGD
  learning_rate: [0.1, 0.2, 0.4]
  steps: 100
  evaluate_every: 10
  seeds: 3
  tuning_seeds: 1
  final_tuning_seeds: 1
target: {metric: val_accuracy, mode: max, value: 0.9}
baseline: sigmoid
arms:
  sigmoid: {}
  tanh: {model.activation: tanh}
  relu: {model.activation: relu}
"""


def written(folder: Path, text: str = YAML) -> recipes.Recipe:
    path = folder / "recipes" / "made" / "up.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return recipes.load(path)


@pytest.fixture
def recipe(tmp_path: Path) -> recipes.Recipe:
    return written(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "evidence")


def made_up_run(
    arm, seed, reached_at, *, rate=0.2, diverged_at=None, first_delta=0.5, lost_at=None
):
    """A run whose accuracy jumps to 0.95 at step `reached_at`, or stays at 0.1.

    From `lost_at` on it is 0.1 again.
    """
    steps = list(range(EVERY, BUDGET + 2 * EVERY + 1, EVERY))
    if diverged_at is not None:
        steps = [step for step in steps if step <= diverged_at]
    last = lost_at or BUDGET * 2
    accuracy = [0.95 if reached_at and reached_at <= step < last else 0.1 for step in steps]
    probes = [0, 1, 2, 4, 8, 10, 50]
    last_step = BUDGET * 2 if diverged_at is None else diverged_at
    rows = [[first_delta, 0.75, 2.0] if step <= last_step else [None] * 3 for step in probes]
    layers = ["dense_1", "dense_2", "output"]
    quantities = dict.fromkeys(QUANTITIES, rows)
    return RunRecord(
        benchmark=BENCHMARK,
        recipe=arm.recipe,
        arm=arm.name,
        seed=seed,
        learning_rate=rate,
        arm_sha256=arm.sha256,
        status="reached" if reached_at else "budget",
        diverged_at=diverged_at,
        steps_to_target=reached_at,
        test_loss=0.3 if diverged_at is None or diverged_at > BUDGET else None,
        test_accuracy=0.9 if diverged_at is None or diverged_at > BUDGET else None,
        evaluation=Curve(
            step=steps,
            training_loss=[1 + seed / 1000] * len(steps),  # no two seeds are alike
            val_loss=accuracy,
            val_accuracy=accuracy,
        ),
        probe=ProbeRecord(
            steps=probes, layers=layers, kernel_sizes=[16] * 3, input_rms=1.0, **quantities
        ),
        seconds=1.0,
        seconds_per_step=0.002 if arm.name == "tanh" else 0.001,
        parameters=100,
        input_shape=[8, 8, 1],
    )


def made_up_search(arm, reached_at):
    """A search in both stages; each rate reaches the target at its step, with every seed."""
    times = dict(zip(arm.spec.training.learning_rate, reached_at, strict=True))
    runs = []
    while missing := tuning.search(arm.spec.training, runs) - {
        (run.learning_rate, run.seed) for run in runs
    }:
        runs += [made_up_trial(arm, rate, seed, times[rate]) for rate, seed in sorted(missing)]
    return sorted(runs, key=lambda run: (run.learning_rate, run.seed))


def made_up_trial(arm, rate, seed, time, loss=1.0):
    return TuningRun(
        learning_rate=rate,
        seed=seed,
        status="reached" if time else "budget",
        steps_to_target=time,
        final_metric=0.95 if time else 0.1,
        final_loss=loss,
        benchmark=BENCHMARK,
        arm_sha256=arm.sha256,
    )


def filling(recipe, store):
    """What writes, for each arm, a search that chooses 0.2 and a run for each given time."""

    def write(times, **options):
        for name, of_arm in times.items():
            arm = recipe.arms[name]
            store.write_tuning(arm, made_up_search(arm, (None, 20, 50)))
            for seed, time in enumerate(of_arm):
                store.write_record(arm, made_up_run(arm, seed, time, **options.get(name, {})))
        store.manifest.write()

    return write


@pytest.fixture
def fill(recipe, store):
    return filling(recipe, store)
