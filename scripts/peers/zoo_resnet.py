"""The same ResNet-20, data and schedule by the zoo's trainer, without its probe, in a worker.

Prints one line of JSON: steps a second, and the core it had.
"""

import json
import time

import numpy as np

from zoo import recipe
from zoo.data import Dataset, Split
from zoo.sweep import workers

STEPS, BATCH = 60, 64


def main():
    workers.load()
    from zoo.training import CompiledArm

    settings = {
        "data.batch_size": BATCH,
        "model.depth": 20,
        "model.widths": [16, 32, 64],
        "model.stem_stride": 1,
        "training.steps": STEPS,
        "training.evaluate_every": STEPS,
    }
    arm = recipe.load("fashion_mnist/residual", settings).arms["resnet"]
    rng = np.random.default_rng(0)
    splits = [
        Split(
            rng.normal(size=(count, 28, 28, 1)).astype("float32"),
            rng.integers(0, 10, count).astype("int32"),
        )
        for count in (STEPS * BATCH, 1, 1)
    ]
    compiled = CompiledArm(arm, Dataset("made-up", *splits, outputs=10, task="classification"))
    assert compiled.seconds_per_step()  # measured once, with the compiling
    began = time.perf_counter()
    run = compiled.run(0, 0.01, probe=False)
    trained = run["evaluation"]["step"][-1]
    rate = trained / (time.perf_counter() - began)
    print(json.dumps({"steps_per_second": rate, "cores": 1}))


if __name__ == "__main__":
    main()
