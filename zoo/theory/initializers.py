"""Of Keras's initializers, what mean-field theory needs: variances, and the biases it covers."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

# The variance of a standard normal redrawn until it is within two standard deviations. Keras's
# VarianceScaling makes up for it, TruncatedNormal does not.
TRUNCATED_VARIANCE = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))

_VARIANCE_SCALING = {
    "glorot_uniform": (1.0, "fan_avg"),
    "glorot_normal": (1.0, "fan_avg"),
    "he_uniform": (2.0, "fan_in"),
    "he_normal": (2.0, "fan_in"),
    "lecun_uniform": (1.0, "fan_in"),
    "lecun_normal": (1.0, "fan_in"),
}
_NUMBERS = {"zeros": 0.0, "ones": 1.0}


def weight_variance(
    class_name: str, config: Mapping[str, Any] | None, fan_in: int, fan_out: int
) -> float | None:
    """The variance of a dense kernel's entries under a Keras initializer.

    Args:
        class_name: as Keras spells it: `GlorotUniform` or `glorot_uniform`.
        config: the initializer's arguments; Keras's defaults for those left out.
        fan_in: rows of the kernel.
        fan_out: columns of the kernel.

    Returns:
        The variance; None for an initializer that has none, or whose entries have not mean 0.
    """
    name, config = _snake(class_name), config or {}
    if name in _VARIANCE_SCALING:
        scale, mode = _VARIANCE_SCALING[name]
    elif name == "variance_scaling":
        scale, mode = config.get("scale", 1.0), config.get("mode", "fan_in")
    elif name in ("orthogonal", "orthogonal_initializer"):
        return float(config.get("gain", 1.0) ** 2 / max(fan_in, fan_out))
    elif name in ("random_normal", "truncated_normal"):
        variance = config.get("stddev", 0.05) ** 2
        if name == "truncated_normal":
            variance *= TRUNCATED_VARIANCE
        return None if config.get("mean", 0.0) else float(variance)
    elif name == "random_uniform":
        low, high = config.get("minval", -0.05), config.get("maxval", 0.05)
        return float(high**2 / 3) if low == -high else None
    else:
        return None
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    return float(scale / fans[mode]) if mode in fans else None


class Biases(NamedTuple):
    """Biases that are all the same, or normally distributed."""

    mean: float
    variance: float


def biases(class_name: str, config: Mapping[str, Any] | None) -> Biases | None:
    """Mean and variance of biases with which pre-activations are normally distributed.

    Args:
        class_name: of a Keras initializer, as of `weight_variance`.
        config: its arguments.

    Returns:
        Both; None for biases of another distribution, for which q alone does not tell what an
        activation makes of them, or of an unknown one.
    """
    value = constant(class_name, config)
    if value is not None:
        return Biases(value, 0.0)
    if _snake(class_name) == "random_normal":
        config = config or {}
        return Biases(float(config.get("mean", 0.0)), float(config.get("stddev", 0.05) ** 2))
    return None


def constant(class_name: str, config: Mapping[str, Any] | None) -> float | None:
    """The number that an initializer fills with, as of `weight_variance`; None for all others."""
    name = _snake(class_name)
    value = (config or {}).get("value", 0.0) if name == "constant" else _NUMBERS.get(name)
    return float(value) if isinstance(value, int | float) else None


def _snake(class_name: str) -> str:
    """One of Keras's two spellings of a name, `HeNormal` and `he_normal`; others are no name.

    A class of the user's may be called `henormal`.
    """
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()
    return snake if class_name == snake or class_name[:1].isupper() else ""
