"""The 1,797 handwritten digits (8x8, 10 classes) that scikit-learn ships.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its test
part).
"""

import numpy as np

# The set has no official split. This one is fixed: a permutation by NumPy's PCG64 with seed 0.
TRAIN, VALIDATION = 1077, 360  # the remaining 360 are the test split


def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images (n, 8, 8, 1) with values 0 to 16 and labels (n,), for train, validation and test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.images[order][..., None], bunch.target[order]
    ends = (0, TRAIN, TRAIN + VALIDATION, len(y))
    names = ("train", "validation", "test")
    return {
        name: (x[start:end], y[start:end])
        for name, start, end in zip(names, ends[:-1], ends[1:], strict=True)
    }
