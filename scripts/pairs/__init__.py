"""Pairs of faulty and repaired Keras programs, as asked about on Q&A sites."""

from . import (
    activations,
    custom,
    inputs,
    mixed,
    optimizers,
    outputs,
    outputs_more,
    recurrent,
    regularization,
    targets,
)
from .registry import PAIRS, Pair, pair

__all__ = [
    "PAIRS",
    "Pair",
    "activations",
    "custom",
    "inputs",
    "mixed",
    "optimizers",
    "outputs",
    "outputs_more",
    "pair",
    "recurrent",
    "regularization",
    "targets",
]
