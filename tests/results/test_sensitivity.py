"""Verdicts at other targets, by hand."""

import pytest

from tests.made_up_evidence import YAML, filling, written
from zoo.evidence.record import Curve
from zoo.evidence.store import Store
from zoo.results import sensitivity
from zoo.results.leaderboard import evidence


@pytest.fixture
def ten(tmp_path):
    recipe = written(tmp_path, YAML.replace("seeds: 3", "seeds: 10"))
    store = Store(tmp_path / "evidence")
    times = {"sigmoid": [80] * 10, "tanh": [20] * 10, "relu": [90] * 10}
    filling(recipe, store)(times)
    return recipe, store


def test_verdicts_that_hold_change_and_reverse_are_counted(ten):
    """At 0.92 tanh meets the target last, at 0.875 as the recipe's does at 0.9."""
    recipe, store = ten
    tanh = recipe.arms["tanh"]
    for record in store.records(tanh).values():
        curve, steps = record.evaluation, record.evaluation.step
        accuracy = [0.95 if step >= 100 else 0.91 if step >= 20 else 0.1 for step in steps]
        values = curve.model_dump() | {"val_accuracy": accuracy}
        store.write_record(tanh, record.model_copy(update={"evaluation": Curve(**values)}))
    store.manifest.write()
    easier, harder = sensitivity.sensitivity(recipe, evidence(recipe, store))
    assert (easier.value, harder.value) == (0.875, 0.92)
    assert (easier.pairs, easier.same, easier.reversed) == (2, 2, 0)
    assert (harder.pairs, harder.same, harder.reversed) == (2, 1, 1)
    assert "| made/up | 0.9 | 0.875 | 2 of 2 | 0.92 | 1 of 2 | 1 |" in sensitivity.markdown(
        [easier, harder]
    )


def test_a_recipe_without_verdicts_has_no_line(ten):
    recipe, store = ten
    (store.root / "runs/made/up/sigmoid/seed-3.json").unlink()
    assert sensitivity.sensitivity(recipe, evidence(recipe, store)) == []
    assert sensitivity.markdown([]).count("\n") == 2
