"""The set of sick networks: each is its twin with one fault, and trains as it is said to."""

import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1:UserWarning"),
]

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from sick import CASES, HEALTHY, KINDS, compiling, data, parts, problem  # noqa: E402
from sick.check import HERE, RESULTS, check, kept_before, outcomes, plain, well  # noqa: E402


def first_of(key):
    """The names of the first case of each value; what comes after is the same again."""
    firsts = {}
    for case in CASES:
        firsts.setdefault(key(case), case.name)
    return set(firsts.values())


ONCE = first_of(lambda case: case.kind) | first_of(lambda case: case.family)
EACH = [
    pytest.param(case, id=case.name, marks=[] if case.name in ONCE else pytest.mark.combination)
    for case in CASES
]
EACH_HEALTHY = [
    pytest.param(each, id=each.name, marks=pytest.mark.combination if each.knobs else [])
    for each in HEALTHY
]


# ---------------------------------------------------------------- the lists


def test_the_set_is_of_the_size_and_spread_that_it_is_for():
    names = [case.name for case in CASES] + [each.name for each in HEALTHY]
    assert len(set(names)) == len(names)
    assert len(CASES) >= 60 and len(HEALTHY) >= 20
    assert {case.kind for case in CASES} == {kind for kinds in KINDS.values() for kind in kinds}
    for kind in {case.kind for case in CASES}:
        families = {case.family for case in CASES if case.kind == kind}
        assert len(families) > 1 or kind == "head without loss", kind  # needs two outputs
    for case in CASES:
        assert case.name.startswith(case.family.__name__ + "/"), case.name
        assert case.fault and case.fault.items() - case.base.items(), case.name


# ---------------------------------------------------------------- what is built


def description(problem):
    """All that decides how a problem trains, but for the numbers that Keras gives to names."""
    import keras

    model = problem.model
    told = {
        "model": keras.saving.serialize_keras_object(model),
        "compiled": model.get_compile_config(),
        "optimizer": keras.saving.serialize_keras_object(model.optimizer),
        "trainable": [weight.path for weight in model.trainable_weights],
        "weights": [weight.numpy().tobytes().hex() for weight in model.weights],
        "data": [
            (array.shape, str(array.dtype), array.tobytes().hex())
            for array in keras.tree.flatten([problem.x, problem.y, problem.x_test])
        ],
        "budget": [problem.epochs, problem.batch_size, problem.shuffle],
        "target": [problem.metric, problem.target],
    }
    return {
        part: re.sub(r"_\d+|0x[0-9a-f]+", "", json.dumps(value, default=str))
        for part, value in told.items()
    }


def built(build):
    import keras

    keras.utils.set_random_seed(0)
    return build()


@pytest.mark.parametrize("case", EACH)
def test_a_case_is_its_twin_but_for_the_fault(case):
    sick, twin, again = (description(built(of)) for of in (case.sick, case.twin, case.twin))
    assert twin == again
    assert {part for part in twin if sick[part] != twin[part]} - {"target"}
    assert sick["target"] == twin["target"]


@pytest.mark.parametrize("each", EACH_HEALTHY)
def test_a_healthy_network_is_built_and_gives_what_its_score_takes(each):
    problem = built(each.build)
    assert problem.model.compiled and problem.model.trainable_weights
    assert problem.score_now() < problem.target  # before training


# ---------------------------------------------------------------- how it trains


def test_what_was_measured_is_of_this_set_and_as_it_says():
    measured = json.loads(RESULTS.read_text())
    assert RESULTS.stat().st_size < 50_000
    assert set(measured["sick"]) == {case.name for case in CASES}
    assert set(measured["twins"]) == {case.twin_name for case in CASES}
    assert set(measured["healthy"]) == {each.name for each in HEALTHY}
    for case in CASES:
        row = measured["sick"][case.name]
        assert row["base"] == plain(case.base) and row["fault"] == plain(case.fault), case.name
        assert well(row["scores"]) and well(measured["twins"][case.twin_name]), case.name
    for each in HEALTHY:
        row = measured["healthy"][each.name]
        assert row["knobs"] == plain(each.knobs) and well(row["scores"]), each.name


DRAWN = [
    "dense_binary/softmax_mse",
    "dense_classifier/integers",
    "dense_classifier/divided_by_zero",
]


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_few_train_as_the_set_says(name, monkeypatch):
    monkeypatch.setattr("sick.check.SEEDS", 1)
    [case] = [case for case in CASES if case.name == name]
    assert well(outcomes(case.twin, learns=True))
    sick = outcomes(case.sick, learns=False)
    assert well(sick)
    if name == "dense_classifier/integers":
        assert sick == ["ValueError"]
    if name == "dense_binary/softmax_mse":
        assert sick == [0.5]  # all outputs are 1


