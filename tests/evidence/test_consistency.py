"""A record that contradicts its own curve is damaged, whoever edited it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made_up_evidence import BUDGET, made_up_run, made_up_search
from zoo.errors import ZooError
from zoo.evidence.consistency import contradiction


@pytest.fixture
def arm(recipe):
    return recipe.arms["tanh"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "budget", "steps_to_target": None}, "steps_to_target is None, by its curve 50"),
        ({"status": "budget"}, "status is budget, by its curve reached"),
        ({"steps_to_target": 10}, "steps_to_target is 10, by its curve 50"),
        ({"test_accuracy": 3.0}, "an accuracy is none"),
        ({"seconds_per_step": -1.0}, "seconds are at least 0"),
        ({"seconds": -0.5}, "seconds are at least 0"),
        ({"diverged_at": BUDGET}, "has a test metric at step 100, and diverged at 100"),
        ({"diverged_at": 10**6}, "diverged_at is 1000000, after the last step"),
        ({"test_loss": -1.0}, "a loss is none: it is at least 0"),
        ({"test_accuracy": None}, "has no test metric at step 100, to which it came"),
    ],
    ids=str,
)
def test_what_cannot_be_so_is_named_with_its_file(arm, store, changes, said):
    record = made_up_run(arm, 3, 50)
    assert contradiction(arm, record) is None
    store.write_record(arm, record.model_copy(update=changes))
    with pytest.raises(ZooError, match=said) as error:
        store.records(arm)
    assert "seed-3.json" in str(error.value) and "\n" not in str(error.value)


def test_an_accuracy_in_the_curve_is_one(arm, store):
    record = made_up_run(arm, 3, 50)
    curve = record.evaluation.model_copy(update={"val_accuracy": [17.0] * 12})
    store.write_record(arm, record.model_copy(update={"evaluation": curve, "steps_to_target": 10}))
    with pytest.raises(ZooError, match="an accuracy is none: it is between 0 and 1"):
        store.records(arm)


def test_a_loss_in_the_curve_is_one(arm, store):
    record = made_up_run(arm, 3, 50)
    curve = record.evaluation.model_copy(update={"val_loss": [-1.0] * 12})
    store.write_record(arm, record.model_copy(update={"evaluation": curve}))
    with pytest.raises(ZooError, match="a loss is none: it is at least 0"):
        store.records(arm)


def test_a_run_cut_short_and_called_diverged_is_given_away_by_its_probe(arm, store):
    record = made_up_run(arm, 3, None)
    series = ("step", "training_loss", "val_loss", "val_accuracy")
    cut = {name: getattr(record.evaluation, name)[:4] for name in series}
    curve = record.evaluation.model_copy(update=cut)
    changes = {"diverged_at": 45, "test_loss": None, "test_accuracy": None, "evaluation": curve}
    store.write_record(arm, record.model_copy(update=changes))
    with pytest.raises(ZooError, match="has gradients of step 50, and diverged at 45"):
        store.records(arm)
    assert contradiction(arm, made_up_run(arm, 3, None, diverged_at=45)) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps_to_target": 3}, "steps_to_target is 3, where no evaluation is"),
        ({"steps_to_target": 110}, "steps_to_target is 110, where no evaluation is"),
        ({"status": "budget"}, "status is budget, and steps_to_target 20"),
        ({"steps_to_target": None}, "status is reached, and steps_to_target None"),
    ],
    ids=str,
)
def test_what_cannot_be_so_in_a_search_is_named_with_its_run(arm, store, changes, said):
    search = made_up_search(arm, (None, 20, 50))
    at = next(number for number, run in enumerate(search) if run.steps_to_target == 20)
    search[at] = search[at].model_copy(update=changes)
    store.write_tuning(arm, search)
    with pytest.raises(ZooError, match=f"seed 100[01] at 0.2: {said}"):
        store.tuning(arm)


@given(
    reached=st.none() | st.integers(1, BUDGET // 10).map(lambda row: row * 10),
    lost=st.none() | st.integers(4, 12).map(lambda row: row * 10),
)
def test_what_the_zoo_writes_is_never_refused(recipe_of_none, reached, lost):
    from zoo.evidence import record as records

    record = made_up_run(recipe_of_none, 0, reached, lost_at=lost)
    again = records.time_to_target(record.evaluation, recipe_of_none.spec.target, BUDGET)
    status = "budget" if again is None else "reached"
    record = record.model_copy(update={"status": status, "steps_to_target": again})
    assert contradiction(recipe_of_none, record) is None


@pytest.fixture(scope="module")
def recipe_of_none(tmp_path_factory):
    from tests.made_up_evidence import written

    return written(tmp_path_factory.mktemp("recipe")).arms["tanh"]
