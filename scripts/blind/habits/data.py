"""Data of these programs, all synthetic."""

import numpy as np
from pairs.more_data import parts


def airline(seed: int, months: int = 220) -> np.ndarray:
    """Monthly passengers in thousands: a trend, a yearly season that grows, some noise."""
    t, rng = np.arange(months), np.random.default_rng(seed)
    return (120 + 1.2 * t) * (1 + 0.25 * np.sin(2 * np.pi * t / 12)) + 4 * rng.normal(size=months)


def rides(seed: int, n: int = 900):
    """Hour of day 0..24 and degrees Celsius; bicycles hired (tens to hundreds)."""
    rng = np.random.default_rng(seed)
    hour, degrees = rng.uniform(0, 24, n), rng.normal(14, 7, n)
    peak = np.exp(-(((hour - 8) / 1.5) ** 2)) + np.exp(-(((hour - 18) / 2.0) ** 2))
    hired = 60 + 200 * peak + 4 * degrees + 8 * rng.normal(size=n)
    x = np.stack([hour, degrees], axis=1).astype("float32")
    return parts(x, hired.astype("float32"), seed)


def calls(seed: int, n: int = 1000):
    """Four standardized columns and how often someone called: a Poisson count."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype("float32")
    mean = np.exp(0.8 + 0.7 * x[:, 0] - 0.5 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3])
    return parts(x, rng.poisson(mean).astype("float32"), seed)


def stars(seed: int, n: int = 1000):
    """Six columns and a grade of 0..4, cut from one latent number."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype("float32")
    latent = x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * x[:, 3] ** 2 + 0.1 * rng.normal(size=n)
    return parts(x, np.searchsorted(np.quantile(latent, [0.2, 0.4, 0.6, 0.8]), latent), seed)


def headings(seed: int, n: int = 800):
    """Noisy readings of eight sensors around a mast and the unit vector of the wind."""
    rng = np.random.default_rng(seed)
    angle, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(1, 4, n)
    at = np.arange(8) * np.pi / 4
    x = speed[:, None] * np.maximum(np.cos(angle[:, None] - at), 0) + 0.1 * rng.normal(size=(n, 8))
    return parts(x.astype("float32"), np.stack([np.cos(angle), np.sin(angle)], 1), seed)


def tagged(seed: int, n: int = 400, length: int = 10, vocabulary: int = 40):
    """Word ids with 0 for padding at the end; a tag of 4 from the word and the one before."""
    rng = np.random.default_rng(seed)
    kind = np.random.default_rng(4).integers(0, 2, vocabulary)
    x = rng.integers(1, vocabulary, (n, length))
    before = np.concatenate([np.zeros((n, 1), int), kind[x][:, :-1]], axis=1)
    y = kind[x] + 2 * before
    x[np.arange(length) >= rng.integers(4, length + 1, (n, 1))] = 0
    return parts(x, y, seed)


def pairs_of_offers(seed: int, n: int = 1200):
    """Two offers of five columns each; 1 where the first is worth more."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n, 5)).astype("float32")

    def worth(o):
        return o[:, 0] - 0.8 * o[:, 1] + np.abs(o[:, 2]) + 0.5 * o[:, 3] * o[:, 4]

    return parts([a, b], (worth(a) > worth(b)).astype("float32"), seed)


def baskets(seed: int, n: int = 800, size: int = 8):
    """Sets of (price, number) rows and what the basket costs."""
    rng = np.random.default_rng(seed)
    price, number = rng.uniform(0, 1, (n, size)), rng.integers(0, 4, (n, size))
    x = np.stack([price, number], axis=-1).astype("float32")
    return parts(x, (price * number).sum(axis=1).astype("float32"), seed)


def patients(seed: int, n: int = 900):
    """Six columns; time until death, negative where the patient was lost from view before."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype("float32")
    risk = x[:, 0] - x[:, 1] + 0.7 * x[:, 2] * (x[:, 3] > 0)
    death, lost = rng.exponential(np.exp(-risk)), rng.exponential(2.0, n)
    return parts(x, np.where(death < lost, death, -lost).astype("float32"), seed)


def concordance(risk, y) -> float:
    """Share of comparable pairs where the one who died first has the greater risk."""
    time = np.abs(y)
    pair = (time[:, None] < time[None, :]) & (y[:, None] > 0)
    return float((risk[:, None] > risk[None, :])[pair].mean())


def morse(seed: int, n: int = 600, length: int = 14):
    """Noisy frames (n, length, 5): three symbols of 1..4, each held 2 or 3 frames, gaps between."""
    rng = np.random.default_rng(seed)
    x, y = 0.3 * rng.normal(size=(n, length, 5)), rng.integers(1, 5, (n, 3))
    for row in range(n):
        at = rng.integers(0, 3)
        for symbol in y[row]:
            wide = rng.integers(2, 4)
            x[row, at : at + wide, symbol] += 1.5
            at += wide + 1
    return parts(x.astype("float32"), y, seed)


def spectra(seed: int, n: int = 500, width: int = 60):
    """Spectra with two lines on a sloping ground; how much there is of both substances."""
    rng = np.random.default_rng(seed)
    at, much = np.arange(width), rng.uniform(0, 1, (n, 2))
    lines = np.exp(-(((at - np.array([[20], [28]])) / 5.0) ** 2))
    slope = rng.normal(size=(n, 1)) * (at / width - 0.5)
    x = much @ lines + slope + 0.05 * rng.normal(size=(n, width))
    return parts(x.astype("float32"), much.astype("float32"), seed)


def bags(seed: int, n: int = 600, size: int = 12):
    """Bags of twelve instances of four columns; 1 where a bag holds at least one odd instance."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, size, 4)), rng.integers(0, 2, n)
    for row in np.flatnonzero(y):
        x[row, rng.integers(size)] += np.array([2.5, -2.5, 2.5, 0.0])
    return parts(x.astype("float32"), y, seed)
