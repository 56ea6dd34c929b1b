"""Fairness is of what Keras builds: another spelling earns no arm a grid of its own."""

import inspect

import pytest

from tests.recipe.test_loading import VALID
from zoo import recipe
from zoo.errors import ZooError
from zoo.parts import built, kinds, trial
from zoo.recipe.schema import parts
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("one_thread")
AGAINST = "against: {leaky: relu}\n"


def refusals(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    try:
        trial.check(recipe.load(path))
    except ZooError as error:
        return str(error).split("\n")
    return []


@pytest.mark.parametrize("recipe_id", recipe.available())
def test_no_arm_of_the_zoo_has_a_grid_without_reason(recipe_id):
    """Rows of the zoo's own recipes rest on it: `results.eligibility` asks of others alone."""
    assert built.grids_without_reason(recipe.load(recipe_id)) == []


@pytest.mark.parametrize(
    "optimizer",
    [
        "{class_name: sgd, config: {momentum: 0.9}}",
        "{class_name: SGD, config: {momentum: 0.9, nesterov: false}}",
        "{class_name: SGD, config: {momentum: 0.9, global_clipnorm: 1.0e+30}}",
        "{class_name: SGD, config: {momentum: 0.9, clipnorm: 1.0}}",
        "{class_name: SGD, config: {momentum: 0.9, clipvalue: 0.01}}",
        "{class_name: SGD, config: {momentum: 0.9, weight_decay: 1.0e-12}}",
        "{class_name: SGD, config: {momentum: 0.9, name: mine}}",
        "{class_name: SGD, config: {momentum: 0.91}}",
        "{class_name: SGD, config: {momentum: 0.9, nesterov: true}}",
        "{class_name: SGD, config: {momentum: 0.9, loss_scale_factor: 3.0}}",
        "{class_name: SGD, config: {momentum: 0.9, gradient_accumulation_steps: 2}}",
        "{class_name: SGD, config: {momentum: 0.9, use_ema: true, ema_overwrite_frequency: 1}}",
    ],
)
def test_the_same_steps_are_no_reason_for_another_grid(tmp_path, optimizer):
    own = f"training.optimizer: {optimizer}\n"
    text = VALID.replace("training.optimizer: Adam\n", own)
    reason = "arms.adam: training.learning_rate: only an arm that changes the optimizer"
    assert any(reason in line for line in refusals(tmp_path, text))


@pytest.mark.parametrize(
    "optimizer",
    [
        "Adam",
        "SGD",
        "{class_name: SGD, config: {momentum: 0.8}}",
        "AdaHessian",
        "{class_name: Muon, config: {exclude_layers: [output]}}",
    ],
)
def test_another_optimizer_may_have_another_grid(tmp_path, optimizer):
    text = VALID.replace("training.optimizer: Adam\n", f"training.optimizer: {optimizer}\n")
    assert refusals(tmp_path, text) == []


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ("Adam", "has the optimizer of adam, which it is judged against, at another grid"),
        ("{class_name: adam, config: {}}", "steps as adam's does"),
        ("{class_name: Adam, config: {global_clipnorm: 1.0e+30}}", "steps as adam's does"),
    ],
)
def test_no_arm_is_judged_against_its_own_optimizer_at_a_worse_grid(tmp_path, optimizer, said):
    straw = f"  straw:\n    training.optimizer: {optimizer}\n"
    straw += "    training.learning_rate: [0.0000001, 0.000001]\n"
    text = VALID.replace("arms:\n", "against: {straw: adam}\narms:\n") + straw
    assert any(said in line for line in refusals(tmp_path, text))


def test_a_bound_on_an_optimizer_that_takes_more_than_gradients_is_no_other():
    bounded = KerasPart(class_name="AdaHessian", config={"global_clipnorm": 1e30})
    assert built.steps_alike(bounded, KerasPart(class_name="AdaHessian"))


def test_optimizers_are_compared_with_themselves():
    for name in ("SGD", "Adam", "AdamW", "Lion", "Muon", "AdaHessian", "Shampoo"):
        part = KerasPart(class_name=name)
        assert built.steps_alike(part, part)


@pytest.mark.parametrize(
    "config",
    ["{units: 3}", "{kernel_initializer: he_normal}", "{bias_initializer: ones}", "{name: mine}"],
)
def test_a_part_is_not_several_changes_at_once(tmp_path, config):
    dense = f"{{model.dense: {{class_name: Dense, config: {config}}}}}"
    key = config.strip("{}").partition(":")[0]
    lines = refusals(tmp_path, VALID.replace("{model.activation: relu}", dense))
    assert any(f"the model gives Dense its {key}: leave it out" in line for line in lines), lines


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{model.activation: relu}", "{model.activation: {class_name: sigmoid, config: {}}}"),
        ("{model.activation: relu}", "{model.initializer: GlorotUniform}"),
        (
            "{model.activation: relu}",
            "{model.initializer: {class_name: VarianceScaling, "
            "config: {mode: fan_avg, distribution: uniform}}}",
        ),
        (
            "adam:",
            "leaky:\n    model.activation: {class_name: LeakyReLU, config: {negative_slope: 0.0}}\n"
            "  adam:",
        ),
        (
            "{model.activation: relu}",
            "{model.dense: {class_name: Dense, config: {use_bias: true}}}",
        ),
        (
            "training.optimizer: Adam\n    training.learning_rate: [0.0001, 0.001]",
            "training.optimizer: {class_name: sgd, config: {momentum: 0.9}}",
        ),
    ],
)
def test_an_arm_that_only_spells_it_otherwise_changes_nothing(tmp_path, old, new):
    assert old in VALID
    text = VALID.replace(old, new).replace("arms:\n", f"{AGAINST if 'leaky' in new else ''}arms:\n")
    lines = refusals(tmp_path, text)
    assert any("changes nothing" in line for line in lines), lines


def test_an_activation_that_changes_what_comes_back_alone_changes_something(tmp_path):
    normalized = (
        "{model.activation: {class_name: GradientNormalizedActivation, "
        "config: {activation: sigmoid, epsilon: 1.0e-6}}}"
    )
    assert refusals(tmp_path, VALID.replace("{model.activation: relu}", normalized)) == []


def test_shipped_recipes_give_every_argument_of_our_own_parts():
    """So that a default of ours that changes leaves no evidence of other runs valid."""
    named = {
        (kind, str(part)): part
        for recipe_id in recipe.available()
        for arm in recipe.load(recipe_id).arms.values()
        for _, kind, part in parts(arm.spec)
    }
    ours = 0
    for (kind, _), part in named.items():
        cls = kinds.find(kind, part)
        if cls.__module__.startswith("zoo.") and "__init__" in vars(cls):
            ours += 1
            given = inspect.signature(cls.__init__).parameters.values()
            defaults = {each.name for each in given if each.default is not each.empty}
            assert defaults - {"learning_rate", "seed"} <= part.config.keys(), part
    assert ours


@pytest.mark.combination
@pytest.mark.parametrize("recipe_id", recipe.available())
def test_no_shipped_arm_builds_what_another_does(recipe_id):
    assert built.mistakes(recipe.load(recipe_id)) == []
