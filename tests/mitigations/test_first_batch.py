"""Starts from a first batch: weight normalization's against NumPy, in order, made again, saved."""

import hashlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo import models
from zoo.data import Dataset, Split
from zoo.mitigations import first_batch
from zoo.mitigations.weight_normalization import DataDependentWeightNormDense, WeightNormDense
from zoo.models.mlp import MLP
from zoo.parts import trial

pytestmark = pytest.mark.usefixtures("one_thread")
UNIT = 2.0**-24  # roundoff of float32
PUBLISHED = "DataDependentWeightNormDense"
INPUTS, WIDTH, DEPTH = 7, 16, 3


def dataset(examples: int = 60, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(examples, INPUTS)) * 3 + 1).astype(np.float32)
    split = Split(x, rng.integers(0, 4, examples).astype(np.int32))
    return Dataset("made_up", split, split, split, 4, "classification")


def network(data: Dataset | None = None, **arguments: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    arguments = {"activation": "relu", "dense": PUBLISHED, **arguments}
    family = MLP(family="mlp", depth=DEPTH, width=WIDTH, **arguments)
    return models.build(family, data or dataset())


def started_layers(model: keras.Model) -> list[DataDependentWeightNormDense]:
    return [layer for layer in model.layers if isinstance(layer, DataDependentWeightNormDense)]


def seen(model: keras.Model, x: np.ndarray) -> list[tuple[keras.layers.Dense, np.ndarray, ...]]:
    """Each such layer, what enters it and its pre-activations, both as float64."""
    layers = started_layers(model)
    taps = keras.Model(model.input, [[layer.input, layer.output] for layer in layers])
    values = [[np.asarray(value, float) for value in pair] for pair in taps(x)]
    return [(layer, *pair) for layer, pair in zip(layers, values, strict=True)]


def naive(x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """g and b, unit by unit and example by example."""
    g, b = [], []
    for unit in v.T:
        length = sum(weight**2 for weight in unit) ** 0.5
        t = [sum(a * w for a, w in zip(row, unit, strict=True)) / length for row in x]
        mean = sum(t) / len(t)
        deviation = (sum((value - mean) ** 2 for value in t) / len(t)) ** 0.5
        g.append(1 / deviation)
        b.append(-mean / deviation)
    return np.array(g), np.array(b)


# ---------------------------------------------------------------- what it computes

NETWORKS = {
    "relu": {},
    "sigmoid": {"activation": "sigmoid", "initializer": "he_normal"},
    "tanh and normalization": {"activation": "tanh", "normalization": "LayerNormalization"},
    "biases": {"bias_initializer": "ones"},
}


@pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)
def test_on_the_batch_every_unit_has_mean_0_and_variance_1(arguments):
    x = dataset().train.x
    layers = seen(network(**arguments), x)
    assert len(layers) == DEPTH
    for layer, entering, z in layers:
        v, g, b = (np.asarray(w, float) for w in (layer.kernel, layer.g, layer.bias))
        kernel = g * v / np.linalg.norm(v, axis=0)
        # Of z, a sum and the length of as many terms as there are inputs, and a few around them.
        terms = np.abs(entering) @ np.abs(kernel) + np.abs(b)
        rounding = (2 * len(v) + 8) * UNIT * terms.max()
        assert rounding < 1e-3
        assert np.abs(z.mean(axis=0)).max() < rounding
        assert np.abs(z.var(axis=0) - 1).max() < 4 * rounding
    plain = seen(network(**arguments), x + 1)  # another batch than it was started with
    assert np.abs(plain[0][2].mean(axis=0)).max() > 0.01


@pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)
def test_g_and_b_are_those_of_a_naive_twin(arguments):
    for layer, entering, _ in seen(network(**arguments), dataset().train.x):
        g, b = naive(entering, np.asarray(layer.kernel, float))
        # What enters is computed once more: an entry may be a rounding off, and t as much of |x|.
        size = np.sqrt((entering**2).sum(axis=1).mean())
        relative = 4 * UNIT * (1 + g * size)
        assert (np.abs(layer.g - g) < relative * g).all()
        assert (np.abs(layer.bias - b) < relative * (1 + np.abs(b))).all()


def test_v_and_all_other_layers_start_as_without_data():
    plain, published = network(dense="WeightNormDense"), network()
    for before, after in zip(plain.layers, published.layers, strict=True):
        if isinstance(before, WeightNormDense):
            np.testing.assert_array_equal(before.kernel.numpy(), after.kernel.numpy())
            assert (before.g.numpy() != after.g.numpy()).all()
        else:
            for first, second in zip(before.get_weights(), after.get_weights(), strict=True):
                np.testing.assert_array_equal(first, second)


def test_without_a_bias_the_variance_alone_is_1():
    layer = DataDependentWeightNormDense(5, use_bias=False)
    model = keras.Sequential([keras.Input((INPUTS,)), layer])
    x = dataset().train.x
    first_batch.start(model, lambda: x)
    z = np.asarray(model(x), float)
    np.testing.assert_allclose(z.var(axis=0), 1, rtol=1e-4)
    assert np.abs(z.mean(axis=0)).max() > 0.01


