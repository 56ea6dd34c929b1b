"""The examples: small sets that come with scikit-learn or are made here, and ways to spoil them.

What a function gives is the same in every process: none draws from a generator without a seed.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn import datasets

Array = np.ndarray


class Parts(NamedTuple):
    """Examples to train on and to test on, with the true answers."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array


def _parts(x: Array, y: Array, train: int) -> Parts:
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype(np.float32), y[order]
    return Parts(x[:train], y[:train], x[train:], y[train:])


@cache
def digits() -> Parts:
    """Images (n, 8, 8, 1) of 0 to 1 and their digits; 1,200 / 597, scikit-learn's digits."""
    images, labels = datasets.load_digits(return_X_y=True)
    return _parts(images.reshape(-1, 8, 8, 1) / 16, labels, 1200)


@cache
def cancer() -> Parts:
    """30 measures of a tumour, as they are (0 to 4,254), and whether it is benign; 400 / 169."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return _parts(x, y, 400)


@cache
def circles() -> Parts:
    """Points (n, 2) of two circles, one in the other; 800 / 400."""
    x, y = datasets.make_circles(1200, noise=0.08, factor=0.5, random_state=0)
    return _parts(x, y, 800)


@cache
def friedman() -> Parts:
    """10 numbers of 0 to 1, and a function of 5 of them with noise, of about 0 to 29; 1,000 / 500.

    Friedman 1991, Multivariate adaptive regression splines; scikit-learn's make_friedman1.
    """
    return _parts(*datasets.make_friedman1(1500, n_features=10, noise=0.5, random_state=0), 1000)


@cache
def adding(length: int) -> Parts:
    """Numbers of 0 to 1 with two of them marked (n, length, 2), and their sum (n, 1); 3,000 / 500.

    Hochreiter and Schmidhuber 1997, in the form of arXiv:1504.00941.
    """
    draw, count = np.random.default_rng(length), 3500
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = draw.random((count, length))
    first = draw.integers(0, length // 2, count)
    second = draw.integers(length // 2, length, count)
    rows = np.arange(count)
    x[rows, first, 1] = x[rows, second, 1] = 1
    return _parts(x, x[rows, first, :1] + x[rows, second, :1], 3000)


@cache
def recall(length: int) -> Parts:
    """Noise (n, length, 2) after a first step whose sign is the label; 2,000 / 500."""
    draw, count = np.random.default_rng(length), 2500
    x = draw.normal(0, 0.3, (count, length, 2))
    y = draw.integers(0, 2, count)
    x[:, 0] = (2 * y - 1)[:, None]
    return _parts(x, y, 2000)


@cache
def reviews() -> Parts:
    """Made texts (n, 20) of tokens 2 to 49, padded by 0; 1,500 / 500.

    A text is good, 1, if it has more of the tokens 2 to 8 than of 9 to 15; else it is bad, 0.
    """
    draw, count = np.random.default_rng(1), 4000
    x = draw.integers(2, 50, (count, 20))
    x[np.arange(20) >= draw.integers(10, 21, count)[:, None]] = 0
    good = ((x >= 2) & (x < 9)).sum(axis=1)
    bad = ((x >= 9) & (x < 16)).sum(axis=1)
    clear = good != bad
    return _parts(x[clear][:2000], (good > bad)[clear][:2000].astype(int), 1500)


@cache
def waves() -> Parts:
    """A sine, a square wave or a sawtooth (n, 64, 1) of any phase, in noise; 900 / 300."""
    draw, count = np.random.default_rng(2), 1200
    y = draw.integers(0, 3, count)
    turn = (np.arange(64) / 16 + draw.random((count, 1))) % 1
    shapes = np.stack([np.sin(2 * np.pi * turn), np.where(turn < 0.5, 1.0, -1.0), 2 * turn - 1])
    x = shapes[y, np.arange(count)] + draw.normal(0, 0.2, (count, 64))
    return _parts(x[..., None], y, 900)


def scaled(parts: Parts, how: str) -> Parts:
    """The inputs in other units.

    Args:
        parts: with inputs of any shape; of 0 to 1 for "bytes" and "words".
        how: "as is"; "standard": mean 0 and variance 1 of each feature (constant ones stay);
            "divided by zero": the same, whose constant features are 0 / 0; "bytes": 0 to 255;
            "words": 0 to 65,535; "integer division": of bytes by 256.
    """
    x, x_test = parts.x, parts.x_test
    if how in ("standard", "divided by zero"):
        mean, std = x.mean(axis=0), x.std(axis=0)
        if how == "standard":
            std = np.where(std > 0, std, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            x, x_test = (x - mean) / std, (x_test - mean) / std
    elif how == "integer division":
        x, x_test = x * 255 // 256, x_test * 255 // 256
    else:
        factor = {"as is": 1, "bytes": 255, "words": 65_535}[how]
        x, x_test = x * factor, x_test * factor
    return parts._replace(x=x.astype(np.float32), x_test=x_test.astype(np.float32))


def spoiled(parts: Parts, how: str | None) -> Parts:
    """The examples to train on with a mistake in them.

    Args:
        parts: any.
        how: None; "nan in x", "inf in x", "nan in y": one number; "alike": all inputs are the
            first one; "y in another order": x was shuffled, y was not.
    """
    if how is None:
        return parts
    x, y = parts.x.copy(), parts.y.astype(np.float32) if how == "nan in y" else parts.y.copy()
    middle = (len(x) // 2, *(size // 2 for size in x.shape[1:]))
    if how == "nan in x":
        x[middle] = np.nan
    elif how == "inf in x":
        x[middle] = np.inf
    elif how == "nan in y":
        y[len(y) // 2] = np.nan
    elif how == "alike":
        x[:] = x[0]
    elif how == "y in another order":
        x = x[np.random.default_rng(3).permutation(len(x))]
    else:
        raise ValueError(f"no such mistake: {how}")
    return parts._replace(x=x, y=y)


def labels(y: Array, how: str, classes: int) -> Array:
    """Classes (n,) of 0, 1, ... as their author writes them down.

    Args:
        y: the classes.
        how: "integers" (n,); "column" (n, 1); "one-hot" (n, classes); "from 1"; "plus and minus 1".
        classes: how many there are.
    """
    if how == "column":
        return y[:, None]
    if how == "one-hot":
        return np.eye(classes, dtype=np.float32)[y]
    return {"integers": y, "from 1": y + 1, "plus and minus 1": 2 * y - 1}[how]
