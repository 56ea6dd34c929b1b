"""Two arms head to head: from made-up evidence, with numbers that can be checked by hand."""

import json

import pytest

from tests.made_up_evidence import BUDGET, YAML, filling, made_up_run, written
from zoo.errors import ZooError
from zoo.results import head_to_head, statistics
from zoo.results.columns import DIGITS
from zoo.results.leaderboard import rows

SEEDS = 10
TANH = [20, 30, 20, 30, 20, 30, 20, 30, 20, 30]
RELU = [40, 30, 50, 40, 40, 50, 60, None, 40, 50]


@pytest.fixture
def recipe(tmp_path):
    return written(tmp_path, YAML.replace("seeds: 3", f"seeds: {SEEDS}"))


@pytest.fixture
def whole(recipe, store):
    filling(recipe, store)({"sigmoid": [None] * SEEDS, "tanh": TANH, "relu": RELU})
    return store


def compared(recipe, store, a="tanh", b="relu"):
    return head_to_head.compare((recipe, recipe.arms[a]), (recipe, recipe.arms[b]), store)


def test_pairs_and_what_they_say(recipe, whole):
    of = compared(recipe, whole).as_dict()
    assert of["pairs"] == [
        # a run that was cut off ranks one evaluation after the budget
        {"seed": seed, "a": a, "b": b, "difference": a - (BUDGET + 10 if b is None else b)}
        for seed, (a, b) in enumerate(zip(TANH, RELU, strict=True))
    ]
    assert of["differences"] == {"model.activation": {"a": "tanh", "b": "relu"}}
    assert (of["a"]["speedup"], of["a"]["speedup_bound"]) == (2.0, "lower")  # 500 / 250
    assert of["a"]["speedup_high"] is None and 1 < of["a"]["speedup_low"] < 2
    assert of["a"]["p_faster"] == 0.95  # nine pairs, and half of the one that is even
    assert of["p_value"] == round(2 / 2**9, 6)  # of nine differences, all of them one way
    assert (of["corrected"], of["verdict"], of["lacking"]) == (False, "better", None)
    assert (of["test_difference"], of["test_pairs"]) == (0.0, SEEDS)
    assert of["a"]["step_cost"] == 2.0 and of["b"]["step_cost"] == 0.5


def test_the_other_way_round_is_the_mirror_image(recipe, whole):
    there, back = compared(recipe, whole), compared(recipe, whole, "relu", "tanh")
    one, two = there.as_dict(), back.as_dict()
    assert one["p_value"] == two["p_value"] and one["a"]["against"] == "made/up/relu"
    assert (one["verdict"], two["verdict"]) == ("better", "worse")
    assert there.words == "A is better: p ≤ 0.05 with 10 seeds"
    assert back.words == "B is better: p ≤ 0.05 with 10 seeds"
    assert (one["a"], one["b"]) == (two["b"], two["a"])


def test_against_the_arm_that_the_recipe_names_it_says_what_the_row_says(recipe, whole):
    """But for the correction: one comparison here, two there."""
    row = next(row for row in rows(recipe, whole) if row.arm == "tanh").as_dict()
    of = compared(recipe, whole, "tanh", "sigmoid").as_dict()
    assert {key for key in row if row[key] != of["a"][key]} == {"against", "p_value"}
    assert row["p_value"] == round(2 * of["p_value"], DIGITS + 2)


@pytest.mark.parametrize(
    ("a", "b", "options", "words"),
    [
        (TANH, TANH[::-1], {}, "They cannot be told apart with 10 seeds"),
        ([None] * SEEDS, [None] * SEEDS, {}, "Neither learns"),
        (
            TANH,
            RELU,
            {"tanh": {"lost_at": 90}},
            "A needs fewer steps, and is not better: most of its runs lost the target",
        ),
    ],
    ids=["the same", "none", "lost"],
)
def test_words(a, b, options, words, recipe, store):
    filling(recipe, store)({"sigmoid": [None] * SEEDS, "tanh": a, "relu": b}, **options)
    of = compared(recipe, store)
    assert of.words == words and f"{words}." in head_to_head.text(of)
    assert of.p_value == statistics.sign_flip_p(
        [pair["difference"] for pair in of.as_dict()["pairs"]]
    )


def test_fewer_seeds_than_the_recipe_asks_for_give_numbers_and_no_words(recipe, whole):
    path = whole.root / "runs/made/up/relu/seed-7.json"
    path.unlink()
    whole.manifest.write()
    of = compared(recipe, whole)
    assert [pair["seed"] for pair in of.as_dict()["pairs"]] == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert of.words == "No verdict: relu: no seed 7"
    assert of.as_dict()["verdict"] is None and of.p_value == 2 / 2**8


def test_three_seeds_give_no_words_even_if_the_recipe_asks_for_no_more(tmp_path, store):
    recipe = written(tmp_path)
    filling(recipe, store)({"sigmoid": [None] * 3, "tanh": [20] * 3, "relu": [50] * 3})
    assert compared(recipe, store).words == "No verdict: 3 seeds, 2 comparisons need 10"


def test_evidence_that_is_not_what_was_signed_gives_no_words(recipe, whole):
    whole.write_record(recipe.arms["tanh"], made_up_run(recipe.arms["tanh"], 3, 10))
    said = "No verdict: the evidence is not what its manifest.json says"
    assert compared(recipe, whole).words == said


# ---------------------------------------------------------------- two recipes


