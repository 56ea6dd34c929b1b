"""A copy of an optimizer, which trains without touching the one it is of, at any rate."""

import contextlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import ZooError, said_by


class _Scaled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A rate or schedule, times what a variable says."""

    def __init__(self, rate: Any, factor: tf.Variable) -> None:
        self._rate, self._factor = rate, factor

    def __call__(self, step: Any) -> Any:
        rate = self._rate(step) if callable(self._rate) else self._rate
        return tf.cast(rate, tf.float32) * self._factor

    def get_config(self) -> dict[str, Any]:
        return {}


class Copy:
    """A copy of an optimizer, with what it has gathered if it has trained these weights.

    Args:
        given: stays as it is.
        weights: what the copy is to train.

    Attributes:
        optimizer: the copy; `apply` and `scale_loss` are Keras's.
        factor: a variable that its learning rate is multiplied by.

    Raises:
        ZooError: for an optimizer of the user's that its own `get_config` does not describe.
    """

    def __init__(self, given: keras.Optimizer, weights: list[Any]) -> None:
        self.factor = tf.Variable(1.0, trainable=False)
        try:
            self.optimizer = self._copied(given)
        except Exception as error:  # the user's code
            raise ZooError(
                f"optimizer {type(given).__name__}: cannot be copied, and yours is to stay as it "
                f"is: {said_by(error)}; give another one, as optimizer='adam'"
            ) from None
        self.optimizer.build(weights)
        if given.built:
            gathered = {_key(v): v for v in given.variables}
            for variable in self.optimizer.variables:
                other = gathered.get(_key(variable))
                if other is not None and other.shape == variable.shape:
                    variable.assign(other)
        self._start = [np.asarray(variable) for variable in self.optimizer.variables]

    def _copied(self, given: keras.Optimizer) -> keras.Optimizer:
        config = given.get_config()
        if isinstance(given, keras.optimizers.LossScaleOptimizer):
            config.pop("inner_optimizer")
            return type(given)(self._copied(given.inner_optimizer), **config)
        schedule = getattr(given, "_learning_rate", None)
        if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            schedule = float(np.asarray(given.learning_rate))
        if "learning_rate" in config:
            config["learning_rate"] = _Scaled(schedule, self.factor)
        return type(given).from_config(config)

    def restart(self, factor: float = 1.0) -> None:
        """Puts it back to where it started, with its rate multiplied by a factor."""
        self.factor.assign(factor)
        for variable, value in zip(self.optimizer.variables, self._start, strict=True):
            variable.assign(value)

    @property
    def rate(self) -> float | None:
        """The rate of its next step before the factor; None if it has none."""
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        with contextlib.suppress(Exception):  # the user's code
            return float(np.asarray(inner.learning_rate)) / float(self.factor.numpy())
        return None


def _key(variable: Any) -> str:
    """The name of a variable of an optimizer without that of the optimizer."""
    return str(variable.path).split("/", 1)[-1]
