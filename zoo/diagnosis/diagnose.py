"""Why a model does not learn: what its data and head say, its start, and its first steps."""

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras

from zoo import keras_private, keras_setup, random_states
from zoo.diagnosis import (
    data,
    degenerate,
    expressible,
    gradients,
    likeness,
    memory,
    own_loss,
    structure,
    training,
)
from zoo.diagnosis import examples as examples_of
from zoo.diagnosis.heads import heads
from zoo.diagnosis.measuring import look, probed
from zoo.diagnosis.report import Report
from zoo.diagnosis.seen import WELL, Seen
from zoo.diagnosis.taught import knows
from zoo.diagnosis.verdict import Verdict
from zoo.errors import ZooError, said_by
from zoo.probe import measure


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """What is worth a warning of Keras's is said in the report."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@random_states.kept()
@keras_private.shared_seed_kept()
@_without_warnings()
def diagnose(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: Any = None,
    *,
    optimizer: Any = None,
    steps: int = 50,
    batch_size: int = 32,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Says why a model does not learn, and where; the model stays as it was, to the bit.

    First what its head, its targets and its graph say, then its gradients before the first step,
    then some steps of training, after which everything is put back. Where these teach nothing, they
    are taken again at other rates and with standardized data, to see what would. At last many more
    steps are taken, to see whether it is slow and no more, and whether what it learned stays.

    Args:
        model: any Keras model that is built: functional, sequential, nested, subclassed; with
            several inputs and outputs. A `train_step` of its own is not followed.
        x: inputs, (examples, ...), a list or dict of them, or what gives batches of inputs and
            targets: a `tf.data.Dataset`, a `PyDataset`, an iterator.
        y: targets, as `fit` takes them.
        loss: a Keras loss, its name or a function, or a list or dict of one an output; by default
            what the model was compiled with.
        optimizer: a Keras optimizer or its name; by default that of the model, with what it has
            gathered, and Adam for a model that was not compiled.
        steps: of training to try first.
        batch_size: examples a step.
        say: is told what is being done, in a few words.

    Returns:
        A `Report`: `symptoms`, `notes`, `table`, `figure()`, `to_json()`.

    Raises:
        ZooError: one line, for a model or data that cannot be looked at.
    """
    keras_setup.require()
    _check(model, steps, batch_size)
    given = examples_of.of_model(model, x, y)
    its_optimizer = _optimizer(model, optimizer)
    verdicts: list[Verdict] = list(data.faults(model, given))
    if any(verdict.symptom == "not finite data" for verdict in verdicts):
        return Report(model.name, verdicts)
    some = probed(model, given, batch_size)
    memory.check(model, max(batch_size, some.count))
    say("the outputs")
    try:
        outputs = heads(model, loss, some.x, some.y)
    except ZooError:
        raise
    except Exception as error:  # Keras's, TensorFlow's or the user's code
        if any(verdict.alarm for verdict in verdicts):  # which says it better
            return Report(model.name, verdicts)
        raise ZooError(f"model {model.name}: cannot take these inputs: {said_by(error)}") from None
    for head in outputs:
        verdicts += expressible.faults(_with_all(head, outputs, given))
    say("the start")
    try:
        measured = measure(model, loss, some.x, some.y)
    except ZooError as error:
        if any(verdict.alarm for verdict in verdicts):  # which says it better
            return Report(model.name, verdicts)
        raise error from None
    verdicts += structure.faults(model, outputs, measured)
    verdicts += structure.unused_inputs(model, some.x)
    verdicts += degenerate.faults(model, some.x)
    verdicts += own_loss.faults(model, loss, some, outputs)
    if not model.trainable_weights or all("not connected" in s for s in measured["state"]):
        return Report(model.name, verdicts, start=measured)
    seen = look(
        model,
        loss,
        given,
        [_with_all(head, outputs, given) for head in outputs],
        its_optimizer,
        some,
        measured,
        steps=steps,
        batch_size=batch_size,
        say=say,
    )
    verdicts = [_in_view_of(seen, verdict) for verdict in verdicts]
    of_training = list(training.verdicts(seen))
    if any(verdict.alarm for verdict in verdicts):  # which say why the targets are not heard
        of_training = [each for each in of_training if each.symptom != "labels do not fit"]
    of_gradients, died = list(gradients.verdicts(seen)), list(gradients.died(seen))
    alarms = [each for each in (*verdicts, *of_gradients, *of_training, *died) if each.alarm]
    if any(each.symptom != "stagnating" or each.layers for each in alarms):  # which says why
        of_training = [e for e in of_training if e.symptom != "stagnating" or e.layers]
    features = likeness.of_model(model, given.x)
    return Report(
        model.name,
        [*verdicts, *of_gradients, *of_training, *died],
        start=measured,
        seen=seen,
        features=features,
        near=likeness.nearest(features),
    )


def _in_view_of(seen: Seen, verdict: Verdict) -> Verdict:
    """An alarm of data or structure, or a note if the network does without.

    One of several inputs may be the same for all examples, as what a decoder starts from, and so
    may targets that a loss of the user's does not look at. Some numbers need not learn.
    """
    if verdict.symptom == "frozen" and verdict.sure == "likely" and knows(seen.last, WELL):
        return dataclasses.replace(verdict, sure="note")
    if verdict.symptom != "examples alike" or verdict.sure != "certain":
        return verdict
    dummy = verdict.place == "targets" and any(
        head.loss is not None and not head.loss.name for head in seen.heads
    )
    one_of_some = verdict.place.startswith("inputs ")
    does_without = (dummy and seen.learned) or (one_of_some and knows(seen.last, 0.5))
    return dataclasses.replace(verdict, sure="note") if does_without else verdict


def _with_all(head: Any, outputs: list[Any], given: Any) -> Any:
    """A head with the targets of all examples, where it is the only one."""
    if len(outputs) > 1 or head.y is None or isinstance(given.y, list | tuple | dict):
        return head
    return dataclasses.replace(head, y=given.y)


def _check(model: Any, steps: int, batch_size: int) -> None:
    if not isinstance(model, keras.Model):
        raise ZooError(f"{type(model).__module__}.{type(model).__name__}: is no model of Keras 3")
    if not getattr(model, "built", False) or not model.weights:
        raise ZooError(
            f"model {model.name}: not built, or without weights: call it once on a batch, or give "
            "it the shape of its inputs"
        )
    for name, value in (("steps", steps), ("batch_size", batch_size)):
        if not isinstance(value, int) or value < 1:
            raise ZooError(f"{name}={value!r}: give a whole number from 1 on")


def _optimizer(model: keras.Model, optimizer: Any) -> keras.Optimizer:
    if optimizer is None:
        return getattr(model, "optimizer", None) or keras.optimizers.Adam()
    with contextlib.suppress(ValueError, TypeError):
        return keras.optimizers.get(optimizer)
    raise ZooError(f"optimizer {optimizer!r}: is none of Keras's: give one, or a name such as adam")
