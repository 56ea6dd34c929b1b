"""Whether an output can give its targets, and whether they fit its loss: seen without training.

About half of the faults that people write are of this kind. Gradients do not show them: Keras
attaches the logits to the outputs of softmax and sigmoid, and its cross-entropies use them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.diagnosis.constant import POINTWISE
from zoo.diagnosis.heads import Head
from zoo.diagnosis.verdict import Verdict

CANNOT = "output cannot express the target"
LABELS = "labels do not fit"
LOGITS = "logits taken for probabilities"

OVER_CLASSES = ("categorical_crossentropy", "categorical_focal_crossentropy")
SPARSE = "sparse_categorical_crossentropy"
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
PROBABILISTIC = (*OVER_CLASSES, SPARSE, *BINARY)
MARGINS = ("hinge", "squared_hinge", "categorical_hinge")
FEW = 0.01  # the share of targets outside a range that is taken for noise


def faults(head: Head) -> list[Verdict]:
    """What is wrong with an output, its targets and its loss.

    Args:
        head: with targets and outputs of some examples.
    """
    if head.loss is None:
        return []
    if head.y is None:
        return []
    return [*_labels(head), *_range(head)] if not (fit := _shapes(head)) else fit


def _place(head: Head) -> str:
    return f"output {head.name}"


# ---------------------------------------------------------------- shapes


def _shapes(head: Head) -> list[Verdict]:
    """Targets of a shape that the loss cannot take, or takes for something else."""
    name = head.loss.name if head.loss else ""
    # Of one example: there may be more targets than outputs.
    y, output = head.y.shape[1:], head.output.shape[1:]
    place, given, wants = _place(head), _shape(y), _shape(output)
    if name == SPARSE:
        if y == output and head.units > 1:
            return [
                Verdict(
                    LABELS,
                    place,
                    f"the targets have the shape {given} of one-hot vectors, and {name} takes the "
                    "number of the class",
                    f"targets of shape {_shape(output[:-1])}, whole numbers from 0 to "
                    f"{head.units - 1}",
                    repair='loss="categorical_crossentropy"  # or: y = y.argmax(-1)',
                )
            ]
        if y not in (output[:-1], (*output[:-1], 1)):
            return [_unlike(head, _shape(output[:-1]))]
        return []
    if name in OVER_CLASSES and head.units > 1:
        if y in (output[:-1], (*output[:-1], 1)):
            return [
                Verdict(
                    LABELS,
                    place,
                    f"the targets have the shape {given} of numbers of classes, and {name} takes "
                    f"one-hot vectors of the shape {wants}",
                    f"one-hot targets of shape {wants}, or a loss that takes numbers",
                    repair='loss="sparse_categorical_crossentropy"',
                )
            ]
        return [] if y == output else [_unlike(head, wants)]
    if not name or name in ("ctc", "cosine_similarity", "circle", "tversky", "dice"):
        return []
    if y == output or _without_ones(y, output):
        return []
    if name in (*BINARY, *POINTWISE) and head.units > 1 and y == output[:-1]:
        if _whole_numbers(head.y):
            return [
                Verdict(
                    LABELS,
                    place,
                    f"the targets have the shape {given}, one number an example, and the output "
                    f"gives {head.units}, shape {wants}",
                    f"targets of shape {wants}, or a loss that takes the number of the class",
                    repair='Dense(classes, activation="softmax") with '
                    'loss="sparse_categorical_crossentropy"',
                )
            ]
        return [_unlike(head, wants)]
    return [_unlike(head, wants)]


def _unlike(head: Head, wants: str) -> Verdict:
    loss = head.loss.name if head.loss else ""
    return Verdict(
        LABELS,
        _place(head),
        f"the targets have the shape {_shape(head.y.shape[1:])}, and {loss} of outputs of shape "
        f"{_shape(head.output.shape[1:])} takes {wants}",
        f"targets of shape {wants}, or a last layer that gives {_shape(head.y.shape[1:])}",
        repair=f"the last layer with {_units(head.y)} units, or targets of shape {wants}",
    )


def _units(y: Any) -> int:
    return int(y.shape[-1]) if y.ndim > 1 else 1


def _without_ones(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether two shapes differ by a last axis of 1 alone, which Keras adds or takes away."""
    return first == (*second, 1) or second == (*first, 1)


def _shape(of_one: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, of_one))})" if of_one else "(n,)"


