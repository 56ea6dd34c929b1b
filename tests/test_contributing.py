"""The examples of CONTRIBUTING.md, applied to a copy of the checkout, and their commands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (?P<path>\S+?)(?:, (?P<where>after|before): (?P<line>.*))?\n")
# One process for all commands: most of a command's time is that of importing TensorFlow.
RUN = """
import json, runpy, subprocess, sys
from zoo.cli import main
from zoo.sweep import workers
workers.load()  # as a command of its own would
for command in json.load(sys.stdin):
    words = command.split()
    if words[0] == "zoo":
        sys.argv = words
        try:
            main()
        except SystemExit as end:
            assert not end.code, command
    elif words[0] == "python":
        sys.argv = words[1:]
        try:
            runpy.run_path(words[1], run_name="__main__")
        except SystemExit as end:
            assert not end.code, command
    else:
        subprocess.run(words, check=True)
"""


def edits():
    """Path, block, and for an insertion where it goes: after or before which line."""
    matches = [(FILE.match(text), text) for kind, text in BLOCKS if kind in ("python", "yaml")]
    assert all(match for match, _ in matches)
    return [(match, text[match.end() :]) for match, text in matches]


def commands():
    return [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


def apply(checkout: Path) -> list[str]:
    """Applies every example; the paths that were touched."""
    for match, block in edits():
        path = checkout / match["path"]
        if match["where"] is None:
            assert not path.exists(), f"{path} is there already"
            path.write_text(block, encoding="utf-8")
            continue
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        at = [number for number, line in enumerate(lines) if line.strip() == match["line"]]
        assert len(at) == 1, f"{match['path']}: {match['line']}"
        place = at[0] + (match["where"] == "after")
        path.write_text("".join([*lines[:place], block, *lines[place:]]), encoding="utf-8")
    return [match["path"] for match, _ in edits()]


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    copy = tmp_path_factory.mktemp("contributing") / "gradient-zoo"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "zoo-results", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy, apply(copy)


def test_each_addition_costs_what_the_page_says(changed):
    _, paths = changed
    assert paths == [
        "recipes/digits/activation.yaml",
        *("zoo/mitigations/weight_standardization.py", "recipes/digits/normalization.yaml"),
        *("zoo/models/deep_linear.py", "zoo/recipe/families.py", "recipes/digits/deep_linear.yaml"),
        "zoo/probe/quantities.py",
        "zoo/results/columns.py",
        "zoo/data/sets/spirals.py",
    ]


def test_the_examples_are_clean(changed):
    copy, paths = changed
    files = [path for path in paths if path.endswith(".py")]
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *files], cwd=copy, check=True)


@pytest.mark.combination
def test_every_command_works(changed):
    import json

    copy, _ = changed
    environment = {**os.environ, "PYTHONPATH": str(copy), "ZOO_CACHE_DIR": str(copy / "cache")}
    process = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(commands()), capture_output=True, text=True, cwd=copy, env=environment,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    shown = process.stdout
    assert all(arm in shown for arm in ("hard_tanh", "weight_standardization", "orthogonal"))
    assert "spirals: ready, 600 / 200 / 200 examples of 2, 2 outputs" in shown
    assert "tables and figures are those of the evidence" in shown
    assert " flat " in shown and "1\n" in shown.splitlines(keepends=True)
