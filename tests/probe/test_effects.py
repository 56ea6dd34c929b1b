"""Which layers the probe measures, and that measuring leaves model and training as they were."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.probe import dense_twin as twin
from zoo import probe
from zoo.errors import ZooError
from zoo.probe import Probe
from zoo.probe.quantities import zero_shares

pytestmark = pytest.mark.usefixtures("one_thread")
AGAIN = pytest.mark.combination

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
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])  # the same dropout, too
    model(x, training=True)
    changed = [
        variable.name
        for variable, value in zip(model.variables, before, strict=True)
        if (variable.numpy() != value).any()
    ]
    assert changed == ["moving_mean", "moving_variance"] + 2 * ["seed_generator_state"]


def assign(counter):
    counter.assign_add(1.0)


def assign_in_a_function(counter):
    tf.function(lambda: counter.assign_add(1.0))()


def assign_in_a_branch(counter):
    tf.cond(counter < 9, lambda: counter.assign_add(1.0), lambda: tf.identity(counter))


def assign_in_a_loop(counter):
    tf.while_loop(lambda i: i < 2, lambda i: [i + counter.assign_add(1.0)], [0.0])


def assign_in_python(counter):
    tf.py_function(lambda: counter.assign_add(1.0), [], tf.float32)


def assign_to_a_part(counter):
    counter.scatter_nd_add([[0]], [1.0])


CHANGES = [assign, assign_in_a_function, assign_in_a_branch, assign_in_a_loop, assign_to_a_part]


def counting(change) -> tuple[keras.Model, tf.Variable]:
    """A model whose pass changes a variable so, and the variable."""

    class Counting(layers.Layer):
        def __init__(self):
            super().__init__()
            shape = (1,) if change is assign_to_a_part else ()
            self.counter = tf.Variable(tf.zeros(shape), trainable=False)

        def call(self, x):
            change(self.counter)
            return x

    layer, ends = Counting(), layers.Dense(twin.SIZES[-1])
    model = keras.Sequential([keras.Input(twin.SIZES[:1]), layer, ends])
    layer.counter.assign(tf.zeros_like(layer.counter))  # Keras has called it on symbols
    return model, layer.counter


@pytest.mark.parametrize(
    ("change", "compiled"),
    [*itertools.product(CHANGES, [True, False]), (assign_in_python, False)],
)
def test_what_a_pass_changes_is_put_back_however_it_does(change, compiled):
    (x, y), (model, counter) = twin.batch(), counting(change)
    gradients = Probe(model, twin.CROSS_ENTROPY, x, y)
    measure = tf.function(gradients.measure) if compiled else gradients.measure
    for _ in range(2):
        measure()
        np.testing.assert_array_equal(counter, 0)
    model(x)
    assert float(tf.reduce_sum(counter)) > 0


def test_a_kernel_that_a_pass_rescales_is_put_back():
    (x, y), dense = twin.batch(), layers.Dense(twin.SIZES[-1])
    model = keras.Sequential(
        [keras.Input(twin.SIZES[:1]), layers.SpectralNormalization(dense, power_iterations=3)]
    )
    before, kernel = [each.numpy() for each in model.variables], dense.kernel.numpy()
    tf.function(Probe(model, twin.CROSS_ENTROPY, x, y).measure)()
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
    model(x, training=True)
    assert (dense.kernel.numpy() != kernel).any()


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


@pytest.mark.parametrize(
    ("cell", "ways"),
    [
        *((cell, 1) for cell in (layers.SimpleRNN, layers.GRU, layers.LSTM)),
        (layers.SimpleRNN, 2),
        *(pytest.param(cell, 2, marks=AGAIN) for cell in (layers.GRU, layers.LSTM)),
    ],
)
def test_a_recurrent_layer_is_measured_by_its_matrices(cell, ways):
    layer = cell(5, name="memory")
    if ways == 2:
        layer = layers.Bidirectional(layer, name="both")
    model = keras.Sequential([keras.Input((4, 3)), layer, layers.Dense(2, name="head")])
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    found = probe.measure(model, twin.LinearLoss(tf.ones(2)), x, np.zeros((6, 2)))
    matrices = ["memory_kernel", "memory_recurrent_kernel"]
    if ways == 2:
        matrices = [f"{way}_{name}" for way in ("forward", "backward") for name in matrices]
    assert found["layers"] == [*matrices, "head"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.reduce_sum(model(x), axis=1))
    kernels = [v for v in model.trainable_variables if "kernel" in v.name]
    grads = tape.gradient(loss, [kernel.value for kernel in kernels])
    expected = [float(np.linalg.norm(grad)) for grad in grads]
    assert found["kernel_grad_norm"] == pytest.approx(expected, rel=1e-5)
    deltas = np.array(found["delta_rms"])
    assert np.isnan(deltas[:-1]).all() and deltas[-1] == pytest.approx(1 / 6)
    assert found["nonfinite"] == [0] * len(found["layers"])


@pytest.mark.parametrize("tokens", [False, True])
def test_gradients_by_time_are_those_of_the_inputs(tokens):
    g, units, time = 0.5, 8, 12
    keras.utils.set_random_seed(0)
    recurrent = layers.SimpleRNN(
        units,
        activation="linear",
        recurrent_initializer=keras.initializers.Orthogonal(gain=g),
    )
    inputs = keras.Input((time,) if tokens else (time, 3))
    x = layers.Embedding(5, 3)(inputs) if tokens else inputs
    model = keras.Model(inputs, layers.Dense(2, name="head")(recurrent(x)))
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 5, (6, time)) if tokens else rng.normal(size=(6, time, 3))
    measured = Probe(model, twin.LinearLoss(tf.ones(2)), tf.constant(batch), np.zeros((6, 2)))
    found = tf.function(measured.input_grad_rms)().numpy()
    kernel, state = (w.astype(np.float64) for w in recurrent.get_weights()[:2])
    head = model.get_layer("head").get_weights()[0].astype(np.float64)
    by_state, expected, sizes = head.sum(axis=1) / 6, [], []
    for _ in range(time):  # from the last step to the first
        expected.insert(0, math.sqrt(np.mean((kernel @ by_state) ** 2)))
        sizes.insert(0, np.linalg.norm(kernel) * np.linalg.norm(by_state) / math.sqrt(len(kernel)))
        by_state = state @ by_state
    # Sums of 8 terms in float32 at each step, and of the kernel: rounded beside the lengths of what
    # is multiplied, however much shorter the product is.
    rounding = (time + 1) * units * 2.0**-24
    np.testing.assert_array_less(np.abs(found - expected), rounding * np.array(sizes))


def test_gradients_of_a_scaled_loss_are_those_of_the_loss():
    (x, y), model = twin.batch(), twin.functional()
    plain = Probe(model, twin.CROSS_ENTROPY, x, y).measure()
    scaled = Probe(model, twin.CROSS_ENTROPY, x, y, scale=lambda: tf.constant(1024.0)).measure()
    for name, values in plain.items():
        np.testing.assert_allclose(scaled[name], values, rtol=1e-6)


def test_zeros_counts_what_is_exactly_zero_and_no_subnormal_number():
    x = tf.constant([0.0, -0.0, 1e-42, -1e-42, 1.0, np.nan], tf.float32)
    np.testing.assert_array_equal(zero_shares(tf.stack([x, x + 1])), [2 / 6, 0])
    half = tf.constant([[0.0, 6e-8, -0.0, 1.0]], tf.float16)
    np.testing.assert_array_equal(zero_shares(half), [0.5])


def test_a_model_with_nothing_to_measure():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()], name="empty")
    with pytest.raises(ZooError, match="model empty has no layer with a kernel"):
        Probe(model, twin.CROSS_ENTROPY, np.zeros((2, 4)), np.zeros(2))


def test_an_activation_belongs_to_the_layer_before_it_alone():
    blocks = [layers.Dense(3, "elu"), layers.Activation("tanh"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *blocks])
    x = np.full((2, 4), 1e3, np.float32)
    found = probe.measure(model, twin.LinearLoss(tf.ones(2)), x, np.zeros((2, 2)))
    assert np.isnan(found["saturated"]).all()
    assert np.isnan(found["dead"]).all()
