import difflib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import hypothesis
import jsonschema
import pytest
import yaml
from hypothesis import strategies as st

from zoo import recipe
from zoo.errors import ZooError
from zoo.recipe import finding, messages, resolved, schema, yaml_places
from zoo.recipe.families import AnyFamily
from zoo.recipe.values import AddedLater, Strict

ROOT = Path(__file__).resolve().parents[2]
VALID = """\
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
baseline: sigmoid
arms:
  sigmoid: {}
  relu: {model.activation: relu}
  adam:
    training.optimizer: Adam
    training.learning_rate: [0.0001, 0.001]
"""
MODEL = "{family: mlp, depth: 10, width: 64, activation: sigmoid}"
RELU = "{model.activation: relu}"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes x.yaml, or another file, in a current folder of its own."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "x.yaml") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    return write


def refusal(path: str, **arguments: object) -> list[str]:
    with pytest.raises(ZooError) as caught:
        recipe.load(path, **arguments)
    return str(caught.value).split("\n")


# ---------------------------------------------------------------- what is read


def test_an_arm_is_the_recipe_with_its_changes(written):
    loaded = recipe.load(written(VALID))
    assert (loaded.id, loaded.title, loaded.baseline) == ("x", "A title", "sigmoid")
    assert list(loaded.arms) == ["sigmoid", "relu", "adam"]
    relu, base = loaded.arms["relu"], loaded.spec
    assert relu.id == "x/relu"
    assert relu.changes == {"model.activation": "relu"}
    assert relu.spec.model.activation.class_name == "relu"
    assert relu.spec.model_copy(update={"model": base.model}) == base
    assert base.model.initializer.class_name == "glorot_uniform"


def test_a_value_replaces_and_never_merges(written):
    adam = recipe.load(written(VALID)).arms["adam"].spec.training
    assert adam.optimizer == schema.KerasPart(class_name="Adam")  # without momentum
    assert adam.learning_rate == [0.0001, 0.001]
    assert adam.steps == 100


def test_yaml_traps_do_not_reach_the_user(written):
    text = VALID.replace("[0.01, 0.1]", "[1e-2, 1E-1]").replace("title: A title", "title: no")
    loaded = recipe.load(written(text))
    assert loaded.spec.training.learning_rate == [0.01, 0.1]
    assert loaded.title == "no"


def test_the_grid_is_sorted(written):
    loaded = recipe.load(written(VALID.replace("[0.01, 0.1]", "[0.1, 0.01]")))
    assert loaded.spec.training.learning_rate == [0.01, 0.1]


@pytest.mark.parametrize("recipe_id", recipe.available())
def test_a_shipped_recipe_is_valid(recipe_id):
    loaded = recipe.load(recipe_id)
    assert loaded.id == recipe_id
    assert loaded.arms[loaded.baseline].changes == {}


