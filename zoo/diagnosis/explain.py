"""One backward pass in NumPy, number by number: the lesson that `zoo explain` prints.

A network of n hidden layers without biases turns a batch of examples a_0 = x, one a row, into

    z_l = a_(l-1) W_l,   a_l = f(z_l)     for l = 1 ... n
    output = z_(n+1) = a_n W_(n+1)

and its loss is L = (output - y)^2 / 2, the mean over the examples. Training it is four steps, over
and over: `forward`, `loss`, `backward`, `update`. They are written for layers of any width; where
each layer has one unit, every matrix is a number and the chain rule a product:

    dL/dz_l = dL/dz_(l+1) * w_(l+1) * f'(z_l)

Each layer multiplies by a weight and a slope. Where that is less than 1 time after time, the first
layers hardly learn: the gradient vanishes. Where it is more, the gradient explodes.

Rumelhart, Hinton and Williams 1986, Nature 323, 533 (back-propagation). Hochreiter 1991 and Bengio,
Simard and Frasconi 1994 (the product that vanishes). Glorot and Bengio 2010; He et al. 2015,
arXiv:1502.01852 (the starts).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Random = np.random.Generator

# ---------------------------------------------------------------- activations and their slopes


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z): between 0 and 1, and flat at both ends."""
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z: Array) -> Array:
    """f' = f (1 - f): 1/4 at z = 0, less everywhere else."""
    return sigmoid(z) * (1 - sigmoid(z))


def tanh_slope(z: Array) -> Array:
    """f' = 1 - f^2: 1 at z = 0, less everywhere else."""
    return 1 - np.tanh(z) ** 2


def relu(z: Array) -> Array:
    """z where it is positive, else 0."""
    return np.maximum(z, 0)


def relu_slope(z: Array) -> Array:
    """1 where z is positive, else 0: the gradient passes, or it does not."""
    return np.where(z > 0, 1.0, 0.0)


# ---------------------------------------------------------------- the start made for each


def glorot(inputs: int, outputs: int, random: Random) -> Array:
    """A kernel (inputs, outputs), uniform, of variance 2 / (inputs + outputs).

    It keeps signal and gradient where the slope is 1 (Glorot and Bengio 2010).
    """
    bound = np.sqrt(6 / (inputs + outputs))
    return random.uniform(-bound, bound, (inputs, outputs))


def he(inputs: int, outputs: int, random: Random) -> Array:
    """A kernel (inputs, outputs), normal, of variance 2 / inputs.

    Twice what a slope of 1 needs, for a ReLU lets half of it through (He et al. 2015).
    """
    return random.normal(0, np.sqrt(2 / inputs), (inputs, outputs))


@dataclass(frozen=True)
class Activation:
    """An activation f, its slope, and what goes with it.

    Attributes:
        name: as people write it.
        f: the activation.
        slope: f'.
        steepest: the largest value of f'.
        start: draws the kernel (inputs, outputs) of a layer.
        start_by: whose start that is.
    """

    name: str
    f: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    steepest: float
    start: Callable[[int, int, Random], Array]
    start_by: str


SIGMOID = Activation("sigmoid", sigmoid, sigmoid_slope, 1 / 4, glorot, "Glorot")
TANH = Activation("tanh", np.tanh, tanh_slope, 1, glorot, "Glorot")
RELU = Activation("ReLU", relu, relu_slope, 1, he, "He")

# ---------------------------------------------------------------- the four steps


def forward(of: Activation, kernels: Sequence[Array], x: Array) -> tuple[list[Array], list[Array]]:
    """Step 1: from the input to the output, layer by layer.

    Args:
        of: the activation of the hidden layers.
        kernels: W of each layer, the output's last.
        x: the examples, (examples, inputs).

    Returns:
        z of each layer, of which the last is the output, and the a that each layer was given,
        of which the first is x.
    """
    zs, given = [], [x]
    for kernel in kernels[:-1]:
        zs.append(given[-1] @ kernel)
        given.append(of.f(zs[-1]))
    zs.append(given[-1] @ kernels[-1])
    return zs, given


def loss(output: Array, y: Array) -> float:
    """Step 2: how wrong the output is: (output - y)^2 / 2, the mean over the examples."""
    return float(np.mean((output - y) ** 2) / 2)


def backward(
    of: Activation, kernels: Sequence[Array], zs: Sequence[Array], y: Array
) -> list[Array]:
    """Step 3: dL/dz of each layer, from the output back to the first; the product of the slopes.

    What a layer gets is what the next one had, times the weights between them, times its own slope.
    """
    deltas = [(zs[-1] - y) / len(y)]
    for kernel, z in zip(kernels[:0:-1], zs[-2::-1], strict=True):
        deltas.insert(0, deltas[0] @ kernel.T * of.slope(z))
    return deltas


