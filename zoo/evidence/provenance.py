"""What a run ran on: versions, machine and commit."""

import functools
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """The commit of the checkout the package runs from; with "+" if package or recipes changed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        answer = subprocess.run(command, capture_output=True, timeout=10, check=True)
        return answer.stdout.decode("utf-8", "replace").strip()

    try:
        changed = git("status", "--porcelain", "--", "zoo", "recipes")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


@functools.cache
def describe() -> dict[str, Any]:
    """The versions, machine and commit of a run record."""
    packages = ("gradient-zoo", "tensorflow", "keras", "numpy")
    return {
        "python": platform.python_version(),
        **{package.replace("-", "_"): metadata.version(package) for package in packages},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "git_commit": _git_commit(),
    }
