"""What a run ran on, and the Keras settings without which its numbers would mean something else."""

import contextlib
import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

REQUIRED = {"backend": "tensorflow", "floatx": "float32", "image_data_format": "channels_last"}


def _keras_settings() -> dict[str, tuple[str, str]]:
    """The value of each required setting and where it was set, without importing Keras."""
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "config"):
        keras = sys.modules["keras"]
        return {name: (getattr(keras.config, name)(), "keras.config") for name in REQUIRED}
    settings = {name: (value, "default") for name, value in REQUIRED.items()}
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        config = json.loads((home / "keras.json").read_text())
    except (OSError, ValueError):  # Keras ignores such a file too
        config = {}
    if isinstance(config, dict):
        for name in REQUIRED:
            if name in config:
                settings[name] = (str(config[name]), str(home / "keras.json"))
    if os.environ.get("KERAS_BACKEND"):
        settings["backend"] = (os.environ["KERAS_BACKEND"], "KERAS_BACKEND")
    return settings


def keras_mistake() -> str | None:
    """One line that names a Keras setting the zoo cannot work with, or None if all are right."""
    for name, (value, source) in _keras_settings().items():
        if value != REQUIRED[name]:
            return (
                f"Keras's {name} is {value!r} (set by {source}); "
                f"Gradient Zoo measures with {REQUIRED[name]!r}: set it so, or unset it"
            )
    return None


@contextlib.contextmanager
def quiet_native_code() -> Iterator[None]:
    """Keeps what native code prints to stderr from the user: the notes of TensorFlow's start.

    Some of them come whatever the log level, hence the file descriptor.
    """
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def load_tensorflow() -> None:
    """Imports TensorFlow without its notes, for the zoo's command."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_native_code():
        import tensorflow  # noqa: F401


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """The commit of the checkout the package runs from; with "+" if package or recipes changed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return answer.stdout.strip()

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
