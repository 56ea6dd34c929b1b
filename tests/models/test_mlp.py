"""The multilayer perceptron's skips: a twin in float64, gradients at the start, what is refused."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from zoo import recipe
from zoo.errors import ZooError
from zoo.models.mlp import MLP
from zoo.probe import Probe
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
UNIT = 2.0**-24  # roundoff of float32


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


ADD, PUBLISHED = part("Add"), [[2, 3], [5, 7]]


def net(inputs: tuple[int, ...] = (9,), vocabulary: int | None = None, **arguments: object):
    small = {"depth": 7, "width": 6, "activation": "sigmoid", "skip": ADD}
    return MLP(family="mlp", **{**small, **arguments}).build(Shapes(inputs, 3, vocabulary))


def batch(size: int = 5, inputs: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(size, inputs)).astype(np.float32), rng.integers(0, 3, size)


def merged(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if layer.name.startswith("skip_")]


# ---------------------------------------------------------------- where skips are


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        ({"skip": None}, []),
        ({}, [2, 3, 4, 5, 6, 7]),  # the first changes the size
        ({"inputs": (6,)}, [1, 2, 3, 4, 5, 6, 7]),
        ({"inputs": (12,), "vocabulary": 5}, [1, 2, 3, 4, 5, 6, 7]),
        ({"skip_over": PUBLISHED}, [3, 7]),
        ({"skip_over": [[4, 4]]}, [4]),
        ({"inputs": (2, 3), "skip_over": [[1, 7]]}, [7]),
        ({"skip": part("Concatenate"), "skip_over": [[1, 2]]}, [2]),
    ],
)
def test_layers_that_end_with_a_skip(arguments, ends):
    assert merged(net(**arguments)) == [f"skip_{end}" for end in ends]


def twin(
    model: keras.Model, spans: list[tuple[int, int]], join: str, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The outputs in float64, and how far float32 may be from them.

    A sum of n products is off by n + 1 roundings of its terms (Higham 2002, chapter 3); a sigmoid,
    1/4 at its steepest, by a quarter of what enters it and a few roundings of its own.
    """
    starts = {end: start for start, end in spans}
    h, off, entered = x.astype(float), np.zeros(x.shape), {}

    def affine(name: str) -> tuple[np.ndarray, np.ndarray]:
        kernel, bias = (w.astype(float) for w in model.get_layer(name).get_weights())
        terms = np.abs(h) @ np.abs(kernel) + np.abs(bias)
        return h @ kernel + bias, off @ np.abs(kernel) + (len(kernel) + 2) * UNIT * terms

    for number in range(1, 8):
        entered[number] = h, off
        z, off = affine(f"dense_{number}")
        h, off = 1 / (1 + np.exp(-z)), off / 4 + 8 * UNIT
        if number in starts:
            before, off_before = entered[starts[number]]
            if join == "Add":
                h, off = h + before, off + off_before
                off = off + UNIT * np.abs(h)
            else:
                h, off = (np.concatenate(p, axis=1) for p in ((before, h), (off_before, off)))
    return affine("output")


@pytest.mark.parametrize(
    ("inputs", "skip_over", "spans"),
    [
        (9, None, [(n, n) for n in range(2, 8)]),
        (6, None, [(n, n) for n in range(1, 8)]),
        (9, PUBLISHED, PUBLISHED),
        (6, [[1, 3], [4, 4]], [(1, 3), (4, 4)]),
    ],
    ids=["each", "each of one size", "published", "from the first"],
)
@pytest.mark.parametrize("join", ["Add", "Concatenate"])
def test_it_computes_what_its_twin_in_float64_does(inputs, skip_over, spans, join):
    model = net((inputs,), skip=part(join), skip_over=skip_over)
    rng = np.random.default_rng(2)
    for variable in model.variables:
        variable.assign(rng.normal(size=variable.shape))
    x, _ = batch(inputs=inputs)
    expected, off = twin(model, spans, join, x)
    assert (np.abs(model(x) - expected) <= off).all()
    assert off.max() < 1e-2 * np.abs(expected).max()  # a skip misplaced moves them as a whole


