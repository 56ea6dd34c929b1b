"""Mean-field predictions for wide random networks at initialization, in NumPy alone.

With z ~ N(0, 1), sigma_w^2 = fan_in * Var W and sigma_b^2 the variance of the biases, the mean
square q of a layer's pre-activations and that of its deltas obey (Poole et al. 2016; Schoenholz et
al. 2017)

    q(l+1)          = sigma_w^2 E[phi(sqrt(q(l)) z)^2] + sigma_b^2
    E |delta(l)|^2  = chi(l) E |delta(l+1)|^2,   chi(l) = sigma_w^2 E[phi'(sqrt(q(l)) z)^2]

for equal widths. Orthogonal kernels obey the same two (Pennington et al. 2017), and for ReLU they
are the variance arguments of He et al. 2015. Biases of mean mu and normally distributed around it,
or all mu, make the pre-activations normal around mu: sqrt(q) z becomes mu + sqrt(q) z, for q their
variance.

Poole et al. 2016, arXiv:1606.05340. Schoenholz et al. 2017, arXiv:1611.01232. Pennington et al.
2017, arXiv:1711.04735. He et al. 2015, arXiv:1502.01852. Klambauer et al. 2017, arXiv:1706.02515
(SELU). Yang et al. 2019, arXiv:1902.08129.
"""

import math
from collections.abc import Callable

import numpy as np

from zoo.theory.activations import FloatArray, Function, Nonlinearity, normal_pdf

# The grid is even in t for z = sinh(t) / 10^4: midpoints of equal steps converge exponentially for
# smooth functions, the crowding at 0 resolves a sigmoid a thousand times steeper than the Gaussian,
# and no node meets the kink of ReLU there.
_STEP = 2 * math.asinh(13e4) / 4096
_T = (np.arange(4096) - 2047.5) * _STEP
_Z: FloatArray = np.sinh(_T) / 1e4
_WEIGHTS: FloatArray = normal_pdf(_Z) * np.cosh(_T) / 1e4 * _STEP
_TINY = 1e-300  # stands for q = 0, so that ReLU's derivative is still seen on both sides of 0
_FAR = 6.0  # standard deviations from the mean: what is beyond counts for 10^-9


def gaussian_mean(function: Function) -> float:
    """E[function(z)] for z ~ N(0, 1), to 10 digits for what varies on a scale of 10^-3 or more."""
    return float(_WEIGHTS @ function(_Z))


def _mean_of_square(function: Function, q: float, mean: float) -> float:
    """E[function(mean + sqrt(q) z)^2] for z ~ N(0, 1), to 9 digits where `gaussian_mean` has 10."""
    root = math.sqrt(q)
    if mean == 0 or abs(mean) > _FAR * root:  # at 0 the grid is fine, or nothing happens
        return gaussian_mean(lambda z: function(mean + root * z) ** 2)
    shift = mean / root  # the grid stays crowded at the kink, its weights move
    weights = _WEIGHTS * np.exp(_Z * shift - shift**2 / 2)
    return float(weights @ function(root * _Z) ** 2)


def signal(
    q: float, phi: Nonlinearity, sigma_w2: float, sigma_b2: float = 0.0, mean: float = 0.0
) -> float:
    """The variance of the next layer's pre-activations, from this layer's q.

    Args:
        q: the variance of this layer's pre-activations; without a mean, their mean square.
        phi: the activation.
        sigma_w2: fan_in * Var W.
        sigma_b2: the variance of the biases.
        mean: of this layer's pre-activations, that of its biases.
    """
    return sigma_w2 * _mean_of_square(phi.phi, q, mean) + sigma_b2


def chi(q: float, phi: Nonlinearity, sigma_w2: float, mean: float = 0.0) -> float:
    """E|delta(l)|^2 / E|delta(l+1)|^2 for equal widths; arguments as of `signal`, of layer l.

    At the fixed point of `signal`: below 1 gradients vanish exponentially, above 1 they explode.
    """
    return sigma_w2 * _mean_of_square(phi.derivative, max(q, _TINY), mean)


def participation(q: float, phi: Nonlinearity, mean: float = 0.0) -> float:
    """E[phi'^2]^2 / E[phi'^4], the share of a layer's units that its deltas come through.

    Of ReLU the share that is not 0; of what is steep near 0 alone, the units whose pre-activation
    is there. Arguments as of `signal`.
    """

    def squared(x: FloatArray) -> FloatArray:
        return phi.derivative(x) ** 2

    q = max(q, _TINY)
    fourth = _mean_of_square(squared, q, mean)
    return _mean_of_square(phi.derivative, q, mean) ** 2 / fourth if fourth else 0.0


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
