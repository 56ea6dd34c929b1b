"""The `zoo` command: parsing and printing only. TensorFlow is imported to build or train alone."""

import os
import signal
import sys
from types import FrameType

import click

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
        with app.make_context("zoo", sys.argv[1:] or ["--help"]) as context:
            app.invoke(context)
        sys.stdout.flush()
        code = 0
    except click.exceptions.Exit as end:  # after --help
        code = end.exit_code
    except ZooError as error:
        print(error, file=sys.stderr)
        code = 2
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    except click.ClickException as error:  # a mistake in the command line
        print(f"zoo: {error.format_message().rstrip('.')}; see zoo --help", file=sys.stderr)
        code = 2
    raise SystemExit(code)
