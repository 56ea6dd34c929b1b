"""Weight normalization (Salimans and Kingma 2016, arXiv:1602.07868)."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class WeightNormDense(keras.layers.Dense):  # type: ignore[misc]
    """A Dense layer whose kernel is split into direction and length.

    z = (x v) g / ||v|| + b with the norm taken for each unit, so that the effective kernel of a
    unit has the length g whatever v is. The gradient by v is orthogonal to v: updates never
    shorten v, and the longer it gets the smaller is the effective step.

    `g` starts at the norm of v, so that the layer starts as Dense with the same initializer does.
    The paper starts g and b from the statistics of a first batch instead, which also normalizes the
    pre-activations; that would be a second change, and one that depends on the data.

    Args:
        units: the size of the output.
        **arguments: those of `keras.layers.Dense`; `kernel_initializer` is that of v.

    Attributes:
        kernel: v, (inputs, units). A unit's v must not be 0, it would have no direction.
        g: the lengths, (units,).
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes v, b and g."""
        super().build(input_shape)
        # Called after v has its values, also where Keras puts off initializing.
        self.g = self.add_weight(
            name="g", shape=(self.units,), initializer=lambda shape, dtype: self._length()
        )

    def _length(self) -> Any:
        return ops.sqrt(ops.sum(ops.square(self.kernel), axis=0))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Outputs (..., units) of inputs (..., inputs)."""
        z = ops.matmul(inputs, self.kernel) * (self.g / self._length())
        if self.bias is not None:
            z = ops.add(z, self.bias)
        return z if self.activation is None else self.activation(z)

    @property
    def variable_serialization_spec(self) -> dict[str | None, list[str]]:
        """Dense's, by which it saves and loads its variables, with g."""
        spec: dict[str | None, list[str]] = super().variable_serialization_spec
        return spec | {None: [*spec[None], "g"]}
