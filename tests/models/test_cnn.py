"""The convolutional family: layers and counts, a twin in float64, gradients at the start."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from zoo.errors import ZooError
from zoo.models.cnn import CNN
from zoo.probe import Probe
from zoo.probe.layers import survey
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


NORM, ADD = part("BatchNormalization"), part("Add")
ARMS = {
    "plain": {},
    "plain_batch_norm": {"normalization": NORM},
    "resnet": {"normalization": NORM, "skip": ADD},
    "preact_resnet": {"normalization": NORM, "skip": ADD, "preactivation": True},
    "fixup": {"skip": ADD, "fixup": True},
    "highway": {"skip": part("Highway")},
    "dense": {"normalization": NORM, "skip": part("Concatenate"), "preactivation": True},
}
CIFAR = {"input_shape": (32, 32, 3), "depth": 20, "widths": [16, 32, 64]}


def net(input_shape: tuple[int, ...] = (8, 8, 1), **arguments: object) -> keras.Model:
    outputs, vocabulary = arguments.pop("outputs", 10), arguments.pop("vocabulary", None)
    small = {"depth": 6, "widths": [4, 6], "activation": "relu", "initializer": "he_normal"}
    family = CNN(family="cnn", **{**small, **arguments})
    return family.build(Shapes(input_shape, outputs, vocabulary))


def batch(model: keras.Model, size: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(size, *model.input_shape[1:])).astype(np.float32)
    return x, rng.integers(0, model.output_shape[-1], size)


# ---------------------------------------------------------------- layers and counts


@pytest.mark.parametrize("arm", ["resnet", "preact_resnet", "plain_batch_norm"])
def test_resnet_20_has_the_published_number_of_parameters(arm):
    """And the plain net as many: its layers are the same, and shortcuts have no parameters."""
    model = net(**CIFAR, **ARMS[arm])
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == 269_722


def test_the_layers_with_a_kernel_and_their_sizes():
    model = net((9, 8, 1), depth=10, widths=[4, 6], stem_stride=2)
    blocks = [f"stage_{s}_block_{b}_conv_{c}" for s in (1, 2) for b in (1, 2) for c in (1, 2)]
    layers = [each.layer for each in survey(model)[0]]
    assert [layer.name for layer in layers] == ["stem", *blocks, "output"]
    sizes = [(None, 5, 4, 4)] * 5 + [(None, 3, 2, 6)] * 4 + [(None, 10)]
    assert [layer.output.shape for layer in layers] == sizes


@pytest.mark.parametrize(
    ("arguments", "biases"), [({}, True), ({"normalization": NORM}, False), (ARMS["fixup"], False)]
)
def test_convolutions_have_biases_where_nothing_else_shifts(arguments, biases):
    *convolutions, output = [each.layer for each in survey(net(**arguments))[0]]
    assert {layer.use_bias for layer in convolutions} == {biases}
    assert output.use_bias


def test_the_initializer_is_that_of_every_kernel():
    constant = part("Constant", value=0.5)
    model = net(initializer=constant, **ARMS["resnet"])
    for layer in [each.layer for each in survey(model)[0]]:
        np.testing.assert_array_equal(layer.kernel, np.full(layer.kernel.shape, 0.5))


def test_a_dense_block_sees_the_outputs_of_all_before():
    model = net(depth=10, widths=[4, 6], **ARMS["dense"])
    seen = [layer.kernel.shape[-2] for layer in [each.layer for each in survey(model)[0]]]
    assert seen == [1, 4, 4, 8, 4, 12, 6, 18, 6, 24]


def test_tokens_become_vectors():
    model = net((12,), vocabulary=7)
    assert model.get_layer("embedding").output.shape == (None, 12, 4)
    assert model.get_layer("stem").kernel.shape == (3, 4, 4)
    assert model(np.arange(12)[None] % 7).shape == (1, 10)


# ---------------------------------------------------------------- the same net in NumPy


def convolved(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """(batch, ..., channels) by (..., channels, outputs), zeros outside, entry by entry."""
    space = range(1, x.ndim - 1)
    sizes = [-(-x.shape[axis] // stride) for axis in space]
    outside = [
        max((size - 1) * stride + kernel.shape[0] - x.shape[axis], 0)
        for axis, size in zip(space, sizes, strict=True)
    ]
    x = np.pad(x, [(0, 0), *((total // 2, total - total // 2) for total in outside), (0, 0)])
    y = np.zeros((len(x), *sizes, kernel.shape[-1]))
    for at in itertools.product(*map(range, sizes)):
        window = tuple(slice(i * stride, i * stride + kernel.shape[0]) for i in at)
        y[:, *at] = np.tensordot(x[:, *window], kernel, axes=kernel.ndim - 1)
    return y


class Twin:
    """The net in float64 from the Keras model's weights, evaluated.

    With `sizes`, every term counts by its absolute value: a sum that is rounded n times on its way
    is off by no more than n u of that, u the unit roundoff (Higham 2002, chapter 3).
    """

    def __init__(
        self, model: keras.Model, normalized: bool, merge: str | None, early: bool, sizes=False
    ):
        self.model, self.merge, self.early = model, merge, early
        self.part = np.abs if sizes else np.asarray
        self.sign = 1 if sizes else -1
        norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
        self.norms = iter([self.weights(norm) for norm in norms])
        self.normalized = normalized

    def weights(self, layer: keras.Layer) -> list[np.ndarray]:
        return [self.part(w.astype(float)) for w in layer.get_weights()]

    def conv(self, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        kernel, *bias = self.weights(self.model.get_layer(name))
        return convolved(x, kernel, stride) + (bias[0] if bias else 0)

    def norm(self, x: np.ndarray) -> np.ndarray:
        if not self.normalized:
            return x
        gamma, beta, mean, variance = next(self.norms)
        return gamma * (x + self.sign * mean) / np.sqrt(variance + 1e-3) + beta

    def active(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(self.norm(x), 0)

    def __call__(self, x: np.ndarray, stages: int, blocks: int, stem_stride: int) -> np.ndarray:
        x = self.active(self.conv(self.part(x.astype(float)), "stem", stem_stride))
        for stage, block in itertools.product(range(stages), range(blocks)):
            name = f"stage_{stage + 1}_block_{block + 1}_conv_"
            stride = 2 if stage and not block else 1
            start = x if not self.early or stage == block == 0 else self.active(x)
            h = self.active(self.conv(start, f"{name}1", stride))
            h = self.conv(h, f"{name}2")
            h = h if self.early else self.norm(h)
            if self.merge:
                x = x[:, ::stride] if x.ndim == 3 else x[:, ::stride, ::stride]
            if self.merge == "Add":
                h[..., : x.shape[-1]] += x
            elif self.merge == "Concatenate":
                h = np.concatenate([x, h], axis=-1)
            x = h if self.early else np.maximum(h, 0)
        x = self.active(x) if self.early else x
        kernel, bias = self.weights(self.model.get_layer("output"))
        return x.mean(axis=tuple(range(1, x.ndim - 1))) @ kernel + bias


@pytest.mark.parametrize("input_shape", [(13, 2), (8, 7, 2)], ids=["1-d", "2-d"])
@pytest.mark.parametrize("merge", [None, "Add", "Concatenate"])
@pytest.mark.parametrize(
    ("normalized", "early"), [(False, False), (True, False), (True, True)], ids=["", "norm", "pre"]
)
def test_it_computes_what_its_twin_in_float64_does(input_shape, merge, normalized, early):
    keras.utils.set_random_seed(0)
    model = net(
        input_shape,
        outputs=3,
        depth=10,
        kernel_size=4,
        stem_stride=2,
        normalization=NORM if normalized else None,
        skip=part(merge) if merge else None,
        preactivation=early,
    )
    rng = np.random.default_rng(2)
    for variable in model.variables:  # biases, gains and averages too; variances above 0
        variable.assign(variable + rng.uniform(0, 0.5, variable.shape))
    x, _ = batch(model)
    twin = Twin(model, normalized, merge, early)
    expected = twin(x, stages=2, blocks=2, stem_stride=2)
    sizes = Twin(model, normalized, merge, early, sizes=True)(x, 2, 2, 2)
    terms = [
        math.prod(layer.kernel.shape[:-1]) for layer in (each.layer for each in survey(model)[0])
    ]
    roundings = sum(terms) + 8 * len(terms)  # bias, normalization and merge after each
    np.testing.assert_array_less(
        np.abs(model(x, training=False) - expected), roundings * 2.0**-24 * sizes
    )
    assert next(twin.norms, None) is None  # none was left out


# ---------------------------------------------------------------- what a recipe may not ask


@pytest.mark.parametrize(("input_shape", "rank"), [((64,), 1), ((4, 4, 4, 1), 4)])
def test_data_of_another_rank_is_refused(input_shape, rank):
    with pytest.raises(ZooError, match=f"the data has {rank} dimensions: use mlp"):
        net(input_shape)


@pytest.mark.parametrize(
    ("arguments", "where", "said"),
    [
        ({"fixup": True}, "fixup", "is for blocks with model.skip: Add, not None"),
        ({"fixup": True, "skip": "Average"}, "fixup", "model.skip: Add, not Average"),
        (
            {"fixup": True, "skip": "Add", "normalization": "LayerNormalization"},
            "fixup",
            "in place of normalization",
        ),
        ({"widths": [6, 4], "skip": "Add"}, "skip", "model.widths [6, 4] shrink"),
    ],
)
def test_a_net_that_cannot_be_is_refused_when_it_is_read(arguments, where, said):
    with pytest.raises(ValidationError) as caught:
        CNN(**{"family": "cnn", "depth": 6, "widths": [4, 6], "activation": "relu", **arguments})
    (mistake,) = caught.value.errors()
    assert mistake["loc"] == (where,)
    assert said in mistake["msg"]


@pytest.mark.parametrize("skip", [None, "Concatenate"])
def test_widths_may_shrink_where_no_channel_is_dropped(skip):
    widths = CNN(family="cnn", depth=6, widths=[6, 4], activation="relu", skip=skip).widths
    assert net(widths=widths, skip=skip and part(skip)).output_shape == (None, 10)


# ---------------------------------------------------------------- saving, the probe


@pytest.mark.parametrize("input_shape", [(12, 2), (8, 8, 1)], ids=["1-d", "2-d"])
@pytest.mark.parametrize("arm", ARMS)
def test_it_is_saved_and_loaded_whole(arm, input_shape, tmp_path):
    model = net(input_shape, **ARMS[arm])
    for variable in model.trainable_variables:
        variable.assign(variable + 0.1)
    x, _ = batch(model)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("arm", ARMS)
def test_the_probe_measures_every_convolution_and_puts_averages_back(arm):
    model = net(**ARMS[arm])
    x, y = batch(model)
    model.compile(keras.optimizers.SGD(0.1), LOSS, run_eagerly=True)
    for _ in range(2):  # by the second, gradients have come through Fixup's zeros
        model.train_on_batch(x, y)
    probe = Probe(model, LOSS, x, y)
    blocks = [f"stage_{stage}_block_1_conv_{conv}" for stage in (1, 2) for conv in (1, 2)]
    convolutions = [name for name in probe.layers if not name.endswith("skip")]  # a gate
    assert convolutions == ["stem", *blocks, "output"]
    before = model.get_weights()
    found = {name: values.numpy() for name, values in probe.measure().items()}
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    gates = [name.endswith("skip") for name in probe.layers]
    np.testing.assert_array_equal(np.isnan(found["delta_rms"]), gates)  # which have no z
    for name in ("delta_rms", "kernel_grad_norm", "kernel_rms"):
        assert (found[name] > 0)[~np.isnan(found[name])].all(), name
        assert np.isfinite(found[name]).sum() >= len(convolutions), name
    assert not found["nonfinite"].any()


# ---------------------------------------------------------------- theory


def test_gradients_shrink_where_zeros_stand_outside_the_image():
    """He's variance keeps delta^2 if every entry under the kernel is there.

    On images of 2x2, a 3x3 kernel covers each position with four of its nine entries alone, so that
    a convolution multiplies signal and delta^2 by 4/9: a plain net on small images loses its
    gradients even so.
    """
    seeds = 8
    model = net((2, 2, 8), depth=8, widths=[128])
    x, y = batch(model, 32)
    measure = tf.function(Probe(model, LOSS, x, y).measure)
    logs = []
    for seed in range(seeds):
        for number, layer in enumerate([each.layer for each in survey(model)[0]]):
            he = keras.initializers.HeNormal(seed=100 * seed + number)
            layer.kernel.assign(he(layer.kernel.shape))
        deltas = measure()["delta_rms"].numpy()
        logs.append(2 * np.log(deltas[:-1] / deltas[-2]))
    mean, error = np.mean(logs, axis=0), np.std(logs, axis=0, ddof=1) / math.sqrt(seeds)
    predicted = np.log(4 / 9) * np.arange(6, -1, -1)
    assert (error < 0.05).all()
    np.testing.assert_array_less(np.abs(mean - predicted), 4 * error + 1e-6)
