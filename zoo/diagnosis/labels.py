"""Targets that a loss cannot take: of other shapes, or no classes of the output."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.diagnosis.heads import Head
from zoo.diagnosis.loss_kinds import BINARY, OVER_CLASSES, POINTWISE, SPARSE
from zoo.diagnosis.verdict import Verdict

LABELS = "labels do not fit"
NEAR = 0.01  # of the mean size of targets: so near to 0 they are small change
MOST = 0.9  # of the weight of all targets, that those near 0 have


def of_other_shapes(head: Head) -> list[Verdict]:
    """Targets of a shape that the loss cannot take, or takes for something else."""
    name = head.loss.name if head.loss else ""
    # Of one example: there may be more targets than outputs.
    y, output = head.y.shape[1:], head.output.shape[1:]
    place, given, wants = head.place, _shape(y), _shape(output)
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
        if whole_numbers(head.y):
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
        head.place,
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


def no_classes(head: Head) -> Iterator[Verdict]:
    """Targets that are no classes of the output."""
    assert head.loss is not None
    name, y, place = head.loss.name, head.y, head.place
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
        elif not whole_numbers(y):
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


def by_percent(head: Head) -> Iterator[Verdict]:
    """Targets near 0 under a percentage error, which divides by them: a few are all of the loss."""
    if head.loss is None or head.loss.name != "mean_absolute_percentage_error" or not head.y.size:
        return
    sizes = np.abs(head.y.astype(np.float64))
    weights, near = 1 / np.maximum(sizes, keras.config.epsilon()), sizes < NEAR * sizes.mean()
    share = weights[near].sum() / weights.sum()
    if share > MOST:
        yield Verdict(
            LABELS,
            head.place,
            f"{head.loss.name} divides by the targets, and the {near.mean():.0%} of them that are "
            f"near 0 (up to {sizes[near].max():.3g}) have {share:.1%} of the weight: it asks for "
            "their value alone",
            "targets far from 0, or an error that does not divide",
            sure="likely",
            repair='loss="mae"',
        )


def whole_numbers(y: Any) -> bool:
    """Whether all targets are."""
    return y.dtype.kind in "iu" or bool((np.floor(y) == y).all())
