"""The commands of `zoo data`."""

import click

from zoo.cli.terminal import InOrder, width


@click.group("data", cls=InOrder, no_args_is_help=False)
def data_() -> None:
    """List, prepare and locate data sets."""


@data_.command("list")
def data_list() -> None:
    """List the data sets of the recipes and those prepared here."""
    from zoo.cli import listing

    print(listing.data_sets(width()))


@data_.command("prepare")
@click.argument("name")
def data_prepare(name: str) -> None:
    """Download, check and decode a data set, so that a run finds it ready.

    NAME is digits, or a name of tensorflow-datasets.
    """
    from zoo import data

    loaded = data.load(name)
    sizes = " / ".join(str(len(part.y)) for part in (loaded.train, loaded.validation, loaded.test))
    shape = "x".join(map(str, loaded.input_shape))
    print(f"{name}: ready, {sizes} examples of {shape}, {loaded.outputs} outputs")


@data_.command("where")
def data_where() -> None:
    """Print the folders that data sets come from and go to."""
    from zoo.cli import listing

    print(listing.data_folders(), end="")