@pytest.fixture
def other(recipe, whole, tmp_path):
    """Writes another recipe with evidence of its arm of the same name."""

    def write(text):
        path = tmp_path / "recipes" / "made" / "other.yaml"
        path.write_text(text)
        from zoo import recipe as recipes

        loaded = recipes.load(path)
        filling(loaded, whole)({"sigmoid": [None] * SEEDS, "tanh": RELU})
        return loaded

    return write


def text_of(tmp_path):
    return (tmp_path / "recipes" / "made" / "up.yaml").read_text()


def test_arms_of_one_name_of_two_recipes(recipe, whole, other, tmp_path):
    deeper = other(text_of(tmp_path).replace("depth: 2", "depth: 3"))
    of = head_to_head.compare((recipe, recipe.arms["tanh"]), (deeper, deeper.arms["tanh"]), whole)
    assert of.as_dict()["differences"] == {"model.depth": {"a": 2, "b": 3}}
    assert of.as_dict()["verdict"] == "better"
    assert [of.as_dict()[side]["recipe"] for side in "ab"] == ["made/up", "made/other"]
    assert "A: made/up/tanh\nB: made/other/tanh\n" in head_to_head.text(of)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: 0.9}", "value: 0.8}", "target: val_accuracy ≥ 0.9 and val_accuracy ≥ 0.8"),
        ("steps: 100", "steps: 110", "training.steps: 100 and 110"),
        ("evaluate_every: 10", "evaluate_every: 5", "training.evaluate_every: 10 and 5"),
    ],
    ids=["target", "budget", "grid"],
)
def test_what_is_not_scored_alike_is_refused(old, new, said, recipe, store, tmp_path):
    from zoo import recipe as recipes

    path = tmp_path / "recipes" / "made" / "other.yaml"
    path.write_text(text_of(tmp_path).replace(old, new))
    loaded = recipes.load(path)
    with pytest.raises(ZooError) as refused:
        head_to_head.compare((recipe, recipe.arms["tanh"]), (loaded, loaded.arms["tanh"]), store)
    assert str(refused.value) == (
        f"made/up/tanh and made/other/tanh: {said}: give two arms for which it is the same"
    )


def refusal(recipe, store, a="tanh", b="relu"):
    with pytest.raises(ZooError) as refused:
        compared(recipe, store, a, b)
    return str(refused.value)


def test_what_cannot_be_compared_is_told(recipe, store):
    assert refusal(recipe, store, "tanh", "tanh") == (
        "made/up/tanh: against itself: give another arm"
    )
    assert refusal(recipe, store) == (
        f"{store.root}: no run of made/up/tanh that ended; run: zoo run made/up --arms tanh"
    )
    store.write_record(recipe.arms["tanh"], made_up_run(recipe.arms["tanh"], 0, 20))
    store.write_record(recipe.arms["relu"], made_up_run(recipe.arms["relu"], 1, 20))
    assert refusal(recipe, store) == (
        f"{store.root}: no seed has a run of both made/up/tanh and made/up/relu"
    )


# ---------------------------------------------------------------- what is printed


def test_the_text_says_it_all_in_100_columns(recipe, whole):
    lines = head_to_head.text(compared(recipe, whole)).splitlines()
    assert max(map(len, lines)) <= 100
    words = [line.split() for line in lines]
    assert ["seed", *map(str, range(SEEDS))] in words
    assert ["A", *map(str, TANH)] in words
    assert ["B", *(f">{BUDGET}" if time is None else str(time) for time in RELU)] in words
    assert next(each for each in words if each[:3] == ["A", "-", "B"])[3:] == [
        *("-20", "+0", "-30", "-10", "-20", "-20", "-40", "<-70", "-20", "-20")
    ]
    assert any(line.startswith("speedup of A over B  ≥ 2 (≥ 1") for line in lines)
    assert "p                    0.00391, exact paired sign-flip test" in lines
    assert lines[-1].startswith("One comparison, chosen by who looks: p is not corrected")


def test_many_seeds_go_into_several_blocks(tmp_path, store):
    recipe = written(tmp_path, YAML.replace("seeds: 3", "seeds: 30"))
    times = [None, 20, 100] * 10
    filling(recipe, store)({"sigmoid": [None] * 30, "tanh": times, "relu": times[::-1]})
    lines = head_to_head.text(compared(recipe, store)).splitlines()
    assert max(map(len, lines)) <= 100
    seeds = [word for line in lines if line.startswith("seed ") for word in line.split()[1:]]
    assert seeds == [str(seed) for seed in range(30)]


def test_long_values_wrap_and_are_not_cut(tmp_path, store):
    part = (
        "{class_name: VarianceScaling, config: {scale: %s, mode: fan_avg, distribution: uniform}}"
    )
    arms = "".join(
        f"  {name}: {{model.initializer: {part % scale}}}\n"
        for name, scale in (("one", 8.0), ("two", 16.0))
    )
    recipe = written(tmp_path, YAML + arms)
    filling(recipe, store)({"sigmoid": [None] * 3, "one": [20] * 3, "two": [50] * 3})
    text = head_to_head.text(compared(recipe, store, "one", "two"))
    assert "scale: 8.0" in text and "scale: 16.0" in text
    assert max(map(len, text.splitlines())) <= 100


def test_json_is_one_object_of_finite_numbers(recipe, whole):
    of = compared(recipe, whole)
    said = json.loads(head_to_head.as_json(of), parse_constant=pytest.fail)
    assert said == of.as_dict()
