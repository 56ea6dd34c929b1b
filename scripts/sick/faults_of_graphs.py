"""Faults of the graph of layers: what no gradient reaches, and penalties."""

from .dense import autoencoder, dense_classifier
from .graphs import subclassed, two_outputs
from .images import images, nested, one_dimensional
from .problem import Case
from .sequences import adding

GRAPH = [
    Case("two_outputs/no_loss", two_outputs, "head without loss", {"size_loss": None}),
    Case("two_outputs/weight_0", two_outputs, "head without loss", {"digit_weight": 0.0}),
    Case("nested/everything_frozen", nested, "frozen layers", {"frozen": "everything"}),
    Case("adding/recurrent_frozen", adding, "frozen layers", {"frozen": True}, {"length": 10}),
    Case(
        "nested/base_frozen",
        nested,
        "frozen layers",
        {"frozen": "base"},
        {"bottleneck": 16, "epochs": 15},
        "a base that was never trained; a matter of how wide it is",
    ),
    Case(
        "two_outputs/seen_frozen",
        two_outputs,
        "frozen layers",
        {"seen_frozen": True},
        {"seen_units": 8},
        "a matter of how wide it is",
    ),
    Case("subclassed/forgotten", subclassed, "unused layers", {"wiring": "forgotten"}),
    Case(
        "two_outputs/input_forgotten", two_outputs, "unused layers", {"second_input": "forgotten"}
    ),
    Case("dense_classifier/argmax", dense_classifier, "not connected", {"cut_by": "argmax"}),
    Case(
        "dense_classifier/rounded",
        dense_classifier,
        "not connected",
        {"cut_by": "rounded"},
        {"width": 12},
    ),
    Case(
        "subclassed/detached",
        subclassed,
        "not connected",
        {"wiring": "detached"},
        {"width": 4, "depth": 3, "epochs": 30},
    ),
    Case(
        "one_dimensional/threshold",
        one_dimensional,
        "not connected",
        {"cut_by": "threshold"},
        {"depth": 2, "filters": 2, "epochs": 40},
    ),
]

OUTWEIGHS = "penalty outweighs the loss"

PENALTY = [
    Case("dense_classifier/l2", dense_classifier, OUTWEIGHS, {"penalty": 1.0}, {"depth": 3}),
    Case("images/l2", images, OUTWEIGHS, {"penalty": 1.0}),
    Case("one_dimensional/l1", one_dimensional, OUTWEIGHS, {"penalty": 0.1}),
    Case("autoencoder/activity", autoencoder, OUTWEIGHS, {"code_penalty": 0.05}),
]


CASES = [*GRAPH, *PENALTY]
