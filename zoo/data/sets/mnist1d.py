"""MNIST-1D: templates of the ten digits as 40-point curves, scaled, shifted and noised.

Source: S. Greydanus and D. Kobak, Scaling down deep learning with MNIST-1D, 2024 (first 2020). The
package makes the published set, 4,000 for training and 1,000 for test, to 1e-15.
"""

from zoo import random_states
from zoo.data.raw import DIGITS, Raw

PACKAGE = "mnist1d"
VALIDATION = 800  # the last of the training part, which has no order


def mnist1d() -> Raw:
    """Curves (n, 40, 1); 3,200 / 800 / 1,000."""
    from mnist1d.data import make_dataset

    with random_states.kept():  # which it seeds
        data = make_dataset()
    x, y = data["x"][..., None], data["y"]
    cut = len(y) - VALIDATION
    splits = {
        "train": (x[:cut], y[:cut]),
        "validation": (x[cut:], y[cut:]),
        "test": (data["x_test"][..., None], data["y_test"]),
    }
    return Raw(splits, outputs=10, class_names=DIGITS)
