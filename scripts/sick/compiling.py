"""Losses and optimizers by name, as people write them, and the knobs of training."""

from typing import Any

import keras
from keras import losses, ops


class AllPairs(losses.Loss):
    """A squared error written by hand: of shapes (n,) and (n, 1) it takes all pairs."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean over everything that broadcasting gives."""
        return ops.mean(ops.square(y_pred - ops.cast(y_true, y_pred.dtype)))


def log_of_probability(y_true: Any, y_pred: Any) -> Any:
    """Binary cross-entropy written by hand, with no epsilon: 0 * log(0) is NaN."""
    y_true = ops.cast(y_true, y_pred.dtype)
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred), axis=-1)


def log_of_probability_with_epsilon(y_true: Any, y_pred: Any) -> Any:
    """The same, with one."""
    return log_of_probability(y_true, ops.clip(y_pred, 1e-6, 1 - 1e-6))


def sigmoid_inside(y_true: Any, y_pred: Any) -> Any:
    """Binary cross-entropy of outputs taken as logits, whatever they are."""
    y_true = ops.cast(y_true, y_pred.dtype)
    return ops.mean(ops.softplus(y_pred) - y_true * y_pred, axis=-1)


def softmax_inside(y_true: Any, y_pred: Any) -> Any:
    """Sparse cross-entropy of outputs taken as logits, whatever they are."""
    y_true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    chosen = ops.sum(y_pred * ops.one_hot(y_true, y_pred.shape[-1]), axis=-1)
    return ops.logsumexp(y_pred, axis=-1) - chosen


def sum_of_squares(y_true: Any, y_pred: Any) -> Any:
    """A squared error that is summed where the mean was meant."""
    return ops.sum(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred))


LOSSES = {
    "sparse from logits": losses.SparseCategoricalCrossentropy(from_logits=True),
    "smoothed": losses.CategoricalCrossentropy(label_smoothing=0.2),
    "all pairs": AllPairs(),
    "log of probability": log_of_probability,
    "log of probability with epsilon": log_of_probability_with_epsilon,
    "sigmoid inside": sigmoid_inside,
    "softmax inside": softmax_inside,
    "sum of squares": sum_of_squares,
}
OF_LOGITS = {
    "binary from logits",
    "sparse from logits",
    "sigmoid inside",
    "softmax inside",
    "hinge",
}


def boundary(loss: str, labels: str) -> float:
    """Where an output of one unit turns from one class to the other, for this loss and labels."""
    return 0.0 if loss in OF_LOGITS or labels == "plus and minus 1" else 0.5


def compiled(
    model: keras.Model,
    loss: Any,
    *,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    momentum: float = 0.0,
    clipnorm: float | None = None,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    auto_scale_loss: bool = True,
    loss_weights: Any = None,
) -> keras.Model:
    """The model, compiled.

    Args:
        model: any.
        loss: a name of Keras's or of LOSSES, or a dict or list of them.
        optimizer: a name of Keras's.
        learning_rate: of it, or of its first step.
        momentum: of it, if it has one.
        clipnorm: of each gradient, as Keras does it.
        weight_decay: decoupled.
        decay_steps: after so many the rate is a tenth, then a hundredth, ...
        auto_scale_loss: Keras's, for mixed_float16.
        loss_weights: Keras's.
    """
    rate: Any = learning_rate
    if decay_steps:
        rate = keras.optimizers.schedules.ExponentialDecay(learning_rate, decay_steps, 0.1)
    config = {"learning_rate": rate, "clipnorm": clipnorm, "weight_decay": weight_decay}
    if momentum:
        config["momentum"] = momentum
    kind = type(keras.optimizers.get(optimizer))
    model.compile(
        optimizer=kind(**config),
        loss=keras.tree.map_structure(lambda name: LOSSES.get(name, name), loss),
        loss_weights=loss_weights,
        auto_scale_loss=auto_scale_loss,
        jit_compile=False,
    )
    return model
