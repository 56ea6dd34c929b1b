"""Faults of a loss of the user's: it is tried on outputs of which the answer is known."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.diagnosis.examples import Examples
from zoo.diagnosis.heads import Head
from zoo.diagnosis.verdict import Verdict
from zoo.probe.loss import Objective

SURE = 1e-6  # of a probability of 0 or 1: as near as float32 comes without being one
ORDERS = 5  # in which the right answers are given to other examples
SAME = 1e-5  # relative: as much as rounding makes of sums in another order
UNLIKE = 1e-3  # relative: more than rounding makes of the same sum


class _Tried:
    """A loss of the user's, and what judges it: targets, and the output that they belong to.

    Attributes:
        head: the only output.
        y: its targets, an array of numbers (examples, ...).
    """

    def __init__(self, model: keras.Model, loss: Any, some: Examples, head: Head) -> None:
        self.head, self.y = head, some.y
        self._objective = Objective(model, loss, "data")
        self._x = tf.nest.map_structure(tf.constant, some.x)

    def values(self, *pairs: tuple[Any, Any]) -> list[float]:
        """The loss of targets and outputs, a value a pair; none if one is not finite or fails."""
        try:
            losses = [
                float(self._objective(self._x, tf.constant(y), tf.constant(np.float32(outputs))))
                for y, outputs in pairs
            ]
        except Exception:  # the user's code; whether it can be computed is seen elsewhere
            return []
        return losses if np.isfinite(losses).all() else []

    def in_order(self) -> Any:
        """Outputs between 0 and 1 that are larger where the targets are: each pair tells."""
        ranks = np.argsort(np.argsort(self.y.reshape(-1), kind="stable"), kind="stable")
        return (0.1 + 0.8 * ranks / len(ranks)).reshape(self.head.output.shape)

    def orders(self, values: Any) -> list[Any]:
        """The same values, for other examples."""
        draws = np.random.default_rng(0)
        return [values[draws.permutation(len(values))] for _ in range(ORDERS)]


def faults(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> Iterator[Verdict]:
    """What is wrong with the loss of a model of one output, if it is none of Keras's.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return
    if not hasattr(some.y, "shape") or some.y.dtype.kind not in "iuf":
        return
    tried = _Tried(model, loss, some, heads[0])
    yield from list(_broadcast(tried)) or _pairs_nothing(tried)
    yield from _never_small(tried)
    yield from _rewards_errors(tried)


def _broadcast(tried: _Tried) -> Iterator[Verdict]:
    """Targets (n,) beside outputs (n, 1), or the reverse, that a loss makes (n, n) of.

    Keras's losses see to it; one of the user's, `ops.mean((y - outputs) ** 2)`, does not, and is
    least for a constant output. It is seen by giving it the targets in the shape of the outputs.
    """
    head, y = tried.head, tried.y
    if y.size != head.output.size or y.shape == head.output.shape:
        return
    outputs = tried.in_order()
    values = tried.values((y, outputs), (y.reshape(head.output.shape), outputs))
    if not values or abs(values[0] - values[1]) <= UNLIKE * abs(values[1]):
        return
    yield Verdict(
        "labels do not fit",
        head.place,
        f"the targets have the shape {y.shape} and the outputs {head.output.shape}, and the loss "
        f"gives another value ({values[0]:.3g}) than for targets in the shape of the outputs "
        f"({values[1]:.3g}): it compares each with each",
        "targets and outputs of one shape",
        repair="y = y.reshape(len(y), 1)" if y.ndim == 1 else "y = y[:, 0]",
    )


def _pairs_nothing(tried: _Tried) -> Iterator[Verdict]:
    """A loss that is the same whatever target belongs to which output: it compares no pairs.

    So is the mean of all targets beside that of all outputs. It is given outputs that grow with
    the targets, and these in other orders; a loss that takes no targets is none of these.
    """
    y = tried.y
    if y.size != tried.head.output.size or (y == y[:1]).all():
        return
    outputs = tried.in_order()
    values = tried.values(*((each, outputs) for each in (y, y + y, *tried.orders(y))))
    if not values:
        return
    given, doubled, *others = values
    if doubled == given or any(abs(each - given) > SAME * abs(given) for each in others):
        return
    yield Verdict(
        "labels do not fit",
        tried.head.place,
        f"the loss is {given:.4g} for outputs that grow with the targets, and the same with the "
        "targets in any other order: it compares no output with its own target",
        "a mean over the examples of what the loss is of each",
        repair="keras.ops.mean(keras.ops.square(y - outputs)), with y in the shape of outputs",
    )


