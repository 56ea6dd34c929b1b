"""What a run ran on: versions, machine and commit."""

import functools
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

# Instruction sets by which TensorFlow's kernels round sums differently.
_VECTORS = ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "asimd", "sve")

# What holds a library back from some of them, where it is set.
_KERNEL_VARIABLES = (
    *("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "XLA_FLAGS"),
    "NPY_DISABLE_CPU_FEATURES",
)


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _vectors(cpuinfo: dict[str, str]) -> list[str]:
    known = cpuinfo.get("flags", cpuinfo.get("Features", "")).split()
    return [name for name in _VECTORS if name in known]


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
    cpuinfo = _cpuinfo()
    packages = ("gradient-zoo", "tensorflow", "keras", "numpy")
    held_back = {name: os.environ[name] for name in _KERNEL_VARIABLES if name in os.environ}
    return {
        "python": platform.python_version(),
        **{package.replace("-", "_"): metadata.version(package) for package in packages},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpuinfo.get("model name") or platform.processor() or platform.machine(),
        "instructions": _vectors(cpuinfo),
        **({"kernel_variables": held_back} if held_back else {}),
        "cores": os.cpu_count(),
        "git_commit": _git_commit(),
    }
