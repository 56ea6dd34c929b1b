"""Copy memory: ten symbols to be said again after T steps.

Hochreiter and Schmidhuber 1997, Long short-term memory, in the form of Arjovsky, Shah and Bengio
2016, arXiv:1511.06464. There the loss is over all T + 20 steps, of which all but the last ten have
a blank for target, and the best without memory is 10 ln 8 / (T + 20). Here it is over the last ten
alone: ln 8 without memory, whatever T.
"""

import numpy as np

from zoo.data.raw import SPLITS, Array, Raw

SIZES = (10_000, 1000, 1000)  # train, validation, test
STANDARDIZE = False  # one-hot vectors
SYMBOLS, COPIED = 8, 10
BLANK, DELIMITER = 8, 9


def copy_memory(length: int) -> Raw:
    """One-hot sequences (n, length + 20, 10), targets (n, 10); 10,000 / 1,000 / 1,000.

    Ten symbols, each uniform out of eight, length - 1 blanks, a delimiter, ten blanks. The targets
    are the ten symbols in their order, one for each of the last ten steps: each has to be kept for
    length + 10 steps.

    Args:
        length: T, at least 1; it also seeds the generator.
    """
    generator = np.random.Generator(np.random.PCG64(length))
    splits = zip(SPLITS, SIZES, strict=True)
    return Raw(
        {part: _examples(generator, count, length) for part, count in splits},
        outputs=SYMBOLS,
        standardize=STANDARDIZE,
    )


def _examples(generator: np.random.Generator, count: int, length: int) -> tuple[Array, Array]:
    symbols = generator.integers(0, SYMBOLS, (count, COPIED))
    sequence = np.full((count, length + 2 * COPIED), BLANK)
    sequence[:, :COPIED] = symbols
    sequence[:, -COPIED - 1] = DELIMITER
    return np.eye(DELIMITER + 1, dtype=np.uint8)[sequence], symbols
