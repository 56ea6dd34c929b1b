"""When an alarm sounds: rules over numbers, on healthy networks never, on sick ones by name."""

import math
import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import zoo
from zoo import data
from zoo import recipe as recipes
from zoo.diagnosis import alarm
from zoo.diagnosis.alarm import GradientWarning, is_news, symptom
from zoo.parts import making
from zoo.results import published
from zoo.training import build_seeded, loss_of
from zoo.training.schedule import probe_steps

pytestmark = pytest.mark.usefixtures("one_thread")

LAYERS = ["dense_1", "dense_2", "dense_3", "dense_4", "head"]
STEPS = [0, 1, 2, 4, 8, 16, 32, 64, 100, 200]
NAN = math.nan


def history(loss=None, *, steps=STEPS, **rows):
    """A healthy history, or one in which some quantities are what is given, at every step."""
    healthy = {
        "delta_rms": [1.0] * 5,
        "kernel_grad_norm": [1.0] * 5,
        "displacement": [0.1] * 5,
        "saturated": [0.1, 0.1, 0.1, 0.1, NAN],
        "dead": [0.1, 0.1, 0.1, 0.1, NAN],
        "nonfinite": [0.0] * 5,
        "underflowed": [False] * 5,
    }
    stays = [2.3] * len(steps)
    return {
        "steps": steps,
        "layers": LAYERS,
        "connected": [True] * 5,
        "loss": stays if loss is None else loss,
        **{name: [row] * len(steps) for name, row in {**healthy, **rows}.items()},
    }


def at_the_end(before, last, count):
    """A row at each step: one before, another at the last few."""
    return [*[before] * (len(STEPS) - count), *[last] * count]


VANISHING = {"delta_rms": [1e-4, 1e-3, 1e-2, 1.0, 1.0], "displacement": [1e-4, 1e-3, 0.1, 0.1, 1]}
SICK = {
    "non-finite": history(nonfinite=[0.0, 3.0, 5.0, 0.0, 0.0]),
    "exploding": history([2.3, *[9.0] * 9], displacement=[1.0, 1.0, 200.0, 1.0, 1.0]),
    "dead": history(dead=[0.1, 1.0, 0.1, 0.1, NAN]),
    "underflow": history(underflowed=[False, True, False, False, False]),
    "zero gradient": history(kernel_grad_norm=[1.0, 0.0, 1.0, 1.0, 1.0]),
    "saturated": history(saturated=[0.1, 0.9, 0.1, 0.1, NAN]),
    "vanishing": history(**VANISHING),
}
PLACES = {"exploding": "dense_3", "vanishing": "dense_1"}


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize("name", SICK)
def test_each_symptom_is_named_with_its_place_and_a_recipe_that_is_there(name):
    seen = symptom(SICK[name])
    assert seen.name == name and seen.layer == PLACES.get(name, "dense_2")
    assert seen.recipe in recipes.available() and seen.step == 200
    assert "\n" not in str(seen) and seen.layer in str(seen) and seen.recipe in str(seen)


def test_every_rule_has_a_sick_history_and_none_alarms_on_the_healthy_one():
    assert list(SICK) == list(alarm.RULES)
    assert symptom(history()) is None and symptom(history(steps=[])) is None


