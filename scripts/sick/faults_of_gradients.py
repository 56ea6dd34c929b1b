"""Faults of gradients: they vanish, explode, are 0, or are no numbers."""

from .dense import autoencoder, dense_binary, dense_classifier, dense_regression, siamese
from .graphs import subclassed
from .images import images, nested, one_dimensional
from .problem import Case
from .sequences import adding, recall, rows, transformer

DEPTH, TIME = "vanishing in depth", "vanishing through time"
VANISHING = [
    Case(
        "dense_classifier/deep_sigmoid",
        dense_classifier,
        DEPTH,
        {"activation": "sigmoid"},
        {"depth": 8, "kernel_initializer": "glorot_uniform"},
    ),
    Case(
        "dense_classifier/small_normal",
        dense_classifier,
        DEPTH,
        {"kernel_initializer": ("normal", 0.01)},
        {
            "depth": 10,
            "activation": "tanh",
            "optimizer": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.01,
        },
    ),
    Case(
        "images/deep_sigmoid",
        images,
        DEPTH,
        {"activation": "sigmoid"},
        {"depth": 7, "kernel_initializer": "glorot_uniform"},
    ),
    Case(
        "subclassed/deep_sigmoid",
        subclassed,
        DEPTH,
        {"activation": "sigmoid"},
        {
            "depth": 7,
            "kernel_initializer": "glorot_uniform",
            "optimizer": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.03,
        },
    ),
    Case(
        "dense_classifier/no_skips",
        dense_classifier,
        DEPTH,
        {"skips": False},
        {
            "depth": 16,
            "learning_rate": 1e-3,
            "epochs": 20,
            "skips": True,
            "activation": "tanh",
            "kernel_initializer": ("normal", 0.05),
        },
    ),
    Case("adding/simple_rnn", adding, TIME, {"cell": "SimpleRNN"}, {"length": 30, "epochs": 10}),
    Case(
        "recall/no_forget_bias",
        recall,
        TIME,
        {"unit_forget_bias": False},
        {"cell": "LSTM", "length": 40},
    ),
]

