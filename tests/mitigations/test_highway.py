"""Highway connections: the gated sum by hand, the gate's start, what is saved of it."""

import itertools
import math

import keras
import numpy as np
import pytest

from zoo.mitigations.highway import Highway

pytestmark = pytest.mark.usefixtures("one_thread")


def pair(shape: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 5, 3)], ids=["1-d", "2-d"])
def test_the_gated_sum_by_hand(shape):
    x, h = pair(shape)
    merge = Highway()
    y = merge([x, h])
    kernel = merge.gate_kernel.numpy().astype(float)
    space = shape[1:-1]
    assert kernel.shape == (*[3] * len(space), 3, 3)
    padded = np.pad(x.astype(float), [(0, 0), *[(1, 1)] * len(space), (0, 0)])
    expected = np.zeros(shape)
    for n, *at, c in itertools.product(*map(range, shape)):
        z = -2.0
        for offset, i in itertools.product(
            itertools.product(range(3), repeat=len(space)), range(3)
        ):
            where = tuple(a + o for a, o in zip(at, offset, strict=True))
            z += padded[n, *where, i] * kernel[*offset, i, c]
        t = 1 / (1 + math.exp(-z))
        expected[n, *at, c] = t * h[n, *at, c] + (1 - t) * x[n, *at, c]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_at_the_start_most_of_the_input_is_carried():
    """Where the gate sees zeros alone, t = sigmoid(-2) = 0.1192."""
    x, h = np.zeros((1, 3, 2)), np.ones((1, 3, 2))
    np.testing.assert_allclose(Highway()([x, h]), np.full((1, 3, 2), 0.119202922), rtol=1e-6)


def test_config_and_file(tmp_path):
    merge = Highway(kernel_size=2, gate_bias=-1.0, kernel_initializer="he_normal", name="gate")
    again = keras.layers.deserialize(keras.layers.serialize(merge))
    assert isinstance(again, Highway)
    assert again.get_config() == merge.get_config()
    inputs = [keras.Input((5, 3)), keras.Input((5, 3))]
    model = keras.Model(inputs, merge(inputs))
    assert [weight.shape for weight in merge.weights] == [(2, 3, 3), (3,)]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = pair((2, 5, 3))
    np.testing.assert_array_equal(loaded(x), model(x))
