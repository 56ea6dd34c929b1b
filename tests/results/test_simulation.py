"""How often the protocol errs: what docs/method.md says is what the zoo's own code does."""

import importlib.util
import math
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIALS = 2000
WORST = 0.09  # of verdicts on arms that do not differ, at a level of 0.05


@pytest.fixture(scope="module")
def simulate():
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "scripts" / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page():
    """The shares in the tables of the page, by the head of the line."""
    text = (ROOT / "docs" / "method.md").read_text()
    lines = re.findall(r"^\| (\d \+ \d|covered) \| (.*%) \|$", text, re.MULTILINE)
    return {
        head: [float(cell.rstrip("%")) / 100 for cell in cells.split(" | ")]
        for head, cells in lines
    }


def agree(share, said):
    """Two shares, of which one is of `TRIALS` and the other of more."""
    return abs(share - said) < 4 * math.sqrt(2 * said * (1 - said) / TRIALS)


@pytest.mark.parametrize("distance", [0, 10, 20])
def test_identical_arms_are_told_apart_as_often_as_the_page_says(simulate, page, distance):
    said = page["2 + 4"][simulate.DISTANCES.index(distance)]
    assert said <= WORST
    assert agree(simulate.false_verdicts(simulate.plan(2, 4), distance, TRIALS), said)


def test_the_second_stage_is_what_keeps_the_rate_of_errors_down(simulate, page):
    at = simulate.DISTANCES.index(20)
    assert page["2 + 0"][at] > WORST >= page["2 + 4"][at]
    assert simulate.false_verdicts(simulate.plan(2, 0), 20, TRIALS) > WORST


def test_intervals_cover_what_the_page_says(simulate, page):
    assert agree(simulate.coverage(1.0, TRIALS), page["covered"][0])


def test_the_page_has_a_figure_for_every_distance(simulate, page):
    assert {len(page[f"{a} + {b}"]) for a, b in simulate.STAGES} == {len(simulate.DISTANCES)}
