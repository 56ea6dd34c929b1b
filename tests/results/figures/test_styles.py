"""Which arms are told apart, and by what: colours that everybody can read, one for each name."""

import itertools

import numpy as np
import pytest

from tests.made_up_evidence import YAML, filling, written
from zoo import recipe as recipes
from zoo.recipe.summary import summary
from zoo.results import figures
from zoo.results.figures import drawing
from zoo.results.figures.choice import MOST_TOLD_APART, told_apart
from zoo.results.figures.styles import COLORS, DASHES, STYLES, styles
from zoo.results.leaderboard import evidence

# ---------------------------------------------------------------- colours


def linear(color):
    """Linear light, red, green and blue, of an sRGB colour."""
    values = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """The contrast ratio of WCAG 2.2, section 1.4.3."""
    light = sorted(linear(each) @ [0.2126, 0.7152, 0.0722] for each in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("page", drawing.PAGE)
@pytest.mark.parametrize("color", [*COLORS.values(), drawing.FAINT])
def test_every_line_can_be_seen_on_both_pages(color, page):
    assert contrast(color, page) >= 3


@pytest.mark.parametrize("mode", [0, 1])
def test_words_and_the_baseline_can_be_read_on_their_page(mode):
    assert contrast(drawing.INK[mode], drawing.PAGE[mode]) >= 7
    assert contrast(drawing.QUIET[mode], drawing.PAGE[mode]) >= 4.5
    # A grid is there and does not ask to be looked at.
    assert 1.1 < contrast(drawing.GRID[mode], drawing.PAGE[mode]) < 3


# What is left of linear light without one kind of cone (Machado et al. 2009, severity 1).
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
          [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
JUST_NOTICEABLE = 2.3  # distance in CIELAB


def lab(light):
    """CIELAB of linear light, under D65."""
    x = np.array(TO_XYZ) @ np.clip(light, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(x > (6 / 29) ** 3, np.cbrt(x), x / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_no_two_colours_are_alike_to_anybody(blindness):
    seen = {name: lab(np.array(BLINDNESS[blindness]) @ linear(c)) for name, c in COLORS.items()}
    for one, other in itertools.combinations(seen.values(), 2):
        assert np.linalg.norm(one - other) > 5 * JUST_NOTICEABLE


# ---------------------------------------------------------------- a style for each name


def compared(recipe_id, known):
    of = summary(recipe_id, known)
    return [name for name in of.arms if name != of.baseline]


def test_an_arm_has_one_style_in_all_recipes_and_no_two_of_a_recipe_share_one():
    known, of_name = recipes.available(), {}
    for recipe_id in known:
        given = styles(compared(recipe_id, known))
        assert len(set(given.values())) == len(given), recipe_id
        for name, style in given.items():
            assert of_name.setdefault(name, style) == style, (recipe_id, name)
    assert {"relu_he", "tanh", "batch_norm", "pre_ln"} <= of_name.keys()


def test_colours_are_spread_evenly_over_the_arms_of_a_recipe():
    known = recipes.available()
    colors = [color for color, _ in styles(compared("digits/activation", known)).values()]
    counts = [colors.count(color) for color in COLORS]
    assert min(counts) >= 1 and max(counts) <= 4  # 13 arms, 6 colours, names of other recipes too


def test_unknown_names_differ_while_there_are_styles():
    names = [f"arm_{number}" for number in range(len(STYLES))]
    given = styles(names)
    assert set(given.values()) == set(STYLES)
    assert {color for color, _ in list(given.values())[: len(COLORS)]} == set(COLORS)
    assert len(styles([*names, "one_more"])) == len(names) + 1


def test_names_of_several_recipes_that_come_together_differ():
    known = recipes.available()
    every = list(dict.fromkeys(name for each in known for name in compared(each, known)))
    of_shipped = {name: styles([name])[name] for name in every}
    same = [(a, b) for a, b in itertools.combinations(every, 2) if of_shipped[a] == of_shipped[b]]
    assert same  # more names than styles
    for one, other in same[:50]:
        given = styles([one, other])
        assert given[one] == of_shipped[one] != given[other]


def test_dashes_differ_in_more_than_a_hair():
    assert [pattern for pattern in DASHES.values() if not pattern] == [()]
    assert all(length >= 1.5 for pattern in DASHES.values() for length in pattern)


# ---------------------------------------------------------------- which arms


@pytest.fixture
def many(tmp_path):
    """Eleven arms beside the baseline, the last one judged against the one before."""
    arms = "".join(f"  depth_{depth}: {{model.depth: {depth}}}\n" for depth in (*range(3, 13),))
    text = YAML.split("arms:")[0] + "arms:\n  sigmoid: {}\n" + arms
    text += "  wide: {model.depth: 12, model.width: 8}\n"
    return written(tmp_path, text.replace("baseline: sigmoid", "baseline: sigmoid\nagainst: "
                                          "{wide: depth_12}"))  # fmt: skip


def test_the_baseline_those_compared_with_the_fastest_and_the_slowest(many, store):
    steps = {f"depth_{depth}": [10 * (depth - 2)] for depth in range(3, 13)}
    steps["depth_9"] = steps["depth_10"] = [None]
    filling(many, store)({"sigmoid": [None], **steps, "wide": [90]})
    chosen = told_apart(many, evidence(many, store))
    assert chosen == [
        "sigmoid", "depth_12", "depth_3", "depth_9", "depth_4", "depth_10", "depth_5", "depth_11",
    ]  # fmt: skip
    plots = figures.plots(many, store)
    for plot in plots:
        looks = {line.label: line.look for line in plot.lines}
        assert {name for name, look in looks.items() if look.role != "faint"} == set(chosen)
        assert looks == {line.label: line.look for line in plots[0].lines}
        assert looks["sigmoid"].role == "baseline" and "4 more in grey" in plot.caption
        told = [(look.color, look.dash) for look in looks.values() if look.role == "told apart"]
        assert len(set(told)) == MOST_TOLD_APART - 1


def test_who_is_faster_does_not_change_a_style(many, store):
    def looks(first, second):
        filling(many, store)({"sigmoid": [None], "depth_4": [first], "depth_9": [second]})
        return {line.label: line.look for line in figures.plots(many, store)[0].lines}

    assert looks(20, 30) == looks(30, 20)


def test_the_style_of_an_arm_is_the_same_without_the_others(recipe, store, fill):
    fill({"sigmoid": [None], "tanh": [20], "relu": [30]})

    def looks(of):
        return {line.label: line.look for line in figures.plots(of, store)[0].lines}

    whole = looks(recipe)
    assert looks(recipe.only(["relu"])) == {name: whole[name] for name in ("sigmoid", "relu")}
