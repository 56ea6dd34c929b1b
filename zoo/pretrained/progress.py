"""Live progress of a download, where somebody looks and it takes a while."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TextIO

from zoo.pretrained.mirrors import Received

LONG = 2**20  # bytes from which on it is shown


def on(stream: TextIO) -> Callable[[int], AbstractContextManager[Received]]:
    """Shows pulls (`zoo.pretrained.pulling.Watch`) on a stream, if that is a terminal."""

    @contextlib.contextmanager
    def watch(total: int) -> Iterator[Received]:
        if total < LONG or not stream.isatty():
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        columns = BarColumn(), DownloadColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(file=stream), transient=True) as progress:
            task = progress.add_task("", total=total)
            yield lambda count: progress.update(task, advance=count)

    return watch
