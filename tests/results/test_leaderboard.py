"""Rows from made-up evidence: the contract's keys, and numbers that can be checked by hand."""

import io
import json
import math

import pytest

from tests.made_up_evidence import (
    BUDGET,
    QUANTITIES,
    YAML,
    filling,
    made_up_run,
    made_up_search,
    written,
)
from zoo.errors import ZooError
from zoo.evidence.prices import Prices
from zoo.evidence.record import Clipping, at_budget
from zoo.results import tables
from zoo.results.cells import number
from zoo.results.leaderboard import rows

BY_LAYER = QUANTITIES - {"zero_grads"}

KEYS = """
    benchmark recipe arm baseline against changes target budget seeds reached kept diverged
    steps_to_target mean_steps speedup speedup_low speedup_high speedup_bound speedup_time
    speedup_at_other_rate resolution p_faster
    p_value verdict lacking learning_rate runner_up lr_at_edge lr_band
    first_layer_grad_norm first_layer_grad_rms first_layer_grad_norm_early first_layer_update_ratio
    delta_ratio delta_ratio_early delta_decay delta_decay_theory delta_decay_z
    test_accuracy test_runs parameters seconds_per_run step_cost
    clipped largest_norm dead dead_after zero_grads
"""


def by_arm(recipe, store, target=None):
    return {row.arm: row.as_dict() for row in rows(recipe, store, target)}


def test_a_row_has_the_keys_of_the_contract_in_order(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    assert all(list(row.as_dict()) == KEYS.split() for row in rows(recipe, store))


def test_what_mitigations_are_about(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    arm = recipe.arms["tanh"]
    for seed, record in store.records(arm).items():
        probe = record.probe.model_copy(
            update={"steps": [0], "zero_grads": [[0.5, 0.0, 0.0]]}
            | {name: record.probe.quantity(name)[:1] for name in BY_LAYER}
        )
        clipping = Clipping(clipped=seed / 10, largest_norm=None if seed else 7.0)
        store.write_record(arm, record.model_copy(update={"probe": probe, "clipping": clipping}))
    sigmoid, tanh = by_arm(recipe, store)["sigmoid"], by_arm(recipe, store)["tanh"]
    assert (tanh["clipped"], tanh["largest_norm"], tanh["zero_grads"]) == (0.1, 7.0, 0.5)
    assert (sigmoid["clipped"], sigmoid["largest_norm"]) == (None, None)
    text = tables.markdown(recipe, rows(recipe, store))
    line = next(line for line in text.splitlines() if line.startswith("| tanh"))
    assert "| clip | norm |" in text and "| 10% | 7 |" in line
    assert "zeros" not in text  # no arm changes the precision
    assert "| weights |" in text and "| 100 |" in line


@pytest.mark.parametrize("key", ["platform", "cpu", "cores"])
def test_no_cost_is_told_of_two_machines(recipe, store, fill, key):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    row = by_arm(recipe, store)["tanh"]
    assert (row["step_cost"], row["speedup_time"]) == (2.0, 1.667)
    arm = recipe.arms["tanh"]
    record = store.records(arm)[1]
    store.write_record(arm, record.model_copy(update={"environment": {key: "another"}}))
    row = by_arm(recipe, store)["tanh"]
    assert (row["step_cost"], row["speedup_time"]) == (None, None)


def test_a_step_s_cost_is_that_measured_in_turn(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    sha = {name: arm.sha256 for name, arm in recipe.arms.items()}
    seconds = {"sigmoid": 0.002, "tanh": 0.003}
    prices = Prices(
        benchmark="1.0", arm_sha256=sha, seconds_per_step=seconds, rounds=1, environment={}
    )
    store.write_prices(recipe, prices)
    assert store.manifest.missing_or_extra() == [
        f"{store.root}/prices/made/up/steps.json: not in manifest.json"
    ]
    store.manifest.write()
    row = by_arm(recipe, store)["tanh"]
    assert (row["step_cost"], row["speedup_time"]) == (1.5, 2.222)  # 100 / 30 / 1.5
    store.write_prices(recipe, prices.model_copy(update={"seconds_per_step": {"tanh": 0.003}}))
    assert by_arm(recipe, store)["tanh"]["step_cost"] == 2.0  # as the runs had it
    foreign = prices.model_copy(update={"arm_sha256": {"tanh": "0" * 64}})
    store.write_prices(recipe, foreign)
    with pytest.raises(ZooError, match=r"steps.json: arm_sha256: made with other settings"):
        rows(recipe, store)


def test_dead_units_before_and_after_training(recipe, store, fill):
    """Of the hidden layers alone, and of the runs that came to the budget."""
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]}, tanh={"diverged_at": 60})
    for name, dead in {"sigmoid": 0.0, "tanh": 0.5}.items():
        arm = recipe.arms[name]
        for seed, record in store.records(arm).items():
            of_layers = [[dead, None if seed else dead / 2, 1.0] for _ in record.probe.steps]
            of_layers[-1] = [None if record.diverged_at else 0.1 * seed, None, None]
            others = {  # nothing is measured of a run that has diverged
                key: [*record.probe.quantity(key)[:-1], [None] * 3] for key in QUANTITIES
            }
            steps = [*record.probe.steps[:-1], recipe.spec.training.steps]
            update = {**others, "dead": of_layers, "steps": steps}
            probe = record.probe.model_copy(update=update)
            store.write_record(arm, record.model_copy(update={"probe": probe}))
    found = by_arm(recipe, store)
    assert (found["sigmoid"]["dead"], found["sigmoid"]["dead_after"]) == (0.0, 0.1)
    assert (found["tanh"]["dead"], found["tanh"]["dead_after"]) == (0.4583, None)
    cells = "| dead |", "| 0% → 10% |", "| 46% → – |"
    text = tables.markdown(recipe, rows(recipe, store))
    assert all(cell in text for cell in cells)
    few = [row.model_copy(update={"dead": 0.2}) for row in rows(recipe, store)]
    assert "dead" not in tables.columns(few)  # a fifth of ReLUs is common


