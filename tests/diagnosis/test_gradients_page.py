"""What docs/gradients.md says in numbers is what the command prints and the evidence has."""

import re
import shlex
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import cli, recipe, theory
from zoo.evidence.store import Store
from zoo.results import leaderboard
from zoo.results.folder import FOLDER

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "gradients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
TEXT = " ".join(re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL).split())
STORE = Store(FOLDER)


@pytest.fixture
def printed(monkeypatch, capsys):
    def call(command):
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        assert (end.value.code, captured.err) == (0, "")
        return captured.out

    return call


def without_filling(text):
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_the_block_is_what_the_command_prints(printed):
    [shown] = [text for kind, text in BLOCKS if kind == "text"]
    assert shown == without_filling(printed("zoo explain"))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command, printed):
    assert "1 Forward" in printed(command)


def test_there_is_something_to_run():
    assert COMMANDS[0] == "zoo explain" and len(COMMANDS) == 2


def test_numbers_of_the_text_are_those_of_the_block():
    [shown] = [text for kind, text in BLOCKS if kind == "text"]
    [left, right] = re.search(r"five of them leave (\S+)\. .* count: (\S+)\. On", TEXT).groups()
    assert f"All factors together: sigmoid {left}, ReLU {right}." in shown
    [steepest] = re.search(r"slope of the sigmoid is at most (\S+), so", TEXT).groups()
    assert f"The slope of sigmoid is at most {steepest}, that of ReLU 1 or 0." in shown
    # ten starts, ten rates and the two bounds: test_explain.py trains them
    assert "at ten rates from 0.005 to 5, its loss is above 0.12 after 1,000 steps" in TEXT
    assert "at the printed rate the ReLU network's is below 0.001" in TEXT


def test_factors_of_theory_are_those_of_theory():
    a_layer, of_relu = re.search(r"by (\S+) a layer for a sigmoid .* by (\S+) for a", TEXT).groups()
    sigmoid, relu = map(theory.nonlinearity, ("sigmoid", "relu"))
    chi = theory.chi(theory.fixed_point(sigmoid, 1.0), sigmoid, 1.0)
    assert f"{chi**0.5:.3g}" == a_layer
    assert theory.chi(1.0, relu, 2.0) ** 0.5 == pytest.approx(float(of_relu), rel=1e-9)


# ---------------------------------------------------------------- what a symptom looks like


def short(value):
    return re.sub(r"e([+-])0*", lambda sign: "e" + sign[1].replace("+", ""), f"{value:.2g}")


class Arm:
    """What the evidence has of an arm, in the words of the page."""

    def __init__(self, recipe_id, name):
        loaded = recipe.load(recipe_id)
        self.arm = loaded.arms[name]
        [self.row] = [row for row in leaderboard.rows(loaded, STORE) if row.arm == name]
        self.records = list(STORE.records(self.arm).values())
        self.learn = f"{self.row.reached} of {self.row.seeds}"
        self.diverge = f"{self.row.diverged} of {self.row.seeds}"

    def ratio(self):
        return short(self.row.delta_ratio)

    def at_start(self, quantity):
        """Mean over runs of the first layer's share, in percent."""
        shares = [record.probe.quantity(quantity)[0][0] for record in self.records]
        return f"{100 * statistics.mean(shares):.2g} %"


def symptom(name):
    [line] = re.findall(rf"^\| {name} \| (.*) \|$", PAGE, flags=re.MULTILINE)
    return line.split(" | ")


def arms(cells):
    """The two arms of a line: that of its recipe, and that of its cure."""
    [recipe_id] = re.findall(r"\[(\S+)\]\(", cells[1])
    assert (ROOT / "recipes" / f"{recipe_id}.yaml").is_file()
    return [Arm(recipe_id, re.search(r"`(\w+)`", cell)[1]) for cell in cells[1:]]


def test_vanishing():
    cells = symptom("vanishing")
    sick, cured = arms(cells)
    assert cells[1].endswith(f"δ ratio {sick.ratio()}, {sick.learn} learn")
    assert cells[2].endswith(f": {cured.ratio()}, {cured.learn}")


def test_exploding():
    cells = symptom("exploding")
    sick, cured = arms(cells)
    assert cells[1].endswith(f"δ ratio {sick.ratio()}, {sick.diverge} diverge")
    assert cells[2].endswith(f": {cured.ratio()}, {cured.learn} learn")


def test_saturated():
    cells = symptom("saturated")
    sick, cured = arms(cells)
    share = sick.at_start("saturated")
    assert f": {share} of the first layer, {sick.learn} learn; its gradient explodes" in cells[1]
    assert sick.row.delta_ratio > 100
    assert cells[2].endswith(f": {cured.at_start('saturated')}, {cured.learn}")
    slopes = re.findall(r"of (?:the )?(\w+) at z = (\d) is (\d\.\d+)", cells[0])
    assert [name for name, *_ in slopes] == ["sigmoid", "tanh"]
    for name, z, slope in slopes:
        there = theory.nonlinearity(name).derivative(np.array([float(z)]))[0]
        assert f"{there:.3g}" == slope


def test_dead():
    cells = symptom("dead")
    sick, cured = arms(cells)
    assert f": {100 * sick.row.dead:.2g} % of the units, {sick.learn} learn" in cells[1]
    assert cells[2].endswith(f": {cured.learn}")


def test_underflow():
    cells = symptom("underflow")
    sick, cured = arms(cells)
    share = f"{100 * sick.row.zero_grads:.0f} %"
    assert f": {share} of the first layer's gradient, {sick.learn} learn" in cells[1]
    assert cells[2].endswith(f": {100 * cured.row.zero_grads:.1g} %, {cured.learn}")
    [exponent] = re.findall(r"below 2\^(-\d+) is 0 in float16", cells[0])
    least = 2.0 ** int(exponent)
    assert np.float16(least * (1 - 2**-20)) == 0 < np.float16(least * (1 + 2**-20))


def test_a_gradient_that_vanishes_and_is_no_verdict():
    at_start, early, learn = re.search(
        r"has (\S+) between .* before training, (\S+) on average .* and (\S+ of \d+) runs learn",
        TEXT,
    ).groups()
    arm = Arm("adding_problem_50/gating", "gru")
    assert (at_start, early, learn) == (
        arm.ratio(),
        short(arm.row.delta_ratio_early),
        arm.learn,
    )


def test_what_the_page_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert len(links) > 8
    for link in links:
        path, _, section = link.partition("#")
        text = (ROOT / "docs" / path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}
        assert not section or section in slugs, link
