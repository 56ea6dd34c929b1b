"""Progress of making a mirror: a line a model, and the time left."""

import time
from collections.abc import Callable

from rich.console import Console

from zoo.pretrained.publishing import Model
from zoo.pretrained.pushing import IS_THERE


def listener(console: Console, count: int) -> Callable[[Model, str], None]:
    """A listener of `zoo.pretrained.pushing.push` that prints a line a model.

    Args:
        console: where.
        count: of the models.
    """
    began, done, trained = time.monotonic(), 0, 0

    def line(model: Model, what: str) -> None:
        nonlocal done, trained
        done += 1
        trained += what != IS_THERE
        gone = time.monotonic() - began
        left = gone / trained * (count - done) if trained else 0
        time_left = f", {left / 60:.0f} min left" if left > 60 else ""
        text = f"{done} of {count}: {model.id}, {what}{time_left}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    return line