EXPLODING = [
    Case(
        "images/normal_1",
        images,
        "exploding",
        {"kernel_initializer": ("normal", 1.0)},
        {"depth": 4, "optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    ),
    Case(
        "dense_regression/normal_1",
        dense_regression,
        "exploding",
        {"kernel_initializer": ("normal", 1.0)},
        {"depth": 4, "optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    ),
    Case(
        "adding/orthogonal_3",
        adding,
        "exploding",
        {"recurrent_initializer": ("orthogonal", 3.0)},
        {"cell": "SimpleRNN", "activation": "relu", "length": 10},
    ),
    Case(
        "dense_classifier/normal_1",
        dense_classifier,
        "exploding",
        {"kernel_initializer": ("normal", 1.0)},
        {"depth": 6, "optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    ),
]

SATURATED = [
    Case(
        "images/tanh_normal_2",
        images,
        "saturated units",
        {"kernel_initializer": ("normal", 2.0)},
        {
            "depth": 4,
            "activation": "tanh",
            "optimizer": "sgd",
            "learning_rate": 0.03,
            "momentum": 0.9,
        },
    ),
    Case(
        "dense_classifier/tanh_normal_1",
        dense_classifier,
        "saturated units",
        {"kernel_initializer": ("normal", 1.0)},
        {"depth": 4, "activation": "tanh", "optimizer": "sgd", "learning_rate": 0.03},
    ),
    Case("rows/bytes", rows, "saturated units", {"scale": "bytes"}, {"cell": "SimpleRNN"}),
    Case(
        "subclassed/tanh_normal_10",
        subclassed,
        "saturated units",
        {"kernel_initializer": ("normal", 10.0)},
        {
            "activation": "tanh",
            "depth": 3,
            "width": 8,
            "optimizer": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.03,
        },
    ),
]

DEAD = [
    Case(
        "dense_binary/narrow",
        dense_binary,
        "dead units",
        {"bias_initializer": ("constant", -3.0)},
        {"width": 4, "depth": 6},
    ),
    Case(
        "one_dimensional/bias",
        one_dimensional,
        "dead units",
        {"bias_initializer": ("constant", -6.0)},
    ),
    Case(
        "nested/negative",
        nested,
        "dead units",
        {"kernel_initializer": ("constant", -0.1)},
        note="also symmetric",
    ),
    Case(
        "adding/bias",
        adding,
        "dead units",
        {"bias_initializer": ("constant", -3.0)},
        {"cell": "SimpleRNN", "activation": "relu", "length": 10},
    ),
]

SYMMETRIC = [
    Case("autoencoder/zeros", autoencoder, "symmetric units", {"kernel_initializer": "zeros"}),
    Case("subclassed/zeros", subclassed, "symmetric units", {"kernel_initializer": "zeros"}),
    Case(
        "dense_classifier/zeros",
        dense_classifier,
        "symmetric units",
        {"kernel_initializer": "zeros"},
    ),
    Case(
        "dense_classifier/constant",
        dense_classifier,
        "symmetric units",
        {"kernel_initializer": ("constant", 0.05)},
    ),
    Case(
        "images/constant",
        images,
        "symmetric units",
        {"kernel_initializer": ("constant", 0.1)},
        note="a matter of degree: the head, drawn at random, makes them differ in the end",
    ),
]

MIXED = {"policy": "mixed_float16"}
FLOAT16 = [
    Case(
        "dense_classifier/no_loss_scaling",
        dense_classifier,
        "float16 underflow",
        {"auto_scale_loss": False},
        {**MIXED, "loss_weight": 1e-5, "batch_size": 256, "epochs": 50, "learning_rate": 1e-2},
        "a matter of degree: how small the loss is",
    ),
    Case(
        "dense_regression/no_loss_scaling",
        dense_regression,
        "float16 underflow",
        {"auto_scale_loss": False},
        {**MIXED, "loss_weight": 5e-7, "batch_size": 64, "epochs": 80, "learning_rate": 1e-2},
        "a matter of degree: how small the loss is",
    ),
    Case(
        "dense_classifier/float16",
        dense_classifier,
        "float16 underflow",
        {"policy": "float16"},
        MIXED,
    ),
    Case(
        "dense_classifier/float16_words",
        dense_classifier,
        "float16 overflow",
        {"scale": "words"},
        MIXED,
    ),
    Case(
        "dense_regression/float16",
        dense_regression,
        "float16 overflow",
        {"policy": "mixed_float16"},
        {
            "epochs": 60,
            "scale_targets": "prices",
            "learning_rate": 0.3,
            "loss": "mae",
            "head_bias": ("constant", 1e5),
        },
    ),
    Case(
        "transformer/mask",
        transformer,
        "float16 overflow",
        {"masked_score": -1e9},
        {**MIXED, "epochs": 2},
        "-1e9 is -inf in float16, and 0 * -inf is NaN",
    ),
]

NON_FINITE = [
    Case(
        "siamese/no_epsilon",
        siamese,
        "non-finite",
        {"epsilon": 0.0},
        note="the distance of an image to itself has no derivative",
    ),
    Case(
        "dense_binary/log_of_0",
        dense_binary,
        "non-finite",
        {"loss": "log of probability"},
        {"points": "cancer", "loss": "log of probability with epsilon", "learning_rate": 1e-2},
    ),
    Case(
        "dense_classifier/naive_softmax",
        dense_classifier,
        "non-finite",
        {"head_activation": "naive softmax"},
        {"scale": "bytes", "width": 64, "learning_rate": 1e-3, "epochs": 30, "target": 0.85},
    ),
]

CASES = [*VANISHING, *EXPLODING, *SATURATED, *DEAD, *SYMMETRIC, *FLOAT16, *NON_FINITE]
