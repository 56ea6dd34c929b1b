"""A network trained by `fit` for 5,000 steps, without `zoo.GradientAlarm` and with it.

The argument names the network: mlp, of 10 layers on 64 inputs, as small as one gets, or lstm.
Prints one line of JSON: processor seconds of both, compiling included, and what share of the
seconds of the watched one, without those, pass within the callback. These are by the clock: while
`fit` waits, threads that load the next batches use the processor, too. What the clock itself takes,
10,000 times, is known from a callback of the same fit that does nothing, and taken off.
"""

import json
import sys
import time

import keras
import numpy as np
from keras import layers

import zoo

STEPS, BATCH, CLASSES = 5000, 64, 10
SHAPES = {"mlp": (64,), "lstm": (28, 28)}


def network(name):
    hidden = {
        "mlp": [layers.Dense(64, "relu", kernel_initializer="he_normal") for _ in range(10)],
        "lstm": [layers.LSTM(64)],
    }[name]
    model = keras.Sequential([keras.Input(SHAPES[name]), *hidden, layers.Dense(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    return model


HOOKS = (
    *("on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"),
    *("on_epoch_end", "on_train_end"),
)


def timed(kind):
    """A class of callbacks that keeps the seconds that `fit` waits for it."""

    def of_hook(name):
        method = getattr(kind, name)

        def within(self, *arguments, **options):
            began = time.perf_counter()
            method(self, *arguments, **options)
            self.seconds += time.perf_counter() - began

        return within

    return type("Timed", (kind,), {"seconds": 0.0, **{name: of_hook(name) for name in HOOKS}})


def seconds(name, x, y, *callbacks, steps=STEPS):
    """Of a fit, one epoch a hundred steps."""
    model, began = network(name), time.process_time()
    count = 100 * BATCH
    epochs = steps // 100
    model.fit(x[:count], y[:count], BATCH, epochs, verbose=0, callbacks=list(callbacks))
    return time.process_time() - began


def main():
    name = sys.argv[1]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100 * BATCH, *SHAPES[name])).astype("float32")
    y = rng.integers(0, CLASSES, len(x))
    seconds(name, x, y, steps=100)  # what the first fit of a process loads
    alarm, nothing = timed(zoo.GradientAlarm)(x, y), timed(keras.callbacks.Callback)()
    plain, began = seconds(name, x, y), time.perf_counter()
    watched = seconds(name, x, y, alarm, nothing)
    training = time.perf_counter() - began - alarm.seconds - nothing.seconds
    within = (alarm.seconds - nothing.seconds) / training
    print(json.dumps({"plain": plain, "watched": watched, "within": within}))


if __name__ == "__main__":
    main()
