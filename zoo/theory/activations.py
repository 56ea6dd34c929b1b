"""Activation functions and their derivatives, as Keras defines them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.theory.initializers import constant

FloatArray = npt.NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]


class Nonlinearity(NamedTuple):
    """An activation function phi and its derivative, elementwise on float64 arrays."""

    phi: Function
    derivative: Function


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


def normal_pdf(x: FloatArray) -> FloatArray:
    """The density of N(0, 1)."""
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
        lambda x: x * _normal_cdf(x), lambda x: _normal_cdf(x) + x * normal_pdf(x)
    ),
    "mish": Nonlinearity(lambda x: x * np.tanh(np.logaddexp(0, x)), _mish_derivative),
}

# Of the layers, the arguments with which they compute the same function in every unit.
_ARGUMENTS = {
    "ReLU": {"negative_slope", "max_value", "threshold"},
    "LeakyReLU": {"negative_slope"},
    "ELU": {"alpha"},
    "PReLU": {"alpha_initializer", "shared_axes"},
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
    if class_name not in _ARGUMENTS or not config.keys() <= _ARGUMENTS[class_name]:
        return None
    if class_name == "LeakyReLU":
        return _piecewise_linear(config.get("negative_slope", 0.3))
    if class_name == "ELU":
        return _elu(config.get("alpha", 1.0))
    if class_name == "PReLU":
        alpha = config.get("alpha_initializer", "zeros")
        named = alpha if isinstance(alpha, Mapping) else {"class_name": alpha}
        slope = constant(str(named.get("class_name")), named.get("config"))
        return None if slope is None else _piecewise_linear(slope)
    if config.get("max_value") is not None or config.get("threshold"):
        return None
    return _piecewise_linear(config.get("negative_slope", 0.0))
