"""LSUV: orthonormal kernels, of which a first batch decides the scale, layer after layer."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.errors import ZooError

_LAYERS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_ROUNDING = 1e-7  # of float32


@keras.saving.register_keras_serializable(package="zoo")
class LSUV(keras.initializers.Orthogonal):  # type: ignore[misc]
    """Orthogonal kernels, scaled so that each layer's outputs z have variance 1 on a first batch.

    The variance is one number a layer, over examples, positions and units together, so that the
    kernel stays orthogonal up to a factor. From the first layer to the last one, which takes part
    as in the paper (the authors' code for Keras leaves out layers of fewer than 32 outputs): each
    sees what the layers below, already scaled, make of the batch. z is looked at before any
    activation that is part of the layer, and without its biases, which start at 0.

    The authors' code for Keras divides by the deviation until the variance is within 0.1 of 1, ten
    times at most; z is linear in the kernel, so one division makes it 1 to rounding. Where all of z
    is one number, as behind units that are all 0, the kernel stays orthonormal. Before the batch is
    seen it is what `keras.initializers.Orthogonal` makes.

    Mishkin and Matas 2016, arXiv:1511.06422.

    Args:
        seed: as of Keras's random initializers.
    """

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)

    def start_of(self, layer: keras.Layer) -> Callable[[Any], None]:
        """What scales a layer's kernel; `zoo.mitigations.first_batch` calls it.

        Args:
            layer: Dense or a convolution, whose kernel this initializer made.

        Returns:
            To be called with what enters the layer, (batch, ..., channels).

        Raises:
            ZooError: for another layer, whose outputs may not be linear in its kernel.
        """
        if type(layer) not in _LAYERS:
            raise ZooError(
                "model.initializer: LSUV is for the kernels of Dense and convolutions, and "
                f"{layer.name} is a {type(layer).__name__}: give it another initializer"
            )
        kernel = ops.cast(layer.kernel, "float64")  # in a call it would be of the layer's precision

        def start(inputs: Any) -> None:
            x = ops.cast(inputs, "float64")
            dense = isinstance(layer, keras.layers.Dense)
            z = ops.matmul(x, kernel) if dense else layer.convolution_op(x, kernel)
            deviation = ops.std(z)
            if deviation > _ROUNDING * ops.sqrt(ops.mean(ops.square(x))):
                layer.kernel.assign(kernel / deviation)

        return start

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"seed": super().get_config()["seed"]}
