"""Python's and NumPy's global random states: a caller's, which the zoo leaves as they were."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple


class States(NamedTuple):
    """What `random` and `numpy.random` draw next."""

    python: Any
    numpy: Any


def current() -> States:
    """The global states as they are now."""
    import random  # with NumPy, more than a listing may load

    import numpy as np

    return States(random.getstate(), np.random.get_state())


def put(states: States) -> None:
    """Makes these the global states."""
    import random

    import numpy as np

    random.setstate(states.python)
    np.random.set_state(states.numpy)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Puts the global states back at the end, whatever was seeded or drawn within.

    It decorates functions too.
    """
    before = current()
    try:
        yield
    finally:
        put(before)


class Apart:
    """Random states of its own, which go on within it from where they were when it was left."""

    def __init__(self) -> None:
        self._states: States | None = None
        self._within = False

    @contextlib.contextmanager
    def within(self) -> Iterator[None]:
        """Makes its states the global ones, and puts the others back at the end."""
        if self._within:
            yield
            return
        with kept():
            if self._states is not None:
                put(self._states)
            self._within = True
            try:
                yield
            finally:
                self._within = False
                self._states = current()
