"""What holds of the zoo's own recipes, so that their rows say what they seem to say."""

import itertools
import re

import pytest

from zoo import recipe
from zoo.data.names import local
from zoo.recipe.schema import parts
from zoo.results.eligibility import lacking_in_the_plan
from zoo.theory.activations import nonlinearity
from zoo.theory.initializers import weight_variance
from zoo.theory.mean_field import chi

RECIPES = {recipe_id: recipe.load(recipe_id) for recipe_id in recipe.available()}
WIDE = 4.001  # a factor between rates: more would leave the best rate between two


def arms():
    return [arm for loaded in RECIPES.values() for arm in loaded.arms.values()]


@pytest.mark.parametrize("loaded", RECIPES.values(), ids=RECIPES)
def test_a_grid_of_rates_is_no_wider_than_a_factor_of_four(loaded):
    for arm in loaded.arms.values():
        rates = arm.spec.training.learning_rate
        assert all(high / low <= WIDE for low, high in itertools.pairwise(rates))


def test_moving_averages_of_batch_normalization_follow_the_network():
    """With Keras's momentum of 0.99 the target is seen hundreds of steps after it is met."""
    momenta = {
        part.config.get("momentum")
        for arm in arms()
        for _, _, part in parts(arm.spec)
        if part.class_name == "BatchNormalization"
    }
    assert momenta == {0.9}


def gain(arm):
    """chi at q = 1 of a layer in the middle: what dL/dz^2 is multiplied by on its way back."""
    model, spec = arm.spec.model, arm.spec.model.initializer
    phi = nonlinearity(model.activation.class_name, model.activation.config)
    width = model.width
    return chi(1.0, phi, width * weight_variance(spec.class_name, spec.config, width, width))


@pytest.mark.parametrize("recipe_id", [name for name in RECIPES if name.endswith("/activation")])
def test_activations_are_compared_at_the_start_made_for_each(recipe_id):
    """At one start for all, the ranking would be one of gains: 0.06 to 1.3 at Glorot's."""
    of_arms = RECIPES[recipe_id].arms
    gains = {name: gain(arm) for name, arm in of_arms.items()}
    at_glorot = {
        name for name, arm in of_arms.items() if "glorot" in str(arm.spec.model.initializer)
    }
    assert at_glorot == {"sigmoid", "tanh", "softsign", "relu"}
    others = {name: value for name, value in gains.items() if name not in at_glorot}
    assert others.pop("sigmoid_gain4") > 6 * gains["sigmoid"]
    assert min(others.values()) > 0.7 > gains["relu"]
    pairs = {of_arms[name].against for name in others} - {"relu", "relu_he"}
    assert not pairs, "an activation at He's start is judged against ReLU at it"


def test_claims_rank_no_more_than_pairs():
    """A verdict is on two arms: of the fastest of all there is none."""
    ranked = re.compile(r"\b(soonest|fastest|quickest|slowest|the best|the worst|as good as)\b")
    assert not [name for name, loaded in RECIPES.items() if ranked.search(loaded.claim)]


def test_ten_seeds_are_enough_for_the_arms_of_each_recipe():
    assert [lacking_in_the_plan(loaded) for loaded in RECIPES.values()] == [None] * len(RECIPES)


def test_all_recipes_that_need_no_network_take_four_hours_together():
    here = {
        recipe_id: loaded
        for recipe_id, loaded in RECIPES.items()
        if local(loaded.spec.data.name.removesuffix("_rows")) or "fashion" in recipe_id
    }
    assert all(loaded.minutes for loaded in here.values())
    assert sum(loaded.minutes for loaded in here.values()) < 240