def test_only_some_arms_keep_the_baseline(written):
    loaded = recipe.load(written(VALID))
    assert list(loaded.only(["adam"]).arms) == ["sigmoid", "adam"]
    with pytest.raises(ZooError, match=r"^x: no arm 'rel', did you mean relu\?$"):
        loaded.only(["rel"])
    with pytest.raises(ZooError, match=r"^x: no arm 'zzz', arms: sigmoid, relu, adam$"):
        loaded.only(["zzz"])


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # unknown keys at each level
        ("steps: 100", "step: 100", "8:3: training.step: unknown key, did you mean steps?"),
        ("depth: 10", "Depth: 10", "4:22: model.Depth: unknown key, did you mean depth?"),
        ("width: 64,", "width: 64, cell: lstm,", "4:44: model.cell: unknown key, known: family"),
        ("claim: A", "claims: A", "2:1: claims: unknown key, did you mean claim?"),
        ("mode: max", "modes: max", "12:32: target.modes: unknown key, did you mean mode?"),
        ("config:", "cfg:", "6:32: training.optimizer.cfg: unknown key, did you mean config?"),
        (RELU, "{modle.width: 3}", "16:10: arms.relu: modle.width: unknown key, did you mean m"),
        (RELU, "{model.widht: 3}", "16:10: arms.relu: model.widht: unknown key, did you mean w"),
        (RELU, "{title: x}", "16:10: arms.relu: title: unknown key, "),
        # missing
        ("claim: A claim\n", "", "1:1: claim: missing"),
        ("depth: 10, ", "", "4:1: model.depth: missing"),
        # types and sizes
        ("steps: 100", "steps: 1e2", "8:3: training.steps: should be a valid integer, not 100.0"),
        ("steps: 100", "steps: '100'", "8:3: training.steps: should be a valid integer, not '100'"),
        ("steps: 100", "steps: true", "8:3: training.steps: should be a valid integer, not True"),
        ("depth: 10", "depth: -1", "4:22: model.depth: should be greater than or equal to 1"),
        ("depth: 10", "depth: 99999999999", "4:22: model.depth: should be less than 2147483648"),
        ("seeds: 3", "seeds: 0", "10:3: training.seeds: should be greater than or equal to 1, n"),
        ("seeds: 3", "seeds: 1001", "10:3: training.seeds: should be less than or equal to 1000"),
        (f"model: {MODEL}", "model: 3", "4:1: model: should be a mapping of keys to values, not 3"),
        ("title: A title", "title: 7", "1:1: title: should be a valid string, not 7"),
        ("title: A title", "title: ''", "1:1: title: should not be empty"),
        (
            "family: mlp",
            "family: mpl",
            "4:9: model.family: should be 'mlp', 'cnn', 'rnn', 'transformer', not 'mpl'",
        ),
        ("activation: sigmoid", "activation: ''", "4:44: model.activation: should not be empty"),
        (
            "activation: sigmoid",
            "activation: [a]",
            "4:44: model.activation: should be a mapping of",
        ),
        # target
        ("value: 0.95", "value: .nan", "12:43: target.value: should be a finite number, not nan"),
        ("value: 0.95", "value: -.inf", "12:43: target.value: should be a finite number, not -inf"),
        ("value: 0.95", "value: 95", "12:43: target.value: should be above 0 and at most 1"),
        ("mode: max", "mode: min", "12:32: target.mode: val_accuracy is to be at its max, not its"),
        ("val_accuracy", "accuracy", "12:10: target.metric: should be 'val_accuracy' or 'val_loss"),
        # the grid
        ("[0.01, 0.1]", "[]", "7:3: training.learning_rate: needs at least 1, has 0"),
        ("[0.01, 0.1]", "[0.1, 1e-1]", "7:3: training.learning_rate: a learning rate is given tw"),
        ("[0.01, 0.1]", "[0.1, 0]", "7:24: training.learning_rate.1: should be greater than 0, n"),
        ("[0.01, 0.1]", "0.1", "7:3: training.learning_rate: should be a valid list, not 0.1"),
        ("[0.01, 0.1]", "[1e-320, 1.0, 1e300]", "7:3: training.learning_rate: should be evenly sp"),
        ("[0.01, 0.1]", "[1, 2, 10]", "7:3: training.learning_rate: should be evenly spaced in th"),
        (
            "[0.01, 0.1]",
            "[0.01]\n  final_tuning_seeds: 2",
            "8:3: training.final_tuning_seeds: 2 more for the two best rates, and training.learn",
        ),
        ("tuning_seeds: 2", "tuning_seeds: 2\n  final_tuning_seeds: -1", "12:3: training.final_tu"),
        ("{momentum: 0.9}", "{learning_rate: 1}", "6:3: training.optimizer: the learning rate be"),
        (
            "evaluate_every: 10",
            "evaluate_every: 101",
            "9:3: training.evaluate_every: 101 is more than training.steps (100): nothing would be",
        ),
        # arms
        (
            "baseline: sigmoid",
            "baseline: sigmoids",
            "13:1: baseline: no arm, did you mean sigmoid?",
        ),
        (
            "baseline: sigmoid",
            "baseline: Sigmoid",
            "13:1: baseline: should be lower-case letters, ",
        ),
        ("sigmoid: {}", "sigmoid: {model.depth: 3}", "15:3: arms.sigmoid: the baseline is the rec"),
        (RELU, "{}", "16:3: arms.relu: changes nothing: only the baseline may be {}"),
        (RELU, "", "16:3: arms.relu: should be a mapping of keys to values, not None"),
        (RELU, "{model.depth: 10}", "16:10: arms.relu: model.depth: changes nothing, it is 10 alr"),
        (
            RELU,
            "{model.activation: relu, model.initializer: {class_name: glorot_uniform}}",
            "16:34: arms.relu: model.initializer: changes nothing, it is {'class_name': 'glor",
        ),
        (
            RELU,
            f"{{model: {MODEL.replace('10', '9')}, model.depth: 2}}",
            "16:74: arms.relu: model.depth: is in model, which is given too: give one of them",
        ),
        (
            RELU,
            "{model.activation.config.x: 1}",
            "16:10: arms.relu: model.activation.config.x: nothing to change: activation is 'sig",
        ),
        ("relu: {", "re-lu: {", "16:3: arms.re-lu: should be lower-case letters, digits and _, no"),
        (
            "relu: {",
            f"{'r' * 201}: {{",
            f"16:3: arms.{'r' * 57}...: string should have at most 200 characters, not 'rrr",
        ),
        # fairness
        (RELU, "{data.batch_size: 8}", "16:10: arms.relu: data.batch_size: no arm may change it"),
        (RELU, "{training.steps: 200}", "16:10: arms.relu: training.steps: no arm may change it: "),
        (RELU, "{training.seeds: 2}", "16:10: arms.relu: training.seeds: no arm may change it: p"),
        (RELU, "{training.tuning_seeds: 3}", "16:10: arms.relu: training.tuning_seeds: no arm may"),
        (RELU, "{training.final_tuning_seeds: 6}", "16:10: arms.relu: training.final_tuning_seed"),
        (RELU, "{training.drops: [50]}", "16:10: arms.relu: training.drops: no arm may change it"),
        (RELU, "{target.value: 0.5}", "16:10: arms.relu: target.value: no arm may change it: eve"),
        (
            RELU,
            "{model.depth: 2, training.learning_rate: [0.1, 1]}",
            "16:26: arms.relu: training.learning_rate: only an arm that changes the optimizer m",
        ),
        (
            "[0.0001, 0.001]",
            "[0.0001, 0.001, 0.01]",
            "19:5: arms.adam: training.learning_rate: needs 2 points and the ratio 10 of the last",
        ),
        (
            "[0.0001, 0.001]",
            "[0.0001, 0.01]",
            "19:5: arms.adam: training.learning_rate: needs 2 points and the ratio 10 of the last",
        ),
        # not plain YAML
        ("title: A", "title: !!python/name:os.system A", "1:8: tag '!!python/name:os.system': onl"),
        ("steps: 100", "steps: 100\n  steps: 100", "9:3: steps: key given twice"),
        ("title: A", '"a\\nb": 1\ntitle: A', "1:1: a\\nb: unknown key, known: data, model, train"),
    ],
)
def test_a_mistake_is_told_by_its_place_and_key(written, old, new, expected):
    assert VALID.count(old) == 1 or old in ("config:", "claim: A")
    lines = refusal(written(VALID.replace(old, new, 1)))
    assert any(line.startswith(f"x.yaml:{expected}") for line in lines), lines