GROWN = [1.0, *[150.0] * 9]
DELTAS = [1e3, 1.0, 1.0, 1.0, 1.0]
WELL = {
    "the loss falls": history(np.geomspace(2.3, 2.0, 10).tolist(), **VANISHING),
    "a small loss falls": history(np.geomspace(2.3e-6, 2.0e-6, 10).tolist(), **VANISHING),
    "a part has no gradient, and it learns": history(
        np.geomspace(2.3, 2.0, 10).tolist(), kernel_grad_norm=[1.0, 0.0, 1.0, 1.0, 1.0]
    ),
    "it has learned": history([2.3, *[0.1] * 9], **VANISHING),
    "the first layer moves": history(**{**VANISHING, "displacement": [0.05, 1, 1, 1, 1]}),
    "deltas reach it": history(**{**VANISHING, "delta_rms": [0.02, 1.0, 1.0, 1.0, 1.0]}),
    "it has just begun": {**history(**VANISHING, steps=STEPS[:8])},
    "one hidden layer": history(**{**VANISHING, "delta_rms": [NAN, NAN, NAN, 1e-4, 1.0]}),
    "deltas grow, and it learns": history(delta_rms=DELTAS),
    "a rush": history([2.3, 9.0, 9.0, *[2.3] * 7], displacement=[300.0] * 5),
    "small units, and it learns": history(displacement=[1e6] * 5),
    "a dead output is none": history(dead=[NAN] * 5),
    "most are dead": history(dead=[0.98] * 4 + [NAN]),
    "the output may saturate": history(saturated=[0.1, 0.1, 0.1, 0.1, 1.0]),
    "not connected": {
        **history(kernel_grad_norm=[1.0, 0.0, 1.0, 1.0, 1.0]),
        "connected": [True, False, True, True, True],
    },
    "it does not move yet": history(
        kernel_grad_norm=[0.0, 1.0, 1.0, 1.0, 1.0], displacement=[0.0] * 5
    ),
}


@pytest.mark.parametrize("why", WELL)
def test_what_would_have_to_be_different_for_no_alarm(why):
    for probes in range(1, len(WELL[why]["steps"]) + 1):
        assert symptom(until(WELL[why], probes)) is None, probes


def test_gradients_or_deltas_that_grow_are_a_symptom_where_the_loss_stays_above_the_first():
    worse = [2.3, *[2.5] * 9]
    grown = history(worse)
    grown["kernel_grad_norm"] = [[size] * 5 for size in GROWN]
    assert symptom(grown).name == "exploding" and "gradients are 1.5e+02 times" in str(
        symptom(grown)
    )
    ratio = history(worse, delta_rms=DELTAS)
    assert symptom(ratio).name == "exploding" and symptom(ratio).layer == "dense_1"
    for sick in (grown, ratio):
        assert symptom(until(sick, 7)) is None  # at step 32 it may be a rush


def test_a_symptom_is_one_that_stays():
    for name, running in (("dead", 2), ("underflow", 3), ("zero gradient", 3), ("saturated", 3)):
        key = {"underflow": "underflowed", "zero gradient": "kernel_grad_norm"}.get(name, name)
        sick = SICK[name][key][0]
        for count in range(1, running + 1):
            one = {**history(), key: at_the_end(history()[key][0], sick, count)}
            assert (symptom(one) is not None) == (count == running), (name, count)


def test_a_plateau_of_the_first_steps_is_none():
    for name, least in (("vanishing", 100), ("saturated", 200)):
        for probes in range(1, len(STEPS) + 1):
            one = until(SICK[name], probes)
            assert (symptom(one) is not None) == (one["steps"][-1] >= least), (name, probes)


def until(of, probes):
    """A history as it was after some probes."""
    fixed = ("layers", "connected")
    return {key: value if key in fixed else value[:probes] for key, value in of.items()}


@st.composite
def histories(draw):
    """Of finite numbers, whatever they are, with no layer at which nothing comes through."""
    count = draw(st.integers(1, 8))
    row = st.lists(st.floats(1e-12, 1e12), min_size=5, max_size=5)
    share = st.lists(st.floats(0, 0.99), min_size=5, max_size=5)

    def rows(of):
        return draw(st.lists(of, min_size=count, max_size=count))

    return {
        "steps": STEPS[-count:],
        "layers": LAYERS,
        "connected": [True] * 5,
        "loss": rows(st.floats(1e-3, 1e3)),
        "nonfinite": [[0.0] * 5] * count,
        "underflowed": [[False] * 5] * count,
        **{name: rows(row) for name in ("delta_rms", "kernel_grad_norm", "displacement")},
        **{name: rows(share) for name in ("saturated", "dead")},
    }


