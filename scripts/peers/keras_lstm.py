"""An LSTM on long sequences as a user of Keras would train it: `fit`, with its defaults.

Prints one line of JSON: steps a second, on all cores.
"""

import json
import time

import keras
import numpy as np

STEPS, BATCH, WIDTH, LENGTH, CLASSES = 100, 64, 64, 400, 10


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, LENGTH, 1)).astype("float32")
    y = rng.integers(0, CLASSES, STEPS * BATCH)
    model = keras.Sequential(
        [keras.Input((LENGTH, 1)), keras.layers.LSTM(WIDTH), keras.layers.Dense(CLASSES)]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(x, y, batch_size=BATCH, verbose=0)  # traces
    began = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)
    print(json.dumps({"steps_per_second": STEPS / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
