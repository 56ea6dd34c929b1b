"""Rules of other tools beside ours, and advice that a program follows."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.diagnosis.networks import classifier, examples, seed

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import advised  # noqa: E402
import peer_rules  # noqa: E402

X, Y, CLASSES = examples()


def test_the_rules_see_a_gradient_that_vanishes_and_leave_the_model_as_it_was(one_thread):
    seed()
    sick = classifier(10, activation="sigmoid")
    before = [weight.numpy() for weight in sick.weights]
    said = peer_rules.alarmed(sick, X, CLASSES, None, 20, 32)
    assert list(said) == list(peer_rules.RULES)
    for rule, alarmed in said.items():
        if "AutoTrainer" in rule or "1e-7" in rule:
            assert alarmed
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, sick.weights, strict=True))
    well = classifier(2, activation="relu", kernel_initializer="he_normal")
    said = peer_rules.alarmed(well, X / 10, CLASSES, None, 20, 32)
    assert not any(said.values())


def test_a_rule_looks_at_what_it_is_called_after(one_thread):
    seed()
    model = classifier(2, activation="relu", kernel_initializer="he_normal")
    [inputs] = [name for name in peer_rules.RULES if "inputs" in name]
    [rate] = [name for name in peer_rules.RULES if "rate" in name]
    small, large = X / np.abs(X).max(), 3 * X / np.abs(X).max()
    assert not peer_rules.alarmed(model, small, CLASSES, None, 5, 32)[inputs]
    assert peer_rules.alarmed(model, large, CLASSES, None, 5, 32)[inputs]
    model.optimizer.learning_rate = 0.02
    assert peer_rules.alarmed(model, small, CLASSES, None, 5, 32)[rate]


def test_where_there_are_no_numbers_no_rule_says_anything(one_thread):
    model = classifier(2)
    assert peer_rules.alarmed(model, X, CLASSES[:, None] + np.zeros(7), None, 5, 32) == {}


# ------------------------------------------------------------ advice


def test_what_an_advice_says_is_what_a_family_is_given():
    assert advised._knobs("learning_rate=0.01", {}) == {"learning_rate": 0.01}
    both = 'activation="selu"; kernel_initializer="lecun_normal"'
    assert advised._knobs(both, {}) == {
        "activation": "selu",
        "kernel_initializer": "lecun_normal",
    }
    of_two = advised._knobs("activation=None on the last layer, or", {"size_activation": "sigmoid"})
    assert of_two == {"size_activation": "linear"}
    with pytest.raises(LookupError, match="look at"):
        advised._knobs("look at the arrays that the loader gives: print(x[:2], y[:2])", {})


def test_what_an_advice_does_to_data():
    rng = np.random.default_rng(0)
    x, y = rng.normal(5, 3, (50, 4)), rng.normal(100, 20, (50, 1))
    problem = SimpleNamespace(x=x, y=y, x_test=x[:5], score=lambda outputs: float(outputs.mean()))
    advised._inputs_standardized(problem)
    np.testing.assert_allclose(problem.x.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(problem.x[:5], problem.x_test)
    advised._targets_standardized(problem)
    np.testing.assert_allclose(problem.y.std(0), 1, atol=1e-6)
    assert problem.score(problem.y) == pytest.approx(y.mean())  # of outputs in the old units
    spoiled = x.copy()
    spoiled[3, 1] = np.nan
    problem = SimpleNamespace(x=spoiled, y=y)
    advised._finite(problem)
    np.testing.assert_array_equal(problem.x, np.delete(x, 3, axis=0))
    np.testing.assert_array_equal(problem.y, np.delete(y, 3, axis=0))


def test_every_advice_that_was_followed_is_what_was_said():
    results = SCRIPTS.parent / "results" / "diagnosis"
    given = {
        task: result.get("advice")
        for name in ("set", "arms")
        for task, result in json.loads((results / f"{name}.json").read_text()).items()
    }
    followed = json.loads((results / "advice.json").read_text())
    assert followed
    for task, result in followed.items():
        assert result["advice"] == given[task], task
        assert ("error" in result) != ("reached" in result)
