"""What the commands share: the order of the help, the width of the terminal, tables."""

import os
import sys
from typing import Any

import click

from zoo.errors import ZooError


class Careful(click.Command):
    """Takes no empty value: one is what is left of a variable of the shell that is not set."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after a look at the values as they were typed."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        for param in self.get_params(ctx):
            values = given.get(param.name)
            for value in values if isinstance(values, list | tuple) else [values]:
                if isinstance(value, str) and not value.strip():
                    option = isinstance(param, click.Option)
                    name = param.opts[0] if option else param.human_readable_name.strip("[].")
                    hint = "give one" if param.required else "give one, or leave it out"
                    raise ZooError(f"{name}: an empty value: {hint}")
        return super().parse_args(ctx, args)


class InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    command_class = Careful

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


def width() -> int:
    """Of the terminal, in columns; 100 elsewhere."""
    columns = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    return columns or 100  # a terminal that nobody looks at may have none


def print_table(table: Any) -> None:
    """Prints a table of rich's."""
    from rich.console import Console

    Console(file=sys.stdout, width=width()).print(table)
