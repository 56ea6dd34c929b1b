"""The same transformer on made-up sequences by the zoo's trainer, on one thread, in a worker.

Prints one line of JSON: steps a second, without the probe.
"""

import json
import time

import numpy as np

from zoo import recipe
from zoo.data import Dataset, Split
from zoo.sweep import workers

STEPS, BATCH, CLASSES = 100, 64, 10
LENGTH, FEATURES, BLOCKS, WIDTH, HEADS = 28, 28, 6, 32, 4


def main():
    workers.load()
    from zoo.training import CompiledArm

    settings = {
        "model.depth": BLOCKS,
        "model.width": WIDTH,
        "model.heads": HEADS,
        "data.batch_size": BATCH,
        "training.optimizer": "Adam",
        "training.steps": STEPS,
        "training.evaluate_every": STEPS // 2,
    }
    arm = recipe.load("fashion_mnist_rows/transformer", settings).arms["post_ln"]
    rng = np.random.default_rng(0)
    splits = [
        Split(
            rng.normal(size=(count, LENGTH, FEATURES)).astype("float32"),
            rng.integers(0, CLASSES, count).astype("int32"),
        )
        for count in (STEPS * BATCH, BATCH, BATCH)
    ]
    compiled = CompiledArm(arm, Dataset("made-up", *splits, CLASSES, "classification"))
    compiled.run(0, 0.001, probe=False)
    began = time.perf_counter()
    run = compiled.run(0, 0.001, probe=False)
    trained = run["evaluation"]["step"][-1]
    print(json.dumps({"steps_per_second": trained / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
