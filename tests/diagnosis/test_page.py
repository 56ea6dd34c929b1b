"""Every command and every file of docs/diagnose.md, run in order; its tables and numbers."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.diagnosis import advice, verdict

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "diagnose.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for kind, text in BLOCKS:
        if kind == "python":
            (folder / re.match(r"# (\S+\.py)\n", text)[1]).write_text(text)
    return folder


@pytest.mark.combination
@pytest.mark.parametrize("command", COMMANDS)
def test_command(command, folder):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=folder, env=environment
    )
    assert process.returncode == 0, process.stderr
    if command != "python broken.py":
        assert "vanishing gradients" in process.stdout and "digits/activation/" in process.stdout
        assert max(map(len, process.stdout.splitlines())) <= 400


def test_there_is_something_to_run():
    assert "python diagnosed.py" in COMMANDS


def test_every_symptom_has_one_name_and_every_cure_one_symptom():
    assert len(set(verdict.SYMPTOMS)) == len(verdict.SYMPTOMS)
    assert set(advice.CURES) <= set(verdict.SYMPTOMS)
    from zoo.results.overview import MITIGATIONS

    assert {cure for cures in advice.CURES.values() for cure in cures} <= set(MITIGATIONS)


def test_every_symptom_that_can_be_said_is_in_the_list():
    code = "".join(path.read_text() for path in (ROOT / "zoo" / "diagnosis").glob("*.py"))
    for symptom in verdict.SYMPTOMS:
        assert code.count(f'"{symptom}"') >= 2, f"{symptom} is never said"


def test_the_tables_are_what_was_measured():
    path = ROOT / "scripts" / "diagnosis_page.py"
    spec = importlib.util.spec_from_file_location("diagnosis_page", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = PAGE.partition(script.START)[2].partition(script.END)[0]
    assert made.strip() == script.tables().strip()


def test_the_readme_says_how_often_it_is_right():
    said = re.search(
        r"Of (\d+) networks with a known fault it alarms (\d+), of (\d+) healthy ones none, of "
        r"(\d+) arms of the zoo that learn none, of (\d+) that do not (\d+)",
        " ".join((ROOT / "README.md").read_text().split()),
    )
    results = ROOT / "results" / "diagnosis"
    networks, arms = (json.loads((results / f"{n}.json").read_text()) for n in ("set", "arms"))

    def alarmed(group):
        return sum(bool(each.get("symptoms")) or "error" in each for each in group)

    sick = [each for name, each in networks.items() if name.startswith("sick ")]
    well = [each for name, each in networks.items() if not name.startswith("sick ")]
    learn, fail = (
        [
            each
            for name, each in arms.items()
            if name.endswith(" start") and each["learns"] == learns and "error" not in each
        ]
        for learns in ("yes", "no")
    )
    counts = [len(sick), alarmed(sick), len(well), len(learn), len(fail), alarmed(fail)]
    assert list(map(int, said.groups())) == counts
    assert alarmed(well) == alarmed(learn) == 0


def test_the_readme_says_what_was_said_of_programs_written_blind():
    said = re.search(
        r"when it first met them, (\d+) of (\d+) faulty ones and (\d+) of (\d+) healthy ones",
        " ".join((ROOT / "README.md").read_text().split()),
    )
    counts = []
    for healthy in (False, True):
        programs = [
            each
            for path in (ROOT / "results" / "diagnosis").glob("*_at_first.json")
            if path.name != "set_at_first.json"
            for each in json.loads(path.read_text()).values()
            if (each["kind"] == "healthy") == healthy
        ]
        counts += [sum(bool(each.get("symptoms")) for each in programs), len(programs)]
    assert list(map(int, said.groups())) == counts


def test_the_page_has_the_numbers_of_the_program():
    import inspect

    from zoo.diagnosis.diagnose import diagnose
    from zoo.diagnosis.measuring import LONG_PATIENCE, PATIENCE
    from zoo.diagnosis.seen import LONG, SOON
    from zoo.diagnosis.trainer import HELD_OUT, LEAST_HELD_OUT
    from zoo.diagnosis.trial import LOOKED_AT

    steps = inspect.signature(diagnose).parameters["steps"].default
    assert f"**Some steps** ({steps}; `--steps`)" in PAGE
    assert f"- {steps} steps of a small network" in PAGE
    assert {8.0: "eight seconds"}[PATIENCE] in PAGE
    words = " ".join(PAGE.split())
    assert f"up to {LONG:,} ({({15.0: 'fifteen seconds'})[LONG_PATIENCE]} at most" in words
    assert f"{({4.0: 'four'})[PATIENCE / 2]} for a network that learned" in words
    assert f"**, from the start again: {LOOKED_AT}," in words and f"within {SOON} steps" in words
    assert HELD_OUT == 0.25 and LEAST_HELD_OUT == 100  # a quarter, a hundred
