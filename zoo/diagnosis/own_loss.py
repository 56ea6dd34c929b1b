"""Faults of a loss of the user's: it is tried on outputs of which the answer is known."""

from collections.abc import Sequence
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


def broadcast(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> list[Verdict]:
    """Targets (n,) beside outputs (n, 1), or the reverse, that a loss makes (n, n) of.

    Keras's losses see to it; one of the user's, `ops.mean((y - outputs) ** 2)`, does not, and is
    least for a constant output. It is seen by giving it the targets in the shape of the outputs.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return []
    [head], y = heads, some.y
    if not hasattr(y, "shape") or y.size != head.output.size or y.shape == head.output.shape:
        return []
    objective, x = Objective(model, loss, "data"), tf.nest.map_structure(tf.constant, some.x)
    outputs = _in_order(y, head.output.shape)
    try:
        given = float(objective(x, tf.constant(y), outputs))
        shaped = float(objective(x, tf.constant(y.reshape(head.output.shape)), outputs))
    except Exception:  # the user's code; whether it can be computed is seen elsewhere
        return []
    if not np.isfinite([given, shaped]).all() or abs(given - shaped) <= UNLIKE * abs(shaped):
        return []
    return [
        Verdict(
            "labels do not fit",
            f"output {head.name}",
            f"the targets have the shape {y.shape} and the outputs {head.output.shape}, and the "
            f"loss gives another value ({given:.3g}) than for targets in the shape of the outputs "
            f"({shaped:.3g}): it compares each with each",
            "targets and outputs of one shape",
            repair="y = y.reshape(len(y), 1)" if y.ndim == 1 else "y = y[:, 0]",
        )
    ]


def pairs_nothing(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> list[Verdict]:
    """A loss that is the same whatever target belongs to which output: it compares no pairs.

    So is the mean of all targets beside that of all outputs. It is given outputs that grow with
    the targets, and these in other orders; a loss that takes no targets is none of these.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return []
    [head], y = heads, some.y
    if not hasattr(y, "shape") or y.size != head.output.size or y.dtype.kind not in "iuf":
        return []
    if (y == y[:1]).all():
        return []
    objective, x = Objective(model, loss, "data"), tf.nest.map_structure(tf.constant, some.x)
    outputs, draws = _in_order(y, head.output.shape), np.random.default_rng(0)
    try:
        given, shifted, *others = (
            float(objective(x, tf.constant(each), outputs))
            for each in (y, y + y, *(y[draws.permutation(len(y))] for _ in range(ORDERS)))
        )
    except Exception:  # the user's code; whether it can be computed is seen elsewhere
        return []
    if not np.isfinite([given, shifted, *others]).all():
        return []
    if shifted == given or any(abs(each - given) > SAME * abs(given) for each in others):
        return []
    return [
        Verdict(
            "labels do not fit",
            head.place,
            f"the loss is {given:.4g} for outputs that grow with the targets, and the same with "
            "the targets in any other order: it compares no output with its own target",
            "a mean over the examples of what the loss is of each",
            repair="keras.ops.mean(keras.ops.square(y - outputs)), with y in the shape of outputs",
        )
    ]


def never_small(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> list[Verdict]:
    """A loss that the right answer does not make small: it takes probabilities for logits.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return []
    [head], y = heads, some.y
    if (
        head.gives not in ("softmax", "sigmoid")
        or not hasattr(y, "shape")
        or y.dtype.kind not in "iuf"
    ):
        return []
    right = _right(head, y)
    if right is None:
        return []
    objective, x = Objective(model, loss, "data"), tf.nest.map_structure(tf.constant, some.x)
    same = np.broadcast_to(right.mean(0, keepdims=True), right.shape)
    try:
        of_right, of_same = (
            float(objective(x, tf.constant(y), tf.constant(each.astype(np.float32))))
            for each in (np.clip(right, SURE, 1 - SURE), same)
        )
    except Exception:  # the user's code; whether it can be computed is seen elsewhere
        return []
    if not np.isfinite([of_right, of_same]).all() or of_same <= 0 or of_right < 0.5 * of_same:
        return []
    return [
        Verdict(
            "logits taken for probabilities",
            f"output {head.name}",
            f"of the right answer the loss is {of_right:.3g}, of the same answer for all "
            f"{of_same:.3g}: it takes logits, and the output is a {head.activation} already",
            "a loss that is near 0 for the right answer",
            repair=f"no {head.activation} on the last layer, or none in the loss",
        )
    ]


def rewards_errors(
    model: keras.Model, loss: Any, some: Examples, heads: Sequence[Head]
) -> list[Verdict]:
    """A loss that is below 0 and falls with each error: its minus is missing, or one too many.

    It is given the right answers, their opposite, and the same answers to other examples. Only a
    loss below 0 counts, for there are such that are small for outputs unlike the targets (a
    distance of pairs that are labelled 1 if alike), and these are never negative.

    Args:
        model: built.
        loss: as it was given.
        some: examples.
        heads: the outputs of the same.
    """
    if len(heads) != 1 or heads[0].loss is None or heads[0].loss.name:
        return []
    [head], y = heads, some.y
    if not hasattr(y, "shape") or y.dtype.kind not in "iuf":
        return []
    right = y if y.shape == head.output.shape else None
    if head.gives in ("softmax", "sigmoid"):
        right = _right(head, y)
        right = None if right is None else np.clip(right, SURE, 1 - SURE)
    elif y.size == head.output.size:
        right = y.reshape(head.output.shape)
    if right is None:
        return []
    objective, x = Objective(model, loss, "data"), tf.nest.map_structure(tf.constant, some.x)
    draws = np.random.default_rng(0)
    answers = [right, right.max() + right.min() - right]
    answers += [right[draws.permutation(len(right))] for _ in range(ORDERS)]
    try:
        of_right, of_opposite, *of_others = (
            float(objective(x, tf.constant(y), tf.constant(each.astype(np.float32))))
            for each in answers
        )
    except Exception:  # the user's code; whether it can be computed is seen elsewhere
        return []
    if not np.isfinite([of_right, of_opposite, *of_others]).all():
        return []
    if max(of_others) >= 0 and not of_opposite < -UNLIKE * abs(of_right):
        return []
    if of_right <= max(of_others) + UNLIKE * abs(max(of_others)):
        return []
    return [
        Verdict(
            "loss rewards errors",
            head.place,
            f"of the right answers the loss is {of_right:.3g}, and of the same answers to other "
            f"examples {np.mean(of_others):.3g}: training makes the answers wrong",
            "a loss that is least for the right answers",
            repair="return -value in the loss, if it has no minus sign, or value if it has one",
        )
    ]


def _in_order(y: Any, shape: Any) -> Any:
    """Outputs between 0 and 1 that are larger where the targets are: each pair tells."""
    ranks = np.argsort(np.argsort(y.reshape(-1), kind="stable"), kind="stable")
    return tf.constant((0.1 + 0.8 * ranks / len(ranks)).astype(np.float32).reshape(shape))


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
