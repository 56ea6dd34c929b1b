"""Measuring a model once: which layer starves?"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import ZooError, said_by
from zoo.probe import batch
from zoo.probe.gates import saturated_gates
from zoo.probe.loss import Part
from zoo.probe.probe import Probe
from zoo.probe.quantities import QUANTITIES
from zoo.probe.state import State

# A loss so much larger brings back what gradients lost; one for half precision, which ends at 2^16.
LOUDER = (2.0**100, 2.0**12)


def measure(
    model: keras.Model,
    loss: Any = None,
    x: Any = None,
    y: Any = None,
    *,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    part: Part = "all",
) -> dict[str, Any]:
    """Measures the gradients of a model on one batch, in training mode; the model stays as it was.

    Args:
        model: any Keras model that is built: functional, sequential, nested, subclassed; with
            several inputs and outputs.
        loss: a Keras loss, its name or a function, or a list or dict of one an output; by default
            what the model was compiled with.
        x: inputs, (batch, ...); a list or dict of them for several.
        y: targets, as `fit` takes them.
        sample_weight: of the examples, (batch,), or of each of their steps; for several outputs a
            list or dict of them.
        class_weight: by class, as `fit` takes it.
        part: of the loss: "all", as `fit` descends it, "data" without the penalties of regularizers
            and activity losses, or "penalty".

    Returns:
        `loss`; `layers`, in the order in which the model computes; each of `QUANTITIES` as a list
        over them, NaN where it is undefined or an entry is not finite; `finite_delta_rms` and
        `finite_kernel_grad_norm`, those of the finite entries; `state`, a word for each layer:

        - "": a gradient reaches it;
        - "not connected": the loss does not depend on it;
        - "not finite": a gradient is infinite or not a number;
        - "underflowed": every gradient is 0, and would not be if numbers were smaller;
        - "zero": every gradient is 0;

        and "frozen" after it where the layer would not learn; and `unmeasured`, the layers with
        weights that are left out, by name, with the reason.

    Raises:
        ZooError: one line, for a model or a batch that cannot be measured.

    Example:
        >>> measured = zoo.probe.measure(model, "mse", x[:256], y[:256])
        >>> dict(zip(measured["layers"], measured["delta_rms"]))
    """
    if not isinstance(model, keras.Model):
        raise ZooError(f"{type(model).__module__}.{type(model).__name__}: is no model of Keras 3")
    x, y = batch.checked(model, x, y)
    weights = batch.weights_of(y, sample_weight, class_weight, batch.size(x))
    loudness = tf.Variable(loss_scale(model), trainable=False)
    with State(model).kept(), eagerly():
        try:
            probe = Probe(
                model, loss, x, y, weights=weights, part=part, scale=lambda: loudness.value()
            )
            probe.start()
            seen, beside = probe.look()
            if loudness != 1.0 and not np.isfinite(seen.gradient_norms).all():
                loudness.assign(1.0)  # fit lowers it too
                seen, beside = probe.look()
            values = {name: of(seen).numpy() for name, of in QUANTITIES.items()}
            _add_gates(probe, beside["sequences"], values["saturated"])
            silent = (values["kernel_grad_norm"] == 0) & np.array(beside["connected"])
            louder = np.zeros(len(silent))
            for loudness_now in LOUDER if silent.any() else ():
                loudness.assign(loudness_now)
                sizes = probe.look()[0].gradient_norms.numpy()
                louder = np.fmax(louder, np.where(np.isfinite(sizes), sizes, 0.0))
        except ZooError:
            raise
        except Exception as error:  # Keras's, TensorFlow's or the user's code
            raise ZooError(f"model {model.name}: {said_by(error)}") from None
    return {
        "loss": float(beside["loss"]),
        "layers": probe.layers,
        **{name: of_layers.tolist() for name, of_layers in values.items()},
        "finite_delta_rms": beside["finite_delta_rms"].numpy().tolist(),
        "finite_kernel_grad_norm": beside["finite_kernel_grad_norm"].numpy().tolist(),
        "state": [
            ", ".join(_words(connected, size, loud, each.kernel.trainable))
            for each, connected, size, loud in zip(
                probe.measured,
                beside["connected"],
                values["kernel_grad_norm"],
                louder,
                strict=True,
            )
        ],
        "unmeasured": {each.name: each.reason for each in probe.unmeasured},
    }


def loss_scale(model: keras.Model) -> float:
    """What fit multiplies the loss by before it takes gradients, in half precision."""
    optimizer = getattr(model, "optimizer", None)
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return 1.0
    return float(optimizer.dynamic_scale if optimizer.built else optimizer.initial_scale)


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """Within it, a `call` that is a `tf.function` runs as plain Python, and is seen."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _add_gates(probe: Probe, sequences: Mapping[int, Any], saturated: Any) -> None:
    """Puts the share of saturated gates beside the state kernel of each LSTM and GRU."""
    for row, each in enumerate(probe.measured):
        if each.name.endswith("recurrent_kernel") and id(each.layer) in sequences:
            shares = [saturated_gates(each.layer, **use) for use in sequences[id(each.layer)]]
            known = [share for share in shares if share is not None]
            if known:
                saturated[row] = sum(known) / len(known)


def _words(connected: bool, size: float, louder: float, trainable: bool) -> list[str]:
    words = [] if trainable else ["frozen"]
    if not connected:
        return ["not connected", *words]
    if not np.isfinite(size):
        return ["not finite", *words]
    if size == 0:
        return ["zero" if louder == 0 else "underflowed", *words]
    return words
