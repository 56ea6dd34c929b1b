"""Faulty programs as people ask about them, each with its repair; blind as scripts/blind are.

Four batches, each after rules had been added for what the one before had shown, as the first was
after scripts/blind: the second is that of blocks, branches, convolution, odd, penalties,
preparation, rates and sequences, the third that of the package asked, the fourth that of frequent.
Each was diagnosed once before rules were added for it (results/diagnosis/pairs_at_first.json,
more_pairs_at_first.json, asked_pairs_at_first.json, frequent_pairs_at_first.json).

PAIRS has them by name: `build(seed, faulty)` gives the model, compiled and not trained, x, y, what
`fit` is given besides, and what scores the model on examples that it was not trained on. The faulty
one misses its target with each of three seeds, the repaired one reaches it: checked.json has the
scores.
"""

from . import (
    activations,
    asked,
    blocks,
    branches,
    convolution,
    custom,
    frequent,
    inputs,
    mixed,
    odd,
    optimizers,
    outputs,
    outputs_more,
    penalties,
    preparation,
    rates,
    recurrent,
    regularization,
    sequences,
    targets,
)
from .registry import PAIRS, Pair, pair

__all__ = [
    "PAIRS",
    "Pair",
    "activations",
    "asked",
    "blocks",
    "branches",
    "convolution",
    "custom",
    "frequent",
    "inputs",
    "mixed",
    "odd",
    "optimizers",
    "outputs",
    "outputs_more",
    "pair",
    "penalties",
    "preparation",
    "rates",
    "recurrent",
    "regularization",
    "sequences",
    "targets",
]
