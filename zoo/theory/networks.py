"""What mean-field theory says of networks as Keras starts them."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.data.names import standardized
from zoo.models.mlp import MLP
from zoo.recipe.schema import ArmSpec
from zoo.recipe.values import KerasPart
from zoo.theory.activations import FloatArray, nonlinearity
from zoo.theory.initializers import biases, weight_variance
from zoo.theory.mean_field import chi, participation, signal

# Of float32's 1e38 on both sides of 1, so much is left to a network, whose last deltas are small.
_RANGE = 1e28
FEWEST_UNITS = 16  # that a layer's deltas come through; of fewer, chance decides


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
    bias_mean: float = 0.0,
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
        q: the mean square of the inputs over the batch, taken for that of each example; 1 for
            standardized data.
        sigma_b2: the variance of the biases, which Keras starts at 0; they are to be normally
            distributed.
        bias_mean: their mean.

    Returns:
        (depth,) from first to last, the last entry 1; None if there is no prediction: with
        normalization, for an activation or initializer that this module does not know, where
        float32 could not hold the signal or the deltas, or where in some layer these come through
        few units, as in a ReLU net whose biases switch most of them off.
    """
    phi = nonlinearity(activation.class_name, activation.config)
    first = weight_variance(initializer.class_name, initializer.config, inputs, width)
    hidden = weight_variance(initializer.class_name, initializer.config, width, width)
    if normalization is not None or phi is None or first is None or hidden is None:
        return None
    q = inputs * first * q + sigma_b2
    gains = np.ones(depth)
    for layer in range(depth):
        if not _RANGE**-2 < q + bias_mean**2 < _RANGE**2:
            return None
        if width * participation(q, phi, bias_mean) < FEWEST_UNITS:
            return None
        if layer < depth - 1:
            gains[layer] = chi(q, phi, width * hidden, bias_mean)
            q = signal(q, phi, width * hidden, sigma_b2, bias_mean)
    profile: FloatArray = np.sqrt(np.cumprod(gains[::-1])[::-1])
    return profile if (profile > 1 / _RANGE).all() and (profile < _RANGE).all() else None


# The growth of E|delta|^2 a layer towards the input in a ReLU net with batch normalization before
# each activation, in training mode, with width >> batch >> 1 (Yang et al. 2019).
BATCH_NORM_RELU_GROWTH = math.pi / (math.pi - 1)


def lstm_decay(forget_bias: float, steps: int) -> float:
    """dc(T)/dc(0) of an LSTM cell with all kernels 0: sigmoid(forget bias)^T."""
    return (1 + math.exp(-forget_bias)) ** -steps


def born_dead(width: int, depth: int) -> float:
    """The chance that a ReLU net leaves some hidden layer at 0 for an input.

    1 - (1 - 2^-width)^depth, of kernels that are as likely as their negatives and biases of 0.
    Nothing behind such a layer depends on the input, nor do the layers before it get a gradient.
    Lu et al. 2019, arXiv:1903.06733.

    Args:
        width: units of each hidden layer.
        depth: hidden layers.
    """
    return 1 - (1 - 2.0**-width) ** depth


FEWEST_INPUTS = 32  # of fewer, the mean squares of examples differ by more than a quarter
PLAIN_DENSE = KerasPart(class_name="Dense")


def predicted_profile(
    arm: ArmSpec, input_shape: Sequence[int], input_rms: float | None = None
) -> FloatArray | None:
    """The `delta_profile` of an arm at its start; None where the theory does not cover it.

    It covers a multilayer perceptron of plain Dense layers without normalization or skips, computed
    in float32, with the activations, initializers and biases that `nonlinearity`,
    `weight_variance` and `biases` know. Pretraining, optimizer and clipping begin after the start.
    Each example's mean square is taken for the batch's: exact for piecewise linear activations
    without biases, and for others as far as the examples are alike. The theory is of infinite
    width, and of a net deeper than wide it says nothing: the logarithm of a gradient's square
    spreads over seeds by 5 depth / width (Hanin and Nica 2020, arXiv:1812.05994).

    Args:
        arm: its resolved values.
        input_shape: of one example, as in the run's record. One axis alone may hold tokens: texts
            come so, and nothing else of tensorflow-datasets.
        input_rms: that of the batch, as in the run's record; by default 1, of standardized numbers,
            and no prediction for others.
    """
    model = arm.model
    if type(model) is not MLP or model.dense != PLAIN_DENSE or model.depth > model.width:
        return None
    if model.skip is not None:
        return None  # the signal grows with every sum, and the terms are not independent
    inputs = math.prod(input_shape)
    if len(input_shape) < 2 or inputs < FEWEST_INPUTS:
        return None
    if input_rms is None and (arm.data.scale != "standard" or not standardized(arm.data.name)):
        return None  # of inputs whose q is not known
    if arm.training.precision not in (None, "float32"):
        return None
    added = biases(model.bias_initializer.class_name, model.bias_initializer.config)
    if added is None:
        return None
    return delta_profile(
        model.activation,
        model.initializer,
        inputs,
        model.width,
        model.depth,
        normalization=model.normalization,
        q=1.0 if input_rms is None else input_rms**2,
        sigma_b2=added.variance,
        bias_mean=added.mean,
    )
