"""A post-LN transformer encoder as a user of Keras would train it: `fit`, with its defaults.

Prints one line of JSON: steps a second, on all cores.
"""

import json
import time

import keras
import numpy as np
from keras import layers

STEPS, BATCH, CLASSES = 100, 64, 10
LENGTH, FEATURES, BLOCKS, WIDTH, HEADS = 28, 28, 6, 32, 4


def block(x):
    h = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, h]))
    h = layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, activation="relu")(x))
    return layers.LayerNormalization()(layers.Add()([x, h]))


def transformer():
    inputs = keras.Input((LENGTH, FEATURES))
    places = layers.Embedding(LENGTH, WIDTH)(keras.ops.arange(LENGTH)[None])
    x = layers.Add()([layers.Dense(WIDTH)(inputs), places])
    for _ in range(BLOCKS):
        x = block(x)
    return keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(x)))


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, LENGTH, FEATURES)).astype("float32")
    y = rng.integers(0, CLASSES, STEPS * BATCH)
    model = transformer()
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=BATCH, verbose=0)  # traces
    began = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)
    print(json.dumps({"steps_per_second": STEPS / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
