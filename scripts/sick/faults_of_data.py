"""Faults of inputs and targets: their units, numbers that are none, examples alike."""

from .dense import autoencoder, dense_binary, dense_classifier, dense_regression
from .graphs import two_outputs
from .images import images, nested
from .problem import Case
from .sequences import adding, reviews, rows

OUTSIDE = "targets outside the range"

UNSCALED = "inputs unscaled"

SGD = {"optimizer": "sgd", "learning_rate": 0.1}

SCALE = [
    Case(
        "images/bytes_sgd",
        images,
        UNSCALED,
        {"scale": "bytes"},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.03},
    ),
    Case(
        "dense_binary/as_measured",
        dense_binary,
        UNSCALED,
        {"scale": "as is"},
        {"points": "cancer", **SGD, "epochs": 20},
    ),
    Case("rows/words", rows, UNSCALED, {"scale": "words"}),
    Case(
        "nested/no_division",
        nested,
        UNSCALED,
        {"factor": 1.0},
        {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 25},
    ),
]

TARGETS = "targets unscaled"

BIG = [
    Case(
        "dense_regression/prices",
        dense_regression,
        TARGETS,
        {"scale_targets": "prices"},
        {"learning_rate": 1e-3, "epochs": 40},
    ),
    Case(
        "dense_regression/sgd",
        dense_regression,
        TARGETS,
        {"scale_targets": "thousands"},
        {"optimizer": "sgd", "learning_rate": 0.03, "epochs": 60},
    ),
    Case(
        "two_outputs/one_of_two",
        two_outputs,
        TARGETS,
        {"size_units": 1000.0},
        note="the larger loss is all that the shared layers learn from",
    ),
    Case("autoencoder/bytes", autoencoder, OUTSIDE, {"scale": "bytes"}),
]

ALIKE = "examples alike"

SAME = [
    Case(
        "dense_classifier/integer_division", dense_classifier, ALIKE, {"scale": "integer division"}
    ),
    Case("dense_regression/first_row", dense_regression, ALIKE, {"spoil": "alike"}),
    Case("reviews/all_unknown", reviews, ALIKE, {"tokens": "all unknown"}),
]

NAN = "data not finite"

NOT_FINITE = [
    Case(
        "dense_classifier/divided_by_zero",
        dense_classifier,
        NAN,
        {"scale": "divided by zero"},
        {"scale": "standard"},
        "pixels that are always 0, standardized",
    ),
    Case("dense_regression/nan_in_y", dense_regression, NAN, {"spoil": "nan in y"}),
    Case("images/inf_in_x", images, NAN, {"spoil": "inf in x"}),
    Case("adding/nan_in_x", adding, NAN, {"spoil": "nan in x"}, {"length": 10}),
]


CASES = [*SCALE, *BIG, *SAME, *NOT_FINITE]