def test_the_check_tells_a_sick_network_that_learns(monkeypatch, tmp_path, capsys):
    [case] = [case for case in CASES if case.name == "dense_binary/softmax_mse"]
    monkeypatch.setattr("sick.check.RESULTS", tmp_path / "checked.json")
    monkeypatch.setattr("sick.check.SEEDS", 1)
    assert check([case._replace(fault={"width": 33})], [], kept_before(everything=True)) == 1
    assert capsys.readouterr().out.startswith("NOT ")
    row = json.loads((tmp_path / "checked.json").read_text())["sick"][case.name]
    assert row["scores"][-1] == "not as said" and row["fault"] == {"width": 33}


def test_the_script_says_that_there_is_no_such_network(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["check.py", "nowhere/*"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(HERE / "check.py"), run_name="__main__")
    assert end.value.code == 2
    assert (
        capsys.readouterr().err
        == "nowhere/*: no network of this name; see sick.CASES, sick.HEALTHY\n"
    )


# ---------------------------------------------------------------- scores, losses and data


def test_scores_are_those_of_the_answers():
    rng = np.random.default_rng(0)
    truth, outputs = rng.integers(0, 4, 50), rng.normal(size=(50, 4))
    naive = sum(
        max(range(4), key=lambda k: row[k]) == t for row, t in zip(outputs, truth, strict=True)
    )
    assert problem.accuracy(truth)(outputs) == naive / 50
    one = outputs[:, :1]
    naive = sum((value > 0.5) == (t == 1) for [value], t in zip(one, truth % 2, strict=True)) / 50
    assert problem.binary_accuracy(truth % 2, 0.5)(one) == pytest.approx(naive)
    wanted = rng.normal(size=50)
    assert problem.r2(wanted)(one) == pytest.approx(r2_score(wanted, one))


def test_outputs_that_are_no_numbers_score_worst():
    [case] = [case for case in CASES if case.name == "dense_binary/softmax_mse"]
    twin = built(case.twin)
    twin.model.layers[-1].bias.assign([np.nan])
    assert twin.score_now() == float("-inf")


def test_losses_written_by_hand_are_what_they_are_called():
    rng = np.random.default_rng(1)
    z, labels = rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    single = z.astype(np.float32)

    def close(loss, naive):
        assert np.allclose(loss, naive, rtol=1e-5)  # a dozen operations of float32

    naive = [np.log(np.exp(row).sum()) - row[k] for row, k in zip(z, labels, strict=True)]
    close(compiling.softmax_inside(labels, single), naive)
    y, p = labels[:, None] % 2, 1 / (1 + np.exp(-z[:, :1]))
    naive = -(y * np.log(p) + (1 - y) * np.log(1 - p))[:, 0]
    close(compiling.log_of_probability(y, p.astype(np.float32)), naive)
    close(compiling.log_of_probability_with_epsilon(y, p.astype(np.float32)), naive)
    close(compiling.sigmoid_inside(y, single[:, :1]), naive)
    pairs = [(a - b) ** 2 for a in p[:, 0] for b in y[:, 0]]
    close(compiling.LOSSES["all pairs"](y[:, 0], p), np.mean(pairs))
    close(compiling.sum_of_squares(y, p), ((y - p) ** 2).sum())
    certain = np.ones((1, 1), np.float32)
    assert np.isnan(compiling.log_of_probability(certain, certain)[0])
    assert np.isfinite(compiling.log_of_probability_with_epsilon(certain, certain)[0])


def test_initial_values_are_what_they_are_called():
    import keras

    keras.utils.set_random_seed(0)
    normal = np.asarray(parts.start(("normal", 3.0))((200, 200)))
    assert abs(normal.mean()) < 5 * 3 / 200  # five standard errors
    assert abs(normal.std() / 3 - 1) < 5 / (200 * 2**0.5)
    square = np.asarray(parts.start(("orthogonal", 2.0))((30, 30)))
    assert np.allclose(square.T @ square, 4 * np.eye(30), atol=1e-4)
    assert (np.asarray(parts.start(("constant", -3.0))((2, 3))) == -3).all()
    assert parts.start("he_normal") == "he_normal"


def test_made_data_are_what_they_are_called():
    x, y, *_ = data.adding(20)
    assert np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y[:, 0])
    assert (x[..., 1].sum(axis=1) == 2).all() and (x[:, :10, 1].sum(axis=1) == 1).all()
    x, y, *_ = data.recall(40)
    assert ((x[:, 0] > 0).all(axis=1) == y).all() and (x[:, 0, 0] == x[:, 0, 1]).all()
    x, y, *_ = data.reviews()
    counts = [sum(2 <= t < 9 for t in text) - sum(9 <= t < 16 for t in text) for text in x]
    assert ((np.array(counts) > 0) == y).all() and 0 not in counts
    digits = data.digits()
    assert np.isnan(data.scaled(digits, "divided by zero").x).any()
    assert np.isfinite(data.scaled(digits, "standard").x).all()
    assert not data.scaled(digits, "integer division").x.any()
    for how in ("nan in x", "inf in x"):
        assert (~np.isfinite(data.spoiled(digits, how).x)).sum() == 1
    assert np.isfinite(digits.x).all()  # what is spoiled is a copy
    with pytest.raises(ValueError, match="no such mistake: nan in z"):
        data.spoiled(digits, "nan in z")
