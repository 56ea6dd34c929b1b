"""Chrono initialization of an LSTM's gates, from the longest dependency that the data may have."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class Chrono(keras.initializers.RandomUniform):  # type: ignore[misc]
    """Biases of the gates of Keras's LSTM by which its units forget over 1 to `longest` steps.

    With u drawn from U[1, longest - 1] for each unit, the forget bias is ln u, the input bias -ln u
    and the two others 0: a unit forgets over about 1 + u steps. The initializer is of the whole
    bias, (4 * units,), in Keras's order i, f, c, o, so the layer needs `unit_forget_bias=False`.

    Tallec and Ollivier 2018, Can recurrent neural networks warp time?, arXiv:1804.11188.

    Args:
        longest: time steps of the longest dependency, at least 3.
        seed: as of Keras's random initializers.

    Raises:
        ValueError: for a smaller `longest`, or a bias that is not of four gates.
    """

    def __init__(self, longest: int, seed: Any = None) -> None:
        if longest < 3:
            raise ValueError(f"longest should be at least 3 time steps, is {longest}")
        super().__init__(1.0, longest - 1.0, seed)
        self.longest = longest

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """The bias of the given shape, (4 * units,)."""
        if len(shape) != 1 or shape[0] % 4:
            raise ValueError(f"Chrono is for the bias of an LSTM, (4 * units,), not {shape}")
        forget = keras.ops.log(super().__call__((shape[0] // 4,), dtype))
        zeros = keras.ops.zeros_like(forget)
        return keras.ops.concatenate([-forget, forget, zeros, zeros])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"longest": self.longest, "seed": super().get_config()["seed"]}
