"""Weight normalization (Salimans and Kingma 2016, arXiv:1602.07868)."""

from typing import Any

import keras
from keras import ops

_EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


@keras.saving.register_keras_serializable(package="zoo")
class WeightNormDense(keras.layers.Dense):  # type: ignore[misc]
    """A Dense layer whose kernel is split into direction and length.

    z = (x v) g / ||v|| + b with the norm taken for each unit, so that the effective kernel of a
    unit has the length g whatever v is. The gradient by v is orthogonal to v: updates never
    shorten v, and the longer it gets the smaller is the effective step.

    `g` starts at the norm of v, so that the layer starts as Dense with the same initializer does:
    the reparametrization alone, without the start that it is published with
    (`DataDependentWeightNormDense`).

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


@keras.saving.register_keras_serializable(package="zoo")
class DataDependentWeightNormDense(WeightNormDense):
    """Weight normalization with its published start, from the statistics of a first batch.

    With t = x v / ||v||, of which each unit has the mean mu and the deviation sigma over the batch,

        g = 1 / sigma    b = -mu / sigma

    so that on this batch each unit's pre-activation has mean 0 and variance 1 (section 3 of the
    paper). A unit whose t is the same for all examples, to the rounding of the inputs, keeps the
    start that it has without data: behind units that are all 0 sigma is 0. The paper starts every
    layer so; the last layer of the zoo's networks is plain Dense. Until `start_from` is called the
    layer is a `WeightNormDense`; without a bias its pre-activations keep their means.
    """

    def start_from(self, inputs: Any) -> None:
        """Starts g and b; `zoo.mitigations.first_batch` calls it.

        Args:
            inputs: what enters the layer, (batch, ..., inputs).
        """
        x, v = ops.cast(inputs, "float64"), ops.cast(self.kernel, "float64")
        t = ops.matmul(x, v) / ops.sqrt(ops.sum(ops.square(v), axis=0))
        mean, variance = ops.moments(t, axes=list(range(len(t.shape) - 1)))
        deviation = ops.sqrt(variance)
        # Entries of x that are off by one rounding move t by no more than that of their norm.
        size = ops.sqrt(ops.mean(ops.sum(ops.square(x), axis=-1)))
        varies = deviation > _EPSILON[self.compute_dtype] * size
        g = 1 / ops.where(varies, deviation, ops.ones_like(deviation))
        self.g.assign(ops.where(varies, g, ops.cast(self.g, "float64")))
        if self.bias is not None:
            self.bias.assign(ops.where(varies, -mean * g, ops.cast(self.bias, "float64")))