def test_the_delta_ratio_of_a_recurrent_network_is_one_of_time(store, tmp_path):
    mlp = "{family: mlp, depth: 2, width: 4, activation: sigmoid}"
    rnn = "{family: rnn, width: 4, cell: SimpleRNN, activation: sigmoid}"
    recipe = written(tmp_path, YAML.replace(mlp, rnn))
    by_time = [[float(2**step) for step in range(40)]] * 7  # a tenth is 4 steps
    for name, arm in recipe.arms.items():
        store.write_tuning(arm, made_up_search(arm, (None, 20, 50)))
        record = made_up_run(arm, 0, 20)
        if name != "sigmoid":
            probe = record.probe.model_copy(update={"input_grad_rms": by_time})
            record = record.model_copy(update={"probe": probe})
        store.write_record(arm, record)
    found = by_arm(recipe, store)
    tanh = found["tanh"]
    assert tanh["delta_ratio"] == tanh["delta_ratio_early"] == pytest.approx(2.0**-36, rel=1e-3)
    assert tanh["delta_decay"] is None  # its layers are not compared


def test_zeros_are_shown_where_the_precision_is_compared(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    changed = {"changes": {"training.precision": "mixed_float16"}}
    shown = tables.columns([row.model_copy(update=changed) for row in rows(recipe, store)])
    assert "zeros" in shown and "clip" not in shown


def test_the_start_and_the_early_average_are_told_apart(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 50]})
    arm = recipe.arms["tanh"]
    for record in store.records(arm).values():
        deltas = [[1.0 + step, 1.0, 1.0] for step in record.probe.steps]  # a straight line
        probe = record.probe.model_copy(update={"delta_rms": deltas, "kernel_grad_norm": deltas})
        store.write_record(arm, record.model_copy(update={"probe": probe}))
    tanh = by_arm(recipe, store)["tanh"]
    assert (tanh["delta_ratio"], tanh["delta_ratio_early"]) == (1.0, 6.0)  # 1 to 11 in 10 steps
    assert (tanh["first_layer_grad_norm"], tanh["first_layer_grad_norm_early"]) == (1.0, 6.0)
    text = tables.markdown(recipe, rows(recipe, store))
    assert "| 1→6 | 1→6 |" in next(line for line in text.splitlines() if line.startswith("| tanh"))