def gradients(given: Sequence[Array], deltas: Sequence[Array]) -> list[Array]:
    """dL/dW of each layer: what it was given, times its dL/dz."""
    return [a.T @ delta for a, delta in zip(given, deltas, strict=True)]


def update(kernels: Sequence[Array], downhill: Sequence[Array], rate: float) -> list[Array]:
    """Step 4: every weight goes a little way downhill, W - rate * dL/dW."""
    return [w - rate * gradient for w, gradient in zip(kernels, downhill, strict=True)]


# ---------------------------------------------------------------- a chain, to follow with a pencil

SEED = 0
RATE = 0.02  # at which no rounding grows in training, at any depth of the command's
EXAMPLE = np.array([[1.0]])
TARGET = np.array([[0.0]])


@dataclass(frozen=True)
class Pass:
    """The four steps, once. Lists have an entry a layer, the output's last.

    Attributes:
        kernels: W before the step.
        zs: z.
        given: a of the layer before; of the first layer x.
        loss: before the step.
        deltas: dL/dz.
        gradients: dL/dW.
        update_ratios: ||rate * dL/dW|| / ||W||, how far W moves.
        updated: W after the step.
        loss_after: of the same examples.
    """

    kernels: list[Array]
    zs: list[Array]
    given: list[Array]
    loss: float
    deltas: list[Array]
    gradients: list[Array]
    update_ratios: list[float]
    updated: list[Array]
    loss_after: float


def one_pass(of: Activation, kernels: list[Array], x: Array, y: Array, rate: float) -> Pass:
    """The four steps, and the loss after them."""
    zs, given = forward(of, kernels, x)
    deltas = backward(of, kernels, zs, y)
    downhill = gradients(given, deltas)
    updated = update(kernels, downhill, rate)
    after, _ = forward(of, updated, x)
    return Pass(
        kernels=kernels,
        zs=zs,
        given=given,
        loss=loss(zs[-1], y),
        deltas=deltas,
        gradients=downhill,
        update_ratios=[rate * norm(g) / norm(w) for g, w in zip(downhill, kernels, strict=True)],
        updated=updated,
        loss_after=loss(after[-1], y),
    )


def chain(depth: int) -> list[Array]:
    """Weights (1, 1) of `depth` hidden layers with one unit each, and of the output.

    They have one decimal and are near 1, which keeps the product of a ReLU's slopes and weights
    near 1; the same for every activation.
    """
    weights = np.random.default_rng(SEED).uniform(0.7, 1.3, depth + 1).round(1)
    return [np.array([[weight]]) for weight in weights]


# ---------------------------------------------------------------- a small network, to train

WIDTH = 16
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([[0.0], [1.0], [1.0], [0.0]])
STEPS = (0, 1, 10, 100, 1000)


@dataclass(frozen=True)
class Training:
    """A network before, while and after it is trained on the four examples of XOR.

    Attributes:
        first: the four steps at the start.
        losses: the loss after each number of steps in `STEPS`.
        moved: ||W - W_0|| / ||W_0|| of each layer at the end.
    """

    first: Pass
    losses: list[float]
    moved: list[float]


def start(of: Activation, depth: int, seed: int = SEED) -> list[Array]:
    """Weights of `depth` hidden layers of 16 units and of the output, drawn for the activation."""
    random = np.random.default_rng(seed)
    sizes = [X.shape[1], *[WIDTH] * depth, XOR.shape[1]]
    return [of.start(inputs, outputs, random) for inputs, outputs in itertools.pairwise(sizes)]


def train(of: Activation, kernels: list[Array], rate: float = RATE) -> Training:
    """The four steps over and over, each time with all four examples."""
    first, losses = kernels, []
    for step in range(STEPS[-1] + 1):
        zs, given = forward(of, kernels, X)
        if step in STEPS:
            losses.append(loss(zs[-1], XOR))
        if step < STEPS[-1]:
            deltas = backward(of, kernels, zs, XOR)
            kernels = update(kernels, gradients(given, deltas), rate)
    moved = [norm(new - old) / norm(old) for old, new in zip(first, kernels, strict=True)]
    return Training(one_pass(of, first, X, XOR, rate), losses, moved)


def norm(values: Array) -> float:
    """The root of the sum of squares."""
    return float(np.linalg.norm(values))


def rms(values: Array) -> float:
    """The root of the mean of squares."""
    return float(np.sqrt(np.mean(values**2)))
