"""The 1,797 handwritten digits (8x8, 10 classes) that scikit-learn ships.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its test
part).
"""

from zoo.data.raw import DIGITS, Raw, shuffled


def digits() -> Raw:
    """Images (n, 8, 8, 1) with values 0 to 16; 1,077 / 360 / 360."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Raw(
        shuffled(bunch.images[..., None], bunch.target, 1077, 360), outputs=10, class_names=DIGITS
    )
