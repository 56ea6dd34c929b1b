"""Who is judged against whom: one thing apart, or beside the arm that tells two apart."""

import re

import pytest

from tests.recipe.test_loading import RELU, VALID, refusal, written
from zoo import recipe
from zoo.recipe import pairs

__all__ = ["written"]

HE = "{model.activation: relu, model.initializer: he_normal}"
TWO = VALID.replace(RELU, f"{RELU}\n  relu_he: {HE}")
AGAINST = TWO.replace("arms:\n", "against: {relu_he: relu}\narms:\n")


def test_an_arm_is_judged_against_the_baseline_or_the_one_that_is_named(written):
    arms = recipe.load(written(AGAINST)).arms
    assert {name: arm.against for name, arm in arms.items()} == {
        "sigmoid": None,
        "relu": "sigmoid",
        "relu_he": "relu",
        "adam": "sigmoid",
    }


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("{relu_he: rellu}", "against.relu_he: no arm 'rellu', did you mean relu?"),
        ("{rely_he: relu}", "against.rely_he: no arm 'rely_he', did you mean relu_he?"),
        ("{relu: relu}", "against.relu: an arm cannot be judged against itself"),
        ("{sigmoid: relu}", "against.sigmoid: is the baseline, which is judged against none"),
        (
            "{relu: relu_he, relu_he: adam, adam: relu}",
            "against.relu: goes in a circle: relu against relu_he against adam against relu",
        ),
        ("[relu]", "against: should be a mapping of keys to values, not ['relu']"),
        ("{relu: 3}", "against.relu: should be a valid string, not 3"),
    ],
)
def test_whom_it_cannot_be_judged_against(written, against, said):
    lines = refusal(written(AGAINST.replace("{relu_he: relu}", against)))
    assert any(said in line and line.startswith("x.yaml:14:") for line in lines), lines


def test_an_arm_that_differs_in_two_things_needs_the_arm_without_one_of_them(written):
    without = VALID.replace(RELU, HE)
    [line] = refusal(written(without))
    assert line == (
        "x.yaml:16:3: arms.relu: differs from sigmoid, which it is judged against, in "
        "model.activation and model.initializer: say under against which arm it differs from in "
        "one thing, or add the arm without one of them"
    )
    recipe.load(written(TWO))  # relu is the arm without the second


def test_the_arm_without_must_itself_be_fair(written):
    """Three things apart, one arm is without one of them, but none without two."""
    three = "{model.activation: relu, model.initializer: he_normal, model.depth: 5}"
    text = VALID.replace(RELU, f"{HE}\n  both: {three}")
    lines = refusal(written(text))
    assert [line.split(": ")[1] for line in lines] == ["arms.relu", "arms.both"]
    recipe.load(written(TWO + f"  both: {three}\n"))


@pytest.mark.parametrize(
    "model",
    [
        "{family: rnn, width: 64, cell: LSTM, initializer: he_normal}",
        "{family: cnn, depth: 8, widths: [4, 8, 16], activation: relu, initializer: he_normal}",
    ],
)
def test_another_family_is_one_thing_and_what_both_have_is_another(written, model):
    lines = refusal(written(VALID.replace(RELU, f"{{model: {model}}}")))
    assert any("model.family and model." in line for line in lines), lines
    plain = "{family: rnn, width: 64, depth: 10, cell: SimpleRNN, activation: sigmoid}"
    recipe.load(written(VALID.replace(RELU, f"{{model: {plain}}}")))


def test_what_changes_no_run_is_no_difference(written):
    for change in ("{training.watch_gradients: true}", "{training.precision: float32}"):
        [line] = refusal(written(VALID.replace(RELU, change)))
        assert line.endswith("arms.relu: is the same as sigmoid, which it is judged against")


@pytest.mark.parametrize(
    ("optimizer", "besides"),
    [
        ("{class_name: SGD, config: {momentum: 0.9, clipnorm: 1.0}}", []),
        ("{class_name: SGD, config: {momentum: 0.9, nesterov: true, clipnorm: 1.0}}", ["clipnorm"]),
        ("{class_name: SGD, config: {momentum: 0.9, use_ema: true, ema_momentum: 0.9}}", []),
        ("{class_name: SGD, config: {momentum: 0.9, clipnorm: null, nesterov: true}}", []),
        ("{class_name: AdamW, config: {weight_decay: 0.1, beta_1: 0.8}}", []),
        ("{class_name: Adam, config: {beta_1: 0.8, use_ema: true}}", ["use_ema"]),
        ("{class_name: Adam, config: {global_clipnorm: 1.0}}", ["global_clipnorm"]),
    ],
)
def test_several_arguments_of_a_part_are_several_things(written, optimizer, besides):
    """But those that belong to another class come with it."""
    text = VALID.replace("training.optimizer: Adam", f"training.optimizer: {optimizer}")
    text = re.sub(r"    training.learning_rate: .*\n", "", text)
    lines = refusal(written(text)) if besides else recipe.load(written(text)) and []
    assert all(f"training.optimizer.{each}" in lines[0] for each in besides)


