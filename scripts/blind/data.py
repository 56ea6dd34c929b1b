"""Data of the programs, their scores, and what they share."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer, load_digits, make_friedman1, make_moons
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def digits(seed, scale=16.0, flat=True, n=1400):
    d = load_digits()
    x = d.data.astype("float32") / scale
    if not flat:
        x = x.reshape(-1, 8, 8, 1)
    return train_test_split(x, d.target, train_size=n, random_state=seed, stratify=d.target)


def moons(seed, n=1500, noise=0.15):
    x, y = make_moons(n + 500, noise=noise, random_state=seed)
    return train_test_split(x.astype("float32"), y, train_size=n, random_state=seed)


def friedman(seed, n=1500, noise=1.0, scale_y=True):
    x, y = make_friedman1(n + 500, noise=noise, random_state=seed)
    x = (x - 0.5).astype("float32") * 3.4
    y = y.astype("float32")
    if scale_y:
        y = (y - 14.4) / 5.0
    return train_test_split(x, y, train_size=n, random_state=seed)


def cancer(seed, scaled=True, n=400):
    d = load_breast_cancer()
    a, b, c, e = train_test_split(
        d.data.astype("float32"), d.target, train_size=n, random_state=seed
    )
    if scaled:
        s = StandardScaler().fit(a)
        a, b = s.transform(a), s.transform(b)
    return a, b, c, e


def texts(seed, n=1500, length=30, vocab=500):
    """Padded token ids (0 is padding, at the end); label: which of two word lists dominates."""
    r = np.random.RandomState(seed)
    m = n + 500
    y = r.randint(0, 2, m)
    x = np.zeros((m, length), "int32")
    for i in range(m):
        k = r.randint(8, length // 2 + 1)
        w = r.randint(100, vocab, k)
        mood = r.rand(k) < 0.4
        w[mood] = (1 + 49 * y[i]) + r.randint(0, 49, mood.sum())
        x[i, :k] = w
    return x[:n], x[n:], y[:n], y[n:]


def first_token(seed, n=1500, length=100):
    """Sequence of noise; the label is the sign of the first step."""
    r = np.random.RandomState(seed)
    x = r.randn(n + 500, length, 1).astype("float32")
    y = (x[:, 0, 0] > 0).astype("int32")
    return x[:n], x[n:], y[:n], y[n:]


def waves(seed, n=1200, length=24):
    r = np.random.RandomState(seed)
    t = r.rand(n + 400, 1) * 20 + np.arange(length + 1) * r.uniform(0.2, 0.6, (n + 400, 1))
    s = (np.sin(t) + 0.05 * r.randn(*t.shape)).astype("float32")
    x, y = s[:, :-1, None], s[:, -1]
    return x[:n], x[n:], y[:n], y[n:]


def acc(xt, yt):
    yt = np.asarray(yt).reshape(-1)

    def score(m):
        return float((m.predict(xt, verbose=0).reshape(len(yt), -1).argmax(-1) == yt).mean())

    return score


def bacc(xt, yt, thr=0.5):
    yt = np.asarray(yt).reshape(-1)

    def score(m):
        return float(
            ((m.predict(xt, verbose=0).reshape(len(yt), -1)[:, 0] > thr).astype(int) == yt).mean()
        )

    return score


def r2(xt, yt):
    def score(m):
        p = m.predict(xt, verbose=0).reshape(len(yt), -1)[:, 0]
        return float(r2_score(yt, p)) if np.isfinite(p).all() else float("nan")

    return score


FK = {"batch_size": 32, "epochs": 15}
CE = "sparse_categorical_crossentropy"
D = layers.Dense


def seq(*ls):
    return keras.Sequential(list(ls))
