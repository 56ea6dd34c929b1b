"""Evidence that says more than was asked for, or less, carries no verdict: each way of cheating."""

import pytest

from tests.made_up_evidence import (
    BUDGET,
    YAML,
    filling,
    made_up_run,
    made_up_search,
    made_up_trial,
    written,
)
from zoo import recipe as recipes
from zoo.evidence import tuning
from zoo.results import tables
from zoo.results.eligibility import lacking_in_the_plan, seeds_needed
from zoo.results.leaderboard import rows

SEEDS = 10
SERIES = ("step", "training_loss", "val_loss", "val_accuracy")


@pytest.fixture
def recipe(tmp_path):
    return written(tmp_path, YAML.replace("seeds: 3", f"seeds: {SEEDS}"))


@pytest.fixture
def whole(recipe, store):
    """Evidence that carries verdicts."""
    filling(recipe, store)({"sigmoid": [None] * SEEDS, "tanh": [20] * SEEDS, "relu": [30] * SEEDS})
    assert {row.arm: row.verdict for row in rows(recipe, store)} == {
        "sigmoid": None,
        "tanh": "better",
        "relu": "better",
    }
    return store


def lacks(recipe, store, arm="tanh"):
    """What a row says is missing; it then has neither verdict nor p-value."""
    row = next(row for row in rows(recipe, store) if row.arm == arm)
    assert (row.verdict is None) == (row.p_value is None) == (row.lacking is not None)
    return row.lacking


def rewrite(store, arm, seed, **changes):
    record = store.records(arm)[seed]
    store.write_record(arm, record.model_copy(update=changes))
    store.manifest.write()  # who cheats signs


def remove(store, arm, seed):
    (store.root / "runs" / arm.recipe / arm.name / f"seed-{seed}.json").unlink()
    store.manifest.write()


def test_bad_records_that_are_deleted(recipe, whole):
    remove(whole, recipe.arms["tanh"], 3)
    remove(whole, recipe.arms["tanh"], 8)
    assert lacks(recipe, whole) == "no seeds 3, 8"
    assert lacks(recipe, whole, "relu") is None


def test_bad_records_that_are_marked_as_failed(recipe, whole):
    rewrite(whole, recipe.arms["tanh"], 3, status="failed")
    assert lacks(recipe, whole) == "seed 3 failed"


def test_a_baseline_with_a_record_less_is_none_for_any_arm(recipe, whole):
    remove(whole, recipe.arms["sigmoid"], 0)
    assert lacks(recipe, whole) == lacks(recipe, whole, "relu") == "sigmoid: no seed 0"


def test_other_seeds_alone(recipe, store):
    filling(recipe, store)({"sigmoid": [None], "tanh": [20]})
    for arm in (recipe.arms["sigmoid"], recipe.arms["tanh"]):
        remove(store, arm, 0)
        for seed in range(500, 500 + SEEDS):
            store.write_record(arm, made_up_run(arm, seed, 20 if arm.name == "tanh" else None))
    assert lacks(recipe, store).startswith("no seeds 0, 1, 2")


def test_more_seeds_until_it_is_significant(recipe, whole):
    for arm in recipe.arms.values():
        whole.write_record(arm, made_up_run(arm, SEEDS, 20))
    assert lacks(recipe, whole) == "seed 10 more than the 10 asked for"


@pytest.mark.parametrize("setting", [{"settings": {"training.seeds": 12}}, {"seeds": 12}])
def test_more_seeds_by_a_setting(recipe, whole, tmp_path, setting):
    path = tmp_path / "recipes" / "made" / "up.yaml"
    for arm in recipe.arms.values():
        for seed in (10, 11):
            whole.write_record(arm, made_up_run(arm, seed, 20))
    other = recipes.load(path, **setting)
    assert lacks(other, whole) == "12 seeds, the recipe asks for 10"


def test_a_finer_grid_of_evaluations_in_one_arm(recipe, whole):
    arm = recipe.arms["tanh"]
    for seed in range(SEEDS):
        curve = whole.records(arm)[seed].evaluation
        first = {
            name: [getattr(curve, name)[5], *getattr(curve, name)]
            for name in ("training_loss", "val_loss", "val_accuracy")
        }
        finer = curve.model_copy(update={"step": [1, *curve.step], **first})
        rewrite(whole, arm, seed, evaluation=finer)
    assert lacks(recipe, whole) == "seed 0 not evaluated on the recipe's grid"


def test_a_baseline_that_was_cut_short(recipe, whole):
    arm = recipe.arms["sigmoid"]
    curve = whole.records(arm)[2].evaluation
    cut = {
        name: getattr(curve, name)[:4]
        for name in ("step", "training_loss", "val_loss", "val_accuracy")
    }
    rewrite(whole, arm, 2, evaluation=curve.model_copy(update=cut))
    assert lacks(recipe, whole) == "sigmoid: seed 2 not evaluated on the recipe's grid"


