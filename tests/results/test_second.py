"""A second run beside the first."""

import pytest

from tests.made_up_evidence import YAML, filling, made_up_run, written
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import second


@pytest.fixture
def both(tmp_path):
    """tanh is better in both runs, relu in the first alone."""
    recipe = written(tmp_path, YAML.replace("seeds: 3", "seeds: 10"))
    first, again = Store(tmp_path / "results"), Store(second.folder_of(tmp_path / "results"))
    times = {"sigmoid": [80] * 10, "tanh": [20] * 10, "relu": [40] * 10}
    filling(recipe, first)(times)
    for name, reached in {"sigmoid": 80, "tanh": 20, "relu": 80}.items():
        arm = recipe.arms[name]
        again.write_tuning(arm, first.tuning(arm))
        for seed in second.SEEDS:
            again.write_record(arm, made_up_run(arm, seed, reached + 10 * (seed % 2)))
    return recipe, first, again


def test_verdicts_and_ratios_of_both_stand_side_by_side(both):
    tanh, relu = second.repeated(*both)
    assert (tanh.arm, tanh.against) == ("made/up/tanh", "sigmoid")
    assert (tanh.first.ratio, tanh.second.ratio) == (4.0, 85 / 25)
    assert tanh.verdicts == ("better", "better")
    assert relu.verdicts == ("better", "inconclusive")
    text = second.markdown([tanh, relu], 7)
    assert "--lot 7" in text and "1 of 2 verdicts came again." in text
    assert "| made/up/relu | sigmoid | 2 (2 to 2) | better | 1 (1 to 1) | inconclusive |" in text


@pytest.mark.usefixtures("one_thread")
def test_a_pair_can_be_trained_alone_whoever_its_other_arm_is_judged_against():
    from zoo import recipe as recipes
    from zoo.parts import trial

    whole = recipes.load("digits/residual")
    pair = second.pair(whole, "skipinit")
    assert list(pair.arms) == ["resnet_no_norm", "skipinit"] and pair.baseline == "resnet_no_norm"
    assert {arm.sha256 for arm in pair.arms.values()} <= {a.sha256 for a in whole.arms.values()}
    trial.check(pair)


def test_an_arm_without_its_partner_is_left_out(both):
    recipe, first, again = both
    for path in (again.root / "runs/made/up/sigmoid").iterdir():
        path.unlink()
    assert second.repeated(recipe, first, again) == []


def test_the_lot_is_kept_with_the_evidence(both):
    results = both[1].root
    second.keep_lot(results, 123)
    assert second.lot(results) == 123
    (second.folder_of(results) / "lot.json").write_text("[]")
    with pytest.raises(ZooError, match=r"lot.json: holds no lot"):
        second.lot(results)
