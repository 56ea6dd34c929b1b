"""Makes up so many records in a folder of its own, and computes the rows of all.

Prints one line of JSON: records, seconds and the largest resident size in GiB.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from zoo import recipe as recipes
from zoo.evidence import record as records
from zoo.evidence.store import Store
from zoo.evidence.tuning import search
from zoo.results import leaderboard

ARMS, SEEDS, LAYERS = 10, 10, 3
HEAD = """title: Made up
claim: Nothing.
data: {name: digits, batch_size: 64}
model: {family: mlp, depth: 2, width: 4, activation: sigmoid}
training: {optimizer: SGD, learning_rate: [0.1, 0.2, 0.4], steps: 100, evaluate_every: 10,
  seeds: 10, tuning_seeds: 1, final_tuning_seeds: 1}
target: {metric: val_accuracy, mode: max, value: 0.9}
baseline: arm_0
arms:
  arm_0: {}
"""
LEAKY = "{{class_name: LeakyReLU, config: {{negative_slope: 0.{0:02}}}}}"
ARM = f"  arm_{{0}}: {{{{model.activation: {LEAKY}}}}}\n"


def run(arm, seed, rate, reached):
    """What training would give: it reaches the target at a step and keeps it."""
    steps = arm.spec.training.evaluation_steps
    probed = [0, 1, 2, 4, 8, 16, 32, 64, *range(10, 101, 10)]
    probed = sorted(set(probed))
    row = [[0.1234 + layer for layer in range(LAYERS)]] * len(probed)
    names = ("update_ratio", "delta_rms", "kernel_grad_norm", "displacement", "kernel_rms")
    return {
        "seed": seed,
        "learning_rate": rate,
        "test_loss": 0.3,
        "test_accuracy": 0.91,
        "evaluation": {
            "step": steps,
            "training_loss": [1 + seed / 1000] * len(steps),
            "val_loss": [0.5] * len(steps),
            "val_accuracy": [0.95 if step >= reached else 0.1 for step in steps],
        },
        "probe": {
            "steps": probed,
            "layers": ["dense_1", "dense_2", "output"],
            "kernel_sizes": [256, 16, 40],
            "input_rms": 1.0,
            **dict.fromkeys(names, row),
        },
        "seconds": 1.0,
        "seconds_per_step": 0.001,
        "parameters": 100,
        "input_shape": [8, 8, 1],
    }


def made_up(folder, number, store):
    """A recipe with its evidence."""
    path = folder / "recipes" / "made" / f"up_{number}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(ARM.format(arm) for arm in range(1, ARMS)))
    recipe = recipes.load(path)
    for place, arm in enumerate(recipe.arms.values()):
        runs, slowest = [], 10 * (place + 1)
        while missing := search(arm.spec.training, runs) - {
            (each.learning_rate, each.seed) for each in runs
        }:
            for rate, seed in sorted(missing):
                result = records.of_run(arm, run(arm, seed, rate, 30 + abs(rate - 0.2) * 100))
                runs.append(records.of_tuning(arm, result))
        store.write_tuning(arm, runs)
        for seed in range(SEEDS):
            result = run(arm, seed, 0.2, max(10, slowest - 10 * (seed % 3)))
            store.write_record(arm, records.of_run(arm, result))
    return recipe


def main():
    wanted = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "evidence")
        every = [made_up(folder, n, store) for n in range(-(-wanted // (ARMS * SEEDS)))]
        store.manifest.write()
        began, count = time.perf_counter(), 0
        for recipe in every:
            rows = leaderboard.rows(recipe, store)
            assert all(row.verdict for row in rows[1:]), rows[1].lacking
            count += sum(row.seeds for row in rows)
        seconds = time.perf_counter() - began
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"records": count, "seconds": seconds, "resident": size}))


if __name__ == "__main__":
    main()
