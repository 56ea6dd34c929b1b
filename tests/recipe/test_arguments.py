"""What no argument of a part may be, though Keras takes it: told by file, line and key."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import recipe
from zoo.errors import ZooError
from zoo.recipe import messages
from zoo.recipe.schema import ArmSpec, RecipeFile

VALUES = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"family": "mlp", "depth": 2, "width": 4, "activation": "relu"},
    "training": {
        "optimizer": "SGD",
        "learning_rate": [0.1],
        "steps": 100,
        "evaluate_every": 10,
        "seeds": 3,
        "tuning_seeds": 2,
    },
    "target": {"metric": "val_accuracy", "mode": "max", "value": 0.95},
}
PARTS = [
    ("model", "activation"),
    ("model", "initializer"),
    ("model", "bias_initializer"),
    ("model", "dense"),
    ("model", "normalization"),
    ("training", "optimizer"),
    ("training", "clipping"),
]
SEED, FROZEN = "every run has random numbers of its own seed", "weights that cannot learn"
FINITE = "should be a finite number, not "
WRONG = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf]).map(lambda value: ("stddev", value, FINITE)),
    st.sampled_from([0, 1, -3, "x", 0.5, {"config": {}}]).map(lambda value: ("seed", value, SEED)),
    st.sampled_from([False, 0, None]).map(lambda value: ("trainable", value, FROZEN)),
)
RIGHT = {"seed": None, "trainable": True, "stddev": 0.1, "name": "nan", "units": 10**30}


@st.composite
def arguments(draw):
    """The arguments of a part with one that is wrong somewhere in it, its path and the reason."""
    key, value, why = draw(WRONG)
    config, path = {**RIGHT, key: value}, (key,)
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            inner = {"class_name": "X", "config": config}
            config, path = {**RIGHT, "inner": inner}, ("inner", "config", *path)
        else:
            place = draw(st.integers(0, 2))
            config = {"list": [*[1.0] * place, config, "a"]}
            path = ("list", place, *path)
    return config, path, why


def with_part(path, config):
    section, name = path
    part = {"class_name": "X", "config": config}
    return {**VALUES, section: {**VALUES[section], name: part}}


@given(arguments(), st.sampled_from(PARTS))
def test_it_is_told_wherever_it_is(mistaken, part):
    config, path, why = mistaken
    [(told, text)] = messages.mistakes(ArmSpec, with_part(part, config))
    assert told == (*part, "config", *path)
    assert text.startswith(why)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_right_is_left_alone(part):
    config = {**RIGHT, "inner": {"class_name": "X", "config": RIGHT}, "list": [RIGHT, 1.0]}
    assert messages.mistakes(ArmSpec, with_part(part, config)) == []


def test_a_recipe_is_looked_at_as_an_arm_is():
    values = with_part(("training", "optimizer"), {"momentum": math.nan})
    words = {"title": "a", "claim": "b", "baseline": "c", "arms": {"c": {}, "d": {}}}
    [(path, _)] = messages.mistakes(RecipeFile, {**values, **words})
    assert path == ("training", "optimizer", "config", "momentum")


YAML = """\
title: A title
claim: A claim
data: {name: digits, batch_size: 64}
model: {family: mlp, depth: 10, width: 64, activation: sigmoid}
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


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "momentum: 0.9",
            "momentum: .nan",
            "6:41: training.optimizer.config.momentum: should be a finite number, not nan",
        ),
        (
            "model.depth: 2",
            "model.initializer: {class_name: HeNormal, config: {seed: 1}}",
            "16:62: arms.other: model.initializer.config.seed: every run has random numbers of its "
            "own seed: leave it out",
        ),
        (
            "model.depth: 2",
            "model.normalization: {class_name: Dense, config: {units: 64, trainable: false}}",
            "16:72: arms.other: model.normalization.config.trainable: weights that cannot learn: "
            "leave it out",
        ),
        (
            "model.depth: 2",
            "model.normalization: {class_name: BatchNormalization, config: {gamma_initializer: "
            "{class_name: Constant, config: {value: -.inf}}}}",
            "16:125: arms.other: model.normalization.config.gamma_initializer.config.value: should "
            "be a finite number, not -inf",
        ),
    ],
)
def test_it_is_told_by_file_line_and_key(old, new, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert YAML.count(old) == 1
    Path("x.yaml").write_text(YAML.replace(old, new))
    with pytest.raises(ZooError) as caught:
        recipe.load("x.yaml")
    assert str(caught.value) == f"x.yaml:{expected}"


def test_a_setting_is_looked_at_too():
    settings = {"training.optimizer": {"class_name": "SGD", "config": {"momentum": math.inf}}}
    with pytest.raises(
        ZooError, match=r"^--set: training.optimizer.config.momentum: should be a f"
    ):
        recipe.load("digits/activation", settings)
