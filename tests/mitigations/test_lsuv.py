"""LSUV: variance 1 layer by layer against NumPy, orthogonal directions, made again, refused."""

import itertools

import keras
import numpy as np
import pytest

from zoo import models, recipe, theory
from zoo.data import Dataset, Split
from zoo.errors import ZooError
from zoo.mitigations import first_batch
from zoo.mitigations.lsuv import LSUV
from zoo.models.cnn import CNN
from zoo.models.mlp import MLP
from zoo.models.rnn import RNN
from zoo.parts import built, trial
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")
UNIT = 2.0**-24  # roundoff of float32
DENSE, IMAGE, SEQUENCE = (6, 5), (8, 8, 2), (12, 3)


def dataset(shape: tuple[int, ...], examples: int = 40) -> Dataset:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(examples, *shape)) * 3 + 1).astype(np.float32)
    split = Split(x, rng.integers(0, 4, examples).astype(np.int32))
    return Dataset("made_up", split, split, split, 4, "classification")


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


MLP_ARGUMENTS = {"family": "mlp", "depth": 3, "width": 16}
CNN_ARGUMENTS = {"family": "cnn", "depth": 6, "widths": [4, 6], "activation": "relu"}
NETWORKS = {
    "relu": (MLP, DENSE, {**MLP_ARGUMENTS, "activation": "relu"}),
    "sigmoid": (MLP, DENSE, {**MLP_ARGUMENTS, "activation": "sigmoid"}),
    "biases": (MLP, DENSE, {**MLP_ARGUMENTS, "activation": "tanh", "bias_initializer": "ones"}),
    "1-d convolutions": (CNN, SEQUENCE, CNN_ARGUMENTS),
    "2-d convolutions": (CNN, IMAGE, CNN_ARGUMENTS),
    "residual": (CNN, IMAGE, {**CNN_ARGUMENTS, "skip": "Add"}),
    "normalized": (CNN, IMAGE, {**CNN_ARGUMENTS, "normalization": "LayerNormalization"}),
}


def network(name: str, initializer: KerasPart | str = "LSUV") -> tuple[keras.Model, np.ndarray]:
    family, shape, arguments = NETWORKS[name]
    data = dataset(shape)
    keras.utils.set_random_seed(0)
    return models.build(family(**arguments, initializer=initializer), data), data.train.x


def layers_of(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in model.layers if hasattr(layer, "kernel_initializer")]


