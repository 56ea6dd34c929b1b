"""ResNet-20 on data of Fashion-MNIST's size as one would write it in Keras: `fit`, all defaults.

Prints one line of JSON: steps a second, and the cores it had.
"""

import json
import os
import time

import keras
import numpy as np
from keras import layers

STEPS, BATCH = 60, 64


def block(x, width, strides):
    h = layers.Conv2D(width, 3, strides, padding="same", use_bias=False)(x)
    h = layers.ReLU()(layers.BatchNormalization()(h))
    h = layers.Conv2D(width, 3, padding="same", use_bias=False)(h)
    h = layers.BatchNormalization()(h)
    if strides > 1:
        x = layers.AveragePooling2D(1, strides)(x)
        x = layers.Concatenate()([x, keras.ops.zeros_like(x)])  # the width doubles
    return layers.ReLU()(layers.Add()([x, h]))


def resnet_20():
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for stage, width in enumerate((16, 32, 64)):
        for number in range(3):
            x = block(x, width, strides=2 if stage and number == 0 else 1)
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, 28, 28, 1)).astype("float32")
    y = rng.integers(0, 10, len(x))
    model = resnet_20()
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    began = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0)
    rate = 2 * STEPS / (time.perf_counter() - began)
    print(json.dumps({"steps_per_second": rate, "cores": os.cpu_count()}))


if __name__ == "__main__":
    main()
