"""When gradients are a symptom: rules over what was measured while a model trained, in numbers.

A history has, as the probe of a run record does, `steps`, `layers` in the order of computation, and
for each quantity a row a step with a value a layer, NaN where it is undefined. Further it has
`loss`, a value a step; `connected`, whether the loss depends on each layer; and `underflowed`, a
row a step: whether a layer's gradient is 0 and would not be if numbers were smaller.

No rule looks at an absolute size of a gradient, and none at the start alone: a GRU's gradient by
time may fall by 1e-9 before training and it learns, batch normalization's deltas grow towards the
input and it trains best. What is compared is a layer with another, or a step with one before.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

History = Mapping[str, Any]

RUNNING = 3  # probes in a row that must show a symptom which one step may show by chance
SETTLED = 64  # steps before which a plateau is none: first steps only teach the output its classes
UNMOVED = 0.99  # a loss above that share of the one before has not fallen; evaluations waver by it
LEARNED = 0.5  # a loss below that share of the first may stay where it is: it has learned
FAINT = 1e-2  # delta rms of the first hidden layer over the last's (Glorot and Bengio 2010)
STILL = 1 / 30  # displacement of the first layers over the largest: "they hardly change"
FAR = 1e2  # the inverse of FAINT: deltas that grow to the first layer, gradients since the start
WORSE = 1.05  # a loss above that many times the first is above it, and not by the noise of dropout
FLAT = 0.8  # the share of a layer's outputs near a bound at which little gradient passes it


class Symptom(NamedTuple):
    """What is wrong, where, and what says so.

    Attributes:
        name: a key of `RULES`.
        layer: where it is, or begins; None where it is in no layer alone.
        step: at which it was seen.
        numbers: that it rests on, in words.
        recipe: of the zoo, whose arms have cures for it.
    """

    name: str
    layer: str | None
    step: int
    numbers: str
    recipe: str

    def __str__(self) -> str:
        where = f" in layer {self.layer}" if self.layer else ""
        return (
            f"{self.name}{where} at step {self.step}: {self.numbers}; cures side by side: "
            f"zoo leaderboard {self.recipe}"
        )


class GradientWarning(UserWarning):
    """A symptom that `zoo.GradientAlarm` saw."""


def symptom(history: History) -> Symptom | None:
    """The most serious symptom that the last probe of a history shows; None if it is healthy."""
    seen = (rule(history) for rule in RULES.values()) if history["steps"] else ()
    return next((each for each in seen if each is not None), None)


def is_news(symptom: Symptom, before: Sequence[Symptom]) -> bool:
    """Whether a symptom is more serious than all before it, and so does not follow from them."""
    order = list(RULES)
    return all(order.index(symptom.name) < order.index(each.name) for each in before)


# ---------------------------------------------------------------- rules


def nonfinite(history: History) -> Symptom | None:
    """The loss or an entry of a gradient is infinite or not a number."""
    counts = history["nonfinite"][-1]
    loss = history["loss"][-1]
    layer = next((row for row, count in enumerate(counts) if count > 0), None)
    if layer is None and math.isfinite(loss):
        return None
    if layer is None:
        return _symptom("non-finite", history, None, f"the loss is {loss:g}", "digits/precision")
    words = f"{counts[layer]:.0f} entries of its gradient are infinite or NaN"
    return _symptom(
        "non-finite", history, layer, f"{words}, the loss is {loss:.3g}", "digits/clipping"
    )


def exploding(history: History) -> Symptom | None:
    """The loss stays above the first, and weights are far from their start or gradients have grown.

    Grown since the start, or from the last layer to the first. A first rush may do that to a model
    that learns; it does not throw the weights far away.
    """
    latest = _latest(history, since=1)
    first, loss = history["loss"][0], history["loss"]
    worse = [loss[at] > first + (WORSE - 1) * abs(first) for at in latest]
    if len(latest) < RUNNING or not all(worse):
        return None
    since = f"the loss is {loss[-1]:.3g}, {first:.3g} at the start"
    moved = history["displacement"]
    if all(max(_finite(moved[at]), default=0.0) > FAR for at in latest):
        layer = _largest(moved[-1])
        words = f"its weights have moved {moved[-1][layer]:.1e} times their own size"
        return _symptom("exploding", history, layer, f"{words}, {since}", "digits/clipping")
    if history["steps"][-1] < SETTLED:
        return None
    sizes = [math.hypot(*row) for row in history["kernel_grad_norm"]]
    if all(sizes[at] > FAR * sizes[0] > 0 for at in latest):
        layer = _largest(history["kernel_grad_norm"][-1])
        words = f"gradients are {sizes[-1] / sizes[0]:.1e} times those of the start"
        return _symptom("exploding", history, layer, f"{words}, {since}", "digits/clipping")
    ratios = [_ratio(history, at) for at in latest]
    if all(ratio is not None and ratio > FAR for ratio in ratios):
        layer = _hidden(history, latest[-1])[0]
        words = f"its delta rms is {ratios[-1]:.1e} times that of the last hidden layer"
        return _symptom("exploding", history, layer, f"{words}, {since}", "digits/initialization")
    return None


def dead(history: History) -> Symptom | None:
    """All units of a layer are 0 on the whole batch, at two probes running."""
    if len(history["steps"]) < 2:
        return None
    for layer, shares in enumerate(zip(*history["dead"][-2:], strict=True)):
        if all(share == 1 for share in shares):
            words = "all its units are 0 for every example, and give no gradient"
            return _symptom("dead", history, layer, words, "digits/dying_relu")
    return None


def underflow(history: History) -> Symptom | None:
    """A layer's gradient stays 0 because its numbers are too small to be held."""
    latest = _latest(history, since=1)
    if len(latest) < RUNNING:
        return None
    for layer in range(len(history["layers"])):
        if all(history["underflowed"][at][layer] for at in latest):
            words = "its gradient is 0, and is not where the loss is scaled up"
            return _symptom("underflow", history, layer, words, "digits/precision")
    return None


