"""Warmup of the learning rate: exact at every step of the compiled loop, with drops and scaling."""

import keras
import numpy as np
import pytest

from tests.recipe.test_loading import RELU, VALID, refusal, written
from zoo import recipe
from zoo.training import CompiledArm

__all__ = ["written"]

pytestmark = pytest.mark.usefixtures("one_thread")
RATE, WARMUP = 2.0**-6, 16  # so that every rate, and every sum of them, is exact in float32


@keras.saving.register_keras_serializable(package="test_warmup")
class Counting(keras.optimizers.Optimizer):
    """Lowers every weight by the learning rate, whatever its gradient."""

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, keras.ops.ones_like(variable) * learning_rate)


@pytest.fixture
def counting():
    keras.saving.get_custom_objects()["test_warmup>Counting"] = Counting  # others may clear them


def rates(warmup: int, drops: list[int], steps: int) -> np.ndarray:
    """The rate of each step, in float64."""
    each = np.arange(steps)
    risen = np.minimum(1, (each + 1) / warmup) if warmup else 1.0
    return RATE * risen / 10.0 ** np.searchsorted(drops, each, side="right")


def moved(arm: CompiledArm) -> list[float]:
    """How far the biases of the last layer, 0 at the start, are after each segment of a run."""
    arm.reset(0, RATE)
    segments, biases = arm.segments(), []
    for number in range(len(segments.first)):
        assert arm.train(segments.part(number, number + 1)) == -1
        [bias] = set(arm.model.get_layer("output").bias.numpy().tolist())
        biases.append(-bias)
    return biases


@pytest.mark.parametrize("xla", [False, True], ids=["plain", "xla"])
@pytest.mark.parametrize("warmup", [0, 1, WARMUP])
def test_the_rate_of_every_step(small_recipe, digits, counting, warmup, xla):
    """The biases are the sum of all rates so far, exactly; segments may end within the warmup."""
    settings = {"training__optimizer": "Counting", "training__warmup": warmup}
    arm = CompiledArm(small_recipe(**settings).arms["tanh"], digits, xla=xla)
    sums = np.cumsum(rates(warmup, [], 56))
    assert moved(arm) == sums[arm.segments().stop - 1].tolist()


def test_drops_divide_what_warmup_gives(small_recipe, digits, counting):
    """A tenth is not exact in float32: as many roundings as there are steps."""
    settings = {"training__optimizer": "Counting", "training__warmup": WARMUP}
    arm = CompiledArm(small_recipe(**settings, training__drops=[5, 21]).arms["tanh"], digits)
    stops = arm.segments().stop
    assert {5, 21} <= set(stops.tolist())
    sums = np.cumsum(rates(WARMUP, [5, 21], 56))
    np.testing.assert_allclose(moved(arm), sums[stops - 1], rtol=56 * 2.0**-24)


def test_the_rate_inside_loss_scaling(small_recipe, digits, counting):
    settings = {"training__precision": "mixed_float16", "training__loss_scaling": True}
    settings |= {"training__optimizer": "Counting", "training__warmup": WARMUP}
    arm = CompiledArm(small_recipe(**settings).arms["tanh"], digits)
    steps = moved(arm)
    assert float(arm._step.scale()) == 2.0**15  # no step was left out
    assert steps == np.cumsum(rates(WARMUP, [], 56))[arm.segments().stop - 1].tolist()


def test_a_warmup_of_one_step_is_none(compiled):
    plain, risen = compiled().run(0, 0.1), compiled(training__warmup=1).run(0, 0.1)
    for key in ("evaluation", "probe", "test_loss"):
        assert str(risen[key]) == str(plain[key])  # NaN too
    slow = compiled(training__warmup=WARMUP).run(0, 0.1)
    assert slow["evaluation"]["val_loss"][0] != plain["evaluation"]["val_loss"][0]


def test_the_time_of_a_step_is_measured_without_moving_a_weight(compiled):
    arm = compiled(training__warmup=WARMUP)
    arm.reset(0, 0.0)
    start = arm.model.get_weights()
    assert arm.seconds_per_step() > 0
    for before, after in zip(start, arm.model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


# ---------------------------------------------------------------- in a recipe

PRETRAINED = "{training.warmup: 9, training.pretraining: {method: autoencoder, steps: 2}}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{training.warmup: 101}", "101 is more than training.steps (100): the learning rate"),
        ("{training.warmup: -1}", "should be greater than or equal to 0, not -1"),
        ("{training.warmup: 1.5}", "should be a valid integer, not 1.5"),
        (PRETRAINED, "is not for training.pretraining, whose layers have optimizers of their own"),
    ],
)
def test_a_warmup_that_cannot_be(written, change, said):
    lines = refusal(written(VALID.replace(RELU, change)))
    assert any("arms.relu: training.warmup: " in line and said in line for line in lines), lines


def test_an_arm_may_warm_up_where_another_does_not(written):
    arms = recipe.load(written(VALID.replace(RELU, "{training.warmup: 100}"))).arms
    assert (arms["sigmoid"].spec.training.warmup, arms["relu"].spec.training.warmup) == (0, 100)


def test_the_digest_is_that_of_before_unless_there_is_a_warmup(written):
    before = recipe.load(written(VALID)).arms["sigmoid"].sha256
    steps = "  steps: 100\n"
    assert steps in VALID
    digests = [
        recipe.load(written(VALID.replace(steps, f"{steps}  warmup: {warmup}\n"))).arms["sigmoid"]
        for warmup in (0, 1)
    ]
    assert [arm.sha256 == before for arm in digests] == [True, False]
