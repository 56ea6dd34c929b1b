"""What a network of the set is: a compiled model, its data, and what counts as learned."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

# Closed: what a fault is called, in the words of the report of `zoo diagnose`.
KINDS = {
    "head and data": (
        "one-unit softmax",
        "targets outside the range",
        "logits taken for probabilities",
        "probabilities taken for logits",
        "labels that do not fit",
        "initial loss far off",
        "inputs unscaled",
        "targets unscaled",
        "examples alike",
        "data not finite",
        "head without loss",
        "frozen layers",
        "unused layers",
        "not connected",
        "penalty outweighs the loss",
    ),
    "gradients": (
        "vanishing in depth",
        "vanishing through time",
        "exploding",
        "saturated units",
        "dead units",
        "symmetric units",
        "float16 underflow",
        "float16 overflow",
        "non-finite",
    ),
    "training": (
        "stagnating",
        "oscillating",
        "diverged",
        "rate too high",
        "rate too low",
        "dying weights",
        "batch normalization gap",
    ),
}


@dataclass
class Problem:
    """A network as its author has it before `fit`.

    Attributes:
        model: built and compiled.
        x, y: what its author trains on; arrays, or dicts of arrays by the names of inputs, outputs.
        x_test, y_test: the same of examples that are not trained on, as faulty as those.
        score: of what `model.predict` gives for `x_test`; knows the true answers, whatever the
            fault did to the labels.
        metric: what the score is: accuracy, r2, or the lowest of both. Higher is better.
        target: the score that counts as learned.
        epochs: the budget.
        batch_size: examples a step.
        shuffle: whether the order of the examples is drawn.
    """

    model: keras.Model
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    score: Callable[[Any], float]
    metric: str
    target: float
    epochs: int
    batch_size: int
    shuffle: bool = True

    def train(self, epochs: int | None = None) -> None:
        """Trains for the budget, or so many epochs; raises what Keras does.

        In one long epoch, for the start of an epoch takes longer than the steps of one do here.
        """
        count, epochs = len(keras.tree.flatten(self.x)[0]), epochs or self.epochs
        draw = np.random.permutation if self.shuffle else np.arange
        order = np.concatenate([draw(count) for _ in range(epochs)])
        x, y = keras.tree.map_structure(lambda array: array[order], (self.x, self.y))
        self.model.fit(x, y, batch_size=self.batch_size, shuffle=False, verbose=0)

    def score_now(self) -> float:
        """The score on the test examples; -inf where an output is not finite."""
        size = self.batch_size if self.model_is_stateful else 256
        outputs = self.model.predict(self.x_test, batch_size=size, verbose=0)
        if not all(np.isfinite(each).all() for each in keras.tree.flatten(outputs)):
            return float("-inf")
        return float(self.score(outputs))

    @property
    def model_is_stateful(self) -> bool:
        """Whether states of recurrent layers last from batch to batch."""
        return any(getattr(layer, "stateful", False) for layer in self.model.layers)


class Case(NamedTuple):
    """A sick network and its twin: one family, with and without the fault.

    Attributes:
        name: `family/fault`, a name of its own.
        family: builds the problem from its knobs; as they are by default it is healthy.
        kind: one of KINDS.
        fault: the knobs that make it sick, and nothing else that differs between the two.
        base: knobs that both have.
        note: what a reader should know; always there where the fault is a matter of degree.
    """

    name: str
    family: Callable[..., Problem]
    kind: str
    fault: dict[str, Any]
    base: dict[str, Any] = {}
    note: str = ""

    def sick(self) -> Problem:
        """The network with the fault; raises where building it does."""
        return self.family(**{**self.base, **self.fault})

    def twin(self) -> Problem:
        """The same network without it."""
        return self.family(**self.base)

    @property
    def twin_name(self) -> str:
        """The same for twins that are one network."""
        return _call(self.family, self.base)


class Healthy(NamedTuple):
    """A network that learns, though something about it looks like a fault.

    Attributes:
        name: a name of its own.
        family: builds the problem.
        knobs: the family's.
        looks: what it could be taken for.
    """

    name: str
    family: Callable[..., Problem]
    knobs: dict[str, Any]
    looks: str

    def build(self) -> Problem:
        """The problem."""
        return self.family(**self.knobs)

    @property
    def network_name(self) -> str:
        """That of the twin which is this network too, if there is one."""
        return _call(self.family, self.knobs)


def _call(family: Callable[..., Problem], knobs: dict[str, Any]) -> str:
    told = ", ".join(f"{knob}={value!r}" for knob, value in sorted(knobs.items()))
    return f"{family.__name__}({told})"


def accuracy(truth: np.ndarray) -> Callable[[Any], float]:
    """The share of the classes `truth` (n,) that are the largest of the outputs (n, classes)."""
    return lambda outputs: float(np.mean(np.argmax(outputs, axis=-1) == truth))


def binary_accuracy(truth: np.ndarray, boundary: float) -> Callable[[Any], float]:
    """The share of the labels `truth` (n,) on whose side of the boundary the outputs (n, 1) are."""
    return lambda outputs: float(np.mean(truth == (outputs.reshape(len(truth), -1) > boundary).T))


def r2(truth: np.ndarray) -> Callable[[Any], float]:
    """1 - squared error / variance, of outputs that `truth` (n, ...) is broadcast to."""
    flat = truth.reshape(len(truth), -1)

    def score(outputs: Any) -> float:
        error = np.mean(np.square(outputs.reshape(len(truth), -1).astype(np.float64) - flat))
        return float(1 - error / np.mean(np.square(flat - flat.mean(axis=0))))

    return score