def test_every_mistake_has_one_line_and_is_told_once(written):
    text = VALID.replace("depth: 10", "depth: ten").replace("steps: 100", "step: 100")
    assert refusal(written(text)) == [
        "x.yaml:4:22: model.depth: should be a valid integer, not 'ten'",
        "x.yaml:5:1: training.steps: missing",
        "x.yaml:8:3: training.step: unknown key, did you mean steps?",
    ]


def test_the_mistakes_of_all_arms_are_told_together(written):
    text = VALID.replace(RELU, "{model.depth: 0, model.widht: 3}").replace("0.001]", "0.01]")
    assert refusal(written(text)) == [
        "x.yaml:16:10: arms.relu: model.depth: should be greater than or equal to 1, not 0",
        "x.yaml:16:26: arms.relu: model.widht: unknown key, did you mean width?",
        "x.yaml:19:5: arms.adam: training.learning_rate: needs 2 points and the ratio 10 of the "
        "last to the first, as the recipe's grid has; has 2 and 100",
    ]


def test_a_family_is_told_its_own_keys():
    class Spec(Strict):
        model: AnyFamily

    def mistakes(**model: object) -> list[tuple[object, str]]:
        return messages.mistakes(Spec, {"model": model})

    assert mistakes(family="rnn", cell="LSTM", width=3) == []
    assert mistakes(family="rnn", cel="LSTM", width=3) == [
        (("model", "cell"), "missing"),
        (("model", "cel"), "unknown key, did you mean cell?"),
    ]
    assert mistakes(family="rn") == [
        (("model", "family"), "should be 'mlp', 'cnn', 'rnn', 'transformer', not 'rn'"),
    ]
    assert mistakes(cell="LSTM") == [(("model", "family"), "missing")]


