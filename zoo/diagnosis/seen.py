"""All that is measured of a model: its start, some steps of training, and these otherwise."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo.diagnosis import constant, data
from zoo.diagnosis.examples import Examples
from zoo.diagnosis.heads import Head
from zoo.diagnosis.loss_kinds import POINTWISE
from zoo.diagnosis.taught import CLEARLY, LITTLE, forgotten, knows
from zoo.diagnosis.trial import LOOKED_AT, Knowledge, Trainer, Trial, fixed_batch
from zoo.errors import ZooError
from zoo.probe import Probe, measure
from zoo.probe.layers import layers_inside

PROBED = 256  # examples
LARGE = 20_000  # entries of an example from which on no more of them are probed than a step takes
PATIENCE = 8.0  # seconds for the trials beside the first
# Steps. Of healthy small networks half know nothing after 200, and do after these.
LONG = 2000
LONG_PATIENCE = 15.0  # seconds for them
SOON = 500  # steps by which a network that is slow has begun to learn
MOST = 0.5  # of the loss of its examples: it has learned them
SPENT = 0.01  # of its first rate: a schedule has nothing left
BELOW = 0.95  # of the loss of the best constant output
SLOWER, FASTER = (0.1, 0.01, 0.001), (10.0, 100.0, 1e3, 1e4, 1e5)
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
        without_penalty: the same without the penalties; None unless they are large.
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
    longer: Trial | None
    longer_slower: Trial | None
    longer_end: dict[str, Any] | None
    longer_time_end: Any
    longer_at_rest: Knowledge | None
    rates: dict[float, Trial]
    scaled: dict[str, Trial]
    loss_scaled: Trial | None
    unfrozen: Trial | None
    without_penalty: Trial | None
    penalty: float
    constant_loss: float | None
    rate: float | None
    rate_after: float | None
    last_rate: float | None
    batch_size: int
    steps: int
    examples: int
    probed: int
    held_out: bool
    trained: int
    hidden: list[int] = field(default_factory=list)

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
        if knows(self.trial) or knows(self.longer, LITTLE) or self.last.diverged_at is not None:
            return False
        if self.constant_loss is not None and below(self.last_loss, self.constant_loss):
            return False
        stopped = self.rate and self.last_rate is not None and self.last_rate < SPENT * self.rate
        return not stopped and self.trained + len(self.last.losses) >= LONG

    @property
    def last_loss(self) -> float:
        """The least of the losses at the end: of its examples and of those held out."""
        known = (self.last.knowledge, self.last.of_its_own)
        return min(self.last.end, *(each.loss for each in known if each is not None))

    def delta_ratio(self, measured: dict[str, Any]) -> float | None:
        """The delta rms of the first hidden layer over the last's; None of fewer than two."""
        values = [measured["delta_rms"][row] for row in self.hidden]
        if len(values) < 2 or not values[-1] or not np.isfinite([values[0], values[-1]]).all():
            return None
        return float(values[0] / values[-1])


def below(loss: float, limit: float | None) -> bool:
    """Whether a loss is clearly below that of the best constant output, where this is known."""
    return limit is None or loss < BELOW * limit