def test_a_run_that_diverged_has_the_grid_until_then(recipe, whole):
    arm = recipe.arms["relu"]
    whole.write_record(arm, made_up_run(arm, 4, None, diverged_at=45))
    whole.manifest.write()
    assert lacks(recipe, whole, "relu") is None
    rewrite(whole, arm, 4, diverged_at=BUDGET)
    assert lacks(recipe, whole, "relu") == "seed 4 not evaluated on the recipe's grid"


def test_a_search_on_reported_seeds(recipe, whole):
    arm = recipe.arms["tanh"]
    search = made_up_search(arm, (None, 20, 50))
    on_reported = [run.model_copy(update={"seed": run.seed - 1000}) for run in search]
    whole.write_tuning(arm, search + on_reported)
    assert "search for a rate has runs that the recipe does not ask for" in lacks(recipe, whole)
    whole.write_tuning(arm, on_reported)
    assert "search for a rate" in lacks(recipe, whole)


def test_a_search_with_more_or_fewer_runs_than_the_others(recipe, whole):
    arm = recipe.arms["tanh"]
    search = made_up_search(arm, (None, 20, 50))
    whole.write_tuning(arm, [*search, made_up_trial(arm, 0.1, 1001, None)])
    assert "runs that the recipe does not ask for" in lacks(recipe, whole)
    whole.write_tuning(arm, [*search, search[0]])
    assert "runs that the recipe does not ask for" in lacks(recipe, whole)
    whole.write_tuning(arm, search[:-1])
    assert lacks(recipe, whole) == "its search for a rate lacks 1 runs"
    failed = search[0].model_copy(update={"status": "failed"})
    whole.write_tuning(arm, [failed, *search[1:]])
    assert lacks(recipe, whole) == "a run of its search for a rate failed"


@pytest.mark.parametrize(
    "settings",
    [
        {"training.tuning_seeds": 2},
        {"training.final_tuning_seeds": 0},
        {"training.learning_rate": [0.2], "training.final_tuning_seeds": 0},
        {"target.value": 0.8},
        {"training.steps": 50},
        {"data.batch_size": 8},
    ],
    ids=str,
)
def test_evidence_of_other_settings_under_the_recipes_name(tmp_path, store, recipe, settings):
    path = tmp_path / "recipes" / "made" / "up.yaml"
    other = recipes.load(path, settings)
    for arm in other.arms.values():
        store.write_tuning(arm, made_up_search(arm, [20] * len(arm.spec.training.learning_rate)))
        steps = arm.spec.training.evaluation_steps
        rate = tuning.reported_rate(arm.spec.training, store.tuning(arm))
        for seed in range(SEEDS):
            record = made_up_run(arm, seed, 20 if arm.name == "tanh" else None, rate=rate)
            cut = {name: getattr(record.evaluation, name)[: len(steps)] for name in SERIES}
            curve = record.evaluation.model_copy(update=cut)
            store.write_record(arm, record.model_copy(update={"evaluation": curve}))
    store.manifest.write()
    assert lacks(other, store) == "values other than the recipe's (--set)"


def test_arms_that_are_struck_off_the_recipe_after_looking(recipe, whole, tmp_path):
    fewer = "".join(f"{line}\n" for line in text_of(tmp_path).splitlines() if "relu" not in line)
    said = "evidence of arms that the recipe does not have: relu"
    assert lacks(written(tmp_path, fewer), whole) == said
    assert lacks(recipe.only(["tanh"]), whole) is None  # which only looks at less of it


def text_of(tmp_path):
    return (tmp_path / "recipes" / "made" / "up.yaml").read_text()


@pytest.mark.parametrize("values", [None, [None] * 12, [0.1] * 11 + [None]], ids=str)
def test_values_that_are_missing_are_no_failure_to_learn(recipe, whole, values):
    arm = recipe.arms["sigmoid"]
    for seed in range(SEEDS):
        curve = whole.records(arm)[seed].evaluation
        rewrite(whole, arm, seed, evaluation=curve.model_copy(update={"val_accuracy": values}))
    assert lacks(recipe, whole) == "sigmoid: seed 0 without val_accuracy"


