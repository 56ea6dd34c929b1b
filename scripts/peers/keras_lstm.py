"""An LSTM on long sequences as a user of Keras would train it: `fit`, with its defaults.

Prints one line of JSON: steps a second, on all cores.
"""

import keras
from rates import print_of_fit

STEPS, BATCH, WIDTH, LENGTH, CLASSES = 100, 64, 64, 400, 10


def main():
    model = keras.Sequential(
        [keras.Input((LENGTH, 1)), keras.layers.LSTM(WIDTH), keras.layers.Dense(CLASSES)]
    )
    print_of_fit(model, (LENGTH, 1), CLASSES, STEPS, BATCH)


if __name__ == "__main__":
    main()
