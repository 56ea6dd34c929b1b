"""Global random states belong to the caller: the zoo leaves them as they were."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parts.user_file import user_file
from tests.training.test_arm import outcome
from zoo import random_states
from zoo.errors import ZooError
from zoo.parts import trial, user_files

NOISY = """\
import random

import keras
import numpy as np

@keras.saving.register_keras_serializable()
class Noisy(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = random.random()

    def build(self, input_shape):
        self.second = np.random.uniform()

    def call(self, x):
        return keras.ops.relu(x) * (self.first + self.second + np.random.uniform())
"""
ACTIONS = st.sampled_from(
    [random.random, np.random.random, lambda: random.seed(1), lambda: np.random.seed(1)]
)


def drawn():
    return [random.random(), random.gauss(0, 1), *np.random.random(3), np.random.normal()]


@pytest.fixture
def untouched():
    """Whatever the test does, the next numbers of both generators are those of its start."""

    def seed():
        random.seed(7)
        np.random.seed(7)
        random.gauss(0, 1), np.random.normal()  # each keeps a second one

    seed()
    expected = drawn()
    seed()
    yield
    assert drawn() == expected


@given(st.lists(ACTIONS), st.booleans())
def test_states_are_kept_whatever_is_drawn_or_seeded_or_raised(actions, raises):
    before = random_states.current()
    expected = drawn()
    random_states.put(before)
    try:
        with random_states.kept():
            for act in actions:
                act()
            if raises:
                raise KeyError
    except KeyError:
        pass
    assert drawn() == expected


@given(st.lists(st.lists(ACTIONS, max_size=3)))
def test_states_apart_go_on_from_where_they_were_left(visits):
    """As in one go, though the caller's generators are used between the visits."""
    with random_states.kept():
        random.seed(5)
        np.random.seed(5)
        alone = [act() for acts in visits for act in acts]
    apart, visited = random_states.Apart(), []
    for number, acts in enumerate(visits):
        before = random_states.current()
        with apart.within():
            if number == 0:
                random.seed(5)
                np.random.seed(5)
            with apart.within():  # changes nothing
                visited += [act() for act in acts]
        expected = drawn()
        random_states.put(before)
        assert drawn() == expected
    assert visited == alone


# ---------------------------------------------------------------- the zoo


def test_imports_leave_them_alone(tmp_path):
    code = (
        "import random\nimport numpy as np\n"
        "random.seed(7)\nnp.random.seed(7)\n"
        "expected = random.random(), np.random.random()\n"
        "random.seed(7)\nnp.random.seed(7)\n"
        "import zoo.data, zoo.recipe, zoo.training\n"
        "assert (random.random(), np.random.random()) == expected\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_building_training_and_checking_leave_them_alone(small_recipe, digits, untouched):
    from zoo.training import CompiledArm, build_seeded

    recipe = small_recipe()
    build_seeded(recipe.arms["relu"], digits, 3)
    arm = CompiledArm(recipe.arms["relu"], digits)
    arm.reset(1, 0.1)
    arm.train(arm.segments().part(0, 2))
    arm.run(0, 0.1)
    trial.check(recipe)


@pytest.mark.usefixtures("empty_registry")
class TestOfAUsersFile:
    @pytest.fixture
    def arm(self, small_recipe):
        user_files.import_file(user_file(NOISY))
        return small_recipe(model__activation="Noisy").arms["sigmoid"]

    def test_a_file_that_seeds_them_is_refused_and_leaves_them_alone(self, untouched):
        for line in ("random.seed(3)", "np.random.seed(3)", "keras.utils.set_random_seed(3)"):
            with pytest.raises(ZooError, match=r"changes .* for the whole process"):
                user_files.import_file(user_file(f"{NOISY}{line}\n"))

    def test_a_layer_draws_in_building_what_the_seed_gives(self, arm, digits, untouched):
        from zoo.training import build_seeded

        model = build_seeded(arm, digits, 5)
        noisy = [layer for layer in model.layers if type(layer).__name__ == "Noisy"]
        seeded, numbers = random.Random(5), np.random.RandomState(5)
        assert [layer.first for layer in noisy] == [seeded.random() for _ in noisy]
        for layer in noisy:
            assert layer.second == numbers.uniform()
            numbers.uniform()  # when it was called

    def test_a_run_is_the_same_whatever_the_caller_draws(self, arm, digits):
        from zoo.training import CompiledArm

        outcomes = set()
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            compiled = CompiledArm(arm, digits)
            np.random.seed(seed + 10)
            outcomes.add(outcome(compiled.run(0, 0.1)))
        assert len(outcomes) == 1


def test_nothing_else_of_the_package_seeds_them():
    """What is seeded is in one function, within a context that puts the caller's back."""
    sources = Path(random_states.__file__).parent.rglob("*.py")
    seeding = [path.name for path in sources if "random.seed(" in path.read_text()]
    assert seeding == ["arm.py"]
