"""Measures a model before, during and after some steps of training, and these otherwise."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo.diagnosis import constant, otherwise, rebuilt
from zoo.diagnosis.examples import Examples
from zoo.diagnosis.heads import Head
from zoo.diagnosis.seen import CREPT, HALF, LONG, WELL, Seen, below, flat_layers
from zoo.diagnosis.taught import CLEARLY, forgotten, knows
from zoo.diagnosis.trainer import Trainer, fixed_batch
from zoo.diagnosis.trial import LOOKED_AT, Knowledge, Trial
from zoo.errors import ZooError
from zoo.probe import Probe, measure
from zoo.probe.layers import layers_inside
from zoo.probe.loss import Part

PROBED = 256  # examples
LARGE = 20_000  # entries of an example from which on no more of them are probed than a step takes
PATIENCE = 8.0  # seconds for the trials beside the first
LONG_PATIENCE = 15.0  # seconds for many steps
SLOWER, FASTER = (0.1, 0.01, 0.001), (10.0, 100.0, 1e3, 1e4, 1e5)


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
    measured = _Measuring(model, loss, examples, heads, optimizer, some, start, steps, batch_size)
    measured.say = say
    first = measured.first()
    others = measured.otherwise(first["trial"])
    longer = measured.longer(first["trial"]) if first["trial"].diverged_at is None else {}
    of_heads = {head.name for head in heads}
    return Seen(
        model=model,
        heads=heads,
        start=start,
        **first,
        **others,
        **longer,
        constant_loss=measured.limit,
        batch_size=measured.trainer.batch_size,
        steps=steps,
        examples=examples.count,
        probed=some.count,
        held_out=measured.trainer.held_out is not measured.trainer.judged,
        trained=_trained(optimizer),
        weight_decay=getattr(optimizer, "weight_decay", None),
        hidden=[
            row
            for row, (name, delta) in enumerate(
                zip(start["layers"], start["delta_rms"], strict=True)
            )
            if name not in of_heads and not np.isnan(delta)
        ],
    )


@dataclass
class _Measuring:
    """What is measured of one model; each part gives attributes of `Seen`."""

    model: keras.Model
    loss: Any
    examples: Examples
    heads: list[Head]
    optimizer: keras.Optimizer
    some: Examples
    start: dict[str, Any]
    steps: int
    batch_size: int

    def __post_init__(self) -> None:
        self.say: Callable[[str], None] = lambda line: None
        self.trainer = self.another_trainer()
        inside = layers_inside(self.model)
        self.recurrent = any(isinstance(each, keras.layers.RNN) for each in inside)
        self.normalized = any(isinstance(e, keras.layers.BatchNormalization) for e in inside)
        self.limit = constant.loss(self.heads) or None  # 0 where all targets are the same
        self.took = 0.0

    def another_trainer(
        self,
        optimizer: keras.Optimizer | None = None,
        part: Part = "all",
        of: keras.Model | None = None,
    ) -> Trainer:
        """Trains the model as it is now, which a step that was compiled before does not."""
        by, model = optimizer or self.optimizer, of or self.model
        return Trainer(model, self.loss, self.examples, by, self.batch_size, part=part)

    def first(self) -> dict[str, Any]:
        """Before, during and after the first steps."""
        time_start = self.by_time()
        before = self.trainer.knowledge(True)
        at_rest = self.trainer.knowledge(False) if self.normalized else None
        end = time_end = None
        self.say(f"{self.steps} steps")
        began = time.monotonic()
        self.trainer.copy.restart()
        rate = self.trainer.copy.rate
        with self.trainer.trained(self.steps) as trial:
            rate_after = self.trainer.copy.rate
            if trial.diverged_at is None:
                end, time_end = self.probed_now(), self.by_time()
        self.took = time.monotonic() - began
        return {
            "time_start": time_start,
            "before": before,
            "at_rest": at_rest,
            "trial": trial,
            "end": end,
            "time_end": time_end,
            "rate": rate,
            "rate_after": rate_after,
        }

    def otherwise(self, trial: Trial) -> dict[str, Any]:
        """As many steps with another scale, precision, penalty or rate, if these taught little."""
        penalty = self.penalty()
        rates: dict[float, Trial] = {}
        scaled: dict[str, Trial] = {}
        result = {"penalty": penalty, "rates": rates, "scaled": scaled}
        if knows(trial, 0.5):
            return result
        steps, deadline = self.steps, time.monotonic() + PATIENCE

        def time_is_left() -> bool:
            return time.monotonic() + min(self.took, PATIENCE / 2) < deadline

        for words, other in otherwise.scaled(self.model, self.examples, self.heads):
            if time_is_left():
                self.say(f"{steps} steps with {words} standardized")
                with self.trainer.trained(steps, examples=other) as scaled[words]:
                    pass
        if penalty > 0.1 * abs(self.start["loss"]) and time_is_left():
            self.say(f"{steps} steps without penalties")
            with self.another_trainer(part="data").trained(steps) as result["without_penalty"]:
                pass
        scales = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        if half(self.model) and not scales and time_is_left():
            self.say(f"{steps} steps with loss scaling")
            inner = type(self.optimizer).from_config(self.optimizer.get_config())
            scaling = self.another_trainer(keras.optimizers.LossScaleOptimizer(inner))
            with scaling.trained(steps) as result["loss_scaled"]:
                pass
        factors = FASTER if trial.moved < CREPT else SLOWER
        for factor in factors if self.trainer.copy.rate is not None else ():
            if time_is_left():
                self.say(f"{steps} steps at {factor:g} times the rate")
                with self.trainer.trained(steps, factor=factor) as rates[factor]:
                    pass
        return result

    def longer(self, trial: Trial) -> dict[str, Any]:
        """Many more steps, and as many with what only these can judge."""
        result: dict[str, Any] = {}
        self.say(f"{LOOKED_AT} steps and more")
        usual: dict[str, Any] = {
            "long": True,
            "seconds": PATIENCE / 2 if knows(trial, CLEARLY) else LONG_PATIENCE,
            "enough": self.is_enough,
        }
        with self.trainer.trained(LONG, **usual) as longer:
            result |= {"longer": longer, "last_rate": self.trainer.copy.rate}
            if longer.diverged_at is None:
                result["longer_end"] = self.probed_now()
                result["longer_time_end"] = self.by_time()
                if self.normalized:
                    held_out = self.trainer.held_out
                    result["longer_at_rest"] = self.trainer.knowledge(False, held_out)
        steps = len(longer.losses)
        rated = self.trainer.copy.rate is not None
        if rated and (longer.diverged_at is not None or forgotten(trial, longer)):
            self.say("as many steps at a tenth of the rate")
            with self.trainer.trained(steps, 0.1, **usual) as result["longer_slower"]:
                pass
        if any("frozen" in state for state in self.start["state"]):
            self.say("as many steps with all layers")
            with (
                otherwise.unfrozen(self.model),
                self.another_trainer().trained(steps, **usual) as result["unfrozen"],
            ):
                pass
        if longer.diverged_at is not None or self.is_well(longer):
            return result
        layers = otherwise.linear_layers(self.model)
        if layers := layers or otherwise.hidden_softmax(self.model, self.heads):
            self.say("as many steps with ReLU in hidden layers")
            with (
                otherwise.activated(layers),
                self.another_trainer().trained(steps, **usual) as result["activated"],
            ):
                pass
        if not _trained(self.optimizer):
            wider = rebuilt.widened(self.model, self.heads)
            result["widened"] = self.of_another(wider, "wider layers", steps, usual)
        flat = flat_layers(self.start, result["longer_end"])
        if flat and flat & otherwise.oversized(self.model).keys():
            self.say("as many steps with smaller weights")
            with (
                otherwise.usual_size(self.model),
                self.another_trainer().trained(steps, **usual) as result["usual_size"],
            ):
                pass
        if not knows(longer, HALF):
            usual["enough"] = self.knows_most
            gated, shallower = rebuilt.gated(self.model), rebuilt.shallower(self.model)
            result["gated"] = self.of_another(gated, "GRU layers", steps, usual)
            result["shallower"] = self.of_another(shallower, "fewer layers", steps, usual)
        return result

    def of_another(
        self, model: keras.Model | None, words: str, steps: int, usual: dict[str, Any]
    ) -> Trial | None:
        """As many steps of a model that was built anew; None if there is none."""
        if model is None:
            return None
        self.say(f"as many steps with {words}")
        with self.another_trainer(of=model).trained(steps, **usual) as trial:
            return trial

    def is_enough(self, known: Knowledge, end: float) -> bool:
        """Whether a long trial may end."""
        if not known.of_targets:
            return True
        return known.is_there(CLEARLY) and below(min(known.loss, end), self.limit)

    def knows_most(self, known: Knowledge, end: float) -> bool:
        """Whether a long trial may end that is to be twice as good as one that knows less."""
        return known.is_there((1 + HALF) / 2)

    def is_well(self, longer: Trial) -> bool:
        """Whether the loss is as good as gone, so that nothing need be changed."""
        known = longer.knowledge
        of_few = known is not None and self.limit is not None and known.loss < 0.1 * self.limit
        return of_few or knows(longer, WELL)

    def probed_now(self) -> dict[str, Any]:
        """What the probe measures now."""
        return measure(self.model, self.loss, self.some.x, self.some.y)

    def by_time(self) -> Any:
        """The rms of dL/dx_t; None of a model that is not recurrent or has not one sequence."""
        if not self.recurrent:
            return None
        part = self.some.at(slice(0, 64))
        try:
            return Probe(self.model, self.loss, part.x, part.y, brief=True).input_grad_rms().numpy()
        except (ZooError, ValueError, TypeError, tf.errors.OpError):
            return None

    def penalty(self) -> float:
        """The sum of the penalties of weights and activities."""
        part = self.some.at(slice(0, 64))
        try:
            value = measure(self.model, self.loss, part.x, part.y, part="penalty")["loss"]
        except ZooError:  # of a loss that cannot be taken apart
            return 0.0
        return float(value) if np.isfinite(value) else 0.0


def probed(model: keras.Model, examples: Examples, batch_size: int) -> Examples:
    """The first of the examples: as many as are probed."""
    entries = max(array[:1].size for array in tree.flatten(examples.x))
    count = fixed_batch(model) or (batch_size if entries > LARGE else max(PROBED, batch_size))
    return examples.at(slice(0, count))


def half(model: keras.Model) -> bool:
    """Whether a layer computes in float16."""
    return any(layer.compute_dtype == "float16" for layer in layers_inside(model))


def _trained(optimizer: keras.Optimizer) -> int:
    return int(np.asarray(optimizer.iterations)) if optimizer.built else 0
