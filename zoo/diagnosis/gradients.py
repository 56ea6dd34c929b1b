"""Where the gradients go wrong: verdicts from the start, and from what the first steps make of it.

The start alone is no verdict. At the start a GRU's gradient by time may fall to 1e-9 and batch
normalization's deltas explode, and both train best. So what is seen there counts only where it is
still there after the steps, and these taught the network nothing.
"""

from collections.abc import Iterator

import keras
import numpy as np

from zoo.diagnosis import layers, precision, units
from zoo.diagnosis.seen import Seen, ends_of_time
from zoo.diagnosis.taught import gain, taught
from zoo.diagnosis.verdict import Verdict, from_to
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
SOME = 100  # steps after which a network has trained


def verdicts(seen: Seen) -> Iterator[Verdict]:
    """Symptoms of the gradients, from the worst on."""
    measured = list(_measured(seen))
    yield from measured
    if not any(verdict.alarm for verdict in measured):
        yield from layers.too_deep(seen)
        yield from layers.ungated(seen)


def _measured(seen: Seen) -> Iterator[Verdict]:
    yield from precision.not_finite(seen)
    yield from _exploding(seen)
    yield from units.alike(seen)
    yield from precision.underflow(seen)
    if seen.learned:
        yield from units.oversized(seen)
        return
    yield from units.dead(seen, at_start=True)
    yield from _vanishing(seen)
    yield from _through_time(seen)
    yield from list(units.oversized(seen)) or units.saturated(seen)


def died(seen: Seen) -> Iterator[Verdict]:
    """Dead units that were not before the first step: what the rate or the data have done."""
    if not seen.learned:
        yield from units.dead(seen, at_start=False)


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
    if ratio < CERTAINLY and any(seen.better(each) for each in slower):
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
