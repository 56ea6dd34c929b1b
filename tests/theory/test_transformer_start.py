"""Transformers at the start: how gradients go with depth, by where the normalization stands.

With equal gains forward and back, as Glorot's kernels have, a branch adds as much to the gradient
as to the sum x_l. So, for q_l the mean square of the sum after block l of L:

- what reaches the last block is 1 / sqrt(q_L) of what the last normalization gives: the same at any
  depth for post-LN, whose q is the same in every block, and like about 1 / sqrt(L) for pre-LN,
  whose q grows by as much in each (Xiong et al. 2020, arXiv:2002.04745);
- over the blocks the gradient grows, towards the input, by sqrt(q_L / q_1): not at all for post-LN,
  and by a power of L, not exponentially, for pre-LN.

The last kernel's own gradient grows with the depth of both beside that, as the steps of a sequence
become like one another, and their gradients add: the ratio of the two shows the theorem of Xiong et
al. For them post-LN's gradients fall towards the input, which these encoders do not show.
"""

import math
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from zoo.mitigations.deepnorm import residual_scale
from zoo.models.transformer import Transformer
from zoo.recipe.families import Shapes
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH, STEPS, FEATURES, CLASSES, BATCH, SEEDS = 48, 8, 16, 10, 16, 6
SHALLOW, DEEP = 3, 12  # four times as deep
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
NORM = KerasPart(class_name="LayerNormalization", config={"epsilon": 1e-6})
ARMS = {
    "post": {"normalization_place": "after"},
    "pre": {"normalization_place": "before"},
    "deepnorm": {"normalization_place": "after", "deepnorm": True},
}


def build(depth: int, **arguments: object) -> keras.Model:
    """With a class for each step, as for a translation."""
    sizes = {"depth": depth, "width": WIDTH, "heads": 2, "activation": "relu"}
    family = Transformer(family="transformer", normalization=NORM, **sizes, **arguments)
    return family.build(Shapes((STEPS, FEATURES), CLASSES, target_length=STEPS))


def batch(seed: int) -> tuple[tf.Tensor, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)
    return tf.constant(x), rng.integers(0, CLASSES, (BATCH, STEPS))


@dataclass
class Start:
    """What one net shows: of the sum after each block its mean square, and dL/dx's norm."""

    q: list[float]
    by_sum: list[float]
    by_last_kernel: float
    moved: float  # the rms change of the outputs by a step of gradient descent, over its rate


def start(arm: str, depth: int, seed: int) -> Start:
    keras.utils.set_random_seed(seed)
    model = build(depth, **ARMS[arm])
    blocks = [f"block_{number}_feed_forward" for number in range(1, depth + 1)]
    sums = [model.get_layer(f"{block}_skip").output for block in blocks]
    kernel = model.get_layer(f"{blocks[-1]}_2").kernel
    branches = [
        w
        for w in model.trainable_variables
        if "block_" in w.path and w.name == "kernel" and "/query/" not in w.path
    ]
    (x, y), inside = batch(seed), keras.Model(model.input, [model.output, *sums])
    with tf.GradientTape() as tape:
        outputs, *seen = inside(x)
        loss = LOSS(y, outputs)
    gradients = tape.gradient(loss, [*seen, kernel.value, *(w.value for w in branches)])
    by_sum, by_kernel, by_branch = gradients[:depth], gradients[depth], gradients[depth + 1 :]
    rate = 2.0**-10
    for weights, gradient in zip(branches, by_branch, strict=True):
        weights.assign_sub(rate * gradient)
    change = (model(x) - outputs).numpy() / rate
    return Start(
        [float(tf.reduce_mean(each**2)) for each in seen],
        [float(tf.norm(each)) for each in by_sum],
        float(tf.norm(by_kernel)),
        float(np.sqrt(np.mean(change.astype(float) ** 2))),
    )


@pytest.fixture(scope="module")
def starts(one_thread):
    return {
        (arm, depth): [start(arm, depth, seed) for seed in range(SEEDS)]
        for arm in ARMS
        for depth in (SHALLOW, DEEP)
    }


def expect(logs: list[float], theory: float = 0.0) -> None:
    """Logarithms of one quantity over seeds have the mean of the theory, by a t-test at 1 %."""
    error = np.std(logs, ddof=1) / math.sqrt(len(logs))
    assert error < 0.25  # or the test could not fail
    assert np.mean(logs) == pytest.approx(theory, abs=scipy.stats.t.ppf(0.995, SEEDS - 1) * error)


def log_ratios(above: list[float], below: list[float]) -> list[float]:
    return [math.log(a / b) for a, b in zip(above, below, strict=True)]


