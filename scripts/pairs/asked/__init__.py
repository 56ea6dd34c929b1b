"""The third batch of pairs: as practitioners ask on sites for questions and in issue trackers."""

from . import (
    example_weights,
    layers,
    losses,
    outputs,
    rows,
    scales,
    starts,
    steps,
    wiring,
)

__all__ = [
    "example_weights",
    "layers",
    "losses",
    "outputs",
    "rows",
    "scales",
    "starts",
    "steps",
    "wiring",
]
