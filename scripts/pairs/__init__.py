"""Faulty programs as people ask about them, each with its repair; blind as scripts/blind are.

The first were written when rules had been added for what scripts/blind had shown, and diagnosed
once (results/diagnosis/pairs_at_first.json) before rules were added for what they showed.

PAIRS has them by name: `build(seed, faulty)` gives the model, compiled and not trained, x, y, what
`fit` is given besides, and what scores the model on examples that it was not trained on. The faulty
one misses its target with each of three seeds, the repaired one reaches it: checked.json has the
scores.
"""

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
