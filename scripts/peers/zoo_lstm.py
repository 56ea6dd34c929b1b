"""The same LSTM on made-up sequences by the zoo's trainer, on one thread, in a worker.

Prints one line of JSON: steps a second, without the probe.
"""

from rates import print_of_arm

from zoo import recipe
from zoo.sweep import workers

STEPS, BATCH, WIDTH, LENGTH, CLASSES = 100, 64, 64, 400, 10


def main():
    workers.load()
    settings = {
        "model.width": WIDTH,
        "data.batch_size": BATCH,
        "training.optimizer": "Adam",
        "training.steps": STEPS,
        "training.evaluate_every": STEPS // 2,
    }
    arm = recipe.load("mnist1d/gating", settings).arms["lstm"]
    print_of_arm(arm, (LENGTH, 1), CLASSES)


if __name__ == "__main__":
    main()
