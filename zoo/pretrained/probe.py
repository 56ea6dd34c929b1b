"""What a model gives for inputs that need no data: whether one that was loaded is the published.

The inputs are a closed form: entry i of all, counted from 1, is sin(i), of tokens i modulo their
number.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.pretrained.registry import Probe

if TYPE_CHECKING:
    import keras

    from zoo.pretrained.metadata import Metadata
    from zoo.recipe import Arm

EXAMPLES = 3
# The share of the largest output by which outputs may differ: kernels of other processors add in
# another order. With all libraries on their oldest instructions the bundled models were 4e-6 apart
# at most. In half precision, whose numbers have 8 or 11 bits, nothing was measured.
TOLERANCE, TOLERANCE_IN_HALF = 0.001, 0.1


def inputs(of: "Metadata") -> npt.NDArray[Any]:
    """(EXAMPLES, *input_shape), float32 or int32 tokens."""
    shape = (EXAMPLES, *of.input_shape)
    numbers = np.arange(1, math.prod(shape) + 1).reshape(shape)
    if of.vocabulary is not None:
        return (numbers % of.vocabulary).astype(np.int32)
    return np.sin(numbers).astype(np.float32)


def measured(model: "keras.Model", of: "Metadata") -> Probe:
    """What the model gives for them, in inference mode."""
    given = np.asarray(model(inputs(of), training=False), dtype=np.float64)
    return Probe(outputs=[[float(f"{value:.6g}") for value in row.ravel()] for row in given])


def wrong(model: "keras.Model", of: "Metadata", arm: "Arm", expected: Probe) -> str | None:
    """How its outputs differ from those that it was published with; None if they do not."""
    try:
        now = np.array(measured(model, of).outputs)
    except ValueError:
        return "it gives outputs that are not finite"
    then = np.array(expected.outputs)
    if now.shape != then.shape:
        return f"it gives {now.size} outputs for the fixed inputs, its registry has {then.size}"
    apart = float(np.abs(now - then).max() / max(float(np.abs(then).max()), 1e-30))
    half = arm.spec.training.precision not in (None, "float32")
    if apart <= (TOLERANCE_IN_HALF if half else TOLERANCE):
        return None
    return (
        f"its outputs for the fixed inputs are {apart:.2g} of the largest apart from the published"
    )
