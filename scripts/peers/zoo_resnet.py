"""The same ResNet-20, data and schedule by the zoo's trainer, without its probe, in a worker.

Prints one line of JSON: steps a second, and the core it had.
"""

import json

import numpy as np

from zoo import recipe, workers
from zoo.data import Dataset, Split

BATCH, BATCHES = 64, 60


def main():
    workers.load()
    from zoo.training import CompiledArm

    settings = {
        "data.batch_size": BATCH,
        "model.widths": [16, 32, 64],
        "model.depth": 20,
        "model.stem_stride": 1,
        "training.steps": 20 * BATCHES,
    }
    arm = recipe.load("fashion_mnist/residual", settings).arms["resnet"]
    rng = np.random.default_rng(0)
    splits = [
        Split(
            rng.normal(size=(count, 28, 28, 1)).astype("float32"),
            rng.integers(0, 10, count).astype("int32"),
        )
        for count in (BATCHES * BATCH, 1, 1)
    ]
    compiled = CompiledArm(arm, Dataset("made-up", *splits, outputs=10, task="classification"))
    print(json.dumps({"steps_per_second": 1 / compiled.seconds_per_step, "cores": 1}))


if __name__ == "__main__":
    main()
