"""The fourth batch of pairs: faults of every kind, the frequent ones more often."""

from . import (
    not_trained,
    outputs_and_labels,
    own_losses,
    preparation,
    rates_and_batches,
    sequences,
    starts_and_penalties,
    wiring,
)

__all__ = [
    "not_trained",
    "outputs_and_labels",
    "own_losses",
    "preparation",
    "rates_and_batches",
    "sequences",
    "starts_and_penalties",
    "wiring",
]
