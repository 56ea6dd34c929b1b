"""Data sets as people have them (customers, loans, reviews, ratings), and scores for them."""

from collections.abc import Callable

import numpy as np
from sklearn import datasets
from sklearn.metrics import balanced_accuracy_score, f1_score

from .data import split, standardize
from .more_data import output


def balanced(x, y) -> Callable:
    """Score: balanced accuracy of one sigmoid column at 0.5."""

    def score(model) -> float:
        p = output(model, x)
        if not np.isfinite(p).all():
            return float("nan")
        return float(balanced_accuracy_score(y, p[..., 0].ravel() > 0.5))

    return score


def macro_f1(x, y) -> Callable:
    """Score: mean F1 of the labels, each output against 0.5."""

    def score(model) -> float:
        p = output(model, x)
        if not np.isfinite(p).all():
            return float("nan")
        return float(f1_score(y, p > 0.5, average="macro", zero_division=0.0))

    return score


def customers(seed: int, n: int = 1400):
    """Dict of numbers (n, 4), plan ids (n, 1) of 6, region ids (n, 1) of 20; who left."""
    rng = np.random.default_rng(seed)
    fixed = np.random.default_rng(3)
    numbers = rng.normal(size=(n, 4))
    plan, region = rng.integers(0, 6, (n, 1)), rng.integers(0, 20, (n, 1))
    total = 1.2 * numbers[:, 0] - numbers[:, 1] + 0.6 * numbers[:, 2] * numbers[:, 3]
    total = total + fixed.normal(size=6)[plan[:, 0]] + fixed.normal(size=20)[region[:, 0]]
    x = {
        "numbers": numbers.astype("float32"),
        "plan": plan.astype("int32"),
        "region": region.astype("int32"),
    }
    return x, (total > np.median(total)).astype("float32")


def genres(seed: int, n: int = 1200):
    """Five labels a row, about two of them true; inputs standardized."""
    x, y = datasets.make_multilabel_classification(
        n, n_features=24, n_classes=5, n_labels=2, length=80, random_state=seed + 1
    )
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    return x_train, x_test, y_train.astype("float32"), y_test


def fraud(seed: int, n: int = 2000, share: float = 0.08, sep: float = 0.8):
    """A table of two overlapping classes, the second one rare; inputs standardized."""
    x, y = datasets.make_classification(
        n,
        n_features=10,
        n_informative=6,
        n_redundant=2,
        weights=[1 - share],
        class_sep=sep,
        flip_y=0.01,
        random_state=21,
    )
    x_train, x_test, y_train, y_test = split(x, y, seed)
    x_train, x_test = standardize(x_train, x_test)
    return x_train, x_test, y_train, y_test


def rings(seed: int, n: int = 900):
    """Three noisy rings and four columns without meaning."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = 0.5 + y + 0.12 * rng.normal(size=n)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    x = np.concatenate([x, 0.3 * rng.normal(size=(n, 4))], axis=1)
    return split(x.astype("float32"), y, seed)


def passengers(seed: int, n: int = 900):
    """Class, sex, age, fare, relatives; a fifth of the ages missing (nan); who survived."""
    rng = np.random.default_rng(seed)
    grade, sex = rng.integers(1, 4, n), rng.integers(0, 2, n)
    age = np.clip(rng.normal(30, 13, n), 1, 75)
    fare = np.exp(rng.normal(4.5 - 0.7 * grade, 0.5))
    relatives = rng.poisson(0.8, n)
    total = 2.4 * sex - 1.0 * grade - 0.04 * age - 0.2 * relatives + 0.3 * rng.normal(size=n)
    age = np.where(rng.uniform(size=n) < 0.2, np.nan, age)
    x = np.stack([grade, sex, age, fare, relatives], axis=1).astype("float32")
    return split(x, (total > np.median(total)).astype("int64"), seed)


def levels(seed: int, n: int = 1500, columns: int = 5, count: int = 12):
    """Ids (n, columns) of levels 0..count-1, each level with its own effect."""
    rng = np.random.default_rng(seed)
    effect = np.random.default_rng(8).normal(size=(columns, count))
    x = rng.integers(0, count, size=(n, columns))
    total = effect[np.arange(columns), x].sum(axis=1)
    return split(x, (total > np.median(total)).astype("float32"), seed)


def incomes(seed: int, n: int = 900):
    """Loans: four ordinary columns, two with a long tail; who does not pay."""
    rng = np.random.default_rng(seed)
    plain, tail = rng.normal(size=(n, 4)), np.exp(1.3 * rng.normal(size=(n, 2)))
    total = plain[:, 0] + plain[:, 1] - plain[:, 2] + 0.8 * (tail[:, 0] - tail[:, 1])
    x = np.concatenate([plain, 5 * tail], axis=1).astype("float32")
    return split(x, (total > 0.3).astype("float32"), seed)


def held(x, y, seed: int):
    """Split and cast to float32."""
    return split(np.asarray(x, "float32"), np.asarray(y, "float32"), seed)


def listings(seed: int, n: int = 900):
    """Flats for sale: six raw columns and the price in dollars."""
    rng = np.random.default_rng(seed)
    area, rooms = rng.uniform(30, 220, n), rng.integers(1, 7, n)
    year, distance = rng.integers(1920, 2020, n), rng.uniform(0.2, 25, n)
    floor, quality = rng.integers(0, 15, n), rng.integers(1, 11, n)
    price = 40000 + 1500 * area * (0.5 + quality / 10) + 6000 * rooms - 3500 * distance
    price += 120 * (year - 1950) + 900 * floor + 5000 * rng.normal(size=n)
    return np.stack([area, rooms, year, distance, floor, quality], axis=1), price


def share_price(seed: int, n: int = 800) -> np.ndarray:
    """A daily closing price between about 1,800 and 3,200."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    walk = np.zeros(n)
    for i in range(1, n):
        walk[i] = 0.98 * walk[i - 1] + rng.normal()
    return 2500 + 350 * np.sin(2 * np.pi * t / 170) + 150 * np.sin(t / 9) + 25 * walk


def ratings(seed: int, n: int = 2000, users: int = 50, items: int = 40):
    """User ids, item ids and ratings of 1 to 5 out of biases and two factors."""
    rng = np.random.default_rng(seed)
    p, q = rng.normal(size=(users, 2)), rng.normal(size=(items, 2))
    user, item = rng.integers(0, users, n), rng.integers(0, items, n)
    rate = 3 + 0.3 * rng.normal(size=users)[user] + 0.3 * rng.normal(size=items)[item]
    rate += 0.7 * (p[user] * q[item]).sum(axis=1) + 0.1 * rng.normal(size=n)
    return user, item, np.clip(rate, 1, 5)


def iou_of(x, mask) -> Callable:
    """Score: intersection over union of the mask found at 0.5."""

    def score(model) -> float:
        p = output(model, x)
        if not np.isfinite(p).all():
            return float("nan")
        found, wanted = p > 0.5, mask > 0.5
        return float((found & wanted).sum() / max((found | wanted).sum(), 1))

    return score


def reviews(seed: int, n: int = 1200, vocabulary: int = 80, low: int = 3, high: int = 8):
    """Lists of word ids from 1 up; class 1 where good words outnumber bad ones."""
    rng = np.random.default_rng(seed)
    feeling = np.random.default_rng(9).permutation(np.resize([-1, 1], vocabulary))
    texts, labels = [], []
    while len(texts) < n:
        text = rng.integers(1, vocabulary, size=rng.integers(low, high + 1))
        if feeling[text].sum():
            texts.append(text)
            labels.append(int(feeling[text].sum() > 0))
    return texts, np.array(labels)
