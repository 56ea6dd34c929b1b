"""Targets that an activation cannot give, and outputs that a loss cannot take."""

from collections.abc import Iterator

import numpy as np

from zoo.diagnosis.heads import Head
from zoo.diagnosis.labels import whole_numbers
from zoo.diagnosis.loss_kinds import (
    BINARY,
    FROM_ZERO,
    MARGINS,
    OVER_CLASSES,
    POINTWISE,
    PROBABILISTIC,
    SPARSE,
)
from zoo.diagnosis.verdict import Verdict

CANNOT = "output cannot express the target"
LOGITS = "logits taken for probabilities"
FEW = 0.01  # the share of targets outside a range that is taken for noise


def faults(head: Head) -> Iterator[Verdict]:
    """Targets that the output's activation cannot give, and outputs that the loss cannot take."""
    assert head.loss is not None
    name, place = head.loss.name, head.place
    if head.gives == "softmax" and head.units == 1:
        classes = np.unique(head.y)
        several = whole_numbers(head.y) and len(classes) <= 1000 and float(classes[0]) >= 0
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
        yield from _other_axis(head)
        if name == SPARSE:
            return
    elif name == "kl_divergence" and head.gives in ("any", "tanh", "not positive"):
        yield Verdict(
            LOGITS,
            place,
            f"kl_divergence compares distributions, and {head.activation} gives numbers below 0, "
            "which it takes for 0",
            "a softmax on the last layer",
            repair='activation="softmax" on the last layer',
        )
    elif name == "poisson" and head.gives in ("any", "tanh"):
        yield Verdict(
            CANNOT,
            place,
            f"poisson takes the logarithm of the output, and {head.activation} gives numbers below "
            "0, of which there is none",
            "outputs above 0",
            repair='activation="exponential" or "softplus"',
        )
    if name in FROM_ZERO and (below_zero := head.y < 0).any():
        yield (negative := _negative(head, below_zero))
        if negative.sure == "certain":
            return
    yield from _sums(head)
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
    whole = name in PROBABILISTIC and whole_numbers(y)
    distinct = np.unique(y)
    if name in PROBABILISTIC:
        why = f"{name} takes targets from 0 to 1"
    else:
        why = f"{head.activation} gives {_between(low, high)}"
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
        f"targets {_between(low, high)}, or an output that gives all of them",
        sure="certain" if share >= FEW else "note",
        repair=repair,
    )


def _negative(head: Head, below_zero: np.ndarray) -> Verdict:
    """Targets below 0 of a loss that has a meaning for others alone."""
    assert head.loss is not None
    share, value = below_zero.mean(), float(head.y[below_zero].flat[0])
    name = head.loss.name
    what = "takes counts" if name == "poisson" else "takes what is below 0 for 0"
    where = int(np.argwhere(below_zero)[0][0])
    return Verdict(
        CANNOT,
        head.place,
        f"{name} {what}, and of {head.y.size} targets {below_zero.sum()} are below 0 (example "
        f"{where}: {value:g})",
        "targets of at least 0",
        sure="certain" if share >= FEW else "note",
        repair='loss="mse"',
    )


def _sums(head: Head) -> Iterator[Verdict]:
    """Targets whose units do not sum to 1, as those of a softmax do."""
    assert head.loss is not None
    if head.gives != "softmax" or head.units < 2 or head.y.shape[1:] != head.output.shape[1:]:
        return
    sums = head.y.sum(-1, dtype=np.float64)
    off = ~np.isclose(sums, 1, atol=1e-3)
    if head.loss.name not in (*BINARY, *POINTWISE) or off.mean() < FEW:
        return
    where = int(np.argwhere(off)[0][0])
    yield Verdict(
        CANNOT,
        head.place,
        f"a softmax gives units that sum to 1, and the targets of example {where} sum to "
        f"{sums[off].flat[0]:.3g}, as {off.mean():.0%} do to something else",
        "targets that sum to 1, or an activation for each unit by itself",
        repair='activation="sigmoid" for several labels at once, none for numbers',
    )


def _other_axis(head: Head) -> Iterator[Verdict]:
    """A softmax over another axis than the last, over which the loss compares classes."""
    assert head.loss is not None
    binary = head.loss.name in BINARY or head.loss.from_logits
    if binary or head.gives != "softmax" or head.units < 2:
        return
    sums = head.output.sum(-1, dtype=np.float64)
    if np.allclose(sums, 1, atol=0.05) or not np.isfinite(sums).all():
        return
    yield Verdict(
        CANNOT,
        head.place,
        f"{head.loss.name} compares the classes on the last axis, over which the outputs sum to "
        f"{sums.min():.3g} to {sums.max():.3g}: the softmax is over another axis",
        "outputs that sum to 1 over the last axis",
        repair="Softmax(axis=-1)",
    )


def _between(low: float, high: float) -> str:
    if np.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if np.isinf(low) else f"from {low:g} to {high:g}"


def _probabilities(head: Head) -> Iterator[Verdict]:
    """Outputs that a cross-entropy takes for probabilities, or for logits, and are not."""
    assert head.loss is not None
    name, place = head.loss.name, head.place
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