def _never_small(tried: _Tried) -> Iterator[Verdict]:
    """A loss that the right answer does not make small: it takes probabilities for logits."""
    head = tried.head
    y = _hard(head, tried.y) if head.gives in ("softmax", "sigmoid") else None
    right = None if y is None else _right(head, y)
    if right is None:
        return
    same = np.broadcast_to(right.mean(0, keepdims=True), right.shape)
    values = tried.values((y, np.clip(right, SURE, 1 - SURE)), (y, same))
    if not values or values[1] <= 0 or values[0] < 0.5 * values[1]:
        return
    if values[0] > (1 + UNLIKE) * values[1]:
        yield _rewarding(head, values[0], values[1], "the same answer for all")
        return
    yield Verdict(
        "logits taken for probabilities",
        head.place,
        f"of the right answer the loss is {values[0]:.3g}, of the same answer for all "
        f"{values[1]:.3g}: it takes logits, and the output is a {head.activation} already",
        "a loss that is near 0 for the right answer",
        repair=f"no {head.activation} on the last layer, or none in the loss",
    )


def _rewards_errors(tried: _Tried) -> Iterator[Verdict]:
    """A loss that is below 0 and falls with each error: its minus is missing, or one too many.

    It is given the right answers, their opposite, and the same answers to other examples. Only a
    loss below 0 counts, for there are such that are small for outputs unlike the targets (a
    distance of pairs that are labelled 1 if alike), and these are never negative.
    """
    head, y = tried.head, tried.y
    if head.gives in ("softmax", "sigmoid"):
        right = _right(head, y)
        right = None if right is None else np.clip(right, SURE, 1 - SURE)
    else:
        right = y.reshape(head.output.shape) if y.size == head.output.size else None
    if right is None:
        return
    opposite = right.max() + right.min() - right
    values = tried.values(*((y, each) for each in (right, opposite, *tried.orders(right))))
    if not values:
        return
    of_right, of_opposite, *others = values
    if max(others) >= 0 and not of_opposite < -UNLIKE * abs(of_right):
        return
    if of_right <= max(others) + UNLIKE * abs(max(others)):
        return
    yield _rewarding(head, of_right, float(np.mean(others)), "the same answers to other examples")


def _rewarding(head: Head, of_right: float, of_others: float, others: str) -> Verdict:
    return Verdict(
        "loss rewards errors",
        head.place,
        f"of the right answers the loss is {of_right:.3g}, and of {others} {of_others:.3g}: "
        "training makes the answers wrong",
        "a loss that is least for the right answers",
        repair="return -value in the loss, if it has no minus sign, or value if it has one",
    )


def _hard(head: Head, y: Any) -> Any:
    """Targets that are shares, as the nearest that are certain: what is unsure has a loss above 0.

    None where no two of them are then apart.
    """
    if y.dtype.kind != "f" or y.size != head.output.size or set(np.unique(y)) <= {0.0, 1.0}:
        return y
    if head.gives == "softmax" and head.units > 1:
        hard = np.eye(head.units, dtype=y.dtype)[y.argmax(-1)]
    else:
        hard = (y > y.mean()).astype(y.dtype)
    return None if (hard == hard[:1]).all() else hard


def _right(head: Head, y: Any) -> Any:
    """The outputs that are right for targets; None where these are no classes or shares."""
    if y.shape == head.output.shape and y.min() >= 0 and y.max() <= 1:
        return y.astype(np.float64)
    if head.output.shape in ((*y.shape, 1), y.shape[:-1]) and y.min() >= 0 and y.max() <= 1:
        return y.reshape(head.output.shape).astype(np.float64)
    classes = y[..., 0] if y.shape == (*head.output.shape[:-1], 1) else y
    whole = np.array_equal(classes, np.floor(classes))
    if head.units < 2 or classes.shape != head.output.shape[:-1] or not whole:
        return None
    if classes.min() < 0 or classes.max() >= head.units:
        return None
    return np.eye(head.units)[classes.astype(int)]
