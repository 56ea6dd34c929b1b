"""What mean-field theory says of networks as Keras starts them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.models.mlp import MLP
from zoo.recipe.families import Family
from zoo.recipe.values import KerasPart
from zoo.theory.activations import FloatArray, nonlinearity
from zoo.theory.mean_field import chi, signal

# The variance of a standard normal redrawn until it is within two standard deviations. Keras's
# VarianceScaling makes up for it, TruncatedNormal does not.
TRUNCATED_VARIANCE = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))

_VARIANCE_SCALING = {
    "glorotuniform": (1.0, "fan_avg"),
    "glorotnormal": (1.0, "fan_avg"),
    "heuniform": (2.0, "fan_in"),
    "henormal": (2.0, "fan_in"),
    "lecununiform": (1.0, "fan_in"),
    "lecunnormal": (1.0, "fan_in"),
}


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
    config = config or {}
    name = class_name.replace("_", "").lower()
    if name in _VARIANCE_SCALING:
        scale, mode = _VARIANCE_SCALING[name]
    elif name == "variancescaling":
        scale, mode = config.get("scale", 1.0), config.get("mode", "fan_in")
    elif name in ("orthogonal", "orthogonalinitializer"):
        return float(config.get("gain", 1.0) ** 2 / max(fan_in, fan_out))
    elif name in ("randomnormal", "normal", "truncatednormal"):
        variance = config.get("stddev", 0.05) ** 2
        if name == "truncatednormal":
            variance *= TRUNCATED_VARIANCE
        return None if config.get("mean", 0.0) else float(variance)
    elif name in ("randomuniform", "uniform"):
        low, high = config.get("minval", -0.05), config.get("maxval", 0.05)
        return float(high**2 / 3) if low == -high else None
    else:
        return None
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    return float(scale / fans[mode])


def delta_profile(
    activation: KerasPart,
    initializer: KerasPart,
    inputs: int,
    width: int,
    depth: int,
    *,
    normalization: KerasPart | None = None,
    q: float = 1.0,
    sigma_b2: float = 0.0,
) -> FloatArray | None:
    """The rms of dL/dz of each hidden layer of `zoo.models.mlp`, over that of the last one.

    The recursion starts at the batch's own q and goes on layer by layer: at the fixed point the
    deltas of the first layers, where q is still far from it, would come out wrong.

    Args:
        activation: a Keras activation.
        initializer: of every kernel.
        inputs: entries of one flattened example.
        width: units of each hidden layer.
        depth: hidden layers.
        normalization: a Keras normalization layer.
        q: the mean square of the inputs over the batch; 1 for standardized data.
        sigma_b2: the variance of the biases, which Keras starts at 0.

    Returns:
        (depth,) from first to last, the last entry 1; None if there is no prediction: with
        normalization, or for an activation or initializer that this module does not know.
    """
    phi = nonlinearity(activation.class_name, activation.config)
    first = weight_variance(initializer.class_name, initializer.config, inputs, width)
    hidden = weight_variance(initializer.class_name, initializer.config, width, width)
    if normalization is not None or phi is None or first is None or hidden is None:
        return None
    q = inputs * first * q + sigma_b2
    gains = np.ones(depth)
    for layer in range(depth - 1):
        gains[layer] = chi(q, phi, width * hidden)
        q = signal(q, phi, width * hidden, sigma_b2)
    profile: FloatArray = np.sqrt(np.cumprod(gains[::-1])[::-1])
    return profile


# The growth of E|delta|^2 a layer towards the input in a ReLU net with batch normalization before
# each activation, in training mode, with width >> batch >> 1 (Yang et al. 2019).
BATCH_NORM_RELU_GROWTH = math.pi / (math.pi - 1)


def lstm_decay(forget_bias: float, steps: int) -> float:
    """dc(T)/dc(0) of an LSTM cell with all kernels 0: sigmoid(forget bias)^T."""
    return (1 + math.exp(-forget_bias)) ** -steps


def predicted_profile(model: Family, input_shape: Sequence[int]) -> FloatArray | None:
    """The `delta_profile` of a recipe's model; None if there is no prediction.

    Args:
        model: the family's arguments.
        input_shape: of one example.
    """
    if not isinstance(model, MLP) or not input_shape:
        return None
    bias = model.bias_initializer
    variance = weight_variance(bias.class_name, bias.config, model.width, model.width)
    return delta_profile(
        model.activation,
        model.initializer,
        math.prod(input_shape),
        model.width,
        model.depth,
        normalization=model.normalization,
        sigma_b2=variance if variance is not None else 0.0,
    )
