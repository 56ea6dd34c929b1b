"""Steps a second of a classifier of made-up sequences: by the zoo's trainer, and by Keras's `fit`.

The second of two runs counts: the first one compiles.
"""

import json
import time

import numpy as np


def made_up(count, shape, classes):
    """Inputs (count, *shape) float32 and their classes (count,) int32."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, *shape)).astype("float32")
    return x, rng.integers(0, classes, count).astype("int32")


def print_of_arm(arm, shape, classes):
    """Trains an arm for its budget, without the probe, and prints its rate as a line of JSON."""
    from zoo.data import Dataset, Split
    from zoo.training import CompiledArm

    training, size = arm.spec.training, arm.spec.data.batch_size
    counts = (training.steps * size, size, size)
    splits = [Split(*made_up(count, shape, classes)) for count in counts]
    compiled = CompiledArm(arm, Dataset("made-up", *splits, classes, "classification"))
    compiled.run(0, 0.001, probe=False)
    began = time.perf_counter()
    run = compiled.run(0, 0.001, probe=False)
    trained = run["evaluation"]["step"][-1]
    print(json.dumps({"steps_per_second": trained / (time.perf_counter() - began)}))


def print_of_fit(model, shape, classes, steps, batch, metrics=None):
    """Fits a Keras model for an epoch of so many steps and prints its rate as a line of JSON."""
    import keras

    x, y = made_up(steps * batch, shape, classes)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=metrics,
    )
    model.fit(x, y, batch_size=batch, verbose=0)
    began = time.perf_counter()
    model.fit(x, y, batch_size=batch, verbose=0)
    print(json.dumps({"steps_per_second": steps / (time.perf_counter() - began)}))
