"""What a report says, as table, object and picture."""

import json

import numpy as np
import pytest

from tests.diagnosis.networks import classifier, dense, examples, network, seed
from zoo.errors import ZooError

X, Y, CLASSES = examples()


@pytest.fixture(scope="module")
def starved(one_thread):
    import zoo

    seed()
    return zoo.diagnose(classifier(8, activation="sigmoid"), X, CLASSES)


@pytest.fixture(scope="module")
def impossible(one_thread):
    import zoo

    x = X.copy()
    x[0, 0] = np.nan
    return zoo.diagnose(network(dense(1)), x, Y)


def test_the_table_has_a_line_a_layer_and_fits(starved):
    lines = starved.table.splitlines()
    assert max(map(len, lines)) <= 100
    for name in starved.start["layers"]:
        assert sum(line.split()[:1] == [name] for line in lines) == 1


def test_the_table_of_a_very_deep_network_leaves_out_its_middle(one_thread):
    import zoo

    report = zoo.diagnose(classifier(60, width=4, activation="tanh"), X, CLASSES, steps=2)
    lines = report.table.splitlines()
    assert any("21 more" in line for line in lines) and len(lines) < 50


def test_the_object_has_all_that_was_measured(starved):
    about = json.loads(starved.to_json())
    assert not about["healthy"] and about["start"]["layers"] == starved.start["layers"]
    assert about["end"]["delta_rms"][0] == starved.seen.end["delta_rms"][0]
    assert about["losses"] == [float(loss) for loss in starved.seen.trial.losses]
    [symptom] = about["symptoms"]
    assert symptom["symptom"] == "vanishing gradients" and symptom["cures"][0]["lines"]
    assert about["nearest"]["arm"] == starved.near[0].arm.id


def test_an_object_of_little_is_one_too(impossible):
    about = json.loads(impossible.to_json())
    assert about["symptoms"][0]["symptom"] == "not finite data" and about["start"] == {}
    assert impossible.table == ""
    with pytest.raises(ZooError, match="nothing was measured"):
        impossible.figure()


def test_the_picture_has_the_numbers(starved):
    deltas, *_, loss = starved.figure().axes
    first, last = (line.get_ydata() for line in deltas.lines)
    seen = starved.seen
    np.testing.assert_array_equal(first, [seen.start["delta_rms"][row] for row in seen.hidden])
    np.testing.assert_array_equal(last, [seen.end["delta_rms"][row] for row in seen.hidden])
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), seen.last.losses)


def test_a_picture_of_a_kind_that_there_is_not_is_one_line(starved, tmp_path):
    starved.save_figure(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(ZooError, match="docx"):
        starved.save_figure(tmp_path / "a.docx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


# ------------------------------------------------------------ cures


def test_a_cure_is_a_row_of_the_leaderboard(starved):
    from zoo.results.folder import committed

    rows = {f"{row['recipe']}/{row['arm']}": row for row in committed()}
    [verdict] = starved.symptoms
    cures = starved.cures(verdict)
    assert 1 <= len(cures) <= 3
    for cure in cures:
        row, other = rows[cure.id], rows[cure.against]
        assert cure.speedup == other["mean_steps"] / row["mean_steps"]
        assert cure.reached == (row["reached"], row["seeds"])
        if row["against"] == other["arm"]:
            assert cure.interval == (row["speedup_low"], row["speedup_high"])
            assert cure.cost == row["step_cost"]
    assert [cure.speedup for cure in cures] == sorted((c.speedup for c in cures), reverse=True)


def test_what_a_cure_says_is_all_that_its_arm_differs_in(starved):
    from zoo import recipe as recipes

    [verdict] = starved.symptoms
    for cure in starved.cures(verdict):
        arm, other = recipes.load_arm(cure.id)[1], recipes.load_arm(cure.against)[1]
        keys = {*arm.changes, *other.changes}
        differs = {key for key in keys if arm.changes.get(key) != other.changes.get(key)}
        assert set(cure.changes) == differs and len(cure.lines) == len(differs)


def test_gates_are_for_recurrent_networks_and_skips_for_deep_ones(one_thread):
    from zoo.diagnosis import likeness
    from zoo.diagnosis.advice import cures
    from zoo.diagnosis.verdict import Verdict

    vanishing = Verdict("vanishing gradients", "dense", "", "", "likely")
    shallow = likeness.of_model(classifier(2, activation="sigmoid"), X)
    for cure in cures(vanishing, shallow, likeness.nearest(shallow)):
        assert not {"model.skip", "model.cell"} & set(cure.changes)


# ------------------------------------------------------------ what a model is


def test_a_model_of_the_zoo_is_most_like_its_own_arm(one_thread):
    from zoo import data, models
    from zoo import recipe as recipes
    from zoo.diagnosis import likeness

    ids = ["digits/activation/tanh", "digits/normalization/none", "adding_problem_50/gating/gru"]
    for name in ids:
        arm = recipes.load_arm(name)[1]
        loaded = data.load(arm.spec.data.name)
        features = likeness.of_model(models.build(arm.spec.model, loaded), loaded.train.x)
        distances = {each.arm.recipe: each.far for each in likeness.nearest(features)}
        assert distances[arm.recipe] == min(distances.values()), name
        assert likeness.distance(features, likeness.of_arm(arm)) < 0.6, (features, name)
