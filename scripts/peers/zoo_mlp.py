"""A 10x128 ReLU MLP on data of Fashion-MNIST's size by the zoo's trainer, in a worker.

Prints one line of JSON: steps a second (with the probe on its schedule) and the share that this is
of the core's float32 matrix-multiplication peak, measured in the same process.
"""

import json
import time

import numpy as np

from zoo import recipe
from zoo.data import Dataset, Split
from zoo.sweep import workers

STEPS, BATCH, WIDTH, DEPTH, INPUTS = 2000, 128, 128, 10, 784


def peak():
    """Float32 operations a second of one large matrix product, the best of several."""
    import tensorflow as tf

    size = 2048
    a, b = tf.random.normal([size, size]), tf.random.normal([size, size])
    multiply = tf.function(tf.matmul)
    multiply(a, b)
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        multiply(a, b).numpy()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


def operations():
    """Of one training step: forward, and backward by kernels and by all inputs but the first."""
    inner = (DEPTH - 1) * WIDTH * WIDTH + WIDTH * 10
    return 2 * BATCH * (2 * INPUTS * WIDTH + 3 * inner)


def main():
    workers.load()
    from zoo.training import CompiledArm

    settings = {
        "model.width": WIDTH,
        "model.depth": DEPTH,
        "training.steps": STEPS,
        "training.evaluate_every": STEPS // 2,
    }
    arm = recipe.load("fashion_mnist/activation", settings).arms["relu_he"]
    rng = np.random.default_rng(0)
    splits = [
        Split(
            rng.normal(size=(count, 28, 28, 1)).astype("float32"),
            rng.integers(0, 10, count).astype("int32"),
        )
        for count in (54_000, 1000, 1000)
    ]
    compiled = CompiledArm(arm, Dataset("made-up", *splits, outputs=10, task="classification"))
    compiled.run(0, 0.001)
    ceiling = peak()
    began = time.perf_counter()
    run = compiled.run(0, 0.001)
    trained = run["evaluation"]["step"][-1]
    rate = trained / (time.perf_counter() - began)
    print(json.dumps({"steps_per_second": rate, "share_of_peak": rate * operations() / ceiling}))


if __name__ == "__main__":
    main()