# ---------------------------------------------------------------- extends


CHILD = "extends: a/parent\ntitle: B\nmodel.depth: 3\n"


def test_extends_replaces_values_of_a_recipe_in_the_same_folder(written):
    written(VALID, "recipes/a/parent.yaml")
    child = recipe.load(written(f"{CHILD}training.optimizer: SGD\n", "recipes/b/child.yaml"))
    assert (child.id, child.title, child.claim) == ("b/child", "B", "A claim")
    assert child.spec.model.depth == 3
    assert child.spec.training.optimizer == schema.KerasPart(class_name="SGD")


def test_extends_a_recipe_of_the_zoo_from_anywhere(written):
    child = recipe.load(written("extends: digits/activation\ntraining.steps: 14\n"))
    assert child.minutes is None and recipe.load("digits/activation").minutes  # the parent's own
    assert child.spec.training.steps == 14
    assert list(child.arms) == list(recipe.load("digits/activation").arms)


def test_a_mistake_is_told_in_the_file_that_makes_it(written):
    written(VALID.replace("width: 64", "width: -64"), "recipes/a/parent.yaml")
    child = written(CHILD.replace("3", "0"), "recipes/b/child.yaml")
    assert refusal(child) == [
        "recipes/b/child.yaml:3:1: model.depth: should be greater than or equal to 1, not 0",
        "recipes/a/parent.yaml:4:33: model.width: should be greater than or equal to 1, not -64",
    ]


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("extends: b/child", "1:1: extends: a recipe cannot extend itself"),
        ("extends: a/parnt", "1:1: extends: no recipe 'a/parnt', did you mean a/parent?"),
        ("extends: zzz", "1:1: extends: no recipe 'zzz', give the id of one, see: zoo list"),
        ("extends: ../outside", "1:1: extends: no recipe '../outside', "),
        ("extends: [a/parent]", "1:1: extends: no recipe ['a/parent'], "),
        ("extends:", "1:1: extends: no recipe None, "),
        ("extends: b/other", "1:1: extends: b/other itself extends another: extend that one"),
        ("extends: a/parent\nmodle.depth: 3", "2:1: modle.depth: unknown key, did you mean model?"),
        ("extends: a/parent\nmodel.dept: 3", "2:1: model.dept: unknown key, did you mean depth?"),
        ("extends: a/parent\nmodel: {depth: 3}", "2:1: model.family: missing"),
        (
            "extends: a/parent\nmodel.activation.config.x: 3",
            "2:1: model.activation.config.x: nothing to change: activation is 'sigmoid', without",
        ),
    ],
)
def test_extends_to_nowhere(written, child, expected):
    written(VALID, "recipes/a/parent.yaml")
    written(VALID, "outside.yaml")
    written("extends: a/parent", "recipes/b/other.yaml")
    lines = refusal(written(child, "recipes/b/child.yaml"))
    assert any(line.startswith(f"recipes/b/child.yaml:{expected}") for line in lines), lines


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("training.steps=100", "training.steps", 100),
        ("training.learning_rate=[1e-3, 1]", "training.learning_rate", [0.001, 1]),
        ("model.activation=on", "model.activation", "on"),
        ("a=b=c", "a", "b=c"),
        ("a=null", "a", None),
        (
            "training.optimizer={class_name: SGD, config: {momentum: 0.9}}",
            "training.optimizer",
            {"class_name": "SGD", "config": {"momentum": 0.9}},
        ),
    ],
)
def test_a_setting_is_a_key_and_a_yaml_value(text, key, value):
    assert recipe.parse_setting(text) == (key, value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps", "--set steps: expected key=value, such as training.steps=100"),
        ("=3", "--set =3: expected key=value, such as training.steps=100"),
        ("=", "--set =: expected key=value, such as training.steps=100"),
        ("a=", "--set a=: an empty value: give one, or null for none"),
        ("a=[1", "--set a:1:3: not YAML: expected ',' or ']', but got '<stream end>'"),
        (
            "a=!!python/name:os.x",
            "--set a:1:1: tag '!!python/name:os.x': only plain values are allowed",
        ),
    ],
)
def test_a_setting_that_is_none(text, message):
    with pytest.raises(ZooError) as caught:
        recipe.parse_setting(text)
    assert str(caught.value) == message


