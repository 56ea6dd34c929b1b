"""The overview: what pairs count for which mitigation, the best arms and their ties."""

import io
import json

import pytest
from rich.console import Console

from tests.made_up_evidence import YAML, filling, written
from zoo import recipe as recipes
from zoo.evidence.store import Store
from zoo.recipe.pairs import separate_differences
from zoo.results import columns, leaderboard, overview, overview_table
from zoo.results.overview import MITIGATIONS, mean_over_recipes, mitigation

TEN = YAML.replace("seeds: 3", "seeds: 10").replace(
    "  relu: {model.activation: relu}",
    "  elu: {model.activation: elu}\n  slow: {model.activation: softsign}\n"
    "  shallow: {model.depth: 1}\n  both: {model.activation: tanh, model.depth: 1}",
)
TIMES = {
    "sigmoid": [None] * 10,
    "tanh": [20] * 10,
    "elu": [20, 20, 20, 30, 10, 20, 20, 20, 30, 10],
    "slow": [50] * 10,
    "shallow": [80] * 10,
    "both": [10] * 10,
}


@pytest.fixture
def board(tmp_path):
    """The lines of made-up evidence, and its rows by arm."""
    ten = written(tmp_path, TEN)
    store = Store(tmp_path / "evidence")
    filling(ten, store)(TIMES)
    of = leaderboard.comparisons(ten, store)
    rows = [columns.row(each) for each in of]
    return overview.lines(of, rows), {row.arm: row for row in rows}


def test_arms_that_cannot_be_told_from_the_best_stand_beside_it(board):
    lines, rows = board
    assert [line.mitigation for line in lines] == ["activation", "depth"]
    activation, depth = lines
    assert sorted(activation.arms) == ["elu", "tanh"]  # slow is not, both tries two things
    assert (activation.tried, activation.better) == (3, 3)
    best = rows[activation.arms[0]]
    assert activation.speedup == best.speedup == 5.0
    assert (activation.speedup_bound, activation.verdict) == ("lower", "better")
    assert (depth.arms, depth.against, depth.speedup) == (["shallow"], "sigmoid", 1.25)
    assert depth.gradient == rows["shallow"].first_layer_grad_norm_early
    assert depth.gradient_before == rows["sigmoid"].first_layer_grad_norm_early


def test_the_mean_is_one_of_the_pairs_speedups(board):
    lines, _ = board
    other = {"recipe": "other", "speedup": 3.2, "speedup_bound": "none"}
    other = lines[1].model_copy(update=other)
    mean = mean_over_recipes([lines[1], other])
    assert (mean.ratio, mean.recipes, mean.bound) == (2.0, 2, "lower")  # sqrt(1.25 * 3.2)
    assert mean_over_recipes([other]).bound == "none"
    cut = other.model_copy(update={"speedup_bound": "upper"})
    assert mean_over_recipes([cut, other]).bound == "upper"
    assert mean_over_recipes([lines[1], cut]).bound == "undetermined"


def test_a_block_a_mitigation_and_no_wider_than_100_columns(board):
    lines, _ = board
    text = overview_table.markdown(lines * 2)
    assert [line.split(" | ")[:2] for line in text.splitlines()[2:]] == [
        ["| **activation** ≥ 5x", "made/up"],
        ["| ", "made/up"],
        ["| **depth** ≥ 1.25x", "made/up"],
        ["| ", "made/up"],
    ]
    long = lines[0].model_copy(
        update={
            **{"recipe": "adding_problem_100/transformer", "arms": ["orthogonal_critical"] * 9},
            **{"gradient": 1.2e-7, "gradient_before": 3.4e-9, "verdict": "neither learns"},
        }
    )
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(overview_table.terminal([long, *lines]))
    shown = console.export_text().splitlines()
    assert max(map(len, shown)) <= 100
    assert any("3.4e-9→1.2e-7" in line for line in shown)
    assert any(line.split() == ["activation", "≥", "5x"] for line in shown)
    assert json.loads(overview_table.as_json(lines)) == [line.model_dump() for line in lines]


def test_the_short_one_counts_the_recipes_and_names_those_where_it_is_not_better(board):
    lines, _ = board
    update = {"recipe": "other", "verdict": "inconclusive", "speedup": 0.5, "speedup_bound": "none"}
    nothing = {"recipe": "third", "verdict": "neither learns", "reached": 0}
    nothing |= {"speedup": 1.0, "speedup_bound": "undetermined"}
    more = [lines[0].model_copy(update=each) for each in (update, nothing)]
    text = overview_table.short([*lines, *more])
    assert text.splitlines()[2:] == [
        "| activation | ≈ 1.36x | 0.5 to ≥ 5 | 1 of 3 "
        "| other (inconclusive), third (neither learns) | 2 | 1 |",
        "| depth | ≥ 1.25x | ≥ 1.2 | 1 of 1 | – | 1 | 1 |",
    ]


def test_how_far_from_the_best_is_told_of_recipes_with_several_mitigations(board):
    lines, _ = board
    assert [line.times_best for line in lines] == [2.0, 8.0]  # both needs 10 steps
    assert overview.times_best(lines) == {}  # one recipe is no profile
    again = [line.model_copy(update={"recipe": "again"}) for line in lines]
    alone = lines[0].model_copy(update={"recipe": "alone"})
    unsolved = again[1].model_copy(update={"times_best": None})
    assert overview.times_best([*lines, again[0], unsolved, alone]) == {
        "activation": [2.0, 2.0],
        "depth": [8.0, None],
    }


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["training.optimizer.global_clipnorm"], "gradient clipping"),
        (["training.optimizer"], "optimizer"),
        (["training.optimizer.momentum"], "optimizer"),
        (["model.skip", "model.skip_over"], "skip connections"),
        (["model.initializer", "model.activation"], None),
        (["data.batch_size"], None),
        (["model.depths"], None),
    ],
)
def test_the_keys_of_a_pair_say_its_mitigation(keys, name):
    assert mitigation(recipes.load("digits/activation").spec, keys) == name


def test_a_part_that_normalizes_gradients_is_no_activation():
    arms = recipes.load("fashion_mnist/lecture").arms
    tried = {
        name: mitigation(arms[name].spec, keys)
        for name, keys in (
            ("gradient_norm", ["model.activation"]),
            ("gradient_norm_of_z", ["model.normalization"]),
            ("relu", ["model.activation"]),
        )
    }
    gradients = "gradient normalization"
    assert tried == {
        "gradient_norm": gradients,
        "gradient_norm_of_z": gradients,
        "relu": "activation",
    }


def test_every_pair_of_the_zoo_that_differs_in_one_thing_tries_a_mitigation():
    seen = set()
    for name in recipes.available():
        arms = recipes.load(name).arms
        for arm in arms.values():
            if arm.against is not None:
                keys = separate_differences(arm.spec, arms[arm.against].spec)
                tried = mitigation(arm.spec, keys)
                assert tried or len(keys) > 1, (arm.id, keys)
                seen.add(tried)
    assert set(MITIGATIONS) <= seen
