"""Runs of digits/activation in plain Keras: one fit after the other in one process.

Prints one line of JSON: seconds to start, and of each run.
"""

import json
import sys
import time

STARTED = time.time()

import keras  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

ARMS = {
    "sigmoid": ("sigmoid", "glorot_uniform"),
    "tanh": ("tanh", "glorot_uniform"),
    "relu": ("relu", "glorot_uniform"),
    "relu_he": ("relu", "he_normal"),
}


def train(activation, initializer, seed):
    keras.utils.set_random_seed(seed)
    x, y = load_digits(return_X_y=True)
    x = ((x - x[:1077].mean()) / x[:1077].std()).astype("float32")
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(10):
        model.add(keras.layers.Dense(64, activation, kernel_initializer=initializer))
    model.add(keras.layers.Dense(10, kernel_initializer=initializer))
    model.compile(
        optimizer=keras.optimizers.SGD(0.03, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(  # 17 steps an epoch: 850 steps
        x[:1077], y[:1077], batch_size=64, epochs=50, validation_data=(x[1077:1437], y[1077:1437]),
        verbose=0,
    )  # fmt: skip


def main():
    started = time.time() - STARTED
    seconds = []
    for run in range(int(sys.argv[1])):
        began = time.time()
        train(*list(ARMS.values())[run % len(ARMS)], seed=run)
        seconds.append(time.time() - began)
    print(json.dumps({"start": started, "runs": seconds}))


if __name__ == "__main__":
    main()