def test_settings_replace_values_of_the_file(written):
    settings = {"training.steps": 20, "training.optimizer": "Adam"}
    text = VALID.replace("    training.optimizer: Adam\n", "    training.optimizer: Lion\n")
    loaded = recipe.load(written(text), settings=settings, seeds=7)
    assert loaded.spec.training.steps == 20
    assert loaded.spec.training.optimizer == schema.KerasPart(class_name="Adam")
    assert {arm.spec.training.seeds for arm in loaded.arms.values()} == {7}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"settings": {"training.stesp": 3}}, "--set: training.stesp: unknown key, did you mean s"),
        ({"settings": {"trainin.steps": 3}}, "--set: trainin.steps: unknown key, did you mean tr"),
        ({"settings": {"title": "x"}}, "--set: title: unknown key, "),
        ({"settings": {"training.steps": "x"}}, "--set: training.steps: should be a valid integer"),
        ({"settings": {"training.steps": 9}}, "x.yaml:9:3: training.evaluate_every: 10 is more"),
        ({"settings": {"training": {}, "training.steps": 3}}, "--set: training.steps: is in train"),
        ({"settings": {"model.activation": "relu"}}, "x.yaml:16:10: arms.relu: model.activation: "),
        ({"seeds": 0}, "--seeds: training.seeds: should be greater than or equal to 1, not 0"),
    ],
)
def test_a_setting_that_does_not_fit(written, arguments, expected):
    lines = refusal(written(VALID), **arguments)
    assert any(line.startswith(expected) for line in lines), lines


# ---------------------------------------------------------------- finding


def test_find_takes_ids_globs_and_paths(written):
    shipped = recipe.available()["digits/activation"]
    assert recipe.find(["digits/act*"]) == [("digits/activation", shipped)]
    assert recipe.find(["digits/activation", str(shipped)]) == [("digits/activation", shipped)]
    path = written(VALID, "here/recipes/deep/er/x.yaml")
    assert recipe.find([path]) == [("deep/er/x", Path(path))]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("digit/activation", "digit/activation: no such recipe; did you mean digits/activation"),
        ("qqqqqq*", "qqqqqq*: no such recipe; see: zoo list"),
        ("none.yaml", "none.yaml: cannot be read: No such file or directory"),
        ("y" * 300 + ".yaml", "y" * 300 + ".yaml: cannot be read: File name too long"),
        ("a\0.yaml", "a\\x00.yaml: cannot be read: embedded null byte"),
        ("x y.yaml", "x y.yaml: 'x y.yaml': rename it: a recipe's path is its id, of letters, dig"),
        ("..yaml", "..yaml: '..yaml': rename it: a recipe's path is its id, of letters, digits, _"),
    ],
)
def test_find_says_what_is_not_there(written, pattern, message):
    written(VALID, "x y.yaml")
    written(VALID, "..yaml")
    with pytest.raises(ZooError) as caught:
        recipe.find([pattern])
    assert str(caught.value).startswith(message)


def test_two_files_may_not_share_an_id(written):
    written(VALID, "a/x.yaml"), written(VALID, "b/x.yaml")
    with pytest.raises(ZooError, match=r"^b/x.yaml: has the id of a/x.yaml, x: rename one$"):
        recipe.find(["a/x.yaml", "b/x.yaml"])


