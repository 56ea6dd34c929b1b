"""A post-LN transformer encoder as a user of Keras would train it: `fit`, with its defaults.

Prints one line of JSON: steps a second, on all cores.
"""

import keras
from keras import layers
from rates import print_of_fit

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
    shape = (LENGTH, FEATURES)
    print_of_fit(transformer(), shape, CLASSES, STEPS, BATCH, metrics=["accuracy"])


if __name__ == "__main__":
    main()
