"""These tests import TensorFlow, as the module they test does."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.parts.user_file import SWOOSH, refusal, user_file
from zoo import recipe
from zoo.parts import making, trial, user_files
from zoo.recipe.values import KerasPart

RECIPE = """\
title: A title
claim: A claim
data: {name: digits, batch_size: 64}
model:
  family: mlp
  depth: 10
  width: 64
  activation: sigmoid
  initializer: glorot_uniform
training:
  optimizer: {class_name: SGD, config: {momentum: 0.9}}
  learning_rate: [0.01, 0.1]
  steps: 100
  evaluate_every: 10
  seeds: 3
  tuning_seeds: 2
target: {metric: val_accuracy, mode: max, value: 0.95}
baseline: base
arms:
  base: {}
  other: {model.depth: 2}
"""
OTHER = "other: {model.depth: 2}"

pytestmark = pytest.mark.usefixtures("empty_registry")


def part(name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=name, config=config)


# ---------------------------------------------------------------- making


@pytest.mark.parametrize(
    ("make", "name", "config", "cls"),
    [
        (making.initializer, "he_normal", {"seed": 1}, keras.initializers.HeNormal),
        (making.initializer, "HeNormal", {}, keras.initializers.HeNormal),
        (making.layer, "BatchNormalization", {}, keras.layers.BatchNormalization),
        (making.activation, "PReLU", {}, keras.layers.PReLU),
        (making.activation, "leaky_relu", {}, keras.layers.Activation),
    ],
)
def test_a_part_is_made_by_its_keras_name_anew_each_time(make, name, config, cls):
    first, second = make(part(name, **config)), make(part(name, **config))
    assert type(first) is cls
    assert first is not second


@pytest.mark.parametrize("name", ["SGD", "sgd"])
def test_an_optimizer_is_made_at_a_learning_rate(name):
    made = making.optimizer(part(name, momentum=0.5, nesterov=True), 0.25)
    assert type(made) is keras.optimizers.SGD
    assert (float(made.learning_rate), made.momentum, made.nesterov) == (0.25, 0.5, True)


def test_an_activation_function_is_applied():
    made = making.activation(part("relu"))
    np.testing.assert_array_equal(made(np.array([-1.0, 2.0])), [0.0, 2.0])


def test_making_leaves_the_recipe_as_it_is():
    nested = part("BatchNormalization", gamma_initializer={"class_name": "Ones", "config": {}})
    before = nested.model_dump_json()
    making.layer(nested)
    assert nested.model_dump_json() == before


# ---------------------------------------------------------------- checking


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "name: digits",
            "name: digit",
            "3:8: data.name: digit: no such data set, here or in tensorflow-datasets; did you mean "
            "digits?",
        ),
        (
            "activation: sigmoid",
            "activation: sigmoidd",
            "8:3: model.activation: no activation is called 'sigmoidd', did you mean sigmoid?",
        ),
        (
            OTHER,
            "other: {model.activation: Relu}",
            "21:11: arms.other: model.activation: no activation is called 'Relu', did you mean "
            "relu?",
        ),
        (
            OTHER,
            "other: {model.activation: zzzzzz}",
            "21:11: arms.other: model.activation: no activation is called 'zzzzzz', give Keras's "
            "name of one, or --import yours",
        ),
        (
            "glorot_uniform",
            "he_norml",
            "9:3: model.initializer: no initializer is called 'he_norml', did you mean he_normal?",
        ),
        (
            OTHER,
            "other: {model.normalization: BatchNorm}",
            "21:11: arms.other: model.normalization: no layer is called 'BatchNorm', did you mean "
            "BatchNormalization?",
        ),
        (
            "SGD",
            "SDG",
            "11:3: training.optimizer: no optimizer is called 'SDG', did you mean SGD?",
        ),
        (
            "momentum: 0.9",
            "momentun: 0.9",
            "11:41: training.optimizer.config.momentun: SGD has no argument 'momentun', did you "
            "mean momentum?",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: LeakyReLU, config: {slope: 1}}}",
            "21:62: arms.other: model.activation.config.slope: LeakyReLU has no argument 'slope', "
            "did you mean negative_slope?",
        ),
        (
            "glorot_uniform",
            "{class_name: RandomNormal, config: {std: 1}}",
            "9:52: model.initializer.config.std: RandomNormal has no argument 'std', did you mean "
            "stddev?",
        ),
        (
            "momentum: 0.9",
            "momentum: x",
            "11:3: training.optimizer: SGD(momentum=x): `momentum` must be a float between [0, 1].",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: relu, config: {max_value: 6}}}",
            "21:48: arms.other: model.activation.config: relu is a function and takes no config: "
            "name a layer instead",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: Dense, config: {units: 3}}}",
            "21:11: arms.other: model.activation: Dense(units=3): should keep the shape (2, 64), "
            "gives (2, 3)",
        ),
        (
            OTHER,
            "other: {model.activation: glu}",
            "21:11: arms.other: model.activation: glu: should keep the shape (2, 64), "
            "gives (2, 32)",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: TFSMLayer, config: {filepath: x}}}",
            "21:11: arms.other: model.activation: no activation is called 'TFSMLayer', give "
            "Keras's name of one, or --import yours",
        ),
    ],
)
def test_a_mistake_is_told_by_its_place(old, new, expected):
    assert RECIPE.count(old) == 1
    Path("x.yaml").write_text(RECIPE.replace(old, new))
    message = refusal(lambda: trial.check(recipe.load("x.yaml")))
    assert message == f"x.yaml:{expected}"


def test_every_mistake_has_one_line():
    Path("x.yaml").write_text(
        RECIPE.replace("sigmoid", "sigmoidd").replace("momentum: 0.9", "momentun: 1, nestrov: 2")
    )
    assert refusal(trial.check, recipe.load("x.yaml")).split("\n") == [
        "x.yaml:8:3: model.activation: no activation is called 'sigmoidd', did you mean sigmoid?",
        "x.yaml:11:41: training.optimizer.config.momentun: SGD has no argument 'momentun', did you "
        "mean momentum?",
        "x.yaml:11:54: training.optimizer.config.nestrov: SGD has no argument 'nestrov', did you "
        "mean nesterov?",
    ]


# ---------------------------------------------------------------- the user's objects


def test_an_imported_object_is_named_with_or_without_its_package():
    name, source = user_files.import_file(user_file(SWOOSH))
    assert (name, source) == ("mine.py", SWOOSH)
    for spelling in ("swoosh", "birds>swoosh"):
        made = making.activation(part(spelling))
        assert float(made(np.array(0.0))) == 0.0
    slope = making.activation(part("Slope", slope=0.25))
    assert float(slope(np.array(-4.0))) == -1.0
    assert float(making.initializer(part("Custom>Half"))((1,))[0]) == 0.5
    assert float(making.optimizer(part("HalfSGD", momentum=0.5), 0.1).momentum) == 0.5


def test_a_recipe_with_the_users_objects_is_checked():
    new = "other: {model.activation: {class_name: Slope, config: {slop: 1}}}"
    Path("x.yaml").write_text(RECIPE.replace("sigmoid", "swoosh").replace(OTHER, new))
    assert "no activation is called 'swoosh'" in refusal(trial.check, recipe.load("x.yaml"))
    user_files.import_file(user_file(SWOOSH))
    assert refusal(trial.check, recipe.load("x.yaml")) == (
        "x.yaml:21:58: arms.other: model.activation.config.slop: Slope has no argument 'slop', did "
        "you mean slope?"
    )


def test_a_mistake_in_the_users_layer_is_found_before_training():
    user_files.import_file(user_file(SWOOSH.replace("self.slope * x", "self.slop * x")))
    Path("x.yaml").write_text(RECIPE.replace(OTHER, "other: {model.activation: Slope}"))
    message = refusal(trial.check, recipe.load("x.yaml"))
    assert message.startswith("x.yaml:21:11: arms.other: model.activation: Slope: ")
    assert "'Slope' object has no attribute 'slop'" in message
    assert "\n" not in message


def test_an_object_of_another_kind_does_not_count():
    user_files.import_file(user_file(SWOOSH))
    assert refusal(making.initializer, part("Slope")).startswith("no initializer is called")
    assert refusal(making.layer, part("swoosh")).startswith("no layer is called")


def test_a_name_that_two_have_must_be_given_in_full():
    user_files.import_file(user_file(SWOOSH.replace("def swoosh", "def relu")))
    assert refusal(making.activation, part("relu")) == (
        "relu is ambiguous, birds>relu and Keras itself have it: write birds>relu, or rename yours"
    )
    made = making.activation(part("birds>relu"))
    assert float(made(np.array(-1.0))) == pytest.approx(-0.2689414)
