"""Chrono initialization: its biases, and what they do to the memory of an LSTM."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from zoo.errors import ZooError
from zoo.mitigations.chrono import Chrono
from zoo.parts import making
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")


def gates(bias):
    """The biases of the gates i, f, c, o, in Keras's order."""
    return np.split(np.asarray(bias, np.float64), 4)


def test_forget_biases_are_logarithms_of_uniform_times_and_input_biases_their_negatives():
    i, f, c, o = gates(Chrono(50, seed=1)((4 * 4000,)))
    assert scipy.stats.kstest(np.exp(f), scipy.stats.uniform(1, 48).cdf).pvalue > 0.01
    assert np.exp(f).min() >= 1 and np.exp(f).max() <= 49 * (1 + 1e-6)
    assert np.array_equal(i, -f) and not c.any() and not o.any()


def test_they_are_the_biases_of_keras_lstm_and_make_it_a_leaky_mean():
    """At zero states and inputs the forget gate is u / (1 + u), and the input gate 1 less that."""
    layer = keras.layers.LSTM(
        64, unit_forget_bias=False, bias_initializer=Chrono(30, seed=2), kernel_initializer="zeros"
    )
    layer.build((None, None, 3))
    i, f, _, _ = gates(layer.cell.bias)
    u = np.exp(f)
    # c after one step from c = 1: the candidate is 0, so what is left is the forget gate.
    state = [tf.zeros((1, 64)), tf.ones((1, 64))]
    _, (_, kept) = layer.cell(tf.zeros((1, 3)), state)
    assert kept[0].numpy() == pytest.approx(u / (1 + u), rel=1e-5)
    assert 1 / (1 + np.exp(-i)) == pytest.approx(1 - kept[0].numpy(), abs=1e-6)


def test_the_gradient_by_the_inputs_is_the_one_of_its_gates():
    """With no state kernels and inputs at 0, by hand: dh_j(T)/dx(t) = f_j^(T-t) i_j K_j / 2."""
    steps, units = 60, 32
    layer = keras.layers.LSTM(
        units,
        unit_forget_bias=False,
        bias_initializer=Chrono(steps, seed=3),
        kernel_initializer=keras.initializers.GlorotUniform(seed=4),
        recurrent_initializer="zeros",
    )
    x = tf.zeros((1, steps, 2))
    weights = np.random.default_rng(5).normal(size=units)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) * weights.astype(np.float32))
    measured = tape.gradient(loss, x)[0].numpy()
    candidate = gates(np.asarray(layer.cell.kernel).T)[2].T  # (inputs, units)
    u = np.exp(gates(layer.cell.bias)[1])
    decay = (u / (1 + u)) ** np.arange(steps - 1, -1, -1)[:, None]
    expected = (weights * decay / (1 + u) / 2) @ candidate.T
    assert measured == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_the_seed_decides():
    first, same, other = Chrono(50, seed=1), Chrono(50, seed=1), Chrono(50, seed=2)
    assert np.array_equal(first((8,)), same((8,))) and np.array_equal(first((8,)), first((8,)))
    assert not np.array_equal(first((8,)), other((8,)))
    keras.utils.set_random_seed(7)
    drawn = [np.asarray(Chrono(50)((8,))) for _ in range(2)]
    keras.utils.set_random_seed(7)
    assert np.array_equal(Chrono(50)((8,)), drawn[0])
    assert not np.array_equal(*drawn)


def test_config_and_file_round_trips(tmp_path):
    made = Chrono(50, seed=1)
    again = keras.initializers.deserialize(keras.initializers.serialize(made))
    assert type(again) is Chrono and again.get_config() == {"longest": 50, "seed": 1}
    assert np.array_equal(made((8,)), again((8,)))
    layer = keras.layers.LSTM(4, unit_forget_bias=False, bias_initializer=Chrono(50))
    model = keras.Sequential([keras.Input((6, 2)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(3, 6, 2)).astype(np.float32)
    assert np.array_equal(model(x), loaded(x))
    assert loaded.layers[0].bias_initializer.longest == 50


@pytest.mark.parametrize("longest", [2, 1, 0, -5, 2.5])
def test_a_longest_dependency_below_three_steps_is_refused(longest):
    with pytest.raises(ValueError, match=f"^longest should be at least 3 time steps, is {longest}"):
        Chrono(longest)
    part = KerasPart(class_name="Chrono", config={"longest": longest})
    with pytest.raises(ZooError) as caught:
        making.initializer(part)
    assert "at least 3 time steps" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(6,), (2, 12), (3, 4)])
def test_what_is_no_bias_of_four_gates_is_refused(shape):
    """Such as GRU's, (2, 3 * units)."""
    with pytest.raises(ValueError, match="bias of an LSTM"):
        Chrono(50)(shape)