def naive_z(layer: keras.Layer, x: np.ndarray) -> np.ndarray:
    """x W of a Dense layer or a convolution, position by position."""
    kernel = layer.kernel.numpy().astype(float)
    *sizes, channels, units = (1, *kernel.shape) if kernel.ndim == 2 else kernel.shape
    if kernel.ndim == 2:
        return x @ kernel
    strides = layer.strides
    space = [-(-size // stride) for size, stride in zip(x.shape[1:-1], strides, strict=True)]
    around = [
        max(0, (out - 1) * stride + size - there)
        for out, stride, size, there in zip(space, strides, sizes, x.shape[1:-1], strict=True)
    ]
    padded = np.pad(x, [(0, 0), *[(n // 2, n - n // 2) for n in around], (0, 0)])
    z = np.empty((len(x), *space, units))
    for at in itertools.product(*map(range, space)):
        window = tuple(
            slice(n * stride, n * stride + size)
            for n, stride, size in zip(at, strides, sizes, strict=True)
        )
        patches = padded[(slice(None), *window)].reshape(len(x), -1)
        z[(slice(None), *at)] = patches @ kernel.reshape(-1, units)
    assert channels * np.prod(sizes) == patches.shape[1]
    return z


# ---------------------------------------------------------------- what it computes


@pytest.mark.parametrize("name", NETWORKS)
def test_on_the_batch_the_outputs_of_every_layer_have_variance_1(name):
    """The last layer's too, and of each what enters it, from the layers below as they are now."""
    model, x = network(name)
    layers = layers_of(model)
    assert layers[-1].name == "output" and len(layers) == {MLP: 4, CNN: 6}[NETWORKS[name][0]]
    taps = keras.Model(model.input, [[layer.input, layer.output] for layer in layers])
    for layer, (entering, leaving) in zip(layers, taps(x), strict=True):
        entering = np.asarray(entering, float)
        z = naive_z(layer, entering)
        bias = 0.0 if layer.bias is None else layer.bias.numpy()
        weights = np.abs(layer.kernel.numpy().astype(float))
        # What enters is computed once more, and a sum of float32 is off by a rounding a term.
        terms = np.abs(entering).max() * weights.reshape(-1, weights.shape[-1]).sum(axis=0).max()
        rounding = (weights[..., 0].size + 8) * UNIT * (terms + np.max(np.abs(bias)))
        assert rounding < 0.01
        assert abs(z.std() - 1) < rounding
        np.testing.assert_allclose(leaving, z + bias, rtol=0, atol=rounding)


@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_are_the_orthogonal_ones_of_the_seed_times_one_number_each(name):
    orthogonal, started = network(name, "orthogonal")[0], network(name)[0]
    factors = []
    for before, after in zip(layers_of(orthogonal), layers_of(started), strict=True):
        kernel, expected = after.kernel.numpy(), before.kernel.numpy()
        factor = np.linalg.norm(kernel) / np.linalg.norm(expected)
        np.testing.assert_allclose(kernel, factor * expected, rtol=8 * UNIT)
        flat = kernel.reshape(-1, kernel.shape[-1]).astype(float) / factor
        gram = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=64 * len(gram) * UNIT)
        factors.append(factor)
    assert len({round(float(factor), 3) for factor in factors}) == len(factors)
    for before, after in zip(orthogonal.layers, started.layers, strict=True):
        if before.weights and not hasattr(before, "kernel_initializer"):
            for one, other in zip(before.get_weights(), after.get_weights(), strict=True):
                np.testing.assert_array_equal(one, other)


def test_an_activation_in_the_layer_is_left_out():
    layer = keras.layers.Dense(4, "tanh", kernel_initializer=LSUV(seed=1))
    model = keras.Sequential([keras.Input((6,)), layer])
    x = dataset((6,)).train.x
    first_batch.start(model, lambda: x)
    assert np.std(x.astype(float) @ layer.kernel.numpy()) == pytest.approx(1, abs=64 * UNIT)


@pytest.mark.parametrize(
    "x",
    [np.zeros((9, 6)), 0.3 * (1 + np.random.default_rng(0).uniform(-UNIT, UNIT, (9, 6)))],
    ids=["dead", "all the same but for rounding"],
)
def test_where_all_outputs_are_one_number_the_kernel_stays_orthonormal(x):
    layer = keras.layers.Dense(1, kernel_initializer=LSUV(seed=1))
    model = keras.Sequential([keras.Input((6,)), layer])
    before = layer.kernel.numpy()
    first_batch.start(model, lambda: x.astype(np.float32))
    np.testing.assert_array_equal(layer.kernel.numpy(), before)
    assert np.linalg.norm(before) == pytest.approx(1, abs=16 * UNIT)


def test_in_half_precision_z_has_variance_1_to_its_rounding(small_recipe, digits):
    from zoo.training import build_seeded

    changes = {"model__initializer": "LSUV", "training__precision": "mixed_float16"}
    model = build_seeded(small_recipe(**changes).arms["tanh"], digits, 0)
    x = digits.train.x[: first_batch.EXAMPLES]
    layers = layers_of(model)
    for z in keras.Model(model.input, [layer.output for layer in layers])(x):
        z = np.asarray(z, float)
        # Half precision rounds 1 to 2^-11, kernel, inputs and outputs.
        assert abs(z.std() - 1) < 16 * 2.0**-11
    for layer in layers:  # what is kept is not rounded to half precision
        kernel = layer.kernel.numpy().astype(float)
        assert layer.compute_dtype == "float16" and layer.kernel.dtype == "float32"
        gram = kernel.T @ kernel / (kernel**2).sum() * min(kernel.shape)
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=64 * len(gram) * UNIT)


# ---------------------------------------------------------------- arm, seed and data alone


def test_a_reset_arm_starts_as_a_fresh_build_of_the_seed_does(small_recipe, digits, eagerly):
    from zoo.training import CompiledArm, build_seeded

    arm = small_recipe(model__initializer="LSUV", training__steps=14).arms["tanh"]
    fresh, other = (build_seeded(arm, digits, seed).get_weights() for seed in (3, 4))
    compiled = CompiledArm(arm, digits)
    compiled.run(4, 0.1, probe=False)
    compiled.reset(3, 0.1)
    for mine, of_seed, of_other in zip(compiled.model.get_weights(), fresh, other, strict=True):
        np.testing.assert_array_equal(mine, of_seed)
        assert mine.ndim == 1 or (of_seed != of_other).any()


def test_it_is_saved_and_loaded(tmp_path):
    made = LSUV(seed=5)
    again = keras.initializers.deserialize(keras.initializers.serialize(made))
    assert type(again) is LSUV and again.get_config() == {"seed": 5}
    np.testing.assert_array_equal(made((6, 4)), keras.initializers.Orthogonal(seed=5)((6, 4)))
    model, x = network("2-d convolutions")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))


# ---------------------------------------------------------------- in recipes

ARMS = recipe.load("digits/initialization").arms


def test_the_arm_has_no_prediction_and_the_one_it_is_judged_against_has_one():
    assert ARMS["lsuv"].against == "orthogonal"
    assert theory.predicted_profile(ARMS["lsuv"].spec, (8, 8, 1)) is None
    assert theory.predicted_profile(ARMS["orthogonal"].spec, (8, 8, 1)) is not None


def test_it_is_another_start_than_the_orthogonal_kernels_that_it_begins_with(tmp_path):
    """At the gain 1, what both give before the batch is seen is the same to the last bit."""
    text = recipe.available()["digits/initialization"].read_text()
    path = tmp_path / "x.yaml"
    path.write_text(text.replace("config: {gain: 1.4142136}", "config: {gain: 1.0}"))
    assert path.read_text() != text
    loaded = recipe.load(path)
    trial.check(loaded)
    assert built.mistakes(loaded) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"initializer": "LSUV"},
            r"^model.initializer: LSUV is for the kernels of Dense and convolutions, and \w+ is a "
            "SimpleRNN: give it another initializer$",
        ),
        (
            {"recurrent_initializer": "LSUV"},
            r"^model.recurrent_initializer: LSUV starts kernels alone, and \w+ has it for other "
            "weights: give these another initializer$",
        ),
    ],
)
def test_recurrent_layers_are_refused_in_one_line(arguments, said):
    family = RNN(family="rnn", width=8, cell="SimpleRNN", **arguments)
    with pytest.raises(ZooError, match=said):
        models.build(family, dataset(SEQUENCE))


def test_layers_whose_outputs_are_not_linear_in_the_kernel_are_refused():
    family = MLP(**MLP_ARGUMENTS, activation="relu", dense="WeightNormDense", initializer="LSUV")
    with pytest.raises(ZooError, match=r"^model.initializer: .* a WeightNormDense: .*$"):
        models.build(family, dataset(DENSE))
