"""Which layers the probe measures, and that measuring leaves model and training as they were."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import dense_twin as twin
from zoo import probe
from zoo.probe import Probe

pytestmark = pytest.mark.usefixtures("one_thread")

# ---------------------------------------------------------------- what measuring must leave alone


def stateful() -> keras.Model:
    """Batch norm, dropout and noise: every kind of state that a training pass changes."""
    keras.utils.set_random_seed(0)
    blocks = [
        layers.Dense(6),
        layers.BatchNormalization(momentum=0.5),
        layers.ReLU(),
        layers.Dropout(0.5, seed=1),
        layers.GaussianNoise(0.1, seed=2),
        layers.Dense(twin.SIZES[-1]),
    ]
    return keras.Sequential([keras.Input(twin.SIZES[:1]), *blocks])


@pytest.mark.parametrize("compiled", [True, False])
def test_moving_averages_and_random_generators_are_put_back(compiled):
    (x, y), model = twin.batch(), stateful()
    before = [variable.numpy() for variable in model.variables]
    gradients = Probe(model, twin.CROSS_ENTROPY, x, y)
    measure = tf.function(gradients.measure) if compiled else gradients.measure
    first, second = measure(), measure()
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
    np.testing.assert_array_equal(first, second)  # the same dropout, too
    model(x, training=True)
    changed = [
        variable.name
        for variable, value in zip(model.variables, before, strict=True)
        if (variable.numpy() != value).any()
    ]
    assert changed == ["moving_mean", "moving_variance"] + 2 * ["seed_generator_state"]


def test_measuring_alters_no_training():
    x, y = twin.batch(32)

    def trained(measured: bool) -> list[np.ndarray]:
        model = stateful()
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), twin.CROSS_ENTROPY)
        gradients = Probe(model, twin.CROSS_ENTROPY, x[:9], y[:9])
        for _ in range(5):
            if measured:
                gradients.start()
                gradients.measure()
                gradients.update_ratio()
            model.train_on_batch(x, y)
        return [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]

    for with_probe, without in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(with_probe, without)


def test_the_layers_are_as_before():
    model = twin.functional()
    activations = [getattr(layer, "activation", None) for layer in model.layers]
    x, y = twin.batch()
    output = model(x).numpy()
    probe.measure(model, twin.CROSS_ENTROPY, x, y)
    assert [getattr(layer, "activation", None) for layer in model.layers] == activations
    np.testing.assert_array_equal(model(x), output)


def test_batch_norm_is_measured_in_training_mode():
    (x, y), model = twin.batch(), stateful()
    found = probe.measure(model, twin.CROSS_ENTROPY, x, y)
    model.layers[1].moving_variance.assign(np.full(6, 1e6))
    again = probe.measure(model, twin.CROSS_ENTROPY, x, y)
    assert again["delta_rms"] == found["delta_rms"]


# ---------------------------------------------------------------- which layers are measured


@pytest.mark.parametrize("cell", [layers.SimpleRNN, layers.GRU, layers.LSTM])
@pytest.mark.parametrize("wrap", [lambda layer: layer, layers.Bidirectional])
def test_kernels_inside_recurrent_layers_are_not_measured(cell, wrap):
    head = layers.Dense(2, name="head")
    model = keras.Sequential([keras.Input((4, 3)), wrap(cell(5)), head])
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    found = probe.measure(model, twin.LinearLoss(tf.ones(2)), x, np.zeros((6, 2)))
    assert found["layers"] == ["head"]
    assert found["delta_rms"] == pytest.approx([1 / 6])


@pytest.mark.parametrize("parts", [[layers.Flatten], [lambda: layers.LSTM(2)]])
def test_a_model_with_nothing_to_measure(parts):
    model = keras.Sequential([keras.Input((4, 3)), *(part() for part in parts)], name="empty")
    with pytest.raises(ValueError, match="model empty has no layer with a kernel"):
        Probe(model, twin.CROSS_ENTROPY, np.zeros((2, 4, 3)), np.zeros(2))


def test_an_activation_belongs_to_the_layer_before_it_alone():
    blocks = [layers.Dense(3, "elu"), layers.Activation("tanh"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *blocks])
    x = np.full((2, 4), 1e3, np.float32)
    found = probe.measure(model, twin.LinearLoss(tf.ones(2)), x, np.zeros((2, 2)))
    assert np.isnan(found["saturated"]).all()
    assert np.isnan(found["dead"]).all()
