"""Gradients that are not finite, and those that float16 makes 0."""

from collections.abc import Iterator

import numpy as np

from zoo.diagnosis.measuring import half
from zoo.diagnosis.seen import Seen
from zoo.diagnosis.taught import taught
from zoo.diagnosis.verdict import Verdict, from_to


def not_finite(seen: Seen) -> Iterator[Verdict]:
    """A loss or gradients that are infinite or not a number before the first step."""
    measured = seen.start
    rows = [row for row, state in enumerate(measured["state"]) if "not finite" in state]
    loss = measured["loss"]
    if not rows and np.isfinite(loss):
        return
    if np.isfinite(loss):
        where = measured["layers"][rows[-1]]  # the first on the way back
        because = f"the loss is {loss:.3g}, and the gradient is not finite from here on back"
    else:
        where = measured["layers"][rows[0]] if rows else "loss"
        because = f"the loss is {loss} before the first step"
    if half(seen.model):
        yield Verdict(
            "float16 overflow",
            where,
            f"{because}; float16 ends at 65504",
            "smaller weights or inputs, float32 in this layer, or bfloat16",
            layers=(where,),
        )
        return
    yield Verdict(
        "not finite",
        where,
        because,
        "an operation that is finite for these inputs: no division by 0, no logarithm or root of "
        "0 or less",
        repair="a small number where there is a division, a root or a logarithm: x / (y + 1e-7), "
        "keras.ops.sqrt(x + 1e-7), keras.ops.log(x + 1e-7)",
        layers=(where,),
    )


def underflow(seen: Seen) -> Iterator[Verdict]:
    """Gradients that are too small for float16."""
    rows = [row for row, state in enumerate(seen.start["state"]) if "underflowed" in state]
    scaled = seen.loss_scaled
    if scaled is not None and seen.better(scaled):
        yield Verdict(
            "float16 underflow",
            f"model {seen.model.name}",
            f"{taught(seen.trial)}; with loss scaling {taught(scaled)}: "
            "gradients below 6e-8 are 0 in float16",
            "loss scaling: keras.optimizers.LossScaleOptimizer, or bfloat16",
            sure="likely",
        )
        return
    if not rows or not half(seen.model) or seen.learned:
        return
    names = [seen.start["layers"][row] for row in rows]
    yield Verdict(
        "float16 underflow",
        from_to(names),
        f"every gradient of {len(rows)} of {len(seen.start['layers'])} layers is 0, and would not "
        "be if numbers were smaller: float16 ends at 6e-8",
        "loss scaling: keras.optimizers.LossScaleOptimizer, or bfloat16",
        sure="likely",
        layers=tuple(names),
    )
