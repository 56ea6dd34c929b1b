"""A diagnosis leaves the model as it was, to the bit."""

import numpy as np
import pytest

from tests.diagnosis.networks import ENTRIES, dense, examples, network, seed

X, Y, CLASSES = examples()


def normalized():
    import keras

    seed()
    model = network(
        dense(8, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5, seed=1),
        dense(1),
    )
    model.fit(X, Y, epochs=2, verbose=0)
    return model, X, Y


def stateful():
    import keras

    seed()
    layers = [keras.layers.LSTM(4, stateful=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=(20, 8, 2)), *layers])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    x = X.reshape(EXAMPLES, 8, 2)
    model.fit(x, Y, batch_size=20, epochs=1, verbose=0)
    return model, x, Y


def half():
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    model = network(dense(8, activation="relu"), dense(1, dtype="float32"))
    keras.config.set_dtype_policy(policy)
    model.fit(X, Y, epochs=1, verbose=0)
    return model, X, Y


def subclassed():
    import keras

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)
            self.calls = []

        def call(self, x):
            self.calls.append(x.shape)
            return self.last(self.first(x))

    seed()
    model = Model()
    model(X[:2])
    model.compile("rmsprop", "mse")
    return model, X, Y


def diverging():
    import keras

    return network(dense(8), dense(1), optimizer=keras.optimizers.SGD(1e6)), X, Y


def uncompiled():
    import keras

    return keras.Sequential([keras.Input((ENTRIES,)), dense(4), dense(1)]), X, Y


EXAMPLES = len(X)
MODELS = (normalized, stateful, half, subclassed, diverging, uncompiled)


def state(model):
    """All variables of a model and its optimizer, and the states of recurrent layers."""
    held = [*model.variables]
    if getattr(model, "optimizer", None) is not None:
        held += model.optimizer.variables
    for layer in model.layers:
        held += getattr(layer, "states", None) or []
    return [variable.numpy() for variable in held]


@pytest.mark.parametrize("made", MODELS, ids=[made.__name__ for made in MODELS])
def test_weights_optimizer_and_states_are_the_same_bits_afterwards(one_thread, made):
    import zoo

    model, x, y = made()
    before, calls = state(model), list(getattr(model, "calls", []))
    rate = float(model.optimizer.learning_rate.numpy()) if made is not uncompiled else None
    zoo.diagnose(model, x, y, loss="mse" if made is uncompiled else None)
    after = state(model)
    assert len(before) == len(after)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
    assert list(getattr(model, "calls", [])) == calls
    if rate is not None:
        assert float(model.optimizer.learning_rate.numpy()) == rate


def test_training_goes_on_as_if_nothing_had_been(one_thread):
    import zoo

    ended = []
    for diagnosed in (False, True):
        model, x, y = normalized()
        if diagnosed:
            zoo.diagnose(model, x, y)
        model.fit(x, y, epochs=1, shuffle=False, verbose=0)
        ended.append(model.get_weights())
    for first, second in zip(*ended, strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_interrupt_in_the_midst_leaves_it_so_too(one_thread):
    import zoo

    model, x, y = normalized()
    before = state(model)

    def interrupt(what):
        if "steps at" in what or "steps" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.diagnose(model, x, y, say=interrupt)
    for first, second in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_callers_random_states_are_left_alone(one_thread):
    import random

    import zoo

    model, x, y = normalized()
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    zoo.diagnose(model, x, y)
    assert (random.random(), np.random.rand()) == expected
