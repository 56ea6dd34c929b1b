"""What was measured of a model: its start, some steps of training, and these otherwise."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.diagnosis.heads import Head
from zoo.diagnosis.taught import CLEARLY, LITTLE, MUCH_BETTER, gain, knows
from zoo.diagnosis.trial import Knowledge, Trial

LONG = 2000  # steps: of healthy small networks half know nothing after 200, and do after these
SOON = 500  # steps by which a network that is slow has begun to learn
MOST = 0.5  # of the loss of its examples: it has learned them
SPENT = 0.01  # of its first rate: a schedule has nothing left
BELOW = 0.95  # of the loss of the best constant output
WELL = 0.9  # of the loss is gone: nothing need be changed
HALF = 0.5  # of it: a network that has learned so much is not sick, whatever would teach it more
FLAT = 0.5  # of a layer's outputs, in the flat part of its activation
CREPT = 1e-3  # displacement of the median layer: in 50 steps of 1e-3 each it is about 7e-3


@dataclass(frozen=True)
class Seen:
    """What was measured.

    Attributes:
        model: that is diagnosed.
        heads: its outputs.
        start: `zoo.probe.measure` before the first step.
        end: the same after the last; None if training diverged.
        time_start: rms of dL/dx_t over the steps of time before the first step; None but for
            recurrent networks of one input.
        time_end: the same after the last.
        before: what the predictions know before the first step; None if the loss is not finite.
        at_rest: the same in inference mode; None without batch normalization.
        trial: the steps, at the model's own rate.
        longer: many more steps; None where the first diverged.
        longer_slower: the same at a tenth of the rate; None unless it diverged or forgot what the
            first taught.
        longer_end: `zoo.probe.measure` at the end of `longer`; None if it diverged.
        longer_time_end: as `time_end`, at the end of `longer`.
        longer_at_rest: as `at_rest`, at the end of `longer`.
        rates: the same at other rates, by their factor; only where the first taught nothing much.
        scaled: the same with standardized inputs, targets or both, by the words for them; only
            where these are far from that.
        loss_scaled: the same with loss scaling; None but in float16 without it.
        unfrozen: as `longer`, with all layers to learn; None unless some are not to.
        activated: as `longer`, with ReLU in hidden layers; None unless all of them are linear, or
            some softmax.
        widened: as `longer`, with more units in hidden layers; None unless some have very few.
        usual_size: as `longer`, with smaller weights; None unless these are far larger than usual
            and saturate units.
        gated: as `longer`, with a GRU in place of each vanilla recurrent layer; None unless there
            are some, and `longer` left more than half of the loss.
        shallower: as `longer`, with a fourth of the layers that could be left out; None unless the
            network is deep and plain, and `longer` left more than half of the loss.
        without_penalty: as the first steps, without the penalties; None unless they are large.
        constant_loss: that of the best constant output; None for a loss of another kind.
        rate: of the first step; None if the optimizer has none.
        rate_after: of the last; None the same.
        last_rate: of the last of `longer`; None the same.
        batch_size: examples a step.
        steps: asked for.
        examples: how many there are.
        probed: how many of them `start` and `end` look at.
        held_out: whether the long trials are judged by examples that they are not trained on.
        trained: steps that the optimizer has taken before.
        weight_decay: of the optimizer; None or 0 if it has none.
    """

    model: keras.Model
    heads: list[Head]
    start: dict[str, Any]
    end: dict[str, Any] | None
    time_start: Any
    time_end: Any
    before: Knowledge | None
    at_rest: Knowledge | None
    trial: Trial
    rates: dict[float, Trial]
    scaled: dict[str, Trial]
    penalty: float
    constant_loss: float | None
    rate: float | None
    rate_after: float | None
    batch_size: int
    steps: int
    examples: int
    probed: int
    held_out: bool
    trained: int
    weight_decay: float | None
    hidden: list[int]
    longer: Trial | None = None
    longer_slower: Trial | None = None
    longer_end: dict[str, Any] | None = None
    longer_time_end: Any = None
    longer_at_rest: Knowledge | None = None
    last_rate: float | None = None
    loss_scaled: Trial | None = None
    without_penalty: Trial | None = None
    unfrozen: Trial | None = None
    activated: Trial | None = None
    widened: Trial | None = None
    usual_size: Trial | None = None
    gated: Trial | None = None
    shallower: Trial | None = None

    @property
    def learned(self) -> bool:
        """Whether the predictions know something of their targets after the steps, or soon."""
        return knows(self.trial) or (self.learns_later and len(self.last.losses) <= SOON)

    @property
    def learns_later(self) -> bool:
        """Whether they do after many more steps."""
        if self.longer is None or self.longer.diverged_at is not None:
            return False
        if self.constant_loss is not None and self.last_loss < self.constant_loss / 2:
            return True  # of a few examples, of which chance alone could know as much
        return knows(self.longer, CLEARLY) and below(self.last_loss, self.constant_loss)

    @property
    def last(self) -> Trial:
        """The longest of the trials at the model's own rate."""
        return self.longer or self.trial

    @property
    def last_end(self) -> dict[str, Any] | None:
        """What was measured at its end."""
        return self.end if self.longer is None else self.longer_end

    @property
    def by_heart(self) -> bool:
        """Whether it has learned its examples, and nothing of those that were held out."""
        own = None if self.longer is None else self.longer.of_its_own
        if not self.held_out or own is None or knows(self.longer):
            return False
        steps = len(self.last.losses)
        return own.is_there(CLEARLY if self.trained + steps >= LONG else MOST)

    @property
    def stuck(self) -> bool:
        """Whether they have not after so many steps that a network that is slow would.

        Nor has the loss come below that of a constant output, where this is known.
        """
        diverged = self.last.diverged_at is not None
        if diverged or knows(self.trial, CLEARLY) or knows(self.longer, LITTLE):
            return False
        if self.constant_loss is not None and below(self.judged_loss, self.constant_loss):
            return False
        stopped = self.rate and self.last_rate is not None and self.last_rate < SPENT * self.rate
        return not stopped and self.trained + len(self.last.losses) >= LONG

    @property
    def last_loss(self) -> float:
        """The least of the losses at the end: of its examples and of those held out."""
        known = (self.last.knowledge, self.last.of_its_own)
        return min([self.last.end, *(each.loss for each in known if each is not None)])

    @property
    def judged_loss(self) -> float:
        """That of the examples held out, if there are any; else `last_loss`."""
        known = self.last.knowledge
        return known.loss if self.held_out and known is not None else self.last_loss

    def better(self, other: Trial) -> bool:
        """Whether another trial taught more than the model's own did in the same steps."""
        return gain(other) > gain(self.trial) + LITTLE

    def much_better(self, other: Trial | None) -> bool:
        """Whether another long trial leaves much less of the loss of a constant output.

        Of the loss of shuffled targets, where that of a constant output is not known.
        """
        here, there = self.last.knowledge, other.knowledge if other is not None else None
        if here is None or there is None or not there.is_there(CLEARLY):
            return False
        whole = self.constant_loss or abs(there.shuffled)
        return here.loss - there.loss > MUCH_BETTER * whole

    def twice_as_good(self, other: Trial | None) -> bool:
        """Whether another long trial leaves half of what is left here, which is more than half."""
        here = self.last.knowledge
        if other is None or other.knowledge is None or here is None or knows(self.last, HALF):
            return False
        return knows(other, HALF) and other.knowledge.loss < here.loss / 2

    def delta_ratio(self, measured: dict[str, Any]) -> float | None:
        """The delta rms of the first hidden layer over the last's; None of fewer than two."""
        values = [measured["delta_rms"][row] for row in self.hidden]
        if len(values) < 2 or not values[-1] or not np.isfinite([values[0], values[-1]]).all():
            return None
        return float(values[0] / values[-1])


def below(loss: float, limit: float | None) -> bool:
    """Whether a loss is clearly below that of the best constant output, where this is known."""
    return limit is None or loss < BELOW * limit


def ends_of_time(rms: Any) -> float:
    """The rms over the first tenth of the steps of time, over that of the last tenth."""
    tenth = max(1, len(rms) // 10)
    first, last = (float(np.sqrt(np.mean(np.square(p)))) for p in (rms[:tenth], rms[-tenth:]))
    return first / last if last else float("nan")


def flat_layers(*measured: dict[str, Any]) -> set[str]:
    """The layers whose outputs are in the flat part of their activation by half each time."""
    names = measured[0]["layers"]
    shares = zip(*(each["saturated"] for each in measured), strict=True)
    return {
        name
        for name, share in zip(names, shares, strict=True)
        if all(each >= FLAT for each in share)
    }