def test_a_worse_grid_is_no_difference(written):
    slow = "  slow:\n    training.optimizer: Adam\n    training.learning_rate: [1.0e-7, 1.0e-6]\n"
    text = VALID.replace("arms:\n", "against: {adam: slow}\narms:\n") + slow
    [line] = refusal(written(text))
    assert "arms.adam: has the optimizer of slow, which it is judged against, at another" in line


# ---------------------------------------------------------------- of a recipe that is extended


def extended(written, child, parent=AGAINST):
    written(parent, "recipes/m/parent.yaml")
    return written(f"extends: m/parent\n{child}", "recipes/m/child.yaml")


def pairs_of(path):
    return {name: arm.against for name, arm in recipe.load(path).arms.items() if arm.against}


def test_a_recipe_has_the_pairs_of_the_one_it_extends(written):
    assert pairs_of(extended(written, "title: A child\n"))["relu_he"] == "relu"


def test_other_arms_or_another_baseline_drop_them(written):
    arms = f"arms:\n  sigmoid: {{}}\n  relu: {RELU}\n  relu_he: {HE}\n"
    assert pairs_of(extended(written, arms)) == {"relu": "sigmoid", "relu_he": "sigmoid"}
    broken = AGAINST.replace("{relu_he: relu}", "{relu_he: [relu]}")
    assert pairs_of(extended(written, arms, broken)) == {"relu": "sigmoid", "relu_he": "sigmoid"}


def test_one_pair_can_be_given_where_there_is_none(written):
    assert pairs_of(extended(written, "against.relu_he: relu\n", TWO))["relu_he"] == "relu"


@pytest.mark.parametrize("pair", ["against.relu_he: rellu", "against.zz: relu"])
def test_a_pair_of_an_unknown_arm_is_told_in_a_child_too(written, pair):
    lines = refusal(extended(written, f"{pair}\n"))
    assert any("no arm 'rellu'" in line or "no arm 'zz'" in line for line in lines), lines


# ---------------------------------------------------------------- in nothing


def test_an_arm_that_is_the_one_it_is_judged_against(written):
    text = TWO.replace(HE, RELU).replace("arms:\n", "against: {relu_he: relu}\narms:\n")
    [line] = refusal(written(text))
    assert line == "x.yaml:18:3: arms.relu_he: is the same as relu, which it is judged against"


def test_a_grid_goes_with_its_optimizer_and_a_part_is_one_thing(written):
    arms = recipe.load(written(AGAINST)).arms

    def differences(one, other):
        return pairs.differences(arms[one].spec, arms[other].spec)

    assert differences("adam", "sigmoid") == ["training.optimizer"]
    assert differences("relu_he", "relu") == ["model.initializer"]
    assert differences("relu_he", "adam") == [
        "model.activation",
        "model.initializer",
        "training.optimizer",
    ]


def test_chosen_arms_bring_those_they_are_judged_against(written):
    loaded = recipe.load(written(AGAINST))
    assert list(loaded.only(["relu_he"]).arms) == ["sigmoid", "relu", "relu_he"]
    assert list(loaded.only(["adam"]).arms) == ["sigmoid", "adam"]


def comments(recipe_id):
    """Those of a recipe and of the one it extends, as one line."""
    text = recipe.available()[recipe_id].read_text()
    for parent in re.findall(r"^extends: (\S+)", text, re.MULTILINE):
        text += recipe.available()[parent].read_text()
    return " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))


def apart(one, other):
    return len(pairs.differences(one.spec, other.spec))


@pytest.mark.parametrize("recipe_id", recipe.available())
def test_a_shipped_pair_differs_in_one_thing_or_the_recipe_names_the_arm_without(recipe_id):
    arms = recipe.load(recipe_id).arms
    for arm in arms.values():
        other = arms.get(arm.against)
        if other is None or apart(arm, other) == 1:
            continue
        without = [
            each.name
            for each in arms.values()
            if apart(each, arm) == 1 and apart(each, other) == apart(arm, other) - 1
        ]
        near = re.findall(rf"\b{arm.name}: (.{{0,250}})", comments(recipe_id))
        assert any(re.search(rf"\b{name}\b", text) for text in near for name in without), arm.id


def test_the_comments_of_a_confounded_pair_are_looked_at():
    arms = recipe.load("digits/activation").arms
    assert apart(arms["selu"], arms["relu_he"]) == 2
    assert "selu_he is the arm without it" in comments("mnist1d/activation")