# ---------------------------------------------------------------- labels


def _labels(head: Head) -> Iterator[Verdict]:
    """Targets that are no classes of the output."""
    assert head.loss is not None
    name, y, place = head.loss.name, head.y, _place(head)
    if name == SPARSE:
        outside = (y < 0) | (y >= head.units)
        if outside.any():
            where = int(np.argwhere(outside)[0][0])
            worst = y[outside].flat[0]
            classes = int(np.max(y)) + 1
            yield Verdict(
                LABELS,
                place,
                f"example {where} has the class {worst:g}, and the output has {head.units} units, "
                f"for 0 to {head.units - 1}",
                f"classes from 0 to {head.units - 1}",
                repair="y = y - y.min()"
                if classes - int(np.min(y)) <= head.units
                else f"Dense({classes}) as the last layer",
            )
        elif not _whole_numbers(y):
            yield Verdict(
                LABELS,
                place,
                f"the targets are no whole numbers (the first: {float(y.flat[0]):g}), and {name} "
                "takes the number of a class",
                "whole numbers, or a loss of numbers as mse",
                repair='Dense(1) with loss="mse"',
            )
    elif name in OVER_CLASSES and head.units > 1 and y.ndim > 1:
        sums = y.sum(-1)
        if (y < 0).any() or not np.allclose(sums, 1, atol=1e-3):
            where = int(np.argwhere(~np.isclose(sums, 1, atol=1e-3) | (y < 0).any(-1))[0][0])
            several = (y >= 0).all() and (y <= 1).all()
            yield Verdict(
                LABELS,
                place,
                f"the targets of example {where} sum to {sums[where].flat[0]:.3g}, and {name} "
                "takes shares of the classes, which sum to 1",
                "one 1 an example, or binary_crossentropy for several labels at once",
                sure="likely" if several else "certain",
                repair='Dense(units, activation="sigmoid") with loss="binary_crossentropy"'
                if several
                else 'loss="mse" with a last layer without activation',
            )


def _whole_numbers(y: Any) -> bool:
    return y.dtype.kind in "iu" or bool((np.floor(y) == y).all())


# ---------------------------------------------------------------- ranges


def _range(head: Head) -> Iterator[Verdict]:
    """Targets that the output's activation cannot give, and outputs that the loss cannot take."""
    assert head.loss is not None
    name, place = head.loss.name, _place(head)
    if head.gives == "softmax" and head.units == 1:
        classes = np.unique(head.y)
        several = _whole_numbers(head.y) and len(classes) <= 1000 and float(classes[0]) >= 0
        yield Verdict(
            CANNOT,
            place,
            "softmax over one unit is 1 whatever the input: every prediction is the same",
            "a sigmoid for one of two classes, no activation for a number, or a unit a class",
            repair='activation="sigmoid", loss="binary_crossentropy"'
            if len(classes) < 3
            else f'Dense({int(classes[-1]) + 1}, activation="softmax"), '
            'loss="sparse_categorical_crossentropy"'
            if several
            else 'activation=None, loss="mse"',
        )
        return
    if name in (*OVER_CLASSES, *BINARY, SPARSE):
        if head.twice and head.gives in ("softmax", "sigmoid"):
            yield Verdict(
                LOGITS,
                place,
                f"{head.activation} is given the outputs of a {head.twice}, which lie between 0 "
                "and 1, in place of any number: its own lie close together",
                "one of the two",
                repair=f"no {head.twice} before the {head.activation}",
            )
        yield from _probabilities(head)
        if name == SPARSE:
            return
    elif name == "poisson" and head.gives in ("any", "tanh"):
        yield Verdict(
            CANNOT,
            place,
            f"poisson takes the logarithm of the output, and {head.activation} gives numbers below "
            "0, of which there is none",
            "outputs above 0",
            repair='activation="exponential" or "softplus"',
        )
    if name in MARGINS or not (name in POINTWISE or name in PROBABILISTIC):
        return
    low, high = {
        "softmax": (0.0, 1.0),
        "sigmoid": (0.0, 1.0),
        "tanh": (-1.0, 1.0),
        "not negative": (0.0, np.inf),
        "not positive": (-np.inf, 0.0),
    }.get(head.gives, (-np.inf, np.inf))
    if name in PROBABILISTIC:
        low, high = max(low, 0.0), min(high, 1.0)
    slack = 1e-3
    y = head.y
    below, above = y < low - slack, y > high + slack
    share = float((below | above).mean())
    if not share:
        return
    where = int(np.argwhere(below | above)[0][0])
    value = float(y[where][(below | above)[where]].flat[0]) if y.ndim > 1 else float(y[where])
    whole = name in PROBABILISTIC and _whole_numbers(y)
    distinct = np.unique(y)
    if name in PROBABILISTIC:
        why = f"{name} takes targets from 0 to 1"
    else:
        why = f"{head.activation} gives {_spelled(low, high)}"
    if whole and len(distinct) > 2 and head.units == 1:
        repair = (
            f'Dense({int(distinct.max()) + 1}, activation="softmax") with '
            'loss="sparse_categorical_crossentropy"'
        )
    elif whole and len(distinct) == 2:
        repair = "y = (y == y.max()).astype(float)"
    elif name in PROBABILISTIC:
        repair = 'activation=None, loss="mse"'
    else:
        repair = "activation=None on the last layer, or targets scaled into its range"
    yield Verdict(
        CANNOT,
        place,
        f"{why}, and {share:.0%} of the targets lie outside (example {where}: {value:g})"
        if share >= 0.005
        else f"{why}, and example {where} has the target {value:g}",
        f"targets {_spelled(low, high)}, or an output that gives all of them",
        sure="certain" if share >= FEW else "note",
        repair=repair,
    )


