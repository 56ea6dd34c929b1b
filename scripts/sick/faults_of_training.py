"""Faults of the course of training: rates, decay, noise, and what inference makes of it."""

from .dense import autoencoder, dense_binary, dense_classifier, dense_regression
from .graphs import subclassed
from .images import images, residual_images
from .problem import Case
from .sequences import reviews, transformer

SGD = {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.01}

STAGNATING = [
    Case(
        "dense_classifier/other_order",
        dense_classifier,
        "stagnating",
        {"spoil": "y in another order"},
        note="inputs were shuffled, labels were not",
    ),
    Case(
        "dense_classifier/dropout", dense_classifier, "stagnating", {"dropout": 0.95}, {"depth": 3}
    ),
    Case(
        "dense_binary/no_activation",
        dense_binary,
        "stagnating",
        {"activation": "linear"},
        note="linear layers cannot tell the circles apart",
    ),
]
OSCILLATING = [
    Case(
        "images/momentum_0.998",
        images,
        "oscillating",
        {"momentum": 0.998},
        {**SGD, "learning_rate": 0.03},
    ),
    Case(
        "dense_regression/momentum",
        dense_regression,
        "oscillating",
        {"momentum": 0.995},
        {**SGD, "learning_rate": 0.03},
    ),
    Case(
        "dense_classifier/batch_of_1",
        dense_classifier,
        "oscillating",
        {"batch_size": 1, "epochs": 2},
        {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    ),
]
DIVERGED = [
    Case(
        "dense_regression/rate_of_1",
        dense_regression,
        "diverged",
        {"learning_rate": 1.0},
        {"optimizer": "sgd", "learning_rate": 0.1},
    ),
    Case(
        "dense_regression/sum_of_squares",
        dense_regression,
        "diverged",
        {"loss": "sum of squares"},
        {"optimizer": "sgd", "epochs": 40, "learning_rate": 0.05},
    ),
    Case(
        "autoencoder/rate_of_100",
        autoencoder,
        "diverged",
        {"learning_rate": 100.0},
        {
            "optimizer": "sgd",
            "learning_rate": 1.0,
            "head_activation": None,
            "target": 0.3,
            "epochs": 40,
        },
    ),
]
HIGH = "rate too high"
TOO_HIGH = [
    Case("images/adam", images, HIGH, {"learning_rate": 0.3}),
    Case("transformer/adam", transformer, HIGH, {"learning_rate": 0.3}),
    Case(
        "dense_binary/sgd",
        dense_binary,
        HIGH,
        {"learning_rate": 10.0},
        {"momentum": 0.9, "optimizer": "sgd", "depth": 3},
    ),
    Case("reviews/lstm", reviews, HIGH, {"learning_rate": 1.0}, {"reader": "LSTM", "epochs": 5}),
]
LOW = "rate too low"
TOO_LOW = [
    Case(
        "dense_classifier/sgd",
        dense_classifier,
        LOW,
        {"learning_rate": 1e-5},
        {"optimizer": "sgd", "learning_rate": 0.1},
    ),
    Case(
        "images/decay", images, LOW, {"decay_steps": 5}, note="steps of a schedule taken for epochs"
    ),
    Case(
        "subclassed/sgd",
        subclassed,
        LOW,
        {"learning_rate": 1e-4},
        {"optimizer": "sgd", "learning_rate": 0.1},
    ),
]
DYING = [
    Case(
        "dense_classifier/weight_decay",
        dense_classifier,
        "dying weights",
        {"weight_decay": 10.0},
        {"optimizer": "adamw", "weight_decay": 0.004},
    ),
    Case("images/weight_decay", images, "dying weights", {"weight_decay": 5.0}, SGD),
    Case("dense_regression/max_norm", dense_regression, "dying weights", {"max_norm": 0.01}),
]
GAP = "batch normalization gap"
BATCH_NORMALIZATION = [
    Case(
        "dense_classifier/momentum",
        dense_classifier,
        GAP,
        {"normalization_momentum": 0.999999},
        {"normalization": True, "depth": 3, "epochs": 8},
    ),
    Case(
        "images/momentum",
        images,
        GAP,
        {"normalization_momentum": 0.9999},
        {"normalization": True, "depth": 3, "epochs": 6},
    ),
    Case(
        "residual_images/momentum",
        residual_images,
        GAP,
        {"normalization_momentum": 0.999},
        {"epochs": 5},
        "a matter of degree: 0.999 is no fault after ten thousand steps",
    ),
]

CASES = [
    *STAGNATING, *OSCILLATING, *DIVERGED, *TOO_HIGH, *TOO_LOW, *DYING, *BATCH_NORMALIZATION,
]  # fmt: skip
