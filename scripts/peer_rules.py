"""Thresholds of other tools, on the same start and the same steps as `zoo.diagnose` looks at.

Each is what its paper or its source gives, applied to one model before and after some steps; an
alarm at either is an alarm. What the tools do beside (rules on the accuracy of epochs, repairs) is
not here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo.diagnosis import examples as examples_of
from zoo.diagnosis.measuring import probed
from zoo.diagnosis.trainer import Trainer
from zoo.diagnosis.trial import Trial
from zoo.probe import layers
from zoo.probe.loss import Objective


@dataclass(frozen=True)
class Numbers:
    """What the rules look at; lists go from the first layer to the last.

    Attributes:
        norms: of the gradient of each kernel.
        means: of its absolute entries.
        zeros: the share of the entries of all of them that are 0.
        negative: the shares of the outputs of hidden layers that are 0 or less.
        rate: of the optimizer.
        largest: of the absolute inputs.
        trial: the steps.
    """

    norms: list[float]
    means: list[float]
    zeros: float
    negative: list[float]
    rate: float
    largest: float
    trial: Trial


def autotrainer(now: Numbers) -> bool:
    """Zhang et al., 2021: vanishing, exploding, dying ReLU."""
    first, last = now.norms[0], now.norms[-1]
    vanishing = first < 1e-3 * last and first < 1e-4
    exploding = not np.isfinite(now.norms).all() or first > 70 * last
    return vanishing or exploding or now.zeros >= 0.7


RULES: dict[str, Callable[[Numbers], bool]] = {
    "AutoTrainer: gradients of first and last layer, and those that are 0": autotrainer,
    "DeepDiagnosis, SageMaker: mean absolute gradient of a layer below 1e-7": (
        lambda now: not np.isfinite(now.means).all() or min(now.means) < 1e-7
    ),
    "DeepDiagnosis: 70 % of a layer's outputs are 0 or less": (
        lambda now: any(share >= 0.7 for share in now.negative)
    ),
    "SageMaker: an update of more than 10 or less than 1e-8 of a layer's weights": (
        lambda now: any(not 1e-8 <= ratio <= 10 for ratio in now.trial.update_ratio.values())
    ),
    "UMLAUT: a learning rate above 0.01": lambda now: now.rate > 0.01,
    "UMLAUT: inputs outside of -1 to 1": lambda now: now.largest > 1,
}


def alarmed(
    model: keras.Model, x: Any, y: Any, loss: Any, steps: int, batch_size: int
) -> dict[str, bool]:
    """Which of the rules alarm; empty where their numbers cannot be computed.

    Args:
        model: compiled, before `fit`; stays as it is.
        x, y, loss, batch_size: as `zoo.diagnose` takes them.
        steps: to train.
    """
    try:
        moments = _numbers(model, x, y, loss, steps, batch_size)
        return {name: any(map(rule, moments)) for name, rule in RULES.items()}
    except Exception:  # data that are not finite, labels that do not fit, a model that raises
        return {}


def _numbers(
    model: keras.Model, x: Any, y: Any, loss: Any, steps: int, batch_size: int
) -> list[Numbers]:
    given = examples_of.of_model(model, x, y)
    some = probed(model, given, batch_size)
    trainer = Trainer(model, loss, given, model.optimizer, batch_size)
    trainer.copy.restart()
    rate = trainer.copy.rate or 0.0
    largest = max(float(np.abs(each).max()) for each in tree.flatten(given.x))
    before = _moment(model, loss, some)
    with trainer.trained(steps) as trial:
        after = _moment(model, loss, some)
    return [Numbers(*each, rate, largest, trial) for each in (before, after)]


def _moment(
    model: keras.Model, loss: Any, some: examples_of.Examples
) -> tuple[list[float], list[float], float, list[float]]:
    kernels = [each.kernel for each in layers.survey(model)[0] if each.kernel.trainable]
    x, y = (tree.map_structure(tf.convert_to_tensor, each) for each in (some.x, some.y))
    with tf.GradientTape() as tape:
        value = Objective(model, loss, "all")(x, y, model(x, training=True))
    gradients = [
        np.zeros(kernel.shape) if gradient is None else np.asarray(gradient, np.float64)
        for kernel, gradient in zip(
            kernels, tape.gradient(value, [each.value for each in kernels]), strict=True
        )
    ]
    entries = np.concatenate([each.ravel() for each in gradients])
    return (
        [float(np.linalg.norm(each)) for each in gradients],
        [float(np.abs(each).mean()) for each in gradients],
        float((entries == 0).mean()),
        _negative(model, x),
    )


def _negative(model: keras.Model, x: Any) -> list[float]:
    """Of layers with an activation but the last; empty for a model that is not functional."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        return []
    curved = [
        layer
        for layer in model.layers
        if getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear
        or isinstance(layer, keras.layers.ReLU)
    ]
    hidden = [layer.output for layer in curved if layer is not model.layers[-1]]
    if not hidden:
        return []
    outputs = keras.Model(model.inputs, hidden)(x, training=False)
    return [float((np.asarray(each) <= 0).mean()) for each in tree.flatten(outputs)]
