"""The wheel has the recipes and the leaderboard, and works without the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A wheel built from the checkout and unpacked, as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        check=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_recipes_and_leaderboard_travel_but_not_the_raw_evidence(installed):
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*.*")}
    assert {"zoo/recipes/digits/activation.yaml", "zoo/results/leaderboard.json"} <= names
    assert {"zoo/py.typed", "zoo/evidence/store.py"} <= names
    assert not any("seed-" in name or name.startswith("tests") for name in names)


def zoo(installed, *arguments):
    code = "import sys; from zoo.cli import main; sys.argv[0] = 'zoo'; main()"
    # -S and an explicit path: the editable install of the checkout must not be found first
    packages = [path for path in sys.path if path.endswith("site-packages")]
    path = os.pathsep.join([str(installed), *packages])
    process = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        capture_output=True, text=True, cwd=installed, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return process


def test_the_installed_command_lists_and_shows_rows(installed):
    assert "digits/activation" in zoo(installed, "list").stdout
    process = zoo(installed, "leaderboard", "--format", "json")
    committed = json.loads((ROOT / "results/leaderboard.json").read_text())
    assert json.loads(process.stdout) == committed != []


def test_what_needs_the_raw_evidence_says_so(installed):
    process = zoo(installed, "leaderboard", "--target", "0.9")
    assert process.returncode == 2 and "need a clone" in process.stderr