def test_the_sum_grows_linearly_for_pre_ln_and_not_at_all_for_post_ln(starts):
    def power(each: Start) -> float:
        return np.polyfit(np.log(np.arange(1, DEEP + 1)), np.log(each.q), 1)[0]

    assert all(0.7 < power(each) < 1.3 for each in starts["pre", DEEP])
    assert all(-0.3 < power(each) < 0.3 for each in starts["post", DEEP])


@pytest.mark.parametrize("arm", ["pre", "post"])
def test_what_reaches_the_last_block_goes_like_one_over_the_size_of_the_sum(starts, arm):
    """Four times as deep, it is half for pre-LN, and the same for post-LN."""
    deep, shallow = starts[arm, DEEP], starts[arm, SHALLOW]
    expect(
        log_ratios(
            [each.by_sum[-1] * each.q[-1] ** 0.5 for each in deep],
            [each.by_sum[-1] * each.q[-1] ** 0.5 for each in shallow],
        )
    )
    shrinks = np.exp(
        np.mean(log_ratios([x.by_sum[-1] for x in deep], [x.by_sum[-1] for x in shallow]))
    )
    assert (0.35 < shrinks < 0.7) if arm == "pre" else (0.9 < shrinks < 1.1)


def test_the_last_kernels_gradient_shrinks_so_for_pre_ln_beside_post_ln(starts):
    def growth(arm: str) -> list[float]:
        deep, shallow = starts[arm, DEEP], starts[arm, SHALLOW]
        return log_ratios([x.by_last_kernel for x in deep], [x.by_last_kernel for x in shallow])

    sizes = [
        np.mean([math.log(each.q[-1]) for each in starts["pre", depth]])
        for depth in (SHALLOW, DEEP)
    ]
    pre, post = growth("pre"), growth("post")
    assert np.mean(post) > 0 > np.mean(pre)
    expect(np.subtract(pre, post).tolist(), theory=-(sizes[1] - sizes[0]) / 2)


@pytest.mark.parametrize("arm", ARMS)
def test_over_the_blocks_the_gradient_goes_as_the_sum_does(starts, arm):
    expect(
        [
            math.log(each.by_sum[0] / each.by_sum[-1]) - 0.5 * math.log(each.q[-1] / each.q[0])
            for each in starts[arm, DEEP]
        ]
    )


def test_deepnorm_moves_the_outputs_no_more_when_it_is_deeper(starts):
    """One step of gradient descent on the kernels of the branches; post-LN's moves them more."""

    def growth(arm: str) -> float:
        deep, shallow = starts[arm, DEEP], starts[arm, SHALLOW]
        return np.mean(log_ratios([x.moved for x in deep], [x.moved for x in shallow]))

    assert growth("deepnorm") < math.log(1.5)
    assert growth("post") > math.log(DEEP / SHALLOW)


def test_deepnorms_sum_is_as_large_as_its_residual(starts):
    """alpha^2 + 1 at most, the branch being at most as large as what is normalized."""
    for depth in (SHALLOW, DEEP):
        for each in starts["deepnorm", depth]:
            for q in each.q:
                assert residual_scale(depth) ** 2 * 0.9 < q < residual_scale(depth) ** 2 + 1


# ---------------------------------------------------------------- a gate at zero


@keras.saving.register_keras_serializable(package="test_transformer_start")
class ZeroGate(keras.Layer):
    """x + a h with a = 0 at the start (Bachlechner et al. 2020, arXiv:2003.04887)."""

    def build(self, input_shape):
        self.gate = self.add_weight(shape=(), initializer="zeros", name="gate")

    def call(self, inputs):
        x, h = inputs
        return x + self.gate * h


def test_a_gate_at_zero_makes_every_block_the_identity():
    """And the gradient by the inputs that of the net without blocks, whatever the depth."""
    registered = keras.saving.get_custom_objects()
    registered["test_transformer_start>ZeroGate"] = ZeroGate  # another test may clear them
    gate = KerasPart(class_name="ZeroGate")
    model = build(DEEP, normalization_place="nowhere", skip=gate)
    x, y = batch(0)
    gates = [layer for layer in model.layers if isinstance(layer, ZeroGate)]
    assert len(gates) == 2 * DEEP

    def by_inputs(outputs_of):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = LOSS(y, outputs_of(x))
        return tape.gradient(loss, x).numpy()

    def without_blocks(x):
        for name in ("projection", "positions", "output"):
            x = model.get_layer(name)(x)
        return x

    np.testing.assert_array_equal(model(x), without_blocks(x))
    np.testing.assert_array_equal(by_inputs(model), by_inputs(without_blocks))
    assert by_inputs(model).any()
    for layer in gates:
        layer.gate.assign(0.5)
    assert np.any(by_inputs(model) != by_inputs(without_blocks))
