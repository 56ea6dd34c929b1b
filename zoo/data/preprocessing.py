"""From examples as a data set has them to what a model is given."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import FiniteFloat, PositiveInt

from zoo.errors import ZooError
from zoo.recipe.values import PositiveFloat, Strict

CHUNK = 10_000  # examples standardized at once


class Preprocessing(Strict):
    """Standardizes examples, or leaves them as they are; the same for all splits.

    Attributes:
        input_shape: of an example as it comes, such as 28, 28, 1.
        mean: that is subtracted, of each channel, or one for all; none where it is empty.
        deviation: that is divided by, likewise.
        rows: images become sequences of rows, (height, width * channels).
        tokens: examples are sequences of token numbers, and stay so.
    """

    input_shape: list[PositiveInt]
    mean: list[FiniteFloat] = []
    deviation: list[PositiveFloat] = []
    rows: bool = False
    tokens: bool = False

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Inputs of a model.

        Args:
            x: examples as they come, (n, *input_shape); of images with one channel (n, height,
                width) too.

        Returns:
            (n, ...) float32, or (n, length) int32 tokens.

        Raises:
            ZooError: if they have another shape.
        """
        shape, given = tuple(self.input_shape), np.asarray(x)
        if given.shape[1:] == shape[:-1] and shape[-1] == 1 and len(shape) > 1:
            given = given[..., None]
        if given.shape[1:] != shape or not given.ndim:
            raise ZooError(
                f"preprocess: examples of shape {given.shape}, expected (n, "
                f"{', '.join(map(str, shape))}): one more dimension than an example has"
            )
        if self.tokens:
            return given.astype(np.int32)
        result = np.empty(given.shape, np.float32)
        mean, deviation = np.array(self.mean or 0.0), np.array(self.deviation or 1.0)
        for i in range(0, len(given), CHUNK):  # in float64, which is a few times larger
            result[i : i + CHUNK] = (given[i : i + CHUNK] - mean) / deviation
        return result.reshape(*result.shape[:2], -1) if self.rows else result