def look(
    model: keras.Model,
    loss: Any,
    examples: Examples,
    heads: list[Head],
    optimizer: keras.Optimizer,
    some: Examples,
    start: dict[str, Any],
    *,
    steps: int,
    batch_size: int,
    say: Callable[[str], None] = lambda line: None,
) -> Seen:
    """Measures a model before, during and after some steps; it stays as it was.

    Args:
        model: built, with weights to learn, whose loss can be computed.
        loss: as it was given; None for what it was compiled with.
        examples: to train on, finite.
        heads: its outputs.
        optimizer: stays as it is.
        some: examples that are probed.
        start: `zoo.probe.measure` of them before the first step.
        steps: at most so many.
        batch_size: examples a step.
        say: is told what is being done.
    """
    trainer = Trainer(model, loss, examples, optimizer, batch_size)
    recurrent = any(isinstance(layer, keras.layers.RNN) for layer in layers_inside(model))
    time_start = _by_time(model, loss, some) if recurrent else None
    before = trainer.knowledge(True)
    normalized = any(isinstance(e, keras.layers.BatchNormalization) for e in layers_inside(model))
    at_rest = trainer.knowledge(False) if normalized else None
    end = time_end = None
    say(f"{steps} steps")
    began = time.monotonic()
    trainer.copy.restart()
    rate = trainer.copy.rate
    with trainer.trained(steps) as trial:
        rate_after = trainer.copy.rate
        if trial.diverged_at is None:
            end = measure(model, loss, some.x, some.y)
            time_end = _by_time(model, loss, some) if recurrent else None
    took = time.monotonic() - began
    deadline = time.monotonic() + PATIENCE

    def time_is_left() -> bool:
        return time.monotonic() + min(took, PATIENCE / 2) < deadline

    limit = constant.loss(heads) or None  # 0 where all targets looked at are the same
    rates: dict[float, Trial] = {}
    scaled: dict[str, Trial] = {}
    loss_scaled: Trial | None = None
    without_penalty, penalty = None, _penalty(model, loss, some)
    if not knows(trial, 0.5):
        for words, other in _scaled(model, examples, heads):
            if time_is_left():
                say(f"{steps} steps with {words} standardized")
                with trainer.trained(steps, examples=other) as each:
                    scaled[words] = each
        if penalty > 0.1 * abs(start["loss"]) and time_is_left():
            say(f"{steps} steps without penalties")
            without = Trainer(model, loss, examples, optimizer, batch_size, part="data")
            with without.trained(steps) as each:
                without_penalty = each
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if half(model) and not scales and time_is_left():
            say(f"{steps} steps with loss scaling")
            scaling = keras.optimizers.LossScaleOptimizer(
                type(optimizer).from_config(optimizer.get_config())
            )
            with Trainer(model, loss, examples, scaling, batch_size).trained(steps) as each:
                loss_scaled = each
        factors = FASTER if trial.moved < CREPT else SLOWER
        for factor in factors if trainer.copy.rate is not None else ():
            if time_is_left():
                say(f"{steps} steps at {factor:g} times the rate")
                with trainer.trained(steps, factor=factor) as each:
                    rates[factor] = each
    longer = longer_slower = unfrozen = longer_end = longer_time_end = longer_at_rest = None
    last_rate = rate_after
    if trial.diverged_at is None:
        say(f"{LOOKED_AT} steps and more")
        patience = PATIENCE / 2 if knows(trial, CLEARLY) else LONG_PATIENCE
        usual: dict[str, Any] = {"long": True, "seconds": patience}
        usual["enough"] = lambda known, end: (
            not known.of_targets or (known.is_there(CLEARLY) and below(min(known.loss, end), limit))
        )
        with trainer.trained(LONG, **usual) as longer:
            last_rate = trainer.copy.rate
            if longer.diverged_at is None:
                longer_end = measure(model, loss, some.x, some.y)
                longer_time_end = _by_time(model, loss, some) if recurrent else None
                if normalized:
                    longer_at_rest = trainer.knowledge(False, trainer.held_out)
        if rate is not None and (longer.diverged_at is not None or forgotten(trial, longer)):
            say("as many steps at a tenth of the rate")
            with trainer.trained(len(longer.losses), 0.1, **usual) as longer_slower:
                pass
        if any("frozen" in state for state in start["state"]):
            say("as many steps with all layers")
            with _unfrozen(model):
                whole = Trainer(model, loss, examples, optimizer, batch_size)
                with whole.trained(len(longer.losses), **usual) as unfrozen:
                    pass
    of_heads = {head.name for head in heads}
    return Seen(
        model=model,
        heads=heads,
        start=start,
        end=end,
        time_start=time_start,
        time_end=time_end,
        before=before,
        at_rest=at_rest,
        trial=trial,
        longer=longer,
        longer_slower=longer_slower,
        longer_end=longer_end,
        longer_time_end=longer_time_end,
        longer_at_rest=longer_at_rest,
        rates=rates,
        scaled=scaled,
        loss_scaled=loss_scaled,
        unfrozen=unfrozen,
        without_penalty=without_penalty,
        penalty=penalty,
        constant_loss=limit,
        rate=rate,
        rate_after=rate_after,
        last_rate=last_rate,
        batch_size=trainer.batch_size,
        steps=steps,
        examples=examples.count,
        probed=some.count,
        held_out=trainer.held_out is not trainer.judged,
        trained=_trained(optimizer),
        hidden=[
            row
            for row, (name, delta) in enumerate(
                zip(start["layers"], start["delta_rms"], strict=True)
            )
            if name not in of_heads and not np.isnan(delta)
        ],
    )


