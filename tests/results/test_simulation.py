"""How often the protocol errs: what docs/method.md says is what the zoo's own code does."""

import importlib.util
import math
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "method.md").read_text()
TRIALS = 3000
WORST = 0.09  # of verdicts on arms that do not differ, at a level of 0.05


@pytest.fixture(scope="module")
def simulate():
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "scripts" / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page():
    """The shares in the first and the last table of the page, by the head of the line."""
    text = PAGE
    first, _, rest = text.partition("| scatter |")
    text = first + rest[rest.index("| three rates |") :]
    before, _, after = text.partition("| three rates |")
    text = before + after[after.index("| true speedup |") :]
    lines = re.findall(r"^\| (\d \+ \d|covered) \| (.*%) \|$", text, re.MULTILINE)
    return {
        head: [float(cell.rstrip("%")) / 100 for cell in cells.split(" | ")]
        for head, cells in lines
    }


def scatter(share):
    """The standard deviation of a share in `TRIALS` trials."""
    return math.sqrt(share * (1 - share) / TRIALS)


def apart(percent):
    return 1.0, 1 + percent / 100


@pytest.mark.parametrize("distance", [0, 15])
def test_identical_arms_are_told_apart_as_often_as_the_page_says(simulate, page, distance):
    said = page["2 + 4"][simulate.DISTANCES.index(distance)]
    share = simulate.false_verdicts(simulate.plan(2, 4), apart(distance), TRIALS)
    assert abs(share - said) < 3.5 * scatter(said)  # the page's own scatter is small beside it
    assert share < WORST + 2 * scatter(WORST)


def test_the_page_says_no_more_than_is_allowed_at_any_distance(page):
    assert max(page["2 + 4"]) <= WORST < max(page["2 + 0"])


def test_the_second_stage_is_what_keeps_errors_down(simulate):
    share = simulate.false_verdicts(simulate.plan(2, 0), apart(20), TRIALS)
    assert share > WORST + 2 * scatter(WORST)


def test_steps_that_scatter_more_err_as_often_as_the_page_says(simulate):
    cells = re.search(r"\| scatter \|.*\n.*\n\| 2 \+ 4 \| (.*) \|", PAGE)[1].split(" | ")
    assert len(cells) == len(simulate.SCATTERS)
    for size, cell in list(zip(simulate.SCATTERS, cells, strict=True))[::3]:
        said = float(cell.rstrip("%")) / 100
        share = simulate.false_verdicts(simulate.plan(2, 4), (1.0, 1 + size), TRIALS, size)
        assert abs(share - said) < 3.5 * scatter(said)


def test_intervals_cover_what_the_page_says(simulate, page):
    said = page["covered"][0]
    assert abs(simulate.coverage(1.0, TRIALS) - said) < 3.5 * scatter(said)


def test_the_page_has_a_figure_for_every_distance(simulate, page):
    assert {len(page[f"{a} + {b}"]) for a, b in simulate.STAGES} == {len(simulate.DISTANCES)}
