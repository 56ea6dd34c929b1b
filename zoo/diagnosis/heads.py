"""The outputs of a model: what each can give, which loss judges it, and by which targets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.probe.activations import kind_of
from zoo.probe.layers import layers_inside
from zoo.probe.state import State
from zoo.probe.tracing import Recorder, recording

Gives = Literal["softmax", "sigmoid", "tanh", "not negative", "not positive", "any", "unknown"]


@dataclass(frozen=True)
class Head:
    """One output of a model.

    Attributes:
        name: of the layer that gives it, or of the output.
        gives: what its values can be: "softmax", the values of the last axis sum to 1; "sigmoid",
            each lies between 0 and 1; "tanh", between -1 and 1; "not negative" and "not positive";
            "any" number; "unknown".
        activation: as people call the function, such as `relu`.
        output: for some examples, (examples, ...).
        y: the targets of the same examples; None if there are none.
        loss: as `Loss`; None if no loss judges it.
        weight: of the loss.
        key: of the output, in a dict of targets.
        twice: the activation that the activation was given the outputs of; "" where that is none.
    """

    name: str
    gives: Gives
    activation: str
    output: Any
    y: Any
    loss: "Loss | None"
    twice: str = ""
    weight: float = 1.0
    key: str = ""

    @property
    def units(self) -> int:
        """The size of the last axis."""
        return int(self.output.shape[-1]) if self.output.ndim > 1 else 1

    @property
    def place(self) -> str:
        """How a verdict names it."""
        return f"output {self.name}"


@dataclass(frozen=True)
class Loss:
    """A loss of Keras by its function's name, or one of the user's.

    Attributes:
        name: as Keras calls the function, such as `sparse_categorical_crossentropy`; "" of the
            user's.
        from_logits: whether it takes logits.
    """

    name: str
    from_logits: bool = False


def heads(model: keras.Model, loss: Any, x: Any, y: Any) -> list[Head]:
    """The outputs of a model, in the order of the model.

    Args:
        model: built; it stays as it was.
        loss: as it was given; None for what the model was compiled with.
        x: inputs of some examples.
        y: their targets.

    Raises:
        Exception: whatever the model does with such inputs.
    """
    with State(model).kept(), recording(model) as recorder:
        outputs = model(tree.map_structure(tf.convert_to_tensor, x), training=False)
        deaf = loss is None and _is_deaf(model, x, y, outputs)
    flat = tree.flatten(outputs)
    losses = _by_output(_given(model, loss), outputs, len(flat))
    weights = None if loss is not None else keras_private.given_loss_weights(model)
    if deaf:  # what it was compiled with judges nothing
        losses, weights = [model.compute_loss] * len(flat), None
    shares = [1.0 if w is None else float(w) for w in _by_output(weights, outputs, len(flat))]
    losses = [None if share == 0 else of for share, of in zip(shares, losses, strict=True)]
    targets = _by_output(y, outputs, len(flat), names=getattr(model, "output_names", None))
    names = _names(model, outputs, len(flat))
    layer_names = {id(layer): layer.name for layer in layers_inside(model)}
    made = []
    for place, output in enumerate(flat):
        name, function = names[place], None
        for identity, traces in recorder.traces.items():
            for trace in traces:
                if trace.output is output or (trace.activation is None and trace.z is output):
                    function = trace.activation or keras.activations.linear
                    name = layer_names.get(identity, name)
        if function is None and (layer := _producer(model, place)) is not None:
            name = layer.name
            if hasattr(layer, "activation") or isinstance(layer, _FUNCTIONS):
                function = getattr(layer, "activation", layer)
        array = np.asarray(output)
        gives, activation = _gives(function, output, array)
        its_loss = _loss(losses[place]) if losses[place] is not None else None
        made.append(
            Head(
                name,
                gives,
                activation,
                array,
                targets[place],
                its_loss,
                _given_twice(recorder, output),
                shares[place],
                names[place],
            )
        )
    return made


_FUNCTIONS = (
    keras.layers.Activation,
    keras.layers.Softmax,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
)


def _given_twice(recorder: Recorder, output: Any) -> str:
    """The bounded activation whose outputs the last activation was given, in place of a z."""
    of_last = next((pair for pair in recorder.activated if pair[2] is output), None)
    if of_last is None:
        return ""
    for function, _, before in recorder.activated:
        if before is of_last[1] and before is not output:
            gives, name = _gives(function, before, np.asarray(before))
            return name if gives in ("softmax", "sigmoid") else ""
    return ""


def _given(model: keras.Model, loss: Any) -> Any:
    return keras_private.given_loss(model) if loss is None else loss


def _is_deaf(model: keras.Model, x: Any, y: Any, outputs: Any) -> bool:
    """Whether a `compute_loss` of the model's own comes to the same with other targets.

    That of a physics-informed network does, or of an autoencoder that compares with its inputs;
    one that adds a term to Keras's does not.
    """
    if not keras_private.has_own_loss(model):
        return False
    if y is None:
        return True

    def other(targets: Any) -> Any:  # of every second example, so that differences change too
        second = np.arange(len(targets)).reshape(-1, *[1] * (targets.ndim - 1)) % 2
        return targets + second.astype(targets.dtype)

    x = tree.map_structure(tf.convert_to_tensor, x)
    try:
        targets = [
            tree.map_structure(tf.convert_to_tensor, each)
            for each in (y, tree.map_structure(other, y))
        ]
        before, after = (
            float(keras_private.compute_loss(model, x, each, outputs, None)) for each in targets
        )
    except Exception:  # it may do anything; what it was compiled with is all that is known of it
        return False
    return before == after


def _by_output(values: Any, outputs: Any, count: int, names: Any = None) -> list[Any]:
    """Losses or targets, one an output, however they are structured; None where there is none."""
    if count == 1:
        flat = tree.flatten(values) if isinstance(values, list | tuple | dict) else [values]
        return flat[:1] or [None]
    if isinstance(values, dict):
        keys = keys_of(outputs) if isinstance(outputs, dict) else (names or list(values))
        return [values.get(key) for key in keys]
    if isinstance(values, list | tuple):
        return [*values, *[None] * count][:count]
    return [values] * count  # one loss for all of them


def keys_of(values: dict[Any, Any]) -> list[Any]:
    """The keys of a dict in the order in which Keras flattens it, which is not that of the dict."""
    return list(tree.flatten({key: [key] for key in values}))


def _names(model: keras.Model, outputs: Any, count: int) -> list[str]:
    if isinstance(outputs, dict):
        return [str(key) for key in keys_of(outputs)]
    known = getattr(model, "output_names", None) or []
    return [*known, *[f"output {place + 1}" for place in range(count)][len(known) :]][:count]


def _producer(model: keras.Model, place: int) -> keras.Layer | None:
    """The layer of a functional model that gives an output, past what only shapes it."""
    try:
        tensor = tree.flatten(model.outputs)[place]
    except (AttributeError, IndexError, TypeError, ValueError):  # a subclassed one has none
        return None
    passing = keras.layers.Reshape | keras.layers.Flatten | keras.layers.Dropout
    while (history := getattr(tensor, "_keras_history", None)) is not None:
        layer = history.operation
        if isinstance(layer, keras.Model) and layer is not model:
            return _producer(layer, history.tensor_index)
        if not isinstance(layer, passing):
            return layer if isinstance(layer, keras.Layer) else None
        tensor = tree.flatten(layer.input)[0]
    return None


def last_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers that give the outputs of a functional or sequential model, nested ones too."""
    try:
        outputs = tree.flatten(model.outputs)
    except (AttributeError, TypeError, ValueError):  # a subclassed one has none
        return []
    layers = []
    for tensor in outputs:
        history = getattr(tensor, "_keras_history", None)
        layer = history.operation if history is not None else None
        if isinstance(layer, keras.Model) and layer is not model:
            layers += last_layers(layer)
        elif isinstance(layer, keras.Layer):
            layers.append(layer)
    return layers