def test_load_wants_one_recipe(written, monkeypatch):
    monkeypatch.setattr(finding, "available", lambda: {"d/a": Path("a"), "d/b": Path("b")})
    assert refusal("d/*") == ["d/*: names 2 recipes: name one"]


def test_an_arm_is_loaded_with_its_recipe(written):
    loaded, arm = recipe.load_arm("digits/activation/relu_he", {"training.steps": 70})
    assert (loaded.id, arm.id) == ("digits/activation", "digits/activation/relu_he")
    assert arm.spec.training.steps == 70 and arm == loaded.arms["relu_he"]
    _, arm = recipe.load_arm(f"{written(VALID, 'recipes/my/own.yaml')}/relu")
    assert arm.id == "my/own/relu"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits/activation", "digits/activation: a recipe: give an arm after a slash; arms: sigm"),
        ("x.yaml", "x.yaml: a recipe: give an arm after a slash; arms: sigmoid, relu, adam"),
        ("x.yaml/rleu", "x: no arm 'rleu', did you mean relu?"),
        ("x.yaml/", "x: no arm '', arms: sigmoid, relu, adam"),
        ("y.yaml/relu", "y.yaml: cannot be read: No such file or directory"),
        ("relu", "relu: no arm of a recipe: give a recipe, a slash and an arm, such as digits/a"),
        ("digits/activation/rellu", "digits/activation: no arm 'rellu', did you mean relu?"),
        ("digits/activatoin/relu", "digits/activatoin: no such recipe; did you mean digits/activ"),
        ("digits/*/relu", "digits/*: names "),
    ],
)
def test_an_arm_that_is_none_is_told(written, name, message):
    written(VALID)
    with pytest.raises(ZooError) as caught:
        recipe.load_arm(name)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


# ---------------------------------------------------------------- the digest of an arm


def digests(path: str, **arguments: object) -> dict[str, str]:
    return {name: arm.sha256 for name, arm in recipe.load(path, **arguments).arms.items()}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: A title", "title: Another"),
        ("claim: A claim", "claim: Another\nsources: [he2015]"),
        ("seeds: 3", "seeds: 8"),
        ("activation: sigmoid", "activation: {class_name: sigmoid}"),
        ("activation: sigmoid", "activation: sigmoid, initializer: glorot_uniform"),
        ("activation: sigmoid", "activation: sigmoid, skip: null, skip_over: null"),
        ("batch_size: 64", "batch_size: 64, scale: standard"),
        ("[0.01, 0.1]", "[1e-1, 1e-2]"),
        (RELU, "{model.activation: {class_name: relu, config: {}}}"),
    ],
)
def test_words_seeds_and_spelling_leave_evidence_valid(written, old, new):
    assert old in VALID
    before = digests(written(VALID))
    assert digests(written(VALID.replace(old, new, 1))) == before
    assert digests(written(VALID), seeds=9) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: digits", "name: other"),
        ("batch_size: 64", "batch_size: 32"),
        ("batch_size: 64", "batch_size: 64, scale: unit"),
        ("depth: 10", "depth: 9"),
        ("depth: 10", "depth: 10, skip: Add"),
        ("depth: 10", "depth: 10, skip: Add, skip_over: [[2, 3]]"),
        ("momentum: 0.9", "momentum: 0.8"),
        ("steps: 100", "steps: 99"),
        ("evaluate_every: 10", "evaluate_every: 11"),
        ("tuning_seeds: 2", "tuning_seeds: 3"),
        ("value: 0.95", "value: 0.94"),
        ("[0.01, 0.1]", "[0.02, 0.2]"),
    ],
)
def test_what_decides_a_run_changes_its_digest(written, old, new):
    before, after = digests(written(VALID)), digests(written(VALID.replace(old, new, 1)))
    assert before["relu"] != after["relu"]
    assert len(set(before.values())) == 3


