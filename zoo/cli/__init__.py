"""The `zoo` command: parsing and printing only. TensorFlow is imported to build or train alone."""

import sys

import click

from zoo import keras_setup
from zoo.cli.commands import app
from zoo.cli.process import as_command
from zoo.errors import ZooError, printable


def main() -> None:
    """Runs the command; a mistake of the user is one line on stderr and exit code 2."""
    with as_command():
        keras_setup.require()
        try:
            with app.make_context("zoo", sys.argv[1:] or ["--help"]) as context:
                app.invoke(context)
        except click.exceptions.Exit as end:  # after --help
            raise SystemExit(end.exit_code) from None
        except click.ClickException as error:  # a mistake in the command line
            reason = printable(error.format_message().rstrip("."))
            cut = reason if len(reason) <= 300 else f"{reason[:297]}..."
            raise ZooError(f"zoo: {cut}; see zoo --help") from None
    raise SystemExit(0)
