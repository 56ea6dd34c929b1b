"""Data sets and scores shared by the programs."""

from collections.abc import Callable
from itertools import product

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

LOADERS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
}


def truth_table(function: Callable, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """All rows of a truth table, inputs and one 0/1 output column."""
    x = np.array(list(product([0.0, 1.0], repeat=bits)), dtype="float32")
    y = np.array([[float(function(*row.astype(int)))] for row in x], dtype="float32")
    return x, y


def standardize(train, test):
    """Both arrays with the training columns' mean and deviation taken out."""
    mean, std = train.mean(axis=0), train.std(axis=0) + 1e-8
    return (train - mean) / std, (test - mean) / std


def table(name: str, seed: int, scaled: bool = True, test_size: float = 0.3):
    """x_train, x_test, y_train, y_test of one of scikit-learn's tables."""
    x, y = LOADERS[name](return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=test_size, random_state=seed
    )
    if scaled:
        x_train, x_test = standardize(x_train, x_test)
    return x_train, x_test, y_train, y_test


def images(seed: int, scale: int = 1, n: int = 1797, top: float = 1.0):
    """Digits as (n, 8 * scale, 8 * scale, 1) images with values in 0..top."""
    x, y = datasets.load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8)[:n] / 16.0 * top
    if scale > 1:
        x = np.kron(x, np.ones((1, scale, scale)))
    x = x[..., None].astype("float32")
    return train_test_split(x, y[:n], test_size=0.3, random_state=seed)


def split(x, y, seed: int, test_size: float = 0.3):
    """train_test_split with the seed."""
    return train_test_split(x, y, test_size=test_size, random_state=seed)


def circles(seed: int, n: int = 600):
    """Two noisy rings."""
    return split(*datasets.make_circles(n, noise=0.08, factor=0.5, random_state=seed), seed)


def moons(seed: int, n: int = 600):
    """Two noisy half moons."""
    return split(*datasets.make_moons(n, noise=0.12, random_state=seed), seed)


def blobs(seed: int, n: int = 600, centers: int = 5, std: float = 0.8, features: int = 2):
    """Gaussian clusters, one class each."""
    x, y = datasets.make_blobs(
        n, n_features=features, centers=centers, cluster_std=std, random_state=seed + 7
    )
    return split(x, y, seed)


def classes(seed: int, n: int = 800, n_classes: int = 2, features: int = 12, sep: float = 1.5):
    """make_classification with most features informative."""
    x, y = datasets.make_classification(
        n,
        n_features=features,
        n_informative=features - 4,
        n_redundant=2,
        n_classes=n_classes,
        class_sep=sep,
        flip_y=0.0,
        random_state=seed + 11,
    )
    return split(x, y, seed)


def regression(seed: int, n: int = 600, features: int = 8, noise: float = 2.0):
    """make_regression, inputs of unit size and targets in the hundreds."""
    x, y = datasets.make_regression(n, n_features=features, noise=noise, random_state=seed + 3)
    return split(x, y, seed)


def curve(function: Callable, seed: int, n: int = 400, low=-1.0, high=1.0, noise: float = 0.02):
    """y = f(x) with a little noise, one column each."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, size=(n, 1))
    y = function(x) + noise * rng.normal(size=x.shape)
    return split(x, y, seed)


def windows(series: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, width, 1) of a series and the value after each."""
    x = np.stack([series[i : i + width] for i in range(len(series) - width)])
    return x[..., None], series[width:, None]


def _predict(model, x) -> np.ndarray:
    return np.asarray(model(x, training=False), dtype="float64")


def accuracy(x, y) -> Callable:
    """Share of right classes: argmax over columns, or one column against 0.5."""
    wanted = np.asarray(y)
    wanted = wanted.argmax(axis=-1) if wanted.ndim > 1 and wanted.shape[-1] > 1 else wanted

    def score(model) -> float:
        p = _predict(model, x)
        if not np.isfinite(p).all():
            return float("nan")
        found = p.argmax(axis=-1) if p.shape[-1] > 1 else (p[..., 0] > 0.5)
        return float((found.ravel() == wanted.ravel()).mean())

    return score


def r2(x, y) -> Callable:
    """Coefficient of determination over all outputs."""
    wanted = np.asarray(y, dtype="float64")

    def score(model) -> float:
        p = _predict(model, x).reshape(wanted.shape)
        rest = ((wanted - p) ** 2).sum()
        return float(1.0 - rest / ((wanted - wanted.mean(axis=0)) ** 2).sum())

    return score