# ---------------------------------------------------------------- gradients at the start


def test_each_sum_multiplies_the_squared_gradient_by_one_and_the_blocks_own_gain():
    """Of a linear block with E|W x|^2 = |x|^2 by 2, where the plain net's stays as it is.

    The width is large beside the depth; the spread is over seeds.
    """
    depth, width, seeds = 5, 512, 6
    arguments = {"width": width, "activation": "linear", "initializer": "lecun_normal"}
    model = net((width,), depth=depth, **arguments)
    x, y = batch(8, width)
    measure = tf.function(Probe(model, LOSS, x, y).measure)
    logs = []
    for seed in range(seeds):
        for number in range(1, depth + 1):
            kernel = model.get_layer(f"dense_{number}").kernel
            kernel.assign(keras.initializers.LecunNormal(seed=100 * seed + number)(kernel.shape))
        deltas = measure()["delta_rms"].numpy()[:depth]
        logs.append(2 * np.log2(deltas / deltas[-1]))
    mean, error = np.mean(logs, axis=0), np.std(logs, axis=0, ddof=1) / math.sqrt(seeds)
    assert (error < 0.1).all()
    np.testing.assert_array_less(np.abs(mean - np.arange(depth - 1, -1, -1)), 4 * error + 0.05)


@pytest.mark.parametrize("skip_over", [None, PUBLISHED], ids=["each", "published"])
def test_the_probe_gives_each_layer_its_own_activation(skip_over):
    """A sum is no activation, and what is saturated is the sigmoid before it."""
    model = net(skip_over=skip_over)
    for variable in model.variables:
        variable.assign(30 * np.random.default_rng(3).normal(size=variable.shape))
    x, y = batch()
    measured = Probe(model, LOSS, x, y).measure()
    inner = keras.Model(model.input, [model.get_layer(f"dense_{n}").output for n in range(1, 8)])
    shares = [np.mean((s < 0.01) | (s > 0.99)) for s in map(keras.ops.sigmoid, inner(x))]
    np.testing.assert_allclose(measured["saturated"][:7], shares)
    assert np.isfinite(measured["delta_rms"]).all() and min(shares) > 0


def test_it_is_saved_and_loaded_whole(tmp_path):
    model = net(skip_over=PUBLISHED)
    model.save(tmp_path / "model.keras")
    x, _ = batch()
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


# ---------------------------------------------------------------- what a recipe may not ask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"skip": None, "skip_over": PUBLISHED}, "says where model.skip is: give that too"),
        ({"skip_over": [[2, 3, 4]]}, "should be pairs of a first and a last hidden layer"),
        ({"skip_over": [[3, 2]]}, "should be pairs of a first and a last hidden layer"),
        ({"skip_over": [[2, 4], [4, 5]]}, "each after the one before, such as [[2, 3], [5, 7]]"),
        ({"skip_over": [[2, 8]]}, "hidden layers from 1 to model.depth (7)"),
        ({"skip_over": []}, "hidden layers from 1 to model.depth (7)"),
    ],
)
def test_a_skip_that_cannot_be_is_refused_when_it_is_read(arguments, said):
    with pytest.raises(ValidationError) as caught:
        net(**arguments)
    (mistake,) = caught.value.errors()
    assert mistake["loc"] == ("skip_over",)
    assert said in mistake["msg"]


def test_a_skip_over_a_first_layer_that_changes_the_size_is_refused():
    said = "model.skip_over: Add cannot merge 9 inputs with 6 hidden units: let the first skip"
    with pytest.raises(ZooError) as caught:
        net(skip_over=[[1, 2]])
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


def test_layers_with_a_skip_are_not_pretrained_alone():
    with pytest.raises(ZooError) as caught:
        recipe.load("digits/pretraining", {"model.skip": "Add"})
    lines = str(caught.value).split("\n")
    said = "pretraining trains each hidden layer alone, and model.skip (Add) leads past it"
    assert lines and all(said in line for line in lines)