def test_positions_of_a_sequence_count_like_examples():
    layer = DataDependentWeightNormDense(5)
    model = keras.Sequential([keras.Input((6, INPUTS)), layer])
    x = dataset(6 * 20).train.x.reshape(20, 6, INPUTS)
    first_batch.start(model, lambda: x)
    g, b = naive(x.reshape(-1, INPUTS).astype(float), layer.kernel.numpy().astype(float))
    np.testing.assert_allclose(layer.g, g, rtol=4 * UNIT)
    np.testing.assert_allclose(layer.bias, b, rtol=4 * UNIT)


# ---------------------------------------------------------------- units that see nothing


def test_a_unit_that_is_the_same_for_all_examples_keeps_its_start():
    """It is so behind the one input that varies, of which it has no part."""
    rng = np.random.default_rng(0)
    x = np.tile(rng.normal(size=INPUTS).astype(np.float32), (40, 1))
    x[:, 2] = rng.normal(size=40)
    layer = DataDependentWeightNormDense(5, bias_initializer="ones")
    model = keras.Sequential([keras.Input((INPUTS,)), layer])
    v = layer.kernel.numpy()
    v[2, 3] = 0
    layer.kernel.assign(v)
    layer.g.assign(np.linalg.norm(v, axis=0))
    before = layer.g.numpy()
    first_batch.start(model, lambda: x)
    kept = [False, False, False, True, False]
    np.testing.assert_array_equal(layer.g.numpy() == before, kept)
    np.testing.assert_array_equal(layer.bias.numpy() == 1, kept)
    np.testing.assert_allclose(np.std(model(x), axis=0), [1, 1, 1, 0, 1], atol=1e-3)


@pytest.mark.parametrize("noise", [0.0, UNIT], ids=["dead", "rounded"])
def test_behind_units_that_never_change_no_weight_is_infinite(noise):
    """Those of ReLU that are 0 for all examples; and some that are one number but for rounding."""
    rng = np.random.default_rng(0)
    size = (40, INPUTS)
    x = np.zeros(size) if noise == 0 else 0.3 * (1 + rng.uniform(-noise, noise, size))
    layer = DataDependentWeightNormDense(5)
    model = keras.Sequential([keras.Input((INPUTS,)), layer])
    before = layer.get_weights()
    first_batch.start(model, lambda: x.astype(np.float32))
    for first, second in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_dead_layer_in_the_middle_leaves_all_above_finite():
    """A layer whose bias the next one's dead ReLU units stem from, of any width."""
    off = keras.layers.Dense(8, kernel_initializer="zeros", bias_initializer=minus(5.0))
    published = DataDependentWeightNormDense(5), DataDependentWeightNormDense(4)
    model = keras.Sequential(
        [keras.Input((INPUTS,)), off, keras.layers.ReLU(), *published, keras.layers.Dense(2)]
    )
    x = dataset().train.x
    first_batch.start(model, lambda: x)
    for weights in model.get_weights():
        assert np.isfinite(weights).all()
    assert np.isfinite(model(x)).all()


def minus(value: float) -> keras.Initializer:
    return keras.initializers.Constant(-value)


# ---------------------------------------------------------------- order, and any model


class Crossed(keras.Model):
    """Layers in another order than they are computed in, one of them inside another model."""

    def __init__(self) -> None:
        super().__init__()
        self.last = DataDependentWeightNormDense(4, activation="tanh")
        inner = [keras.Input((6,)), DataDependentWeightNormDense(5), keras.layers.ReLU()]
        self.middle = keras.Sequential(inner)
        self.first = DataDependentWeightNormDense(6)

        self.short = False

    def call(self, inputs: object) -> object:
        if self.short:
            return self.first(inputs)
        return self.last(self.middle(keras.ops.relu(self.first(inputs))))


def test_each_starts_from_what_the_started_ones_below_give():
    model, x = Crossed(), dataset().train.x
    model(x[:2])
    first_batch.start(model, lambda: x)
    middle = model.middle.layers[0]
    entering = x
    for layer, activation in ((model.first, "relu"), (middle, "relu"), (model.last, "tanh")):
        inputs = np.asarray(entering, float)
        g, b = naive(inputs, layer.kernel.numpy().astype(float))
        relative = 4 * UNIT * (1 + g * np.sqrt((inputs**2).sum(axis=1).mean()))
        assert (np.abs(layer.g - g) < relative * g).all()
        assert (np.abs(layer.bias - b) < relative * (1 + np.abs(b))).all()
        entering = layer(entering)
        if layer is not model.last:
            entering = keras.activations.get(activation)(entering)
        assert "call" not in vars(layer)


def test_a_layer_used_twice_starts_at_its_first_use():
    shared = DataDependentWeightNormDense(INPUTS)
    inputs = keras.Input((INPUTS,))
    model = keras.Model(inputs, shared(keras.ops.relu(shared(inputs))))
    x = dataset().train.x
    first_batch.start(model, lambda: x)
    g, _ = naive(x.astype(float), shared.kernel.numpy().astype(float))
    np.testing.assert_allclose(shared.g, g, rtol=4 * UNIT)


