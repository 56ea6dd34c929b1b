"""The transformer encoder: what it is made of, a twin in float64, masks, what is refused."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from tests.recipe.test_loading import MODEL, RELU, VALID, refusal, written
from zoo.errors import ZooError
from zoo.mitigations.deepnorm import ScaledAdd, branch_scale, residual_scale
from zoo.models.transformer import Transformer
from zoo.probe.layers import survey
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

__all__ = ["written"]

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS, FEATURES, OUTPUTS, EPSILON = 5, 3, 4, 1e-3  # the last is Keras's own
ROUNDINGS = 2**20  # more than there are on the way through these nets, and what they are amplified
SINGLE, DOUBLE = 2.0**-24, 2.0**-53


def part(class_name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=class_name, config=config)


def build(input_shape=(STEPS, FEATURES), **arguments) -> keras.Model:
    data = {key: arguments.pop(key, None) for key in ("vocabulary", "target_length")}
    small = {"depth": 2, "width": 6, "heads": 2, "activation": "relu"}
    family = Transformer(family="transformer", **{**small, **arguments})
    return family.build(Shapes(input_shape, OUTPUTS, **data))


@pytest.fixture
def in_float64():
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def moved(model: keras.Model) -> keras.Model:
    """With no weight where it starts: biases, gains and shifts too."""
    rng = np.random.default_rng(3)
    for variable in model.variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    return model


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# ---------------------------------------------------------------- the same net in NumPy


def twin(model: keras.Model, net: Transformer, x: np.ndarray, target_length: int | None = None):
    """The net in float64, example by example, head by head and step by step."""
    return np.array([_of_an_example(model, net, each, target_length) for each in x])


def _of_an_example(model, net, example, target_length):
    def weights(name):
        return [w.astype(float) for w in model.get_layer(name).get_weights()]

    def affine(x, name):
        kernel, bias = weights(name)
        return x @ kernel + bias

    def normalized(x, name):
        gain, shift = weights(name)
        mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        return gain * (x - mean) / np.sqrt(variance + EPSILON) + shift

    def attended(x, name):
        layer, result = model.get_layer(name), np.zeros_like(x)
        (wq, bq), (wk, bk), (wv, bv), (wo, bo) = (
            [w.astype(float) for w in dense.get_weights()]
            for dense in (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense)
        )
        scale = float(np.float32(1 / math.sqrt(net.width // net.heads)))  # as Keras keeps it
        for head in range(net.heads):
            q, k, v = (x @ w[:, head] + b[head] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
            for t in range(len(x)):
                visible = [s for s in range(len(x)) if seen[s] and (net.mask == "none" or s <= t)]
                scores = np.array([q[t] @ k[s] for s in visible]) * scale
                share = np.exp(scores - scores.max())
                result[t] += (share / share.sum()) @ v[visible] @ wo[head]
        return result + bo

    def fed_forward(x, name):
        return affine(np.maximum(affine(x, f"{name}_1"), 0), f"{name}_2")

    if "embedding" in [layer.name for layer in model.layers]:
        seen = [s == 0 or token != 0 for s, token in enumerate(example)]
        x = weights("embedding")[0][example]
    else:
        seen = [True] * len(example)
        x = affine(example.astype(float), "projection")
    x = x + weights("positions")[0]
    alpha = (2 * net.depth) ** 0.25 if net.deepnorm else 1
    for block in range(1, net.depth + 1):
        for kind, branch in (("attention", attended), ("feed_forward", fed_forward)):
            name = f"block_{block}_{kind}"
            norm = f"{name}_normalization"
            if net.normalization_place == "before":
                x = x + branch(normalized(x, norm), name)
            elif net.normalization_place == "after":
                x = normalized(alpha * x + branch(x, name), norm)
            else:
                x = x + branch(x, name)
    if net.normalization_place == "before":
        x = normalized(x, "normalization")
    x = x[seen].mean(axis=0) if target_length is None else x[-target_length:]
    return affine(x, "output")


@pytest.mark.parametrize("mask", ["none", "causal"])
@pytest.mark.parametrize("vocabulary", [None, 9], ids=["numbers", "tokens"])
@pytest.mark.parametrize(
    ("place", "deepnorm"),
    [("after", False), ("before", False), ("nowhere", False), ("after", True)],
    ids=["post-LN", "pre-LN", "no norm", "DeepNorm"],
)
def test_it_computes_what_its_twin_does(in_float64, place, deepnorm, vocabulary, mask):
    arguments = {"normalization_place": place, "deepnorm": deepnorm, "mask": mask, "heads": 3}
    shape = (STEPS,) if vocabulary else (STEPS, FEATURES)
    model = moved(build(shape, vocabulary=vocabulary, **arguments))
    x = normal(4, STEPS, FEATURES)
    if vocabulary:
        x = np.array([[3, 8, 1, 4, 5], [2, 2, 0, 0, 0], [7, 0, 5, 0, 1], [0] * 5], np.int32)
    net = Transformer(family="transformer", depth=2, width=6, activation="relu", **arguments)
    expected = twin(model, net, x)
    tolerance = ROUNDINGS * DOUBLE * np.abs(expected).max()
    np.testing.assert_allclose(model(x), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("target_length", [1, 2, STEPS])
def test_the_last_steps_have_outputs_each(in_float64, target_length):
    model = moved(build(target_length=target_length))
    x = normal(3, STEPS, FEATURES)
    net = Transformer(family="transformer", depth=2, width=6, heads=2, activation="relu")
    expected = twin(model, net, x, target_length)
    assert model.output_shape == (None, *expected.shape[1:])
    tolerance = ROUNDINGS * DOUBLE * np.abs(expected).max()
    np.testing.assert_allclose(model(x), expected, rtol=0, atol=tolerance)


# ---------------------------------------------------------------- what it is made of


def test_the_layers_are_named_by_block():
    names = [each.name for each in survey(build())[0]]
    of_a_block = [
        *(f"attention/{name}" for name in ("query", "key", "value", "attention_output")),
        "feed_forward_1",
        "feed_forward_2",
    ]
    blocks = [f"block_{block}_{name}" for block in (1, 2) for name in of_a_block]
    assert names == ["projection", "positions", *blocks, "output"]


def matrices(model: keras.Model) -> dict[str, np.ndarray]:
    """Every kernel as the matrix that it is, (inputs, outputs)."""
    kernels = {each.name: each.kernel.numpy() for each in survey(model)[0]}
    del kernels["positions"]
    for name, kernel in kernels.items():
        inputs = 2 if name.endswith("attention_output") else 1
        kernels[name] = kernel.reshape(math.prod(kernel.shape[:inputs]), -1)
    return kernels


def test_the_initializer_is_that_of_every_kernel_as_a_matrix():
    """Of heads together, too: Keras would start each as a convolution's."""
    for name, kernel in matrices(build(width=8, initializer="orthogonal")).items():
        product = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
        identity = np.eye(len(product))
        np.testing.assert_allclose(product, identity, atol=64 * SINGLE, err_msg=name)
    for kernel in matrices(build(initializer=part("Constant", value=0.5))).values():
        np.testing.assert_array_equal(kernel, np.full(kernel.shape, 0.5))


