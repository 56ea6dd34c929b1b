"""The Keras settings without which the zoo's numbers would mean something else, and its import."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from zoo import random_states
from zoo.errors import ZooError

REQUIRED = {"backend": "tensorflow", "floatx": "float32", "image_data_format": "channels_last"}


def _settings() -> dict[str, tuple[str, str]]:
    """The value of each required setting and where it was set, without importing Keras."""
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "config"):
        keras = sys.modules["keras"]
        return {name: (getattr(keras.config, name)(), "keras.config") for name in REQUIRED}
    settings = {name: (value, "default") for name, value in REQUIRED.items()}
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        config = json.loads((home / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # Keras ignores such a file too
        config = {}
    if isinstance(config, dict):
        for name in REQUIRED:
            if name in config:
                settings[name] = (str(config[name]), str(home / "keras.json"))
    if os.environ.get("KERAS_BACKEND"):
        settings["backend"] = (os.environ["KERAS_BACKEND"], "KERAS_BACKEND")
    return settings


def require() -> None:
    """Checks the settings; asked before anything is built, measured or trained.

    Raises:
        ZooError: naming a setting that the zoo cannot work with, and where it was set.
    """
    for name, (value, source) in _settings().items():
        if value != REQUIRED[name]:
            raise ZooError(
                f"Keras's {name} is {value!r} (set by {source}); "
                f"Gradient Zoo measures with {REQUIRED[name]!r}: set it so, or unset it"
            )


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
    """Imports TensorFlow without its notes, for the zoo's command.

    Raises:
        ZooError: as `require`.
    """
    require()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_native_code(), random_states.kept():
        import tensorflow  # noqa: F401