def probed(model: keras.Model, examples: Examples, batch_size: int) -> Examples:
    """The first of the examples: as many as are probed."""
    entries = max(array[:1].size for array in tree.flatten(examples.x))
    count = fixed_batch(model) or (batch_size if entries > LARGE else max(PROBED, batch_size))
    return examples.at(slice(0, count))


def _by_time(model: keras.Model, loss: Any, some: Examples) -> Any:
    """The rms of dL/dx_t; None where a model has not one sequence as its input."""
    try:
        x, y = some.at(slice(0, 64)).x, some.at(slice(0, 64)).y
        return Probe(model, loss, x, y).input_grad_rms().numpy()
    except (ZooError, ValueError, TypeError, tf.errors.OpError):
        return None


@contextlib.contextmanager
def _unfrozen(model: keras.Model) -> Iterator[None]:
    """Within it, all weights of a model are to learn."""
    layers = [model, *layers_inside(model)]
    before = [(layer, layer.trainable) for layer in layers]
    weights = [(weight, weight.trainable) for weight in model.weights]
    try:
        model.trainable = True
        for layer in layers:
            layer.trainable = True
        yield
    finally:
        for layer, trainable in before:  # from the outermost, which says it to all within
            layer.trainable = trainable
        for weight, trainable in weights:
            weight.trainable = trainable


def half(model: keras.Model) -> bool:
    """Whether a layer computes in float16."""
    return any(layer.compute_dtype == "float16" for layer in layers_inside(model))


def _trained(optimizer: keras.Optimizer) -> int:
    return int(np.asarray(optimizer.iterations)) if optimizer.built else 0


def _penalty(model: keras.Model, loss: Any, some: Examples) -> float:
    """The sum of the penalties of weights and activities."""
    x, y = some.at(slice(0, 64)).x, some.at(slice(0, 64)).y
    try:
        value = float(measure(model, loss, x, y, part="penalty")["loss"])
    except ZooError:  # of a loss that cannot be taken apart
        return 0.0
    return value if np.isfinite(value) else 0.0


def _scaled(
    model: keras.Model, examples: Examples, heads: list[Head]
) -> Iterator[tuple[str, Examples]]:
    """The examples with inputs or targets standardized where they are far from it."""
    inputs = data.unscaled_inputs(model, examples)
    numbers = [
        head.gives in ("any", "unknown") and head.loss is not None and head.loss.name in POINTWISE
        for head in heads
    ]
    y = _targets_standardized(examples.y, heads, numbers)
    if inputs:
        yield "inputs", Examples(data.standardized(examples.x), examples.y, examples.count)
    if y is not None:
        yield "targets", Examples(examples.x, y, examples.count)
        if inputs:
            yield "inputs and targets", Examples(data.standardized(examples.x), y, examples.count)


def _targets_standardized(y: Any, heads: list[Head], numbers: list[bool]) -> Any:
    """Those targets standardized that are numbers and far from it; None if there are none."""
    if isinstance(y, dict):
        of = {head.key: each for head, each in zip(heads, numbers, strict=True)}
        places = [key for key in y if of.get(key)]
    elif isinstance(y, list | tuple):
        places = [n for n, each in enumerate(numbers) if each] if len(y) == len(heads) else []
    else:
        return data.standardized(y) if all(numbers) and data.unscaled(y) else None
    wanted = {place for place in places if data.unscaled(y[place])}
    if not wanted:
        return None
    if isinstance(y, dict):
        return {key: data.standardized(y[key]) if key in wanted else y[key] for key in y}
    return [data.standardized(each) if n in wanted else each for n, each in enumerate(y)]