@settings(deadline=None, derandomize=True, max_examples=300)
@given(histories())
def test_a_model_whose_loss_falls_is_left_in_peace_whatever_its_gradients(of):
    of["loss"] = [2.3 * 0.985**at for at in range(len(of["loss"]))]
    assert symptom(of) is None


@settings(deadline=None, derandomize=True, max_examples=300)
@given(histories(), st.sampled_from(sorted(SICK)), st.integers(-60, 60), st.integers(-60, 60))
def test_a_verdict_depends_on_no_unit(of, name, loss_bits, gradient_bits):
    for one in (of, {**SICK[name]}):
        scaled = {
            **one,
            "loss": [value * 2.0**loss_bits for value in one["loss"]],
            **{
                key: [[value * 2.0**gradient_bits for value in row] for row in one[key]]
                for key in ("delta_rms", "kernel_grad_norm")
            },
        }
        verdicts = [symptom(one), symptom(scaled)]
        before, after = ((each.name, each.layer) if each else None for each in verdicts)
        assert before == after


@settings(deadline=None, derandomize=True, max_examples=100)
@given(histories(), st.integers(0, 4), st.sampled_from([NAN, math.inf, 1.0]))
def test_what_is_not_finite_comes_before_all(of, layer, loss):
    of["loss"][-1] = loss
    of["nonfinite"] = [*of["nonfinite"][:-1], [0.0] * layer + [1.0] * (5 - layer)]
    assert symptom(of)[:2] == ("non-finite", LAYERS[layer])
    of["nonfinite"] = [[0.0] * 5] * len(of["loss"])
    of["loss"][-1] = NAN
    assert symptom(of)[:2] == ("non-finite", None)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(histories())
def test_the_start_alone_is_no_verdict(of):
    assert symptom(until({**of, "steps": [0] * len(of["steps"])}, 1)) is None


def test_what_follows_from_a_symptom_is_no_news():
    seen = {name: symptom(of) for name, of in SICK.items()}
    order = list(SICK)
    for name in order:
        assert is_news(seen[name], [])
        for other in order:
            news = is_news(seen[name], [seen[other]])
            assert news == (order.index(name) < order.index(other))


# ---------------------------------------------------------------- healthy networks


def arm_of(name):
    """A model as an arm of the zoo starts, compiled at the rate of its row, and its data."""
    recipe, _, arm = name.rpartition("/")
    spec = recipes.load(recipe).arms[arm]
    loaded = data.load(spec.spec.data.name)
    rates = {(row.recipe, row.arm): row.learning_rate for row in published.rows()}
    model = build_seeded(spec, loaded, 0)
    optimizer = making.optimizer(spec.spec.training.optimizer, rates[recipe, arm])
    model.compile(optimizer, loss_of(loaded))
    return model, np.asarray(loaded.train.x), np.asarray(loaded.train.y)