def zero_gradient(history: History) -> Symptom | None:
    """A layer's gradient stays exactly 0, in a model that moves and does not learn."""
    latest = _latest(history, since=1)
    moves = max(_finite(history["displacement"][-1]), default=0.0) > 0
    if len(latest) < RUNNING or not moves or _falls(history, latest):
        return None
    if any(1 in history["dead"][at] for at in latest):
        return None  # a dead layer is why
    for layer, connected in enumerate(history["connected"]):
        if connected and all(history["kernel_grad_norm"][at][layer] == 0 for at in latest):
            words = f"every entry of its gradient is 0, and the loss stays at {_loss(history)}"
            return _symptom("zero gradient", history, layer, words, "digits/activation")
    return None


def saturated(history: History) -> Symptom | None:
    """The outputs of a hidden layer stay near their bounds, and the loss where it is."""
    latest = _plateau(history, since=SETTLED)  # a first rush may saturate a layer, and it recovers
    for layer in _hidden(history, len(history["steps"]) - 1) if latest else ():
        shares = [history["saturated"][at][layer] for at in latest]
        if all(share > FLAT for share in shares):
            words = f"{shares[-1]:.0%} of its outputs are near a bound of the activation"
            words += f", and the loss stays at {_loss(history)}"
            return _symptom("saturated", history, layer, words, "digits/initialization_tanh")
    return None


def vanishing(history: History) -> Symptom | None:
    """The first hidden layer's deltas are faint, it hardly moves, and the loss stays."""
    latest = _plateau(history, since=SETTLED // 2)
    if not latest:
        return None
    ratios = [_ratio(history, at) for at in latest]
    if not all(ratio is not None and ratio < FAINT for ratio in ratios):
        return None
    layer = _hidden(history, latest[-1])[0]
    moved = [history["displacement"][at] for at in latest]
    largest = [max(_finite(row), default=0.0) for row in moved]
    if not all(row[layer] < STILL * most for row, most in zip(moved, largest, strict=True)):
        return None
    words = (
        f"its delta rms is {ratios[-1]:.1e} of the last hidden layer's, it has moved "
        f"{moved[-1][layer] / largest[-1]:.1e} as far as the layer that moved most, and the loss "
        f"stays at {_loss(history)}"
    )
    return _symptom("vanishing", history, layer, words, "digits/activation")


RULES: Mapping[str, Callable[[History], Symptom | None]] = {
    "non-finite": nonfinite,
    "exploding": exploding,
    "dead": dead,
    "underflow": underflow,
    "zero gradient": zero_gradient,
    "saturated": saturated,
    "vanishing": vanishing,
}  # the most serious first


# ---------------------------------------------------------------- what they are made of


def _symptom(name: str, history: History, layer: int | None, numbers: str, recipe: str) -> Symptom:
    where = None if layer is None else history["layers"][layer]
    return Symptom(name, where, history["steps"][-1], numbers, recipe)


def _latest(history: History, since: int) -> list[int]:
    """The places of the last probes, `RUNNING` of them at most, none before a step."""
    places = [at for at, step in enumerate(history["steps"]) if step >= since]
    return places[-RUNNING:]


def _falls(history: History, latest: Sequence[int]) -> bool:
    """Whether the loss has fallen over the latest probes, or had fallen far before."""
    first, before, now = (history["loss"][at] for at in (0, latest[0], latest[-1]))
    return bool(
        now < before - (1 - UNMOVED) * abs(before) or now < first - (1 - LEARNED) * abs(first)
    )


def _plateau(history: History, since: int) -> list[int]:
    """The latest probes from a step on, if the model has had time to learn, and does not."""
    latest = _latest(history, since)
    if len(latest) < RUNNING or history["steps"][-1] < SETTLED or _falls(history, latest):
        return []
    return latest


def _hidden(history: History, at: int) -> list[int]:
    """The layers with a delta, without the last, which is the output."""
    return [row for row, delta in enumerate(history["delta_rms"][at]) if delta == delta][:-1]


def _ratio(history: History, at: int) -> float | None:
    """The first hidden layer's delta rms over the last's; None where there are no two."""
    rows = _hidden(history, at)
    if len(rows) < 2:
        return None
    first, last = (history["delta_rms"][at][row] for row in (rows[0], rows[-1]))
    return None if last == 0 else float(first / last)


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _largest(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda row: (math.isfinite(values[row]), values[row]))


def _loss(history: History) -> str:
    return f"{history['loss'][-1]:.3g} ({history['loss'][0]:.3g} at the start)"
