"""Faults of the last layer, the loss and the labels."""

from .dense import autoencoder, dense_binary, dense_classifier, dense_regression
from .graphs import two_outputs
from .images import images
from .problem import Case
from .sequences import adding, reviews, rows

CANCER = {"points": "cancer", "epochs": 20, "learning_rate": 3e-3}

ONE_UNIT_SOFTMAX = [
    Case(
        "dense_binary/softmax",
        dense_binary,
        "one-unit softmax",
        {"head_activation": "softmax"},
        CANCER,
    ),
    Case(
        "dense_binary/softmax_mse",
        dense_binary,
        "one-unit softmax",
        {"head_activation": "softmax"},
        {"loss": "mse"},
        "all gradients are 0: the loss does not use the logits",
    ),
    Case(
        "images/softmax",
        images,
        "one-unit softmax",
        {"head_activation": "softmax"},
        {"task": "below 5"},
    ),
    Case(
        "reviews/softmax",
        reviews,
        "one-unit softmax",
        {"head_activation": "softmax"},
        {"reader": "LSTM", "epochs": 5},
    ),
    Case(
        "dense_regression/softmax",
        dense_regression,
        "one-unit softmax",
        {"head_activation": "softmax"},
        {"scale_targets": "unit", "epochs": 40},
        "a classifier's last layer copied to a regression",
    ),
]

OUTSIDE = "targets outside the range"

RANGE = [
    Case("dense_regression/sigmoid", dense_regression, OUTSIDE, {"head_activation": "sigmoid"}),
    Case(
        "dense_regression/relu",
        dense_regression,
        OUTSIDE,
        {"head_activation": "relu"},
        note="half of the standardized targets are negative",
    ),
    Case(
        "autoencoder/sigmoid",
        autoencoder,
        OUTSIDE,
        {"head_activation": "sigmoid"},
        {"scale": "standard", "head_activation": None, "target": 0.4},
    ),
    Case(
        "adding/sigmoid",
        adding,
        OUTSIDE,
        {"head_activation": "sigmoid"},
        {"length": 10},
        "sums go up to 2",
    ),
    Case("two_outputs/sigmoid", two_outputs, OUTSIDE, {"size_activation": "sigmoid"}),
    Case("dense_binary/labels_1_and_2", dense_binary, OUTSIDE, {"labels": "from 1"}, CANCER),
    Case("dense_classifier/relu", dense_classifier, OUTSIDE, {"head_activation": "relu"}),
]

LOGITS = "logits taken for probabilities"

PROBABILITIES = "probabilities taken for logits"

LOGITS_AND_PROBABILITIES = [
    Case("dense_classifier/no_softmax", dense_classifier, LOGITS, {"head_activation": "linear"}),
    Case("images/no_softmax", images, LOGITS, {"head_activation": "linear"}),
    Case(
        "dense_binary/no_sigmoid",
        dense_binary,
        LOGITS,
        {"head_activation": "linear"},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.03},
    ),
    Case("rows/no_softmax", rows, LOGITS, {"head_activation": "linear"}),
    Case(
        "dense_binary/sigmoid_twice",
        dense_binary,
        PROBABILITIES,
        {"head_activation": "sigmoid"},
        {"loss": "sigmoid inside", "head_activation": None},
        "the loss is written by hand: Keras's own would find the logits of the sigmoid",
    ),
    Case(
        "images/softmax_inside",
        images,
        PROBABILITIES,
        {"head_activation": "softmax"},
        {
            "loss": "softmax inside",
            "head_activation": "linear",
            "optimizer": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.03,
            "epochs": 10,
        },
        "the loss is written by hand",
    ),
    Case(
        "dense_classifier/softmax_twice",
        dense_classifier,
        PROBABILITIES,
        {"head_activation": "softmax twice"},
        {"optimizer": "sgd", "learning_rate": 0.1},
        "a matter of degree: it learns slower, and less",
    ),
]

LABELS = "labels that do not fit"

FITTING = [
    Case(
        "dense_classifier/integers",
        dense_classifier,
        LABELS,
        {"loss": "categorical_crossentropy"},
        note="Keras raises",
    ),
    Case(
        "dense_classifier/from_1",
        dense_classifier,
        LABELS,
        {"labels": "from 1"},
        note="raises on a CPU, NaN on a GPU",
    ),
    Case(
        "dense_regression/all_pairs",
        dense_regression,
        LABELS,
        {"labels": "flat"},
        {"loss": "all pairs", "labels": "column"},
        "(n,) and (n, 1) are broadcast to (n, n)",
    ),
    Case(
        "dense_binary/one_hot_mse",
        dense_binary,
        LABELS,
        {"labels": "one-hot"},
        {"loss": "mse", "head_activation": "sigmoid"},
        "(n, 2) against (n, 1): Keras broadcasts",
    ),
    Case(
        "adding/every_step",
        adding,
        LABELS,
        {"every_step": True},
        {"length": 10},
        "return_sequences left on: (n, 10, 1) against (n, 1)",
    ),
    Case(
        "autoencoder/classes",
        autoencoder,
        LABELS,
        {"labels": "classes"},
        note="(n,) against (n, 64)",
    ),
    Case("two_outputs/swapped", two_outputs, LABELS, {"labels": "swapped"}),
]

FAR = "initial loss far off"

FIRST_LOSS = [
    Case(
        "dense_regression/head_normal_10",
        dense_regression,
        FAR,
        {"head_initializer": ("normal", 10.0)},
        {"learning_rate": 1e-3, "epochs": 40},
        "a matter of degree",
    ),
    Case(
        "adding/head_bias",
        adding,
        FAR,
        {"head_bias": ("constant", 100.0)},
        {"length": 10},
        "the bias for targets in percent",
    ),
    Case("two_outputs/head_bias", two_outputs, FAR, {"size_bias": ("constant", 100.0)}),
    Case(
        "dense_regression/head_bias",
        dense_regression,
        FAR,
        {"head_bias": ("constant", 144.0)},
        {"learning_rate": 1e-3, "epochs": 40},
        "the mean of the targets as they are, for standardized ones",
    ),
]


CASES = [*ONE_UNIT_SOFTMAX, *RANGE, *LOGITS_AND_PROBABILITIES, *FITTING, *FIRST_LOSS]
