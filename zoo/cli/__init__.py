"""The `zoo` command: parsing and printing only. TensorFlow is imported to build or train alone."""

import os
import signal
import sys
from types import FrameType

from zoo import keras_setup
from zoo.cli.commands import app
from zoo.errors import ZooError


def _end(signal_number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + signal_number)


def main() -> None:
    """Runs the command; a mistake of the user is one line on stderr and exit code 2."""
    signal.signal(signal.SIGTERM, _end)
    try:
        keras_setup.require()
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except ZooError as error:
        print(error, file=sys.stderr)
        code = 2
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):  # Click's, for a mistake in the command line
            raise
        print(f"zoo: {error.format_message().rstrip('.')}; see zoo --help", file=sys.stderr)
        code = 2
    raise SystemExit(code)
