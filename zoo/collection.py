"""Python's collector of cycles, paused where there are many objects and no cycles."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Within it, cycles are not looked for; what has none is freed as always.

    Records are trees of many small objects, which the collector would go through again and again: a
    fourth of the time that reading them takes.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