def _gives(function: Callable[..., Any] | None, output: Any, array: Any) -> tuple[Gives, str]:
    """What the values of an output can be, and the name of the function that gives them."""
    if function is None:
        return "unknown", "unknown"
    name = str(
        getattr(function, "__name__", None) or getattr(function, "name", type(function).__name__)
    )
    if function is keras.activations.linear:
        return "any", "linear"
    if function is keras.activations.softmax or isinstance(function, keras.layers.Softmax):
        return "softmax", "softmax"
    kind = kind_of(function, tuple(array.shape[1:]) or (1,))
    if kind.bounds is not None:
        low, high = kind.bounds
        if (low, high) == (0.0, 1.0):
            return "sigmoid", name
        if (low, high) == (-1.0, 1.0):
            return "tanh", name
        return "unknown", name
    if kind.rectifies:
        return "not negative", name
    return _tried(function, array.shape[-1] if array.ndim > 1 else 1), name


def _tried(function: Callable[..., Any], units: int) -> Gives:
    """What a function that is neither bounded nor a rectifier gives, by trying it."""
    wide = np.linspace(-50, 50, 101, dtype=np.float32)[:, None] * np.ones(max(units, 2), np.float32)
    wide[:, 1:] *= -0.5
    try:
        values = np.asarray(function(tf.constant(wide[:, :units])))
    except Exception:  # it may do anything; then nothing is known of it
        return "unknown"
    if values.shape != (101, units):
        return "unknown"
    if units > 1 and np.allclose(values.sum(-1), 1, atol=1e-3) and (values >= 0).all():
        return "softmax"
    if units == 1 and np.allclose(values, 1):
        return "softmax"
    if (values >= 0).all():
        return "not negative"
    return "not positive" if (values <= 0).all() else "any"


def _loss(loss: Any) -> Loss:
    """What is known of a loss of Keras, given by name, function or object."""
    if isinstance(loss, str):
        if loss.lower() in ("crossentropy", "ce"):
            return Loss("")
        try:
            loss = keras.losses.get(loss)
        except ValueError:  # said where the loss is computed
            return Loss("")
    if isinstance(loss, keras.Loss):
        config = loss.get_config() if type(loss).__module__.startswith("keras.") else {}
        function = getattr(loss, "fn", None)
        name = (
            getattr(function, "__name__", "") if type(loss).__module__.startswith("keras.") else ""
        )
        return Loss(name, bool(config.get("from_logits", False)))
    if getattr(loss, "__module__", "").startswith("keras."):
        return Loss(loss.__name__)
    return Loss("")