def test_rows_by_hand(recipe, store, fill):
    fill(
        {"sigmoid": [None] * 3, "tanh": [20, 30, 50], "relu": [None] * 3},
        relu={"diverged_at": 40},
        tanh={"first_delta": 3.0},
    )
    found = by_arm(recipe, store)
    assert list(found) == ["sigmoid", "tanh", "relu"]
    tanh, relu, sigmoid = found["tanh"], found["relu"], found["sigmoid"]

    assert (tanh["reached"], tanh["seeds"], tanh["steps_to_target"]) == (3, 3, 30)
    assert tanh["speedup"] == 3.0  # (100 + 100 + 100) / (20 + 30 + 50)
    assert tanh["speedup_low"] < 3 and tanh["speedup_high"] is None
    assert tanh["speedup_bound"] == "lower"
    assert (tanh["speedup_time"], tanh["p_faster"]) == (1.5, 1.0)
    assert tanh["mean_steps"] == pytest.approx(100 / 3, rel=1e-3)
    assert (tanh["p_value"], tanh["verdict"]) == (None, None)
    assert tanh["lacking"] == "3 seeds, 2 comparisons need 10"
    assert (tanh["learning_rate"], tanh["lr_at_edge"], tanh["lr_band"]) == (0.2, False, 2)
    assert tanh["runner_up"] == {"learning_rate": 0.4, "mean_steps": 50.0}
    assert tanh["speedup_at_other_rate"] == 1.0  # both searches have 20 steps at 0.2
    assert tanh["delta_ratio"] == 4.0  # 3 / 0.75: the output layer is not a hidden layer
    assert (tanh["delta_ratio_early"], tanh["first_layer_grad_norm_early"]) == (4.0, 3.0)
    assert tanh["first_layer_grad_rms"] == 0.75  # of 16 entries
    assert tanh["delta_decay"] == pytest.approx(math.log(0.75 / 3.0), rel=1e-3)  # per layer
    assert tanh["first_layer_grad_norm"] == tanh["first_layer_update_ratio"] == 3.0
    assert tanh["step_cost"] == 2.0
    assert tanh["changes"] == {"model.activation": "tanh"}
    assert (tanh["against"], tanh["kept"], tanh["test_runs"]) == ("sigmoid", 3, 3)

    assert (relu["diverged"], relu["reached"], relu["test_accuracy"]) == (3, 0, None)
    assert relu["speedup_bound"] == "undetermined" and relu["test_runs"] == 0
    assert (sigmoid["p_value"], sigmoid["verdict"], sigmoid["speedup"]) == (None, None, 1.0)
    assert (sigmoid["against"], sigmoid["p_faster"], sigmoid["changes"]) == (None, None, {})


@pytest.fixture
def ten(tmp_path):
    """A recipe that asks for enough seeds for a verdict."""
    return written(tmp_path, YAML.replace("seeds: 3", "seeds: 10"))


@pytest.fixture
def fill_ten(ten, store):
    return filling(ten, store)


def test_ten_seeds_allow_a_verdict(ten, store, fill_ten):
    fill_ten({"sigmoid": [None] * 10, "tanh": [20] * 10, "relu": [None] * 10})
    found = by_arm(ten, store)
    assert found["tanh"]["p_value"] == pytest.approx(2 * 2 / 2**10, rel=1e-3)
    assert (found["tanh"]["verdict"], found["tanh"]["lacking"]) == ("better", None)
    assert found["relu"]["verdict"] == "neither learns"


def test_a_run_that_took_all_of_the_budget_beats_one_that_was_cut_off(ten, store, fill_ten):
    fill_ten({"sigmoid": [None] * 10, "tanh": [BUDGET] * 10})
    tanh = by_arm(ten, store)["tanh"]
    assert (tanh["verdict"], tanh["p_faster"], tanh["speedup"]) == ("better", 1.0, 1.0)


def test_an_arm_that_loses_the_target_again_is_not_better(ten, store, fill_ten):
    times = {"sigmoid": [None] * 10, "tanh": [20] * 10, "relu": [20] * 10}
    fill_ten(times, tanh={"lost_at": BUDGET})
    for seed in range(5):  # half of them keep it
        store.write_record(ten.arms["relu"], made_up_run(ten.arms["relu"], seed, 20, lost_at=60))
    store.manifest.write()
    found = by_arm(ten, store)
    assert (found["tanh"]["kept"], found["tanh"]["verdict"]) == (0, "inconclusive")
    assert (found["relu"]["kept"], found["relu"]["verdict"]) == (5, "better")
    assert "| kept |" in tables.markdown(ten, rows(ten, store))


def test_an_arm_is_judged_against_the_one_that_the_recipe_says(tmp_path, store):
    text = YAML.replace("seeds: 3", "seeds: 10").replace(
        "baseline: sigmoid", "baseline: sigmoid\nagainst: {relu_he: relu}"
    )
    of_both = "{model.activation: relu, model.initializer: he_normal}"
    recipe = written(tmp_path, f"{text}  relu_he: {of_both}\n")
    fill = filling(recipe, store)
    fill({"sigmoid": [None] * 10, "relu": [80] * 10, "relu_he": [20] * 10})
    found = by_arm(recipe, store)
    assert found["relu_he"]["against"] == "relu" and found["relu"]["against"] == "sigmoid"
    assert found["relu_he"]["changes"] == {"model.initializer": "he_normal"}
    assert (found["relu_he"]["speedup"], found["relu_he"]["speedup_bound"]) == (4.0, "none")
    assert found["relu_he"]["p_value"] == found["relu"]["p_value"] == 0.005859  # 3 * 2 / 2^10
    assert list(recipe.only(["relu_he"]).arms) == ["sigmoid", "relu", "relu_he"]
    text = tables.markdown(recipe, rows(recipe, store))
    assert "| relu_he | relu |" in text
    for path in (store.root / "runs/made/up/relu").iterdir():
        path.unlink()
    alone = by_arm(recipe, store)["relu_he"]
    assert (alone["speedup"], alone["verdict"], alone["lacking"]) == (None, None, "no run of relu")
    assert alone["steps_to_target"] == 20


