"""Models built anew with other layers: wider, gated, fewer; the rest is as it was."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, drawn, network
from zoo.diagnosis import rebuilt

pytestmark = pytest.mark.usefixtures("patient")

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def block():
    import keras

    return [dense(ENTRIES), keras.layers.BatchNormalization(), keras.layers.Activation("relu")]


def deep(count, skips=False):
    """Blocks of one shape, one after the other or with a skip over each."""
    import keras

    x = inputs = keras.Input((ENTRIES,))
    for _ in range(count):
        before = x
        for layer in block():
            x = layer(x)
        x = keras.layers.Add()([before, x]) if skips else x
    model = keras.Model(inputs, dense(CLASSES, "softmax")(x))
    model.compile(keras.optimizers.SGD(0.05), CROSS_ENTROPY)
    return model


def test_of_a_plain_stack_three_fourths_could_be_left_out_with_what_follows_them():
    model = deep(13)
    spare = rebuilt.spare_layers(model)
    weighted = [layer for layer in spare if hasattr(layer, "units")]
    hidden = [layer for layer in model.layers if hasattr(layer, "units")][1:-1]
    assert weighted == [layer for row, layer in enumerate(hidden) if row % 4]
    assert len(spare) == 3 * len(weighted) == 27


def test_what_is_left_without_them_is_the_model_without_them():
    model = deep(13)
    spare = rebuilt.spare_layers(model)
    x, _ = drawn()
    expected, whole = x, model(x)
    for layer in model.layers[1:]:
        if layer not in spare:
            expected = layer(expected)
    shallower = rebuilt.shallower(model)
    np.testing.assert_array_equal(shallower(x), expected)
    np.testing.assert_array_equal(model(x), whole)
    assert not np.array_equal(expected, whole) and shallower.loss == model.loss


def nested():
    import keras

    return network(keras.Sequential([keras.Input((ENTRIES,)), *block()]), dense(CLASSES))


def two_inputs():
    import keras

    inputs = [keras.Input((ENTRIES,)) for _ in range(2)]
    return keras.Model(inputs, dense(CLASSES)(keras.layers.Add()(inputs)))


def one_layer_again_and_again():
    import keras

    x = inputs = keras.Input((ENTRIES,))
    layer = dense(ENTRIES)
    for _ in range(12):
        x = layer(x)
    return keras.Model(inputs, dense(CLASSES)(x))


@pytest.mark.parametrize(
    "model",
    [
        lambda: deep(4),
        lambda: deep(13, skips=True),
        nested,
        two_inputs,
        one_layer_again_and_again,
        lambda: network(*[dense(width) for width in range(16, 32)]),
    ],
    ids=["few", "skips", "nested", "inputs", "shared", "shapes"],
)
def test_of_others_none_is_left_out(model):
    built = model()
    assert rebuilt.spare_layers(built) == [] and rebuilt.shallower(built) is None


def test_a_sequential_model_that_keras_has_no_graph_of_is_left_alone():
    import keras

    import zoo

    class Eager(keras.layers.Layer):
        def compute_output_shape(self, shape):
            raise NotImplementedError

        def call(self, x):
            return x * 1.0

    x, _ = drawn()
    model = keras.Sequential([Eager(), dense(2), dense(1)])
    model.compile("sgd", "mse")
    model(x[:2])
    with pytest.raises(AttributeError):
        assert model.inputs
    assert rebuilt.narrow_layers(model, []) == rebuilt.spare_layers(model) == []
    assert zoo.diagnose(model, x, np.random.default_rng(0).normal(size=400)).seen.longer is not None


def test_gates_keep_what_the_layer_was_asked_for():
    import keras

    options = {
        **{"return_sequences": True, "go_backwards": True, "name": "first", "dtype": "float64"},
        **{"activation": "relu", "recurrent_initializer": "he_normal", "dropout": 0.1},
    }
    vanilla = [keras.layers.SimpleRNN(5, **options), keras.layers.SimpleRNN(4)]
    model = network(*vanilla, dense(1), inputs=(7, 2))
    assert rebuilt.vanilla_layers(model) == vanilla
    draws = [rebuilt.gated(model) for _ in range(2)]
    first, second, last = draws[0].layers
    assert [type(first), type(second)] == [keras.layers.GRU] * 2
    for key, asked in vanilla[0].get_config().items():
        assert first.get_config()[key] == asked, key
    np.testing.assert_array_equal(last.get_weights()[0], model.layers[-1].get_weights()[0])
    for one, other in zip(*(each.weights for each in draws), strict=True):
        np.testing.assert_array_equal(one, other)  # the same at each diagnosis


@pytest.mark.parametrize("skips", [False, True])
def test_a_deep_plain_network_that_fewer_layers_teach_more(skips):
    import zoo

    x, classes = drawn(3000)
    report = zoo.diagnose(deep(32, skips), x, classes)
    if skips:
        assert report.healthy
        return
    [verdict] = [each for each in report.symptoms if each.symptom == "too deep"]
    assert "without 23 of its layers" in verdict.because and len(verdict.layers) == 23
    assert "hidden layers" in report.cures(verdict)[0].lines[0]


def marked(count=2000, steps=40):
    """The adding problem: the sum of the two numbers of a sequence that are marked."""
    draws = np.random.default_rng(0)
    x = np.zeros((count, steps, 2), "float32")
    x[..., 0] = draws.uniform(size=(count, steps))
    for half in (0, steps // 2):
        x[range(count), half + draws.integers(steps // 2, size=count), 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(1)


@pytest.mark.parametrize("cell", ["SimpleRNN", "GRU"])
def test_a_vanilla_network_that_gates_teach_far_more(cell):
    import keras

    import zoo

    layer = getattr(keras.layers, cell)(16, name="memory")
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=1.0)
    report = zoo.diagnose(network(layer, dense(1), inputs=(40, 2), optimizer=optimizer), *marked())
    if cell == "GRU":
        assert report.healthy
        return
    [verdict] = report.symptoms
    assert verdict.symptom == "vanishing through time" and verdict.layers == ("memory",)
    assert "with gates (GRU)" in verdict.because
    assert report.cures(verdict)[0].lines == ["keras.layers.GRU(units) instead"]