def test_no_two_kernels_of_a_model_are_alike():
    kernels = [kernel for kernel in matrices(build()).values() if kernel.shape == (6, 6)]
    assert len(kernels) == 8
    assert len({kernel.tobytes() for kernel in kernels}) == 8


@pytest.mark.parametrize("depth", [1, 6])
def test_deepnorm_has_the_published_constants(depth):
    """Variances of Glorot's, over that at its start: beta^2 of values, outputs and both of the net.

    The variance of n uniform numbers is off by 2 / sqrt(5 n) of itself, at one standard deviation.
    """
    assert residual_scale(depth) == pytest.approx((2 * depth) ** 0.25, rel=1e-15)
    assert branch_scale(depth) == pytest.approx(1 / (8 * depth) ** 0.25, rel=1e-15)
    model = build(depth=depth, width=64, deepnorm=True)
    scales = {layer.scale for layer in model.layers if isinstance(layer, ScaledAdd)}
    assert scales == {residual_scale(depth)}
    for name, kernel in matrices(model).items():
        branch = name.endswith(("value", "attention_output", "feed_forward_1", "feed_forward_2"))
        expected = 2 / sum(kernel.shape) * (branch_scale(depth) ** 2 if branch else 1)
        assert kernel.var() == pytest.approx(expected, rel=5 * 2 / math.sqrt(5 * kernel.size)), name


def test_a_scaled_sum_by_hand():
    x, h = normal(2, 3, 4), normal(2, 3, 4, seed=1)
    np.testing.assert_array_equal(ScaledAdd(2.0)([x, h]), 2 * x + h)


def test_tokens_start_with_unit_variance_and_places_near_zero():
    model = build((STEPS,), vocabulary=200, width=50, heads=2)
    vectors = model.get_layer("embedding").get_weights()[0]
    assert vectors.std() == pytest.approx(1, rel=5 / math.sqrt(2 * vectors.size))
    places = model.get_layer("positions").get_weights()[0]
    assert places.shape == (STEPS, 50) and 0 < np.abs(places).max() <= 0.05


@pytest.mark.parametrize("place", ["after", "before"])
def test_the_normalization_is_the_one_that_is_named(place):
    model = build(normalization=part("RMSNormalization"), normalization_place=place)
    norms = [x for x in model.layers if isinstance(x, keras.layers.RMSNormalization)]
    assert len(norms) == (4 if place == "after" else 5)
    assert not [x for x in model.layers if isinstance(x, keras.layers.LayerNormalization)]


