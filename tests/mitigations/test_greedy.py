"""Greedy pretraining: what a step moves, which loss it lowers, that a run can be made again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.mitigations.greedy import GreedyPretraining
from zoo.models.mlp import MLP
from zoo.recipe.families import Shapes
from zoo.recipe.schema import Pretraining
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
METHODS = ("autoencoder", "supervised")
INPUTS, OUTPUTS, WIDTH, DEPTH = 12, 3, 8, 3


def network(**arguments: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    sizes = {"depth": DEPTH, "width": WIDTH, "activation": "sigmoid"}
    return MLP(family="mlp", **{**sizes, **arguments}).build(Shapes((INPUTS,), OUTPUTS))


class Pretrained:
    """A model, its greedy pretraining, and the compiled steps of each layer."""

    def __init__(self, model: keras.Model, method: str, corruption: float = 0.25) -> None:
        self.model = model
        arguments = Pretraining(method=method, steps=10, corruption=corruption)
        self.greedy = GreedyPretraining(
            model, arguments, LOSS, OUTPUTS, lambda: keras.optimizers.SGD(1.0, momentum=0.9)
        )
        self.greedy.reset(0, 0.3)
        self._steps = [
            tf.function(lambda x, y, step, layer=layer: self.greedy.step(layer, x, y, step))
            for layer in range(self.greedy.layers)
        ]

    def train(self, layer: int, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        first = layer * 10
        return [
            float(self._steps[layer](x, y, tf.constant(step)))
            for step in range(first, first + steps)
        ]

    def weights(self) -> dict[str, list[np.ndarray]]:
        return {layer.name: layer.get_weights() for layer in self.model.layers if layer.weights}


def batch(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Points of three clusters in a plane of the inputs, so that there is something to learn."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, OUTPUTS, size)
    plane = rng.normal(size=(OUTPUTS, 2))[y] * 2 + rng.normal(size=(size, 2)) * 0.3
    x = plane @ rng.normal(size=(2, INPUTS))
    return (x / x.std()).astype(np.float32), y


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", range(DEPTH))
def test_only_the_layers_own_block_moves(method, layer):
    made = Pretrained(network(normalization=KerasPart(class_name="BatchNormalization")), method)
    names = list(made.weights())
    assert names[0] == "dense_1" and names[-1] == "output" and len(names) == 2 * DEPTH + 1
    before = made.weights()
    made.train(layer, *batch(), steps=2)
    after = made.weights()
    moved = [
        name
        for name in names
        if any((a != b).any() for a, b in zip(before[name], after[name], strict=True))
    ]
    assert moved == names[2 * layer : 2 * layer + 2]
    averages = [(a != b).any() for a, b in zip(before[moved[1]], after[moved[1]], strict=True)]
    assert averages == [True] * 4  # of the batch normalization, moving averages too


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", [0, DEPTH - 1])
def test_the_loss_of_a_layer_falls(method, layer):
    losses = Pretrained(network(), method).train(layer, *batch(), steps=100)
    assert np.mean(losses[-10:]) < 0.7 * losses[0]


@pytest.mark.parametrize("method", METHODS)
def test_reset_makes_a_run_again(method):
    made, (x, y) = Pretrained(network(), method), batch()
    start = made.model.get_weights()

    def run(seed: int) -> tuple[list[float], list[np.ndarray]]:
        made.model.set_weights(start)
        made.greedy.reset(seed, 0.3)
        losses = [loss for layer in range(DEPTH) for loss in made.train(layer, x, y, steps=5)]
        return losses, made.model.get_weights()

    losses, weights = run(1)
    assert run(2)[0] != losses
    again, same = run(1)
    assert again == losses
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)
    fresh = Pretrained(network(), method)
    fresh.greedy.reset(1, 0.3)
    assert [v for layer in range(DEPTH) for v in fresh.train(layer, x, y, steps=5)] == losses


@pytest.mark.parametrize("method", METHODS)
def test_a_rate_of_zero_moves_nothing(method):
    made = Pretrained(network(), method)
    made.greedy.reset(0, 0.0)
    before = made.model.get_weights()
    made.train(1, *batch(), steps=3)
    for one, other in zip(before, made.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("method", METHODS)
def test_a_step_is_that_of_numpy(method):
    """The second layer of two, without noise, in float64; plain SGD, so a step is a gradient."""
    rate, (x, y) = 0.5, batch(9)
    made = Pretrained(network(depth=2), method, corruption=0.0)
    made.greedy.reset(0, rate)
    (kernel, bias), (below, below_bias) = (made.weights()[f"dense_{n}"] for n in (2, 1))
    loss, *_ = made.train(1, x, y)

    entering = logistic(x.astype(float) @ below + below_bias)
    hidden = logistic(entering @ kernel + bias)
    # The auxiliary layer as reset makes it, by its own initializer.
    seed = int(np.random.SeedSequence([0, 1]).generate_state(1)[0])
    units = WIDTH if method == "autoencoder" else OUTPUTS
    auxiliary = keras.initializers.GlorotUniform(seed=seed)((WIDTH, units)).numpy().astype(float)
    out = hidden @ auxiliary
    if method == "autoencoder":
        assert loss == pytest.approx(np.mean((out - entering) ** 2), rel=1e-5)
        by_out = 2 * (out - entering) / out.size
    else:
        softmax = np.exp(out) / np.exp(out).sum(axis=1, keepdims=True)
        assert loss == pytest.approx(-np.mean(np.log(softmax[range(9), y])), rel=1e-5)
        by_out = (softmax - np.eye(OUTPUTS)[y]) / 9
    delta = by_out @ auxiliary.T * hidden * (1 - hidden)
    new_kernel, new_bias = made.weights()["dense_2"]
    np.testing.assert_allclose((kernel - new_kernel) / rate, entering.T @ delta, atol=1e-6)
    np.testing.assert_allclose((bias - new_bias) / rate, delta.sum(axis=0), atol=1e-6)
    assert np.abs(entering.T @ delta).max() > 1e-3


@pytest.mark.parametrize("corruption", [0.0, 0.25, 0.6])
def test_the_asked_share_of_entries_is_corrupted(corruption):
    """Where block and decoder pass ones on, the loss is the share of them that was set to 0."""
    made = Pretrained(
        network(depth=1, width=INPUTS, activation=KerasPart(class_name="linear")),
        "autoencoder",
        corruption,
    )
    x, y = np.ones((2000, INPUTS), np.float32), np.zeros(2000)

    def shares(seed: int) -> list[float]:
        made.greedy.reset(seed, 0.0)
        for layer in (made.model.get_layer("dense_1"), made.greedy._auxiliary[0]):
            layer.kernel.assign(np.eye(INPUTS))
        return made.train(0, x, y, steps=2)

    error = np.sqrt(corruption * (1 - corruption) / x.size)
    found = shares(0)
    np.testing.assert_allclose(found, corruption, atol=4 * error)
    assert shares(0) == found
    if corruption:
        assert len({*found, *shares(1)}) == 4  # other entries at each step, and for each seed


def test_only_an_mlp_is_pretrained():
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="hidden")])
    with pytest.raises(ValueError, match="no dense_1"):
        Pretrained(other, "supervised")
