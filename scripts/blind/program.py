"""A program of the set, and where they are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

HEALTHY = "healthy"


@dataclass(frozen=True)
class Program:
    """A network as its author has it before `fit`.

    Attributes:
        name: a name of its own.
        kind: its fault in short words, or `HEALTHY`.
        target: the least score that counts as having learned.
        write: of a seed: the model, compiled and not trained, x, y, what `fit` is given besides,
            and what scores the model on examples that it was not trained on.
    """

    name: str
    kind: str
    target: float
    write: Callable[[int], tuple[Any, ...]]

    def build(self, seed: int) -> tuple[Any, ...]:
        """What `write` gives with this seed, by which the weights are drawn, too."""
        keras.utils.set_random_seed(seed)
        return self.write(seed)


PROGRAMS: dict[str, Program] = {}


def program(kind: str, target: float) -> Callable[..., Any]:
    """Keeps a function as a program by its name."""

    def keep(write: Callable[[int], tuple[Any, ...]]) -> Callable[[int], tuple[Any, ...]]:
        PROGRAMS[write.__name__] = Program(write.__name__, kind, target, write)
        return write

    return keep