def test_another_target_scores_the_same_evidence(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40]})
    easy = by_arm(recipe, store, target=0.05)
    assert easy["sigmoid"]["steps_to_target"] == easy["tanh"]["steps_to_target"] == 10
    assert easy["tanh"]["lr_band"] is None  # the search was scored against the recipe's target
    assert easy["tanh"]["lacking"] == "exploratory target" and easy["tanh"]["verdict"] is None
    hard = by_arm(recipe, store, target=0.99)
    assert hard["tanh"]["reached"] == 0 and hard["tanh"]["target"]["value"] == 0.99


def test_a_target_that_cannot_be_is_refused(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    with pytest.raises(ZooError, match=r"--target 2"):
        rows(recipe, store, 2.0)


def test_leaving_arms_out_does_not_make_p_smaller(ten, store, fill_ten):
    fill_ten({"sigmoid": [None] * 10, "tanh": [20] * 10, "relu": [None] * 10})
    of_all, of_one = by_arm(ten, store), by_arm(ten.only(["tanh"]), store)
    assert of_one["tanh"]["p_value"] == of_all["tanh"]["p_value"] is not None


def test_a_search_ends_with_the_metric_at_the_budget(recipe):
    arm = recipe.arms["tanh"]
    run = made_up_run(arm, 0, 20)
    assert at_budget(run, "val_accuracy", BUDGET) == 0.95
    after = made_up_run(arm, 0, 20, diverged_at=BUDGET + 5)
    assert at_budget(after, "val_accuracy", BUDGET) == 0.95
    before = made_up_run(arm, 0, 20, diverged_at=BUDGET)
    assert at_budget(before, "val_accuracy", BUDGET) is None


def test_only_seeds_of_both_arms_are_compared(recipe, store, fill):
    fill({"sigmoid": [None] * 2, "tanh": [20, 30, 40]})
    assert by_arm(recipe, store)["tanh"]["seeds"] == 2


def test_a_missing_baseline_is_an_error(recipe, store, fill):
    fill({"tanh": [20]})
    with pytest.raises(ZooError, match=r"no record of made/up/sigmoid, the baseline"):
        rows(recipe, store)


def test_a_record_at_another_rate_than_the_search_chose_is_an_error(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20]})
    store.write_tuning(recipe.arms["tanh"], made_up_search(recipe.arms["tanh"], (10, 20, 50)))
    with pytest.raises(ZooError, match=r"made/up/tanh: seed 0 ran at 0.2, the search chose 0.1"):
        rows(recipe, store)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("own", [{}, {"clipped": 0.25, "largest_norm": 1.25e-7}])
def test_the_terminal_table_fits_100_columns(recipe, store, fill, own):
    from rich.console import Console

    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 40], "relu": [None] * 3})
    found = rows(recipe, store)
    long = {  # as any real name and number
        **{"arm": "orthogonal_critical", "diverged": 3, "verdict": "neither learns", **own},
        **{"steps_to_target": 10000, "speedup": 123.456, "speedup_bound": "lower", "p_value": 0.02},
        **{"speedup_low": 111.1, "speedup_high": None, "learning_rate": 0.0003, "reached": 7},
        **{"against": "lstm_bias_0", "kept": 6, "parameters": 269722},
    }
    found = [row.model_copy(update=long) for row in found]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(tables.terminal(recipe, found))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 100
    text = next(line for line in lines if "orthogonal_critical" in line)
    assert "≥ 123 (≥ 111)" in text
    assert "neither learns" in text and "0.5→0.5 0.67→0.67" in text
    assert not any("…" in line for line in lines)


def test_markdown_and_json_say_the_same(recipe, store, fill):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 50]})
    found = rows(recipe, store)
    assert json.loads(tables.as_json(found)) == [row.as_dict() for row in found]
    text = tables.markdown(recipe, found)
    line = next(line for line in text.splitlines() if line.startswith("| tanh"))
    assert line.startswith("| tanh | 3/3 | 30 | ≥ 3 (≥ 2) | – |") and "| 0.4: 50 |" in line
    assert "No verdict: 3 seeds, 2 comparisons need 10." in text
    assert json.loads(tables.as_json([])) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (2.04e-6, "2e-6"),
        (2.37e-6, "2.4e-6"),
        (0.0423, "0.042"),
        (1234567.0, "1.2e6"),
        (98.0, "98"),
        (12345.0, "12345"),
        (0.999, "1"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value, 2) == text
