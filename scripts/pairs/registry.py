"""The table of pairs and the decorator that fills it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import keras


@dataclass(frozen=True)
class Pair:
    """One program in two variants; build(seed, faulty) -> (model, x, y, fit_kwargs, score)."""

    name: str
    kind: str
    target: float
    build: Callable


PAIRS: dict[str, Pair] = {}


def pair(kind: str, target: float) -> Callable:
    """Register the decorated function; the seed is set before it runs."""

    def register(function: Callable) -> Callable:
        @wraps(function)
        def build(seed: int, faulty: bool):
            keras.utils.set_random_seed(seed)
            return function(seed, faulty)

        name = function.__name__
        if name in PAIRS:
            raise ValueError(f"two pairs are named {name}")
        PAIRS[name] = Pair(name, kind, target, build)
        return build

    return register
