"""More data sets and scores."""

from collections.abc import Callable

import keras
import numpy as np

from .data import split


def output(model, x, key=None) -> np.ndarray:
    """The model's prediction as float64, one named output of it where a key is given."""
    found = model(x, training=False)
    found = found if key is None else found[key]
    return np.asarray(found, dtype="float64")


def parts(x, y, seed: int, held_out: float = 0.3):
    """Split dicts or lists of arrays by rows: x_train, x_test, y_train, y_test."""
    first = keras.tree.flatten(x)[0]
    order = np.random.default_rng(seed).permutation(len(first))
    cut = int(len(order) * (1 - held_out))

    def take(tree, rows):
        return keras.tree.map_structure(lambda a: a[rows], tree)

    train, test = order[:cut], order[cut:]
    return take(x, train), take(x, test), take(y, train), take(y, test)


def fit_of(p: np.ndarray, y: np.ndarray) -> float:
    """Coefficient of determination of predictions p."""
    y = np.asarray(y, dtype="float64")
    p = p.reshape(y.shape)
    return float(1 - ((p - y) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum())


def hits(p: np.ndarray, y: np.ndarray, threshold: float = 0.5) -> float:
    """Share of right decisions, one column against a threshold or argmax."""
    if not np.isfinite(p).all():
        return float("nan")
    p = p.argmax(-1) if p.shape[-1] > 1 else p[..., 0] > threshold
    return float((p.ravel() == np.asarray(y).ravel()).mean())


def r2_of(x, y, key=None, post: Callable = lambda p: p) -> Callable:
    """Score: coefficient of determination of one output."""
    return lambda model: fit_of(post(output(model, x, key)), y)


def hits_of(x, y, key=None, threshold: float = 0.5) -> Callable:
    """Score: share of right decisions of one output."""
    return lambda model: hits(output(model, x, key), y, threshold)


def motif(seed: int, n: int = 700, length: int = 40):
    """Noise with a short wave at a random place (class 1) or its mirror image (class 0)."""
    rng = np.random.default_rng(seed)
    x = 0.3 * rng.normal(size=(n, length, 1))
    y = rng.integers(0, 2, size=n)
    wave = np.array([0.0, 0.5, 1.0, 2.0, -2.0])
    for row, label in enumerate(y):
        at = rng.integers(0, length - 5)
        x[row, at : at + 5, 0] += wave if label else wave[::-1]
    return split(x.astype("float32"), y, seed)


def boxes(seed: int, n: int = 300, size: int = 12, noise: float = 0.25):
    """Images with a bright rectangle on noise; the mask and the centre of the rectangle."""
    rng = np.random.default_rng(seed)
    x = noise * rng.normal(size=(n, size, size, 1))
    mask = np.zeros((n, size, size, 1))
    centre = np.zeros((n, 2))
    for row in range(n):
        high, wide = rng.integers(3, 6, size=2)
        top, left = rng.integers(0, size - high), rng.integers(0, size - wide)
        mask[row, top : top + high, left : left + wide] = 1.0
        centre[row] = (top + high / 2) / size, (left + wide / 2) / size
    return (x + mask).astype("float32"), mask, centre


def houses(seed: int, n: int = 700):
    """A small table of houses: inputs (n, 5), price in units of its deviation, luxury flag."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    price = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.4 * np.sin(2 * x[:, 3])
    price = price + 0.05 * rng.normal(size=n)
    luxury = (x[:, 4] + x[:, 0] > 0).astype("int64")
    return x.astype("float32"), price / price.std(), luxury


def words(seed: int, n: int = 600, length: int = 12, vocabulary: int = 60):
    """Rows of word ids 1..vocabulary-1; class 1 where "good" ids outnumber "bad" ones."""
    rng = np.random.default_rng(seed)
    feeling = np.random.default_rng(5).choice([-1, 1], size=vocabulary)
    x = rng.integers(1, vocabulary, size=(2 * n, length))
    total = feeling[x].sum(axis=1)
    x, total = x[total != 0][:n], total[total != 0][:n]
    return split(x, (total > 0).astype("int64"), seed)


def waves(seed: int, n: int = 300, length: int = 24):
    """Smooth random series (n, length, 1)."""
    rng = np.random.default_rng(seed)
    t = np.arange(length) / length
    phase, speed = rng.uniform(0, 2 * np.pi, (n, 1)), rng.uniform(1, 3, (n, 1))
    series = np.sin(2 * np.pi * speed * t + phase) + 0.3 * rng.normal(size=(n, 1))
    return series[..., None].astype("float32")
