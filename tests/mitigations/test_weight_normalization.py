"""Weight normalization: what it computes, by what its gradients move it, what is saved of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.mitigations.weight_normalization import WeightNormDense
from zoo.models.mlp import MLP
from zoo.probe import Probe
from zoo.recipe.families import Shapes

pytestmark = pytest.mark.usefixtures("one_thread")
UNIT = 2.0**-24  # roundoff of float32


def layer(units: int = 5, inputs: int = 7, seed: int = 3, **arguments: object) -> WeightNormDense:
    initializer = keras.initializers.HeNormal(seed=seed)
    made = WeightNormDense(units, kernel_initializer=initializer, **arguments)
    made.build((None, inputs))
    return made


def moved() -> tuple[WeightNormDense, np.ndarray]:
    """A layer away from its start, and inputs."""
    rng = np.random.default_rng(0)
    made = layer(activation="tanh")
    made.g.assign(rng.uniform(0.5, 3, 5))
    made.bias.assign(rng.normal(size=5))
    return made, rng.normal(size=(11, 7)).astype(np.float32)


def test_it_starts_as_dense_does():
    x = moved()[1]
    start = {"kernel_initializer": keras.initializers.HeNormal(seed=3), "activation": "tanh"}
    dense = keras.layers.Dense(5, **start, bias_initializer=keras.initializers.RandomNormal(seed=1))
    same = layer(activation="tanh", bias_initializer=keras.initializers.RandomNormal(seed=1))
    np.testing.assert_array_equal(same(x), dense(x))
    np.testing.assert_array_equal(same.kernel.numpy(), dense.kernel.numpy())
    np.testing.assert_allclose(
        same.g.numpy(), np.linalg.norm(dense.kernel.numpy(), axis=0), rtol=1e-6
    )


def test_it_starts_so_where_keras_puts_off_initializing():
    with keras.StatelessScope():
        late = layer()
    np.testing.assert_array_equal(late.g.numpy(), layer().g.numpy())
    np.testing.assert_array_equal(late.kernel.numpy(), layer().kernel.numpy())


def test_outputs_and_gradients_are_those_of_numpy():
    """dL/dg and dL/dv by equation 3 of the paper, in float64."""
    made, x = moved()
    weights = np.random.default_rng(1).normal(size=(11, 5)).astype(np.float32)
    with tf.GradientTape() as tape:
        outputs = made(x)
        loss = tf.reduce_sum(outputs * weights)
    by_v, by_b, by_g = tape.gradient(loss, [made.kernel.value, made.bias.value, made.g.value])

    v, b, g = (part.numpy().astype(float) for part in (made.kernel, made.bias, made.g))
    x = x.astype(float)
    length = np.sqrt((v**2).sum(axis=0))
    kernel = g * v / length
    expected = np.tanh(x @ kernel + b)
    delta = weights * (1 - expected**2)
    by_kernel = x.T @ delta
    expected_g = (by_kernel * v).sum(axis=0) / length
    expected_v = g / length * by_kernel - g * expected_g / length**2 * v
    # To the roundings of float32: of z, 7 products and sums, those of the length and a few around
    # them, all beside its terms; and of tanh.
    terms = np.abs(x) @ np.abs(kernel) + np.abs(b)
    rounding = UNIT * ((7 + 7 + 4) * terms + 4 * np.abs(expected))
    assert (np.abs(outputs - expected) < rounding).all()
    np.testing.assert_allclose(by_g, expected_g, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_v, expected_v, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_b, delta.sum(axis=0), rtol=1e-5)

    # Orthogonal to v: of a gradient by the kernel, itself sums over 11 examples, rounding leaves as
    # much along v as the sums over 7 inputs that take that part out.
    along = (by_v.numpy() * v).sum(axis=0) / length
    whole = np.linalg.norm(g / length * by_kernel, axis=0)
    assert (np.abs(along) < (11 + 7 + 7 + 4) * UNIT * whole).all()


def test_the_length_of_v_changes_nothing_but_the_step():
    made, x = moved()
    scale = np.array([0.25, 2, 4, 64, 1], np.float32)  # powers of two, of which none is rounded
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(before := made(x))
    gradient = tape.gradient(loss, made.kernel.value)
    made.kernel.assign(made.kernel * scale)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(after := made(x))
    np.testing.assert_array_equal(after, before)
    np.testing.assert_allclose(tape.gradient(loss, made.kernel.value), gradient / scale, rtol=1e-5)


def network(weight_normalization: bool = True) -> keras.Model:
    keras.utils.set_random_seed(0)
    dense = "WeightNormDense" if weight_normalization else "Dense"
    return MLP(family="mlp", depth=2, width=6, activation="sigmoid", dense=dense).build(
        Shapes((4,), 3)
    )


def test_config_and_model_file_bring_it_back(tmp_path):
    made, x = moved()
    again = WeightNormDense.from_config(made.get_config())
    assert again.get_config() == made.get_config()
    model = network()
    for variable in model.variables:
        variable.assign(variable + 0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.get_layer("dense_1"), WeightNormDense)
    np.testing.assert_array_equal(loaded(x[:, :4]), model(x[:, :4]))
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = network()
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(fresh(x[:, :4]), model(x[:, :4]))


def test_the_probe_sees_v_and_the_pre_activations():
    """At the start every quantity but the gradients by v is that of the plain network."""
    x = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 3, 32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    measured = [Probe(network(normalized), loss, x, y).measure() for normalized in (True, False)]
    for name in ("delta_rms", "kernel_rms", "saturated"):
        np.testing.assert_allclose(measured[0][name], measured[1][name], rtol=1e-5)
    hidden = slice(0, 2)
    by_v, by_kernel = (quantities["kernel_grad_norm"][hidden] for quantities in measured)
    assert (by_v < by_kernel).numpy().all()  # less what is along v
