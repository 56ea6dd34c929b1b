"""What can be said of a network from what it is, before it takes a step."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from zoo.diagnosis.heads import Head
from zoo.diagnosis.verdict import Verdict
from zoo.probe.layers import layers_inside

# Moving averages with this momentum are a thousand steps behind, and 100,000 until they are right.
SLOWEST = 0.9999


def faults(
    model: keras.Model, heads: Sequence[Head], measured: dict[str, Any]
) -> Iterator[Verdict]:
    """What is wrong with a network and how it hangs together.

    Args:
        model: built.
        heads: its outputs.
        measured: `zoo.probe.measure` at the start.
    """
    yield from _heads(heads)
    yield from _connected(measured, {head.name for head in heads if head.loss is None})
    yield from _frozen(model, measured)
    yield from _slow_averages(model)


def _heads(heads: Sequence[Head]) -> Iterator[Verdict]:
    judged = [head for head in heads if head.loss is not None]
    for head in heads:
        if head.loss is None and judged:
            yield Verdict(
                "no loss reaches a head",
                f"output {head.name}",
                "no loss judges it: what it alone depends on does not learn",
                "a loss for each output, or a model without this one",
                repair=f'model.compile(loss={{..., "{head.name}": "mse"}})',
            )


def _connected(measured: dict[str, Any], unjudged: set[str]) -> Iterator[Verdict]:
    states = list(zip(measured["layers"], measured["state"], strict=True))
    cut = [name for name, state in states if "not connected" in state and name not in unjudged]
    if cut:
        yield Verdict(
            "not connected",
            _spelled(cut),
            f"the loss does not depend on the weights of {len(cut)} of {len(states)} layers: no "
            "gradient reaches them",
            "a path of differentiable operations from there to the loss: no argmax, rounding, "
            "comparison or stop_gradient on it",
            repair="leave argmax and rounding to the metric, after the loss",
            layers=tuple(cut),
        )
    unused = [name for name, why in measured["unmeasured"].items() if "calls it" in why]
    if unused:
        yield Verdict(
            "unused",
            _spelled(unused),
            "neither the model nor its loss calls it",
            "a call of it, or a model without it",
            sure="note",
            layers=tuple(unused),
        )


def _frozen(model: keras.Model, measured: dict[str, Any]) -> Iterator[Verdict]:
    states = list(zip(measured["layers"], measured["state"], strict=True))
    frozen = [name for name, state in states if "frozen" in state]
    if not model.trainable_weights:
        yield Verdict(
            "frozen",
            f"model {model.name}",
            "no weight of it is to learn",
            "weights that learn, those of the last layer at least",
            repair="model.trainable = True, then compile again",
            layers=tuple(frozen),
        )
    elif frozen:
        yield Verdict(
            "frozen",
            _spelled(frozen),
            f"{len(frozen)} of {len(states)} layers are not to learn",
            "layer.trainable = True, unless they are to stay as they are",
            sure="note",
            layers=tuple(frozen),
        )


def _slow_averages(model: keras.Model) -> Iterator[Verdict]:
    for layer in layers_inside(model):
        if isinstance(layer, keras.layers.BatchNormalization) and layer.momentum >= SLOWEST:
            behind = f"{1 / (1 - layer.momentum):,.0f}" if layer.momentum < 1 else "infinitely many"
            yield Verdict(
                "training and inference differ",
                layer.name,
                f"its moving averages have the momentum {layer.momentum:g}: they are {behind} "
                "steps behind, and evaluate and predict use them",
                "a momentum of 0.99 or 0.9",
                sure="likely",
                repair="BatchNormalization(momentum=0.99)",
                layers=(layer.name,),
            )
            return


def _spelled(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} to {names[-1]}"
