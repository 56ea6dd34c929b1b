"""A listing's view of a recipe, beside the recipe as it is loaded."""

import pytest

from zoo import recipe
from zoo.errors import ZooError
from zoo.recipe.summary import summary


@pytest.mark.parametrize("recipe_id", recipe.available())
def test_it_is_what_loading_gives(recipe_id):
    found, loaded = summary(recipe_id, recipe.available()), recipe.load(recipe_id)
    assert (found.baseline, found.arms) == (loaded.baseline, list(loaded.arms))
    assert found.data == loaded.spec.data.name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: A\n", "missing"),
        ("- a\n", "not keys and values"),
        ("extends: no/thing\n", "no recipe 'no/thing'"),
        ("a: [\n", "not YAML"),
        ("", "empty"),
    ],
)
def test_what_cannot_be_loaded_is_refused_as_loading_does(tmp_path, text, said):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ZooError, match=said) as caught:
        summary("broken", {"broken": path})
    assert "broken.yaml" in str(caught.value)