def _spelled(low: float, high: float) -> str:
    if np.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if np.isinf(low) else f"from {low:g} to {high:g}"


def _probabilities(head: Head) -> Iterator[Verdict]:
    """Outputs that a cross-entropy takes for probabilities, or for logits, and are not."""
    assert head.loss is not None
    name, place = head.loss.name, _place(head)
    binary = name in BINARY
    wanted = "sigmoid" if binary else "softmax"
    if head.loss.from_logits:
        if head.gives in ("not negative", "not positive", "tanh"):
            yield Verdict(
                CANNOT,
                place,
                f"the loss takes logits, any number, and {head.activation} gives "
                + {"tanh": "from -1 to 1", "not negative": "none below 0"}.get(
                    head.gives, "none above 0"
                ),
                "a last layer without activation",
                sure="certain" if head.gives != "tanh" else "likely",
                repair="activation=None on the last layer",
            )
        elif head.gives in ("softmax", "sigmoid"):
            yield Verdict(
                LOGITS,
                place,
                f"the loss takes logits and the output is already a {head.activation}; Keras uses "
                "what went into it, as long as no layer comes between",
                f"from_logits=False, or no {head.activation}",
                sure="note",
                repair="from_logits=False",
            )
        return
    if head.gives == "any":
        yield Verdict(
            LOGITS,
            place,
            f"{name} takes probabilities, and the output has no activation: it gives any number "
            f"({float(np.min(head.output)):.3g} to {float(np.max(head.output)):.3g} here)",
            f"a {wanted} on the last layer, or from_logits=True",
            repair=f'activation="{wanted}" on the last layer, or the loss with from_logits=True',
        )
    elif head.gives in ("tanh", "not negative", "not positive"):
        yield Verdict(
            CANNOT,
            place,
            f"{name} takes probabilities, and {head.activation} on the last layer gives "
            + {
                "tanh": "numbers from -1 to 1",
                "not negative": "any number from 0 on",
            }.get(head.gives, "numbers below 0"),
            f"a {wanted} on the last layer",
            repair=f'activation="{wanted}" on the last layer',
        )
    elif head.gives == "sigmoid" and not binary and head.units > 1:
        yield Verdict(
            LOGITS,
            place,
            f"{name} of a sigmoid trains as that of a softmax does, for Keras uses the logits; the "
            "outputs do not sum to 1",
            "a softmax",
            sure="note",
            repair='activation="softmax"',
        )
    elif head.gives == "sigmoid" and not binary:
        yield Verdict(
            CANNOT,
            place,
            f"{name} over one unit is 0 whatever the output: it compares classes, and there is one",
            "binary_crossentropy for one unit, or a unit a class",
            repair='loss="binary_crossentropy"',
        )
    elif head.gives == "softmax" and binary:
        yield Verdict(
            LOGITS,
            place,
            f"{name} judges each unit for itself, and a softmax lets them share; it trains, with "
            "another weight of the classes",
            f"categorical_crossentropy for one class of {head.units}",
            sure="note",
            repair='loss="categorical_crossentropy"',
        )
