"""Where the gradients go wrong: verdicts from the start, and from what the first steps make of it.

The start alone is no verdict. At the start a GRU's gradient by time may fall to 1e-9 and batch
normalization's deltas explode, and both train best. So what is seen there counts only where it is
still there after the steps, and these taught the network nothing.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.diagnosis.measuring import half
from zoo.diagnosis.otherwise import oversized
from zoo.diagnosis.seen import Seen, saturated
from zoo.diagnosis.taught import gain, taught
from zoo.diagnosis.verdict import Verdict, from_to, listed
from zoo.probe.layers import layers_inside

# A layer starves whose delta is so small a share of the largest. Of the zoo's arms that learn, and
# had learned nothing after 64 steps, the first layer's delta is no smaller, or the layer moves all
# the same, by 1/25 or more of what the layer that moves most does. Of those that never learn it
# moves by 1/30 at most.
STARVED = 1e-2
HARDLY_MOVED = 1 / 28
STILL = 1e-5  # the displacement of all layers: less than float32 keeps of a step of 1e-7
EXPLODED = 100.0  # delta of the first hidden layer over the last's; of arms that learn up to 90
CERTAINLY = 1000.0  # the same, where a smaller rate may do for some steps
ABOVE_CONSTANT = 2.0  # a loss so many times that of the best constant output
TIME_STARVED = 1e-4  # rms of dL/dx over the first tenth of time, over the last tenth's
FELL = 0.1  # of what it was before the first step: it goes on vanishing
NOTHING = 0.005  # a gain below which predictions are all the same: then it need only stay so
MOST = 0.9  # of a layer's units, saturated or dead
SOME = 100  # steps after which a network has trained
ENOUGH = 32  # examples on which a unit is 0 before it is called dead


def verdicts(seen: Seen) -> Iterator[Verdict]:
    """Symptoms of the gradients, from the worst on."""
    yield from _not_finite(seen)
    yield from _exploding(seen)
    yield from _alike(seen)
    yield from _underflow(seen)
    if seen.learned:
        yield from _oversized(seen)
        return
    yield from _dead(seen, at_start=True)
    yield from _vanishing(seen)
    yield from _through_time(seen)
    yield from list(_oversized(seen)) or _saturated(seen)


def died(seen: Seen) -> Iterator[Verdict]:
    """Dead units that were not before the first step: what the rate or the data have done."""
    if not seen.learned:
        yield from _dead(seen, at_start=False)


# ---------------------------------------------------------------- numbers


def _not_finite(seen: Seen) -> Iterator[Verdict]:
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


def _underflow(seen: Seen) -> Iterator[Verdict]:
    rows = [row for row, state in enumerate(seen.start["state"]) if "underflowed" in state]
    scaled = seen.loss_scaled
    if scaled is not None and _better(seen, scaled):
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


# ---------------------------------------------------------------- units


def _alike(seen: Seen) -> Iterator[Verdict]:
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


def _dead(seen: Seen, at_start: bool) -> Iterator[Verdict]:
    dead = [
        (name, b, e) for name, b, e in _share(seen, "dead") if e >= MOST and (b >= MOST) == at_start
    ]
    if dead and seen.probed >= ENOUGH:
        name, before, after = dead[0]
        yield Verdict(
            "dead units",
            listed([each for each, _, _ in dead]),
            f"{after:.0%} of the ReLU units of {name} are 0 on all {seen.probed} "
            f"examples ({before:.0%} before the first step): they have no gradient",
            f"less than {MOST:.0%} of the units at 0 on all of a batch",
            sure="likely",
            layers=tuple(each for each, _, _ in dead),
        )
    still = [
        name
        for name, state in zip(seen.start["layers"], seen.start["state"], strict=True)
        if state == "zero" and seen.trial.displacement.get(name) == 0
    ]
    if at_start and still and not dead and seen.probed >= ENOUGH and not seen.trial.alike:
        yield Verdict(
            "dead units",
            listed(still),
            f"every gradient is 0, on all {seen.probed} examples, and after "
            f"{len(seen.trial.losses)} steps the weights are what they were",
            "units that are not 0 on all of a batch",
            sure="likely",
            layers=tuple(still),
        )


def _saturated(seen: Seen) -> Iterator[Verdict]:
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


def _oversized(seen: Seen) -> Iterator[Verdict]:
    """Weights so large that they saturate units, where smaller ones teach much more."""
    other = seen.usual_size
    if other is None or seen.last_end is None or not seen.much_better(other):
        return
    large = oversized(seen.model)
    names = [name for name, _, _ in _share(seen, "saturated") if name in large]
    flat = [name for name in names if name in saturated(seen.start, seen.last_end)]
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


# ---------------------------------------------------------------- depth


def _above(seen: Seen) -> bool:
    """Whether the loss diverged or is far above what a constant output has."""
    if seen.trial.diverged_at is not None:
        return True
    limit = seen.constant_loss
    if limit is None:
        return seen.trial.end > ABOVE_CONSTANT * seen.trial.start
    return seen.trial.end > ABOVE_CONSTANT * limit


def _exploding(seen: Seen) -> Iterator[Verdict]:
    yield from _exploding_through_time(seen)
    ratio = seen.delta_ratio(seen.start)
    if ratio is None or ratio < EXPLODED or not _above(seen):
        return
    slower = (each for factor, each in seen.rates.items() if factor < 1)
    if ratio < CERTAINLY and any(_better(seen, each) for each in slower):
        return  # it is the rate
    names = [seen.start["layers"][row] for row in seen.hidden]
    trial = seen.trial
    ended = (
        f"the loss was not finite at step {trial.diverged_at}"
        if trial.diverged_at is not None
        else f"the loss is {trial.end:.3g} after {len(trial.losses)} steps, that of a constant "
        f"output {seen.constant_loss:.3g}"
        if seen.constant_loss is not None
        else f"the loss went from {trial.start:.3g} to {trial.end:.3g}"
    )
    yield Verdict(
        "exploding gradients",
        names[0],
        f"dL/dz is {ratio:.2g} times as large in {names[0]} as in {names[-1]}, and {ended}",
        f"deltas of one size through the layers (less than {EXPLODED:g} times), and a loss that "
        "falls",
        sure="likely",
        layers=tuple(names),
    )


def _exploding_through_time(seen: Seen) -> Iterator[Verdict]:
    if seen.time_start is None or seen.learned:
        return
    before = ends_of_time(seen.time_start)
    after = ends_of_time(seen.time_end) if seen.time_end is not None else before
    if not before > EXPLODED or not after > EXPLODED:
        return
    [name, *_] = [e.name for e in layers_inside(seen.model) if isinstance(e, keras.layers.RNN)]
    yield Verdict(
        "exploding gradients",
        name,
        f"dL/dx of the first tenth of {len(seen.time_start)} steps of time is {before:.2g} times "
        f"the last tenth's before the first step, and {after:.2g} times after "
        f"{len(seen.trial.losses)}",
        f"less than {EXPLODED:g} times",
        sure="likely",
        layers=(name,),
    )


def _better(seen: Seen, other: Any) -> bool:
    """Whether a trial taught more than the model's own did."""
    here, there = gain(seen.trial), gain(other)
    return there > here + 0.05