def test_the_digest_covers_every_value_those_that_nobody_wrote_too(written):
    """A default that changes makes other runs, so it must make old evidence foreign."""
    for recipe_id in ("digits/activation", "digits/residual", "adding_problem_50/gating"):
        for arm in recipe.load(recipe_id).arms.values():
            values = arm.spec.model_dump()
            del values["training"]["seeds"]
            assert values["data"].pop("scale") == "standard"  # which came later, as these did
            if arm.spec.model.family == "mlp":
                assert [values["model"].pop(key) for key in ("skip", "skip_over")] == [None, None]
            assert values["training"].pop("warmup") == 0
            text = json.dumps(values, sort_keys=True, separators=(",", ":"))
            assert arm.sha256 == hashlib.sha256(text.encode()).hexdigest()


class Older(Strict):
    width: int = 3


class Newer(Strict):
    width: int = 3
    gate: Annotated[float, AddedLater(before=1.0)] = 1.0


class WithANewDefault(Strict):
    width: int = 3
    gate: Annotated[float, AddedLater(before=1.0)] = 0.5


def test_an_argument_that_is_added_leaves_evidence_valid_where_it_changes_nothing():
    deciding = resolved.deciding
    assert deciding(Newer()) == deciding(Older()) == {"width": 3}
    assert deciding(Newer(gate=0.5)) == deciding(WithANewDefault()) == {"width": 3, "gate": 0.5}
    assert deciding(WithANewDefault(gate=1.0)) == deciding(Older())


# ---------------------------------------------------------------- any text at all


