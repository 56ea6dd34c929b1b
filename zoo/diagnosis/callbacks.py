"""Callbacks for `fit`: what gradients do while a model trains, and when they are a symptom."""

import itertools
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from zoo.diagnosis.alarm import GradientWarning, Symptom, is_news, symptom
from zoo.diagnosis.log import Groups, Log
from zoo.diagnosis.repeated import RepeatedProbe
from zoo.errors import ZooError, shown
from zoo.probe import QUANTITIES
from zoo.training.schedule import probe_steps


class GradientProbe(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures the gradients of a model on one fixed batch, at a few steps of `fit`.

    At steps 0, 1, 2, 4, 8, 16, 32, 64 and each tenth of the training; at the powers of two where
    `fit` cannot know how many steps there will be. With `steps_per_execution` above 1, at the first
    step from there on at which Keras lets a callback look. The training is, bit for bit, what it is
    without the callback.

        probe = zoo.GradientProbe(x, y, csv="gradients.csv")
        model.fit(x, y, epochs=20, callbacks=[probe])
        probe.history["delta_rms"][-1]

    Args:
        x: inputs, (examples, ...); a list or dict of them for several. Of more than 128 examples
            that many are taken, evenly spaced.
        y: targets, as `fit` takes them.
        loss: a Keras loss, its name or a function, or a list or dict of one an output; by default
            what the model was compiled with.
        csv: a file for the norm of the gradient of all kernels, and of each group of layers, a row
            a step; there whole or not at all.
        log_dir: a folder for the same curves, for TensorBoard. Where an MLflow run is active, they
            are its metrics too.
        groups: of consecutive layers, in the order of computation.

    Attributes:
        history: `steps`; `layers`, in the order of computation; `loss` of the batch, a value a
            step; and `update_ratio` and each of `zoo.probe.QUANTITIES`, a row a step with a value a
            layer, NaN where it is undefined: `update_ratio` where more than one step was taken at
            once. Further `connected`, a value a layer, and `underflowed`. It is that of the last
            `fit`.

    Raises:
        ZooError: from `fit`, before it trains: for a model that is not built or has no loss, and
            for a batch that does not fit it.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        loss: Any = None,
        *,
        csv: str | Path | None = None,
        log_dir: str | Path | None = None,
        groups: int = 4,
    ) -> None:
        super().__init__()
        if not isinstance(groups, int) or groups < 1:
            raise ZooError(f"groups: {shown(groups)}: give a number of at least 1")
        self._batch, self._loss, self._count = (x, y), loss, groups
        self._csv, self._log_dir = csv, log_dir
        self.history: dict[str, Any] = {}

    # ------------------------------------------------------------ called by Keras

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a new history."""
        self._probe = RepeatedProbe(self.model, self._loss, *self._batch)
        self._groups = Groups(self._probe.layers, self._count)
        self._log = Log(self._groups.names, self._csv, self._log_dir)
        self._due: Iterator[int] | None = None
        self._before, self._in_epoch = 0, 0  # steps
        self._finite = True  # the loss, at the end of every epoch
        self._update: int | None = None  # the step whose update is to be measured
        names = ("steps", "loss", "update_ratio", *QUANTITIES, "underflowed")
        self.history = {"layers": self._probe.layers, **{name: [] for name in names}}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Makes the schedule, when the first epoch begins."""
        if self._due is None:
            in_epoch = self.params.get("steps")
            if in_epoch is None:
                self._due = itertools.chain([0], (2**power for power in itertools.count()))
            else:
                self._due = iter(probe_steps(in_epoch * (self.params["epochs"] - epoch)))
            self._next = next(self._due)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Measures, before a step that is due."""
        step = self._before + batch
        if step >= self._next or self._update is not None:
            self._reached(step)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts the steps."""
        self._in_epoch = batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Measures, after the last step, or where the loss is not finite."""
        in_epoch = self.params.get("steps")  # the last of several steps at once may lie beyond
        self._before += self._in_epoch if in_epoch is None else min(self._in_epoch, in_epoch)
        self._in_epoch = 0
        last = epoch + 1 >= self.params["epochs"]
        diverged = self._finite and not math.isfinite((logs or {}).get("loss", 0.0))
        self._finite = self._finite and not diverged  # once is enough
        self._reached(self._before, last or diverged)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes what it wrote to."""
        self._log.close()

    # ------------------------------------------------------------

    def _reached(self, step: int, measured: bool = False) -> None:
        """So many steps are taken; it is measured if that is due, or asked for."""
        if self._update is not None and step > self._update:
            if step == self._update + 1:
                self.history["update_ratio"][-1] = self._probe.update_ratio()
            self._update = None
        while self._next <= step:
            measured = True
            self._next = next(self._due or iter(()), 2**63)
        if measured and self.history["steps"][-1:] != [step]:
            self._measure(step)

    def _measure(self, step: int) -> None:
        values = self._probe.measure()
        self.history["connected"] = values.pop("connected")
        self.history["steps"].append(step)
        self.history["update_ratio"].append([math.nan] * len(self._probe.layers))
        for name, value in values.items():
            self.history[name].append(value)
        self._update = step
        self._log.write(step, self._groups.norms(values["kernel_grad_norm"]))


class GradientAlarm(GradientProbe):
    """A `zoo.GradientProbe` that warns when the gradients of a model in training are a symptom.

    A symptom is warned of once a `fit`, in one line (`GradientWarning`): what is wrong, in which
    layer, the numbers that say so, and where the zoo has cures. What may follow from a symptom that
    was warned of is not: only what is more serious. The rules are in `zoo/diagnosis/alarm.py`; they
    compare layers and steps, and ask whether the model learns, so that one that is slow, or odd at
    its start, is left in peace. That a model vanishes or saturates is therefore said after a tenth
    or two of the training, and not before some hundred steps.

    Args:
        x: as `zoo.GradientProbe`.
        y: as `zoo.GradientProbe`.
        loss: as `zoo.GradientProbe`.
        csv: as `zoo.GradientProbe`.
        log_dir: as `zoo.GradientProbe`.
        groups: as `zoo.GradientProbe`.
        stop: whether a symptom ends the training, one step later.

    Attributes:
        history: as `zoo.GradientProbe`.
        symptoms: those warned of, in their order.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        loss: Any = None,
        *,
        csv: str | Path | None = None,
        log_dir: str | Path | None = None,
        groups: int = 4,
        stop: bool = False,
    ) -> None:
        super().__init__(x, y, loss, csv=csv, log_dir=log_dir, groups=groups)
        self._stop = stop
        self.symptoms: list[Symptom] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a new history."""
        super().on_train_begin(logs)
        self.symptoms = []

    def _measure(self, step: int) -> None:
        super()._measure(step)
        seen = symptom(self.history)
        if seen is not None and is_news(seen, self.symptoms):
            self.symptoms.append(seen)
            warnings.warn(f"{self.model.name}: {seen}", GradientWarning, stacklevel=2)
        if self._stop and self.symptoms:
            self.model.stop_training = True
