"""What the commands share: the order of the help, the width of the terminal, tables."""

import os
import sys
from typing import Any

import click


class InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


def width() -> int:
    """Of the terminal, in columns; 100 elsewhere."""
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 100


def print_table(table: Any) -> None:
    """Prints a table of rich's."""
    from rich.console import Console

    Console(width=width()).print(table)