def watched(model, x, y, steps, **options):
    """The alarm after some steps, how many were taken, and the warnings that it gave."""
    keras.utils.set_random_seed(0)
    watching, counted = zoo.GradientAlarm(x, y, **options), Counted()
    per_epoch = -(-len(x) // 64)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        epochs = max(1, round(steps / per_epoch))
        callbacks = [watching, counted]
        model.fit(x, y, batch_size=64, epochs=epochs, verbose=0, callbacks=callbacks)
    ours = [str(each.message) for each in given if each.category is GradientWarning]
    return watching, counted.steps, ours


class Counted(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


@pytest.mark.parametrize(
    "name",
    [
        "digits/activation/relu_he",
        "digits/normalization/depth_10_batch",
        "adding_problem_50/gating/gru",
        *(
            pytest.param(name, marks=pytest.mark.combination)
            for name in (
                "digits/activation/tanh",
                "digits/normalization/batch",
                "digits/normalization/layer",
                "digits/residual/resnet",
                "digits/residual/fixup",
                "adding_problem_50/gating/lstm",
                "adding_problem_20/transformer/pre_ln",
                "adding_problem_20/transformer/rezero",
            )
        ),
    ],
)
def test_a_healthy_arm_is_left_in_peace(name):
    watching, steps, given = watched(*arm_of(name), 240)
    assert given == [] and watching.symptoms == []
    assert watching.history["steps"] == probe_steps(steps) and steps > 200


# ---------------------------------------------------------------- sick networks


def deep(activation, initializer, depth=10, **options):
    hidden = [
        layers.Dense(64, activation, kernel_initializer=initializer, name=f"dense_{at}", **options)
        for at in range(1, depth + 1)
    ]
    head = layers.Dense(10, name="head", dtype="float32")
    return keras.Sequential([keras.Input((64,)), *hidden, head])


def in_half(*arguments):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return deep(*arguments)
    finally:
        keras.config.set_dtype_policy("float32")


LARGE = keras.initializers.RandomNormal(stddev=1.0, seed=0)
LOW = keras.initializers.Constant(-1e3)
CASES = {
    # vanishing: at Glorot's start a layer of sigmoids passes on a twentieth of the gradient
    "sigmoid": (lambda: deep("sigmoid", "glorot_uniform"), 0.03, {}, "vanishing", "dense_1", 150),
    "normal_1_relu": (lambda: deep("relu", LARGE), 0.03, {}, "non-finite", "dense_1", 40),
    "normal_1_tanh": (lambda: deep("tanh", LARGE), 0.03, {}, "saturated", "dense_1", 300),
    "half_unscaled": (
        lambda: in_half("sigmoid", "glorot_uniform"),
        0.03,
        {"auto_scale_loss": False},
        "underflow",
        "dense_1",
        40,
    ),
    "rate_1000": (lambda: deep("tanh", "glorot_uniform", 3), 1e3, {}, "exploding", None, 40),
    "dead_biases": (
        lambda: deep("relu", "he_normal", bias_initializer=LOW), 0.03, {}, "dead", "dense_1", 40
    ),
}  # fmt: skip


def sick(name, digits, **options):
    build, rate, compiled, *_, steps = CASES[name]
    keras.utils.set_random_seed(0)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss, **compiled)
    x = np.asarray(digits.train.x).reshape(-1, 64)
    return watched(model, x, np.asarray(digits.train.y), steps, **options)


@pytest.mark.parametrize("name", CASES)
def test_a_sick_network_is_named_once(name, digits):
    *_, symptom, layer, steps = CASES[name]
    watching, taken, given = sick(name, digits)
    first = watching.symptoms[0]
    assert first.name == symptom and first.layer == (layer or first.layer)
    assert len(given) == len(watching.symptoms) == len({each.name for each in watching.symptoms})
    assert taken >= steps * 0.8  # without `stop`, training goes on
    for line, each in zip(given, watching.symptoms, strict=True):
        assert str(each) in line and "\n" not in line


@pytest.mark.parametrize("name", ["dead_biases", "sigmoid"])
def test_it_stops_where_it_is_asked_to(name, digits):
    watching, taken, given = sick(name, digits, stop=True)
    [symptom] = watching.symptoms
    assert len(given) == 1 and taken == symptom.step + 1


def test_a_loss_that_is_nan_between_two_probes_is_seen_when_the_epoch_ends(digits):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 9:  # not a step of the schedule
                self.model.layers[1].kernel.assign(self.model.layers[1].kernel * NAN)

    model = deep("tanh", "glorot_uniform", 3)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.asarray(digits.train.x).reshape(-1, 64)[:640], np.asarray(digits.train.y)[:640]
    watching = zoo.GradientAlarm(x, y)
    with pytest.warns(GradientWarning, match="non-finite in layer dense_1 at step 10"):
        model.fit(x, y, batch_size=64, epochs=60, verbose=0, callbacks=[Poison(), watching])
    assert [each.step for each in watching.symptoms] == [10]
