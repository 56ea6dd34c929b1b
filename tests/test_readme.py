"""Every command and every file of the README, run in order in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
# The suite cannot run itself; continuous integration calls this very command.
NOT_HERE = {"make test", "apt-get install dataset-fashion-mnist"}


def files():
    """The fenced files that say their name in the first line."""
    named = (re.match(r"# (\S+\.(?:py|yaml))\n", text) for _, text in BLOCKS)
    return {
        match[1]: text for match, (_, text) in zip(named, BLOCKS, strict=True) if match is not None
    }


def commands():
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
    return [line for line in lines if line not in NOT_HERE]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout that uses this environment."""
    copy = tmp_path_factory.mktemp("readme") / "gradient-zoo"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "zoo-results", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=ignored)
    for name, text in files().items():
        (copy / name).write_text(text)
    # A folder of its own: make must never set up this environment anew for the copy.
    (copy / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".ready":
            (copy / ".venv" / entry.name).symlink_to(entry)
    (copy / ".venv" / ".ready").touch()
    return copy


def test_there_is_something_to_run():
    assert {"my_activation.py", "my_recipe.yaml", "which_layer.py"} <= files().keys()
    assert "make run" in commands() and len(commands()) >= 10
    assert {line for _, text in BLOCKS for line in text.splitlines()} >= NOT_HERE


def marks(command):
    """What imports TensorFlow, or shows what such a command left, says nothing new of the zoo."""
    if "fashion" in command:
        return pytest.mark.system
    quick = ("zoo list", "zoo show", "zoo leaderboard", "zoo compare", "zoo data", "zoo explain")
    light = command.startswith(quick)
    return () if light and "--results" not in command else pytest.mark.combination


@pytest.mark.parametrize("command", [pytest.param(c, marks=marks(c)) for c in commands()])
def test_command(command, checkout):
    environment = {
        **os.environ,
        "PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}",
        "TFDS_DATA_DIR": str(checkout / "prepared"),
        "ZOO_CACHE_DIR": str(checkout / "decoded"),
    }
    process = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=checkout, env=environment
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip()


def test_the_recipe_shown_is_the_recipe():
    import yaml

    shown = next(text for kind, text in BLOCKS if kind == "yaml" and "baseline: sigmoid" in text)
    real = yaml.safe_load((ROOT / "recipes/digits/activation.yaml").read_text())
    excerpt = yaml.safe_load(shown)
    for key in ("arms", "against"):
        assert excerpt.pop(key).items() <= real[key].items()
    assert all(real[key] == value for key, value in excerpt.items())


def test_the_lock_names_no_host():
    for name in ("requirements.lock", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text()
