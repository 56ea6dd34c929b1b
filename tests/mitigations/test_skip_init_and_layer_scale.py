"""SkipInit and LayerScale: the sum and its gradients by hand, the identity at the start, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import recipe
from zoo.mitigations.layer_scale import LayerScale
from zoo.mitigations.skip_init import SkipInit
from zoo.models.cnn import CNN
from zoo.parts import trial
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")
SHAPES = {"vectors": (4, 3), "sequences": (2, 5, 3), "images": (2, 4, 5, 3)}
MERGES = {"SkipInit": (SkipInit, {"alpha": 0.0}), "LayerScale": (LayerScale, {"init_values": 0.1})}
UNIT = 2.0**-24  # roundoff of float32


def drawn(shape: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for _ in range(3)]


def gradients(merge: keras.Layer, x: np.ndarray, h: np.ndarray, by_output: np.ndarray) -> list:
    """Output, and the gradients by x, h and the factor, of a sum weighted by `by_output`."""
    inputs = [tf.constant(x, merge.compute_dtype), tf.constant(h, merge.compute_dtype)]
    if not merge.built:
        merge.build([x.shape, h.shape])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = merge(inputs)
        loss = tf.reduce_sum(y * tf.cast(by_output, y.dtype))
    return [y, *tape.gradient(loss, [*inputs, merge.scale.value])]


# ---------------------------------------------------------------- by hand


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", MERGES)
def test_the_sum_and_its_gradients(name, shape):
    x, h, by_output = drawn(shape)
    merge = MERGES[name][0](dtype="float64")
    merge.build([shape, shape])
    factor = np.array(0.75) if name == "SkipInit" else np.array([0.5, -2.0, 3.0])
    merge.scale.assign(factor)
    assert merge.scale.shape == factor.shape
    others = tuple(range(len(shape) - factor.ndim))
    expected = [
        x + factor * h,
        by_output,
        factor * by_output,
        (by_output * h).sum(axis=others),
    ]
    for computed, exact in zip(gradients(merge, x, h, by_output), expected, strict=True):
        np.testing.assert_allclose(computed, exact, rtol=0, atol=x.size * 8 * 2.0**-53)
    assert merge.compute_output_shape([shape, shape]) == shape


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_skip_init_is_the_identity_at_the_start_and_only_its_number_learns(shape):
    """To the last bit, in the passes forward and back."""
    x, h, by_output = (np.float32(each) for each in drawn(shape))
    y, by_x, by_h, by_scale = gradients(SkipInit(), x, h, by_output)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(by_x, by_output)
    np.testing.assert_array_equal(by_h, np.zeros(shape))
    terms = by_output.astype(float) * h
    rounding = x.size * UNIT * float(np.abs(terms).sum())
    assert float(by_scale) == pytest.approx(terms.sum(), abs=rounding)
    assert abs(terms.sum()) > 0.1


def test_layer_scale_starts_at_a_tenth_in_every_channel():
    x, h, by_output = drawn((2, 5, 3))
    y, _, by_h, _ = gradients(LayerScale(dtype="float64"), x, h, by_output)
    np.testing.assert_allclose(y, x + 0.1 * h, rtol=0, atol=8 * UNIT)
    np.testing.assert_allclose(by_h, 0.1 * by_output, rtol=0, atol=8 * UNIT)


@pytest.mark.parametrize("name", MERGES)
def test_half_precision_computes_and_float32_is_kept(name):
    merge = MERGES[name][0](dtype="mixed_float16")
    x, h, _ = drawn((2, 5, 3))
    y = merge([tf.constant(x, tf.float16), tf.constant(h, tf.float16)])
    assert y.dtype == "float16" and merge.scale.dtype == "float32"


@pytest.mark.parametrize("name", MERGES)
def test_config_and_file(name, tmp_path):
    kind, arguments = MERGES[name]
    merge = kind(0.5, name="merge")
    again = keras.layers.deserialize(keras.layers.serialize(merge))
    assert type(again) is kind and again.get_config() == merge.get_config()
    assert {key: again.get_config()[key] for key in arguments} == dict.fromkeys(arguments, 0.5)
    inputs = [keras.Input((5, 3)), keras.Input((5, 3))]
    model = keras.Model(inputs, merge(inputs))
    merge.scale.assign(merge.scale + 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = [np.float32(each) for each in drawn((2, 5, 3))[:2]]
    np.testing.assert_array_equal(loaded(x), model(x))
    np.testing.assert_allclose(model(x), x[0] + 1.5 * x[1], rtol=0, atol=32 * UNIT)


# ---------------------------------------------------------------- in the network


def net(skip: KerasPart, preactivation: bool = False) -> keras.Model:
    """Three stages of two blocks."""
    family = CNN(
        family="cnn",
        depth=14,
        widths=[4, 6, 8],
        activation="relu",
        initializer="he_normal",
        skip=skip,
        preactivation=preactivation,
    )
    return family.build(Shapes((8, 8, 1), 10))


def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 8, 8, 1)).astype(np.float32), rng.integers(0, 10, 6)


@pytest.mark.parametrize("preactivation", [False, True])
def test_every_block_of_a_network_passes_on_its_input(preactivation):
    """After the activation that follows the sum, too: what enters is not negative."""
    model = net(KerasPart(class_name="SkipInit"), preactivation)
    merges = [layer for layer in model.layers if isinstance(layer, SkipInit)]
    assert len(merges) == 6
    after = [merge.output for merge in merges]
    if not preactivation:
        activated = {
            node.arguments.keras_tensors[0]: node.outputs[0]
            for layer in model.layers
            if isinstance(layer, keras.layers.Activation)
            for node in layer._inbound_nodes
        }
        after = [activated[each] for each in after]
    x, _ = images()
    pairs = [[*merge.input, out] for merge, out in zip(merges, after, strict=True)]
    for carried, branch, out in keras.Model(model.input, pairs)(x):
        assert np.ptp(carried) > 0 and np.ptp(branch) > 0
        np.testing.assert_array_equal(out, carried)


@pytest.mark.parametrize("preactivation", [False, True])
def test_the_numbers_learn_first_and_then_the_branches(preactivation):
    model = net(KerasPart(class_name="SkipInit"), preactivation)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)
    start, moved = model.get_weights(), []
    for _ in range(2):
        model.train_on_batch(*images())
        now = dict(zip([v.path for v in model.variables], model.get_weights(), strict=True))
        was = dict(zip(now, start, strict=True))
        moved.append({path for path in now if np.any(now[path] != was[path])})
    branches = {path for path in now if "_conv_" in path and path.endswith("kernel")}
    numbers = {path for path in now if path.endswith("alpha")}
    assert len(branches) == 12 and len(numbers) == 6
    assert numbers <= moved[0] and not branches & moved[0]
    assert branches <= moved[1]


def test_layer_scale_lets_all_learn_at_once():
    model = net(KerasPart(class_name="LayerScale"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)
    start = model.get_weights()
    model.train_on_batch(*images())
    for variable, was, now in zip(model.variables, start, model.get_weights(), strict=True):
        assert np.any(was != now), variable.path


@pytest.mark.parametrize("name", MERGES)
def test_a_recipe_names_it(name):
    """With its argument, against the plain sum of the same blocks."""
    arm = {"SkipInit": "skipinit", "LayerScale": "layer_scale"}[name]
    for recipe_id in ("digits/residual", "mnist1d/residual"):
        loaded = recipe.load(recipe_id)
        trial.check(loaded.only([arm]))
        part = loaded.arms[arm].spec.model.skip
        assert (part.class_name, part.config) == (name, MERGES[name][1])
        assert loaded.arms[arm].against == "resnet_no_norm"
