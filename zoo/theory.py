"""Mean-field predictions for wide random networks at initialization, in NumPy alone.

With z ~ N(0, 1), sigma_w^2 = fan_in * Var W and sigma_b^2 the variance of the biases, the mean
square q of a layer's pre-activations and that of its deltas obey (Poole et al. 2016; Schoenholz et
al. 2017)

    q(l+1)          = sigma_w^2 E[phi(sqrt(q(l)) z)^2] + sigma_b^2
    E |delta(l)|^2  = chi(l) E |delta(l+1)|^2,   chi(l) = sigma_w^2 E[phi'(sqrt(q(l)) z)^2]

for equal widths. Orthogonal kernels obey the same two (Pennington et al. 2017), and for ReLU they
are the variance arguments of He et al. 2015.

Poole et al. 2016, arXiv:1606.05340. Schoenholz et al. 2017, arXiv:1611.01232. Pennington et al.
2017, arXiv:1711.04735. He et al. 2015, arXiv:1502.01852. Klambauer et al. 2017, arXiv:1706.02515
(SELU). Yang et al. 2019, arXiv:1902.08129.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from zoo.schema import KerasPart

FloatArray = npt.NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]


class Nonlinearity(NamedTuple):
    """An activation function phi and its derivative, elementwise on float64 arrays."""

    phi: Function
    derivative: Function


# ---------------------------------------------------------------- activation functions


def _logistic(x: FloatArray) -> FloatArray:
    return 0.5 * (1 + np.tanh(x / 2))


def _logistic_derivative(x: FloatArray) -> FloatArray:
    small: FloatArray = np.exp(-np.abs(x))  # no overflow, and no cancellation in the tails
    return small / (1 + small) ** 2


def _mish_derivative(x: FloatArray) -> FloatArray:
    softplus = np.logaddexp(0, x)
    return np.tanh(softplus) + x * 4 * _logistic_derivative(2 * softplus) * _logistic(x)


def _normal_cdf(x: FloatArray) -> FloatArray:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])


def _normal_pdf(x: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return density


def _piecewise_linear(slope: float) -> Nonlinearity:
    return Nonlinearity(
        lambda x: np.where(x > 0, x, slope * x), lambda x: np.where(x > 0, 1.0, slope)
    )


def _elu(alpha: float, scale: float = 1.0) -> Nonlinearity:
    return Nonlinearity(
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        lambda x: scale * np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
    )


_SILU = Nonlinearity(
    lambda x: x * _logistic(x), lambda x: _logistic(x) + x * _logistic_derivative(x)
)

_FUNCTIONS: dict[str, Nonlinearity] = {
    "linear": _piecewise_linear(1.0),
    "sigmoid": Nonlinearity(_logistic, _logistic_derivative),
    "tanh": Nonlinearity(np.tanh, lambda x: 4 * _logistic_derivative(2 * x)),
    "relu": _piecewise_linear(0.0),
    "leaky_relu": _piecewise_linear(0.2),
    "elu": _elu(1.0),
    "selu": _elu(1.6732632423543772, scale=1.0507009873554805),
    "softsign": Nonlinearity(lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2.0),
    "silu": _SILU,
    "swish": _SILU,
    "gelu": Nonlinearity(
        lambda x: x * _normal_cdf(x), lambda x: _normal_cdf(x) + x * _normal_pdf(x)
    ),
    "mish": Nonlinearity(lambda x: x * np.tanh(np.logaddexp(0, x)), _mish_derivative),
}


def nonlinearity(class_name: str, config: Mapping[str, Any] | None = None) -> Nonlinearity | None:
    """The activation function of a Keras name, or None if there is no prediction for it.

    Args:
        class_name: a function of `keras.activations` (its default arguments), or one of the layers
            ReLU, LeakyReLU, PReLU (at its start) and ELU.
        config: the layer's arguments.
    """
    config = config or {}
    if class_name in _FUNCTIONS:
        return None if config else _FUNCTIONS[class_name]
    if class_name == "LeakyReLU":
        return _piecewise_linear(config.get("negative_slope", 0.3))
    if class_name == "ELU":
        return _elu(config.get("alpha", 1.0))
    if class_name == "ReLU" and config.get("max_value") is None and not config.get("threshold"):
        return _piecewise_linear(config.get("negative_slope", 0.0))
    if class_name == "PReLU":
        alpha = config.get("alpha_initializer", "zeros")
        if alpha in ("zeros", "Zeros"):
            return _piecewise_linear(0.0)
        if isinstance(alpha, Mapping) and alpha.get("class_name") in ("Constant", "constant"):
            return _piecewise_linear(alpha.get("config", {}).get("value", 0.0))
    return None


# ---------------------------------------------------------------- the two recursions

# The grid is even in t for z = sinh(t) / 10^4: midpoints of equal steps converge exponentially for
# smooth functions, the crowding at 0 resolves a sigmoid a thousand times steeper than the Gaussian,
# and no node meets the kink of ReLU there.
_STEP = 2 * math.asinh(13e4) / 4096
_T = (np.arange(4096) - 2047.5) * _STEP
_Z: FloatArray = np.sinh(_T) / 1e4
_WEIGHTS: FloatArray = _normal_pdf(_Z) * np.cosh(_T) / 1e4 * _STEP
_TINY = 1e-300  # stands for q = 0, so that ReLU's derivative is still seen on both sides of 0


def gaussian_mean(function: Function) -> float:
    """E[function(z)] for z ~ N(0, 1), to 10 digits for what varies on a scale of 10^-3 or more."""
    return float(_WEIGHTS @ function(_Z))


def signal(q: float, phi: Nonlinearity, sigma_w2: float, sigma_b2: float = 0.0) -> float:
    """The next layer's mean-square pre-activation, from this layer's q."""
    root = math.sqrt(q)
    return sigma_w2 * gaussian_mean(lambda z: phi.phi(root * z) ** 2) + sigma_b2


def chi(q: float, phi: Nonlinearity, sigma_w2: float) -> float:
    """E|delta(l)|^2 / E|delta(l+1)|^2 for equal widths, at layer l's mean-square pre-activation q.

    At the fixed point of `signal`: below 1 gradients vanish exponentially, above 1 they explode.
    """
    root = math.sqrt(max(q, _TINY))
    return sigma_w2 * gaussian_mean(lambda z: phi.derivative(root * z) ** 2)


def depth_scale(chi_value: float) -> float:
    """1 / |ln chi|, in layers: nets train to about six of them (Schoenholz et al. 2017)."""
    return math.inf if chi_value == 1 else 1 / abs(math.log(chi_value))


def fixed_point(
    phi: Nonlinearity, sigma_w2: float, sigma_b2: float = 0.0, start: float = 1.0
) -> float:
    """q*, where the iteration of `signal` from `start` ends, for a phi whose E[phi^2] grows with q.

    Returns:
        q*; 0 if the signal dies out, infinity if it grows without bound, and `start` if that is a
        fixed point already (a ReLU net with He's variance keeps any q).
    """

    def growth(q: float) -> float:
        return signal(q, phi, sigma_w2, sigma_b2) - q

    if abs(growth(start)) < 1e-12 * start:
        return start
    factor = 2.0 if growth(start) > 0 else 0.5
    far = start
    while growth(far) * growth(start) > 0:
        far *= factor
        if far < 1e-12:
            return 0.0
        if far > 1e12:
            return math.inf
    return _root(growth, *sorted((far, far / factor)))


def edge_of_chaos(phi: Nonlinearity, sigma_b2: float) -> tuple[float, float]:
    """(sigma_w^2, q*) at which chi is 1 for the given bias variance.

    For phi whose derivative is largest at 0, like tanh (Poole et al. 2016; Pennington et al. 2017).

    Raises:
        ValueError: if no signal is at a fixed point where chi is 1, as for ReLU with biases.
    """

    def excess(q: float) -> float:  # of the bias variance that makes q a fixed point where chi is 1
        sigma_w2 = 1 / chi(q, phi, 1.0)
        return q - signal(q, phi, sigma_w2) - sigma_b2

    low, high = 0.0, 1.0
    if excess(low) >= 0:  # the signal dies out: tanh without biases
        return 1 / chi(low, phi, 1.0), low
    while excess(high) < 0:
        high *= 2
        if high > 1e12:
            raise ValueError(f"no edge of chaos at a bias variance of {sigma_b2}")
    q = _root(excess, low, high)
    return 1 / chi(q, phi, 1.0), q


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function changes its sign between two points, by bisection to the last digits."""
    sign = function(high) > 0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if (function(middle) > 0) == sign else (middle, high)
    return (low + high) / 2


# ---------------------------------------------------------------- networks as Keras starts them

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
    activation: "KerasPart",
    initializer: "KerasPart",
    inputs: int,
    width: int,
    depth: int,
    *,
    normalization: "KerasPart | None" = None,
    q: float = 1.0,
    sigma_b2: float = 0.0,
) -> FloatArray | None:
    """The rms of dL/dz of each hidden layer of `zoo.models.mlp.mlp`, over that of the last one.

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