@pytest.mark.parametrize("trained", [1.0, None], ids=["finite", "infinite"])
def test_losses_that_are_missing_are_no_failure_to_learn(tmp_path, store, trained):
    """But where the loss of training is not finite either, nothing is missing."""
    accuracy = "{metric: val_accuracy, mode: max, value: 0.9}"
    text = YAML.replace("seeds: 3", f"seeds: {SEEDS}")
    recipe = written(tmp_path, text.replace(accuracy, "{metric: val_loss, mode: min, value: 0.2}"))
    for name, loss in {"sigmoid": None, "tanh": 0.1}.items():
        arm = recipe.arms[name]
        store.write_tuning(arm, made_up_search(arm, (None, 20, 50)))
        for seed in range(SEEDS):
            record = made_up_run(arm, seed, 10 if loss else None)
            losses = [seed + 1.0, *[trained] * 11]
            update = {"val_loss": [loss] * 12, "training_loss": losses}
            if not loss:
                update["val_loss"] = [9.0, *[None] * 11]
            curve = record.evaluation.model_copy(update=update)
            store.write_record(arm, record.model_copy(update={"evaluation": curve}))
    store.manifest.write()
    said = lacks(recipe, store)
    assert said == (None if trained is None else "sigmoid: seed 0 without val_loss")


@pytest.mark.usefixtures("one_thread")
def test_a_grid_of_its_own_for_another_spelling(recipe, whole, tmp_path):
    """`zoo check` refuses it; who looks at evidence alone is told as well."""
    optimizers = {"SGD": "{class_name: sgd, config: {nesterov: false}}", "Adam": "Adam"}
    for name, optimizer in optimizers.items():
        arm = f"  {name.lower()}:\n    training.optimizer: {optimizer}\n"
        grid = "    training.learning_rate: [0.2, 0.4, 0.8]\n"
        other = written(tmp_path, text_of(tmp_path).partition("  sgd:")[0] + arm + grid)
        said = "sgd: a grid of its own, without another optimizer" if name == "SGD" else None
        assert lacks(other, whole) == said


def test_one_good_run_copied_to_all_seeds(recipe, whole):
    arm = recipe.arms["tanh"]
    for seed in range(1, SEEDS):
        rewrite(whole, arm, seed, evaluation=whole.records(arm)[0].evaluation)
    assert lacks(recipe, whole) == "seeds 0, 1 with one curve"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"keras": "9.9"}, "runs of keras 9.9 and None"),
        ({"gradient_zoo": "9.9"}, "runs of gradient_zoo 9.9 and None"),
        ({"imports": {"my.py": "0" * 64}}, "runs of several --import"),
    ],
    ids=str,
)
def test_runs_of_other_software_are_not_compared(recipe, whole, environment, said):
    rewrite(whole, recipe.arms["tanh"], 3, environment=environment)
    assert lacks(recipe, whole) == said


def test_runs_of_another_network_are_not_of_the_arm(recipe, whole):
    rewrite(whole, recipe.arms["tanh"], 3, parameters=101)
    assert lacks(recipe, whole) == "runs of several numbers of weights"


def test_evidence_that_is_not_what_was_signed(recipe, whole):
    whole.write_record(recipe.arms["tanh"], made_up_run(recipe.arms["tanh"], 3, 10))
    assert lacks(recipe, whole) == "the evidence is not what its manifest.json says"


def test_an_arm_whose_runs_all_failed_is_told(recipe, whole):
    arm = recipe.arms["relu"]
    for seed in range(SEEDS):
        rewrite(whole, arm, seed, status="failed")
    notes = tables.notes(recipe, rows(recipe, whole))
    assert notes == ["No run of relu that ended"]


def test_another_target_is_exploratory(recipe, whole):
    for row in rows(recipe, whole, target_value=0.5):
        assert (row.verdict, row.p_value, row.lacking) == (None, None, "exploratory target")


def test_what_is_missing_is_said_below_the_table(recipe, whole):
    remove(whole, recipe.arms["tanh"], 3)
    found = rows(recipe, whole)
    assert tables.notes(recipe, found) == ["No verdict on tanh: no seed 3"]
    text = tables.markdown(recipe, found)
    assert "No verdict on tanh: no seed 3." in text
    assert next(line for line in text.splitlines() if line.startswith("| tanh")).count("| – |")


# ---------------------------------------------------------------- how many seeds


@pytest.mark.parametrize(
    ("comparisons", "seeds"), [(1, 10), (25, 10), (26, 11), (51, 11), (52, 12)]
)
def test_the_more_comparisons_the_more_seeds(comparisons, seeds):
    assert seeds_needed(comparisons) == seeds


def test_a_recipe_with_too_few_seeds_for_its_arms_says_so(tmp_path):
    arms = "".join(
        f"  leaky_{n}: {{model.activation: {{class_name: LeakyReLU, config: "
        f"{{negative_slope: {n / 100}}}}}}}\n"
        for n in range(1, 25)
    )
    text = YAML.replace("seeds: 3", "seeds: 10") + arms
    many = written(tmp_path, text)
    assert many.comparisons == 26
    assert lacking_in_the_plan(many) == "10 seeds, 26 comparisons need 11"
    assert lacking_in_the_plan(written(tmp_path, text.replace("seeds: 10", "seeds: 11"))) is None
