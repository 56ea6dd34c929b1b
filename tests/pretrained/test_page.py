"""Every command and every file of docs/pretrained.md, run in order, offline."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "pretrained.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for kind, text in BLOCKS:
        if kind == "python":
            name = re.match(r"# (\S+\.py)\n", text)[1]
            (folder / name).write_text(text)
    return folder


@pytest.mark.combination
@pytest.mark.parametrize("command", COMMANDS)
def test_command(command, folder):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "ZOO_HOME": str(folder / "home"),
        "http_proxy": "http://127.0.0.1:9",  # whoever asks the network fails
        "https_proxy": "http://127.0.0.1:9",
    }
    process = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=folder, env=environment
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip()
    if command == "python first_model.py":
        assert float(process.stdout.split()[1]) > 0.9
    if command == "python further.py":
        assert float(process.stdout.split()[-1]) > 0.8


def test_there_is_something_to_run():
    assert {"python pair.py", "python further.py", "python first_model.py"} <= set(COMMANDS)
