"""Programs written blind: each is there, was trained, and learned as it should."""

import json
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SEEDS = 3


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))


def targets(folder):
    if folder == "blind":
        import blind

        return {name: program.target for name, program in blind.PROGRAMS.items()}
    import pairs

    return {name: pair.target for name, pair in pairs.PAIRS.items()}


@pytest.mark.parametrize("folder", ["blind", "pairs"])
def test_each_was_trained_and_learned_as_it_should(folder, scripts):
    checked = json.loads((SCRIPTS / folder / "checked.json").read_text())
    assert {name: row["target"] for name, row in checked.items()} == targets(folder)
    for name, row in checked.items():
        variants = {which: scores for which, scores in row.items() if which != "target"}
        assert set(variants) in ({"faulty", "repaired"}, {"faulty"}, {"healthy"}), name
        for which, scores in variants.items():
            reached = [score is not None and score >= row["target"] for score in scores]
            assert reached == [which != "faulty"] * SEEDS, (name, which)


@pytest.mark.parametrize("folder", ["blind", "pairs"])
def test_each_was_diagnosed_at_first_and_since(folder, scripts):
    results = SCRIPTS.parent / "results" / "diagnosis"
    names = targets(folder)
    if folder == "pairs":
        names = {f"{which} {name}" for name in names for which in ("faulty", "repaired")}
    first = [json.loads(path.read_text()) for path in results.glob(f"*{folder}_at_first.json")]
    assert set().union(*first) == set(names)
    assert set(json.loads((results / f"{folder}.json").read_text())) == set(names)


def test_a_pair_differs_in_its_fault_alone(scripts, one_thread):
    import numpy as np
    import pairs

    faulty, repaired = (pairs.PAIRS["xor_softmax_one_unit"].build(0, which) for which in (1, 0))
    np.testing.assert_array_equal(faulty[1], repaired[1])
    np.testing.assert_array_equal(faulty[2], repaired[2])
    assert faulty[3] == repaired[3]
    assert [w.shape for w in faulty[0].weights] == [w.shape for w in repaired[0].weights]


def test_a_program_is_drawn_by_its_seed(scripts, one_thread):
    import blind
    import numpy as np

    first, again = (blind.PROGRAMS["dead_relu_bias"].build(1) for _ in range(2))
    np.testing.assert_array_equal(first[1], again[1])
    for one, other in zip(first[0].weights, again[0].weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