def _vanishing(seen: Seen) -> Iterator[Verdict]:
    if seen.end is None or len(seen.hidden) < 2:
        return
    names = [seen.start["layers"][row] for row in seen.hidden]
    shares = []
    ends = [seen.end, seen.longer_end] if seen.stuck and seen.longer_end else [seen.end]
    for measured in (seen.start, *ends):
        deltas = np.array([measured["delta_rms"][row] for row in seen.hidden])
        largest = np.nanmax(deltas) if np.isfinite(deltas).any() else np.nan
        shares.append(deltas / largest if largest else np.zeros_like(deltas))
    starved = [max(share) < STARVED for share in zip(*shares, strict=True)]
    if not starved[0]:
        return
    moved = seen.trial.displacement
    most = max(moved.values(), default=0.0)
    first = moved.get(names[0], 0.0)
    # Of a network that has trained and still gives the same answer to all, less will do.
    stuck = seen.trained >= SOME and gain(seen.trial) < NOTHING and first < most / 3
    hardly = first < HARDLY_MOVED * most or most < STILL or stuck or seen.stuck
    last = starved.index(False) if False in starved else len(starved)
    yield Verdict(
        "vanishing gradients",
        from_to(names[:last]),
        f"dL/dz of {names[0]} is {shares[0][0]:.1e} of the largest before the first step and "
        f"{shares[1][0]:.1e} after {len(seen.trial.losses)}; in these its weights moved by "
        f"{first:.1e} of their size, those of another layer by {most:.1e}; {taught(seen.last)}",
        f"a delta of at least {STARVED:g} of the largest in each layer",
        sure="likely" if hardly else "note",
        layers=tuple(names[:last]),
    )


def _through_time(seen: Seen) -> Iterator[Verdict]:
    if seen.time_start is None or seen.time_end is None:
        return
    recurrent = [each for each in layers_inside(seen.model) if isinstance(each, keras.layers.RNN)]
    before, after = ends_of_time(seen.time_start), ends_of_time(seen.time_end)
    steps = len(seen.trial.losses)
    if seen.stuck and seen.longer_time_end is not None:
        after, steps = max(
            (after, steps), (ends_of_time(seen.longer_time_end), len(seen.last.losses))
        )
    if not recurrent or not after < TIME_STARVED:
        return
    knowledge = seen.trial.knowledge
    constant = knowledge is not None and knowledge.gain < NOTHING
    if not seen.stuck and not after < (2 if constant else FELL) * before:
        return
    gated = any(isinstance(each, keras.layers.LSTM | keras.layers.GRU) for each in recurrent)
    yield Verdict(
        "vanishing through time",
        recurrent[0].name,
        f"dL/dx of the first tenth of {len(seen.time_end)} steps of time is {before:.1e} of the "
        f"last tenth's before the first step, and {after:.1e} after {steps}"
        + ("; its gates may still open" if gated else "")
        + f"; {taught(seen.last)}",
        f"at least {TIME_STARVED:g}, or growing with the steps",
        sure="note" if gated and not seen.stuck else "likely",
        layers=tuple(each.name for each in recurrent),
    )


def ends_of_time(rms: Any) -> float:
    """The rms over the first tenth of the steps of time, over that of the last tenth."""
    tenth = max(1, len(rms) // 10)
    first, last = (float(np.sqrt(np.mean(np.square(p)))) for p in (rms[:tenth], rms[-tenth:]))
    return first / last if last else float("nan")