def test_a_sequence_of_numbers_has_one_feature():
    flat, with_feature = build((STEPS,)), build((STEPS, 1))
    with_feature.set_weights(flat.get_weights())
    x = normal(2, STEPS)
    np.testing.assert_array_equal(flat(x), with_feature(x[..., None]))


# ---------------------------------------------------------------- masks


@pytest.mark.parametrize("mask", ["none", "causal"])
def test_what_a_step_looks_at(mask):
    """The gradient of each output by each input: exactly 0 by later ones under a causal mask."""
    model = moved(build(target_length=STEPS, mask=mask))
    x = tf.constant(normal(1, STEPS, FEATURES))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = [tf.reduce_sum(model(x)[0, t]) for t in range(STEPS)]
    sees = [np.any(tape.gradient(each, x)[0].numpy() != 0, axis=1) for each in outputs]
    expected = np.tri(STEPS) if mask == "causal" else np.ones((STEPS, STEPS))
    np.testing.assert_array_equal(sees, expected.astype(bool))


def test_a_text_ends_with_its_last_word(in_float64):
    """Token 0, which fills what a text lacks, changes nothing."""
    model = moved(build((7,), vocabulary=20))
    short = build((4,), vocabulary=20)
    short.set_weights([w[:4] if w.shape == (7, 6) else w for w in model.get_weights()])
    tokens = np.array([[3, 9, 12, 1], [19, 2, 2, 7]], np.int32)
    filled = np.pad(tokens, ((0, 0), (0, 3)))
    np.testing.assert_allclose(model(filled), short(tokens), rtol=ROUNDINGS * DOUBLE)


def test_a_text_without_words_has_outputs():
    assert np.isfinite(build((STEPS,), vocabulary=20)(np.zeros((2, STEPS), np.int32))).all()


# ---------------------------------------------------------------- what a recipe may not ask


@pytest.mark.parametrize(
    ("arguments", "where", "said"),
    [
        ({"heads": 4}, "heads", "4 heads do not divide model.width (6)"),
        ({"heads": 12}, "heads", "12 heads do not divide model.width (6)"),
        ({"mask": "casual"}, "mask", "'none' or 'causal'"),
        ({"normalization_place": "between"}, "normalization_place", "'after', 'before' or"),
        ({"skip": "Concatenate"}, "skip", "Concatenate widens each block"),
        (
            {"deepnorm": True, "normalization_place": "before"},
            "deepnorm",
            "is for model.normalization_place: after, not before",
        ),
        (
            {"deepnorm": True, "normalization_place": "nowhere"},
            "deepnorm",
            "is for model.normalization_place: after, not nowhere",
        ),
        ({"deepnorm": True, "skip": "Average"}, "deepnorm", "with model.skip: Add, not Average"),
    ],
)
def test_a_net_that_cannot_be_is_refused_when_it_is_read(arguments, where, said):
    small = {"family": "transformer", "depth": 2, "width": 6, "heads": 2, "activation": "relu"}
    with pytest.raises(ValidationError) as caught:
        Transformer(**{**small, **arguments})
    (mistake,) = caught.value.errors()
    assert mistake["loc"] == (where,)
    assert said in mistake["msg"]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("heads: 3", "model.heads: 3 heads do not divide model.width (64)"),
        ("heads: 4, mask: casual", "model.mask: should be 'none' or 'causal', not 'casual'"),
        (
            "heads: 4, deepnorm: true, normalization_place: before",
            "model.deepnorm: is for model.normalization_place: after, not before",
        ),
    ],
)
def test_a_recipe_is_told_by_line_and_key(written, argument, said):
    rest = f"{{family: transformer, depth: 10, width: 64, activation: relu, {argument}}}"
    [line] = refusal(written(VALID.replace(MODEL, rest).replace(RELU, "{model.depth: 4}")))
    assert line.startswith("x.yaml:4:") and line.endswith(said)


def test_images_are_no_sequence():
    with pytest.raises(ZooError, match=r"\(8, 8, 1\) are no sequence .* such as digits_rows$"):
        build((8, 8, 1))


# ---------------------------------------------------------------- saving


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"normalization_place": "before", "mask": "causal", "target_length": 2},
        {"normalization_place": "nowhere", "activation": "gelu", "skip": part("Average")},
        {"deepnorm": True, "initializer": part("orthogonal")},
        {"input_shape": (STEPS,), "vocabulary": 9, "mask": "causal"},
    ],
    ids=["post-LN", "pre-LN", "no norm", "DeepNorm", "tokens"],
)
def test_a_saved_model_gives_the_same_outputs(arguments, tmp_path):
    model = moved(build(**arguments))
    x = np.arange(10).reshape(2, STEPS) % 9 if "vocabulary" in arguments else normal(2, 5, 3)
    expected = model(x).numpy()
    assert np.ptp(expected) > 0
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), expected)
    model.save_weights(tmp_path / "model.weights.h5")
    again = build(**arguments)
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(again(x), expected)
