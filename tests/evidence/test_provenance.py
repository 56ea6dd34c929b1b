"""What a record says of the machine and the code it was made with."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_commit_is_marked_if_package_or_recipes_changed(tmp_path):
    shutil.copytree(ROOT / "zoo", tmp_path / "zoo", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from zoo.evidence.provenance import _git_commit; print(_git_commit())"

    def commit():
        command = [sys.executable, "-B", "-c", code]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.example"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    assert commit() == "None"
    git("init")
    git("add", "zoo")
    git("commit", "-m", "all")
    clean = commit()
    assert len(clean) == 40
    (tmp_path / "notes").write_text("")  # decides nothing
    assert commit() == clean
    (tmp_path / "zoo" / "errors.py").write_text("")
    assert commit() == clean + "+"
