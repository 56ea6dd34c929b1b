"""Layers that are at fault: others, wider ones, gated ones or fewer teach much more."""

from collections.abc import Iterator

import keras
import numpy as np

from zoo.diagnosis.otherwise import WEIGHTED, hidden_softmax, linear_layers
from zoo.diagnosis.rebuilt import WIDE, narrow_layers, spare_layers, vanilla_layers
from zoo.diagnosis.seen import Seen, ends_of_time
from zoo.diagnosis.taught import CLEARLY, LITTLE, gain, knows, taught
from zoo.diagnosis.verdict import Verdict, from_to, listed
from zoo.probe.layers import layers_inside

DROPPED = 0.9  # of the inputs
FADED = 0.1  # rms of dL/dx over the first tenth of time, over the last tenth's: for the name alone


def verdicts(seen: Seen) -> Iterator[Verdict]:
    """What is better with other layers, after many steps."""
    yield from _frozen(seen)
    yield from _activations(seen)
    yield from _narrow(seen)


def _frozen(seen: Seen) -> Iterator[Verdict]:
    other = seen.unfrozen
    here = gain(seen.last)
    if other is None or not knows(other) or gain(other) < here + CLEARLY:
        return
    if here > LITTLE and not (seen.held_out and _as_drawn(seen)):
        return
    states = zip(seen.start["layers"], seen.start["state"], strict=True)
    names = [name for name, state in states if "frozen" in state]
    yield Verdict(
        "frozen",
        ", ".join(names) if len(names) <= 3 else f"{names[0]} to {names[-1]}",
        f"{taught(seen.last)}; with all layers to learn {taught(other)}",
        "layers that learn, unless they have learned before",
        sure="likely",
        repair="layer.trainable = True for these, then compile again",
        layers=tuple(names),
    )


def _as_drawn(seen: Seen) -> bool:
    """Whether the biases of all frozen layers are as they start: these have never learned."""
    layers = [each for each in layers_inside(seen.model) if each.weights and not each.trainable]
    biases = [np.asarray(w) for each in layers for w in each.weights if "bias" in w.name]
    return bool(biases) and all(np.isin(bias, (0, 1)).all() for bias in biases)


def _activations(seen: Seen) -> Iterator[Verdict]:
    """Hidden layers that are linear or softmax, where ReLU teaches much more."""
    if seen.activated is None or not seen.much_better(seen.activated):
        return
    linear = linear_layers(seen.model)
    layers = linear or hidden_softmax(seen.model, seen.heads)
    names = tuple(layer.name for layer in layers)
    what = (
        f"no activation stands between {len(layers) + 1} layers, which can do no more than one can"
        if linear
        else "a softmax inside a network leaves all but few of its units near 0"
    )
    yield Verdict(
        "stagnating",
        from_to(names) if linear else listed(names),
        f"{what}; {taught(seen.last)}, and with ReLU {taught(seen.activated)}",
        "an activation in each hidden layer that lets units differ, as ReLU does",
        sure="likely",
        repair='activation="relu" in each hidden layer',
        layers=names,
    )


def _narrow(seen: Seen) -> Iterator[Verdict]:
    """Hidden layers of so few units that the rest cannot learn, where wider ones do."""
    if seen.widened is None or not seen.much_better(seen.widened):
        return
    layers = narrow_layers(seen.model, seen.heads)
    yield Verdict(
        "stagnating",
        listed([layer.name for layer in layers]),
        f"of {layers[0].units} unit{'s'[: layers[0].units > 1]}, through which all that follows "
        f"must see the inputs; {taught(seen.last)}, and with {WIDE} units {taught(seen.widened)}",
        "hidden layers of more units",
        sure="likely",
        repair=f"Dense({WIDE}, ...)",
        layers=tuple(layer.name for layer in layers),
    )


def too_deep(seen: Seen) -> Iterator[Verdict]:
    """A deep plain network that learns less than one of a fourth of its layers.

    The degradation of He et al. (2016): also with normalization, where no gradient vanishes.
    """
    other = seen.shallower
    if other is None or not seen.twice_as_good(other):
        return
    spare = spare_layers(seen.model)
    names = tuple(layer.name for layer in spare if isinstance(layer, WEIGHTED))
    yield Verdict(
        "too deep",
        from_to(names),
        f"{taught(seen.last)}, and without {len(names)} of its layers {taught(other)}",
        "skips over its layers, or fewer of them",
        sure="likely",
        layers=names,
    )


def ungated(seen: Seen) -> Iterator[Verdict]:
    """Vanilla recurrent layers where gated ones learn far more (Hochreiter, Schmidhuber 1997)."""
    other = seen.gated
    if other is None or not seen.twice_as_good(other):
        return
    names = tuple(layer.name for layer in vanilla_layers(seen.model))
    ratios = [ends_of_time(each) for each in (seen.time_start, seen.time_end) if each is not None]
    faded = min(ratios, default=1.0) < FADED
    of_time = (
        f"dL/dx of the first tenth of {len(seen.time_start)} steps of time is {ratios[0]:.1e} of "
        f"the last tenth's before the first step, and {ratios[-1]:.1e} after "
        f"{len(seen.trial.losses)}; "
        if faded
        else ""
    )
    yield Verdict(
        "vanishing through time" if faded else "stagnating",
        listed(names),
        f"{of_time}{taught(seen.last)}, and with gates (GRU) {taught(other)}",
        "gates, by which what comes early is kept",
        sure="likely",
        repair="" if faded else "keras.layers.GRU in place of SimpleRNN",
        layers=names,
    )


def dropped(seen: Seen) -> Iterator[Verdict]:
    """Dropout that leaves a layer so little that nothing comes through."""
    if knows(seen.trial, CLEARLY) or seen.learned:
        return
    for layer in layers_inside(seen.model):
        if isinstance(layer, keras.layers.Dropout) and layer.rate >= DROPPED:
            yield Verdict(
                "stagnating",
                layer.name,
                f"it drops {layer.rate:.0%} of its inputs in training, and {taught(seen.last)}",
                "a dropout rate of 0.5 at most",
                sure="likely",
                repair="keras.layers.Dropout(0.2)",
                layers=(layer.name,),
            )
            return