def test_a_layer_that_the_model_does_not_call_is_its_own_again():
    model, x = Crossed(), dataset().train.x
    model(x[:2])
    model.short = True
    first_batch.start(model, lambda: x)
    for layer in (model.first, model.middle.layers[0], model.last):
        assert "call" not in vars(layer)


def test_other_models_take_no_pass():
    first_batch.start(network(dense="WeightNormDense"), None)
    first_batch.start(network(dense="Dense"), None)


def test_dropout_and_moving_averages_stay_as_they_are():
    """The pass is one of inference: a model's random generators and averages are not its own."""
    noise = {"class_name": "Dropout", "config": {"rate": 0.5}}
    model = network(activation=noise, normalization="BatchNormalization")
    plain = network(activation=noise, normalization="BatchNormalization", dense="Dense")
    others = [
        [w for w in each.variables if w.path.split("/")[0][:5] != "dense"]
        for each in (model, plain)
    ]
    assert len(others[0]) == 4 * DEPTH + 2 + DEPTH  # batch norms', the output's, the generators
    for first, second in zip(*others, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy(), err_msg=first.path)


# ---------------------------------------------------------------- arm, seed and data alone


def test_the_first_examples_alone_count_and_no_target():
    data = dataset(first_batch.EXAMPLES + 30)
    start = digest(network(data))
    later, labels = data.train.x.copy(), (data.train.y + 1) % 4
    later[first_batch.EXAMPLES :] *= 2
    changed = Split(later, labels)
    assert digest(network(Dataset("made_up", *[changed] * 3, 4, "classification"))) == start
    first = data.train.x.copy()
    first[first_batch.EXAMPLES - 1] *= 2
    changed = Split(first, data.train.y)
    assert digest(network(Dataset("made_up", *[changed] * 3, 4, "classification"))) != start


def digest(model: keras.Model) -> str:
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()


FRESH = """
import json, sys
from zoo import data, keras_setup, recipe
keras_setup.load_tensorflow()
from zoo import training
from tests.mitigations.test_first_batch import digest
training.use_threads(1)
arm = recipe.load("digits/activation", json.loads(sys.argv[1])).arms["tanh"]
print(digest(training.build_seeded(arm, data.load("digits"), 3)))
"""


@pytest.mark.combination
def test_a_seed_starts_alike_in_every_process_and_after_every_run(small_recipe, digits, eagerly):
    from tests.conftest import SMALL
    from zoo.training import CompiledArm, build_seeded

    settings = {"model.dense": PUBLISHED, "training.steps": 14}
    command = [sys.executable, "-c", FRESH, json.dumps({**SMALL, **settings})]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    fresh = process.stdout.split()[-1]

    arm = small_recipe(**{key.replace(".", "__"): value for key, value in settings.items()})
    arm = arm.arms["tanh"]
    assert digest(build_seeded(arm, digits, 3)) == fresh
    assert digest(build_seeded(arm, digits, 4)) != fresh
    compiled = CompiledArm(arm, digits)
    compiled.run(4, 0.1)
    compiled.reset(3, 0.1)
    assert digest(compiled.model) == fresh
    compiled.run(3, 0.1, probe=False)
    assert digest(compiled.model) != fresh
    compiled.reset(3, 0.1)
    assert digest(compiled.model) == fresh


def test_in_half_precision_the_numbers_are_those_of_its_inputs(small_recipe, digits):
    from zoo.training import build_seeded

    changes = {"model__dense": PUBLISHED, "training__precision": "mixed_float16"}
    arm = small_recipe(**changes).arms["tanh"]
    x = digits.train.x[: first_batch.EXAMPLES]
    for layer, entering, _ in seen(build_seeded(arm, digits, 0), x):
        assert layer.compute_dtype == "float16" and layer.g.dtype == "float32"
        kept = entering.astype(np.float16).astype(float)
        v = layer.kernel.numpy().astype(np.float16).astype(float)
        g, b = naive(kept, v)
        # An entry that enters may be computed otherwise once more, in half precision.
        relative = 4 * 2.0**-11 * (1 + g * np.sqrt((kept**2).sum(axis=1).mean()))
        assert (np.abs(layer.g - g) < relative * g).all()
        assert (np.abs(layer.bias - b) < relative * (1 + np.abs(b))).all()


# ---------------------------------------------------------------- kept, and named in recipes


def test_saving_and_loading_keep_it(tmp_path):
    model, x = network(), dataset().train.x
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(started_layers(loaded)) == DEPTH
    assert digest(loaded) == digest(model)
    np.testing.assert_array_equal(loaded(x), model(x))
    model.save_weights(tmp_path / "model.weights.h5")
    other = network(dataset(seed=1))
    assert digest(other) != digest(model)
    other.load_weights(tmp_path / "model.weights.h5")
    assert digest(other) == digest(model)


def test_a_recipe_names_it(small_recipe):
    trial.check(small_recipe(model__dense=PUBLISHED))