ODD = ["", "null", "[]", "{}", "-1", "0", "1e999", ".nan", "on", "'x'", "&a [*a]", "*a", "!!set x"]
ODD += ["!x", "|", "? [a]", "9" * 400, "'\\'", '"\\ud800"', "\t", "\0", "é", "%", "a: b", "- a"]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The valid recipe after a few changes of its lines, characters and values."""
    text = VALID
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "repeat", "move", "value", "insert", "cut"])):
            case "delete":
                del lines[at]
            case "repeat":
                lines.insert(at, lines[at])
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "value":
                key, colon, _ = lines[at].rpartition(":")
                lines[at] = f"{key}{colon} {draw(st.sampled_from(ODD))}"
            case "insert":
                column = draw(st.integers(0, len(lines[at])))
                new = draw(st.text(max_size=3) | st.sampled_from(ODD))
                lines[at] = lines[at][:column] + new + lines[at][column:]
            case "cut":
                column = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:column] + lines[at][column + draw(st.integers(1, 4)) :]
        text = "\n".join(lines)
    return text


@hypothesis.given(mutations())
@hypothesis.settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_a_mutated_recipe_is_valid_or_refused_by_the_name_of_its_file(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        loaded = recipe.load(path)
    except ZooError as error:
        for line in str(error).split("\n"):
            assert line.startswith(f"{path}:")
            assert line.isprintable()
    else:
        assert loaded.baseline in loaded.arms
        assert len({arm.sha256 for arm in loaded.arms.values()}) > 1


UNSEEN = st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters="\n\t")
SIGNS = [
    ("title: A title", 'title: "A ~title"'),
    ("claim: A claim", 'claim: "A claim~"'),
    ("  relu: {", '  "re~lu": {'),
    ("activation: sigmoid}", 'activation: "sig~moid"}'),
    ("seeds: 3", '"see~ds": 3'),
]


@hypothesis.given(st.sampled_from(SIGNS), UNSEEN)
@hypothesis.example(SIGNS[0], "\u202e")
@hypothesis.example(SIGNS[1], "\u2066")
@hypothesis.example(SIGNS[2], "\u200b")
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_a_sign_that_is_not_seen_is_refused_in_every_word(change, sign):
    """Among them those that turn the order of a line round: it would not say what it is."""
    old, new = change
    text = VALID.replace(old, new.replace("~", f"\\U{ord(sign):08x}"))
    with pytest.raises(ZooError) as caught:
        yaml_places.parse(text, "x.yaml")
    assert f"holds the control character {sign!a}: remove it" in str(caught.value)
    assert str(caught.value).isprintable()


def nested(levels: int) -> str:
    return "{a: " * levels + "1" + "}" * levels


@pytest.mark.parametrize("levels", [60, 400, 900, 20_000])
def test_what_is_nested_too_deeply_is_refused_wherever_it_is(written, levels):
    part = f"{{class_name: PReLU, config: {{x: {nested(levels)}}}}}"
    for text in (
        VALID.replace("activation: sigmoid}", f"activation: {part}}}"),
        VALID.replace(RELU, f"{{model.activation: {part}}}"),
        VALID.replace("title: A title", f"title: {'[' * levels}{']' * levels}"),
    ):
        [line] = refusal(written(text))
        assert line.startswith("x.yaml:") and "nested too deeply" in line


def test_settings_and_arms_do_not_nest_deeper_together(written):
    deep = yaml_places.parse_value(nested(46), "--set")
    part = {"class_name": "PReLU", "config": {"a": {}}}
    text = VALID.replace("activation: sigmoid}", f"activation: {part}}}".replace("'", ""))
    [line] = refusal(written(text), settings={"model.activation.config.a.b": deep})
    assert line == "--set: model.activation.config.a.b: nested too deeply: 50 levels at most"
    arm = f"{{model.activation.config.a.b: {nested(46)}}}"
    [line] = refusal(written(text.replace(RELU, arm)))
    assert line.startswith("x.yaml:16:10: arms.relu: model.activation.config.a.b: nested too deep")


# ---------------------------------------------------------------- the schema for editors


def committed_schema() -> dict[str, object]:
    return json.loads((ROOT / "recipes" / "recipe.schema.json").read_text())


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(committed_schema())
    return jsonschema.Draft202012Validator(committed_schema())


def test_the_committed_schema_is_current(tmp_path):
    script, target = ROOT / "scripts" / "recipe_schema.py", tmp_path / "recipe.schema.json"
    subprocess.run([sys.executable, str(script), str(target)], check=True)
    old = (ROOT / "recipes" / "recipe.schema.json").read_text().splitlines()
    changes = list(difflib.unified_diff(old, target.read_text().splitlines(), lineterm=""))
    assert not changes, "run scripts/recipe_schema.py"
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.schema.json"]


@pytest.mark.parametrize("path", recipe.available().values(), ids=recipe.available())
def test_a_shipped_recipe_fits_the_schema(path):
    validator().validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        (VALID, "extends: a/parent\nmodel.depth: 3\n"),
        (RELU, "{model.normalization: BatchNormalization}"),
        (RELU, "{training.optimizer.config.momentum: 0.8}"),
    ],
)
def test_the_schema_accepts_what_the_zoo_does(old, new):
    validator().validate(yaml.safe_load(VALID.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps: 100", "step: 100"),
        ("depth: 10", "dept: 10"),
        ("title: A", "titel: A"),
        (RELU, "{model.actvation: relu}"),
        ("depth: 10", "depth: 0"),
        ("[0.01, 0.1]", "[]"),
        ("  relu:", "  Re lu:"),
    ],
)
def test_the_schema_refuses_a_mistake(old, new):
    assert old in VALID
    assert not validator().is_valid(yaml.safe_load(VALID.replace(old, new, 1)))


# ---------------------------------------------------------------- speed of the command line


def test_recipes_are_read_without_tensorflow():
    code = (
        "import sys, zoo.recipe as r; r.load('digits/activation'); r.available();"
        "print([name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_the_digests_of_the_shipped_evidence_stand():
    """A default that changes, or an argument that is added, changes them: is that wanted?

    CONTRIBUTING.md says how to add an argument that leaves evidence valid.
    """
    for arm_id, digest in {
        "digits/activation/sigmoid": "31e92ed64e95",
        "digits/activation/tanh": "77c48b75cf71",
        "digits/activation/relu": "71aabe446b45",
        "digits/activation/relu_he": "6b8fa1558765",
        "digits/residual/resnet": "bbdd0219971c",
        "adding_problem_50/gating/lstm": "f32a041bcc78",
        "digits/pretraining/greedy_autoencoder": "0a6a5451c7eb",
    }.items():
        recipe_id, _, name = arm_id.rpartition("/")
        assert recipe.load(recipe_id).arms[name].sha256[:12] == digest, arm_id
