"""Units that are alike, dead or saturated."""

from collections.abc import Iterator

import numpy as np

from zoo.diagnosis import otherwise
from zoo.diagnosis.seen import Seen, flat_layers
from zoo.diagnosis.taught import taught
from zoo.diagnosis.verdict import Verdict, listed

MOST = 0.9  # of a layer's units, saturated or dead
ENOUGH = 32  # examples on which a unit is 0 before it is called dead


def alike(seen: Seen) -> Iterator[Verdict]:
    """Units of a layer that all started with the same weights."""
    names = [name for name in seen.trial.alike if name not in {h.name for h in seen.heads}]
    if names:
        yield Verdict(
            "symmetric units",
            listed(names),
            "all units of the layer have the same weights, and still have after "
            f"{len(seen.trial.losses)} steps: they are one unit",
            "random initial weights, as glorot_uniform",
            sure="certain",
            repair='kernel_initializer="glorot_uniform"',
            layers=tuple(names),
        )


def _share(seen: Seen, quantity: str) -> Iterator[tuple[str, float, float]]:
    """The layers with a share of units at the start and at the end."""
    end = seen.last_end or seen.end or seen.start
    for row in seen.hidden:
        pair = seen.start[quantity][row], end[quantity][row]
        if not np.isnan(pair).any():
            yield seen.start["layers"][row], *pair


def dead(seen: Seen, at_start: bool) -> Iterator[Verdict]:
    """Layers whose ReLU units are 0 on the whole batch, already before the first step or not."""
    silent = [
        (name, b, e) for name, b, e in _share(seen, "dead") if e >= MOST and (b >= MOST) == at_start
    ]
    if silent and seen.probed >= ENOUGH:
        name, before, after = silent[0]
        yield Verdict(
            "dead units",
            listed([each for each, _, _ in silent]),
            f"{after:.0%} of the ReLU units of {name} are 0 on all {seen.probed} "
            f"examples ({before:.0%} before the first step): they have no gradient",
            f"less than {MOST:.0%} of the units at 0 on all of a batch",
            sure="likely",
            layers=tuple(each for each, _, _ in silent),
        )
    still = [
        name
        for name, state in zip(seen.start["layers"], seen.start["state"], strict=True)
        if state == "zero" and seen.trial.displacement.get(name) == 0
    ]
    if at_start and still and not silent and seen.probed >= ENOUGH and not seen.trial.alike:
        yield Verdict(
            "dead units",
            listed(still),
            f"every gradient is 0, on all {seen.probed} examples, and after "
            f"{len(seen.trial.losses)} steps the weights are what they were",
            "units that are not 0 on all of a batch",
            sure="likely",
            layers=tuple(still),
        )


def saturated(seen: Seen) -> Iterator[Verdict]:
    """Layers whose outputs lie in the flat part of their activation, and stay there."""
    flat = [(n, b, e) for n, b, e in _share(seen, "saturated") if e >= MOST and b >= MOST / 2]
    if flat:
        name, before, after = flat[0]
        yield Verdict(
            "saturated units",
            listed([each for each, _, _ in flat]),
            f"{after:.0%} of the outputs of {name} are in the flat part of its activation "
            f"({before:.0%} before the first step); {taught(seen.last)}",
            "smaller weights or inputs, so that fewer than half are flat",
            sure="likely",
            layers=tuple(each for each, _, _ in flat),
        )


def oversized(seen: Seen) -> Iterator[Verdict]:
    """Weights so large that they saturate units, where smaller ones teach much more."""
    other = seen.usual_size
    if other is None or seen.last_end is None or not seen.much_better(other):
        return
    large = otherwise.oversized(seen.model)
    both = flat_layers(seen.start, seen.last_end) & large.keys()
    flat = [name for name in seen.start["layers"] if name in both]
    name = flat[0]
    share = seen.last_end["saturated"][seen.last_end["layers"].index(name)]
    yield Verdict(
        "saturated units",
        listed(flat),
        f"the weights of {name} are {large[name]:.2g} times as large as usual, and {share:.0%} of "
        f"its outputs in the flat part of its activation after {len(seen.last.losses)} steps; "
        f"{taught(seen.last)}, and with weights of usual size {taught(other)}",
        "weights of the size that glorot_uniform draws",
        sure="likely",
        repair='kernel_initializer="glorot_uniform"',
        layers=tuple(flat),
    )
