"""The same transformer on made-up sequences by the zoo's trainer, on one thread, in a worker.

Prints one line of JSON: steps a second, without the probe.
"""

from rates import print_of_arm

from zoo import recipe
from zoo.sweep import workers

STEPS, BATCH, CLASSES = 100, 64, 10
LENGTH, FEATURES, WIDTH, HEADS = 28, 28, 32, 4


def main():
    workers.load()
    settings = {
        "model.width": WIDTH,
        "model.heads": HEADS,
        "data.batch_size": BATCH,
        "training.optimizer": "Adam",
        "training.steps": STEPS,
        "training.evaluate_every": STEPS // 2,
    }
    arm = recipe.load("fashion_mnist_rows/transformer", settings).arms["post_ln_6"]
    assert arm.spec.model.depth == 6
    print_of_arm(arm, (LENGTH, FEATURES), CLASSES)


if __name__ == "__main__":
    main()
