"""The claims ledger: each kind of check, and that the committed one names what there is."""

import pytest
import yaml
from pydantic import ValidationError

from tests.made_up_evidence import YAML, filling, written
from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import claims
from zoo.results.folder import FOLDER
from zoo.results.leaderboard import rows as leaderboard_rows

SIGMOID, TANH, RELU = (f"made/up/{name}" for name in ("sigmoid", "tanh", "relu"))


@pytest.fixture
def rows(tmp_path):
    ten = written(tmp_path, YAML.replace("seeds: 3", "seeds: 10"))
    store = Store(tmp_path / "evidence")
    times = {"sigmoid": [None] * 10, "tanh": [20] * 10, "relu": [20, 90] * 5}
    filling(ten, store)(times)
    return leaderboard_rows(ten, store)


def judge(rows, *checks):
    claim = claims.Claim.model_validate({"claim": "So.", "source": "here", "checks": list(checks)})
    return claims.judged([claim], rows)[0]


STEPS = {"increasing": "mean_steps"}
CHECKS = [
    (True, "tanh against sigmoid: better", {"verdict": TANH, "is": ["better"]}),
    (False, "tanh against sigmoid: better", {"verdict": TANH, "is": ["worse", "inconclusive"]}),
    (False, "sigmoid against None: none", {"verdict": SIGMOID, "is": ["better"]}),
    (True, "mean_steps of tanh: 20", {"value": "mean_steps", "of": TANH, "at_most": 20}),
    (False, "mean_steps of tanh: 20", {"value": "mean_steps", "of": TANH, "at_least": 20.1}),
    (
        *(False, "steps_to_target of sigmoid: –"),
        {"value": "steps_to_target", "of": SIGMOID, "at_least": 0},
    ),
    (
        *(True, "mean_steps, sigmoid over tanh: 5"),
        {"ratio": "mean_steps", "of": SIGMOID, "over": TANH, "at_least": 5, "at_most": 5},
    ),
    (
        *(False, "mean_steps, tanh over sigmoid: 0.2"),
        {"ratio": "mean_steps", "of": TANH, "over": SIGMOID, "at_least": 1},
    ),
    (True, "mean_steps: tanh 20, relu 55, sigmoid 100", {**STEPS, "over": [TANH, RELU, SIGMOID]}),
    (False, "mean_steps: relu 55, tanh 20", {**STEPS, "over": [RELU, TANH]}),
    (False, "seeds: relu 10, tanh 10", {"increasing": "seeds", "over": [RELU, TANH]}),
    (
        *(True, "seeds: relu 10, tanh 10"),
        {"increasing": "seeds", "over": [RELU, TANH], "strictly": False},
    ),
]


@pytest.mark.parametrize(("holds", "seen", "check"), CHECKS)
def test_a_check_compares_and_says_what_it_saw(rows, holds, seen, check):
    judged = judge(rows, check)
    assert judged.outcome == ("reproduced" if holds else "not reproduced")
    assert judged.seen == [seen if holds else f"{seen} (✗)"]


def test_a_claim_holds_where_all_of_its_checks_do(rows):
    good, bad = {"value": "seeds", "of": TANH, "at_least": 10}, {"verdict": TANH, "is": ["worse"]}
    assert judge(rows, good, good).outcome == "reproduced"
    assert judge(rows, good, bad).outcome == judge(rows, bad, good).outcome == "not reproduced"


def test_what_has_no_evidence_is_not_tried(rows):
    judged = judge(
        rows, {"verdict": TANH, "is": ["better"]}, {"verdict": "a/b/c", "is": ["better"]}
    )
    assert (judged.outcome, judged.seen) == ("not tried here", ["no evidence of a/b/c"])
    text = claims.markdown([judged, judge(rows, {"verdict": TANH, "is": ["better"]})])
    assert text.startswith("2 claims: 1 reproduced, 0 not reproduced, 1 not tried here.\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"checks": []},
        {"checks": [{"verdict": TANH, "is": ["better"]}], "not_tried": "why"},
        {"checks": [{"value": "seeds", "of": TANH}]},
        {"checks": [{"verdict": TANH, "is": ["best"]}]},
        {"checks": [{"verdict": "tanh", "is": ["better"]}]},
        {"checks": [{"value": "__class__", "of": TANH, "at_least": 0}]},
        {"checks": [{"value": "recipe", "of": TANH, "at_least": 0}]},
        {"checks": [{"eval": "1"}]},
    ],
)
def test_a_ledger_that_cannot_be_checked_is_refused(wrong, tmp_path):
    claim = {"claim": "So.", "source": "here", **wrong}
    with pytest.raises(ValidationError):
        claims.Claim.model_validate(claim)
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": [claim]}))
    with pytest.raises(ZooError, match=r"claims.yaml: claims\.0"):
        claims.read(path)


def test_the_committed_ledger_speaks_of_arms_that_there_are():
    ledger = claims.read(FOLDER / "claims.yaml")
    assert len(ledger) >= 40
    checks = [check for claim in ledger for check in claim.checks]
    known = {f"{name}/{arm}" for name in recipes.available() for arm in recipes.load(name).arms}
    assert {arm for check in checks for arm in check.arms()} <= known
    baselines = {f"{name}/{recipes.load(name).baseline}" for name in recipes.available()}
    assert not baselines & {c.verdict for c in checks if isinstance(c, claims.VerdictOf)}
