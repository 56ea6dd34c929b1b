"""The adding problem: the sum of two marked numbers among T, a test of long-term dependencies.

Hochreiter and Schmidhuber 1997, Long short-term memory, in the form of Le, Jaitly and Hinton 2015,
arXiv:1504.00941, with the markers of Arjovsky, Shah and Bengio 2016, arXiv:1511.06464.
"""

import numpy as np

from zoo.data.raw import SPLITS, Array, Raw, Task

TASK: Task = "regression"
STANDARDIZE = False  # a marker is 1 and all else there 0: standardized it would be 4.9 at T = 50
SIZES = (10_000, 1000, 1000)  # train, validation, test; Le et al. have 100,000 and 10,000


def adding_problem(length: int) -> Raw:
    """Sequences (n, length, 2) of numbers and markers, targets (n, 1); 10,000 / 1,000 / 1,000.

    The numbers are uniform in [0, 1). One marker is 1 in the first half of the steps, another in
    the second, each at a uniform place, and all others are 0. The target is the sum of the two
    marked numbers: the mean squared error of always saying 1 is its variance, 1/6.

    Args:
        length: T, at least 2; it also seeds the generator.
    """
    generator = np.random.Generator(np.random.PCG64(length))
    splits = zip(SPLITS, SIZES, strict=True)
    return Raw(
        {part: _examples(generator, count, length) for part, count in splits},
        outputs=1,
        task=TASK,
        standardize=STANDARDIZE,
    )


def _examples(generator: np.random.Generator, count: int, length: int) -> tuple[Array, Array]:
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = generator.random((count, length), np.float32)
    rows, half = np.arange(count), length // 2
    first = generator.integers(0, half, count)
    second = generator.integers(half, length, count)
    x[rows, first, 1] = x[rows, second, 1] = 1
    return x, (x[rows, first, 0] + x[rows, second, 0])[:, None]
