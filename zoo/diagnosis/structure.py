"""What can be said of a network from what it is, before it takes a step."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from zoo import keras_private
from zoo.diagnosis.heads import Head, keys_of, last_layers
from zoo.diagnosis.verdict import Verdict, listed
from zoo.probe.layers import layers_inside
from zoo.probe.state import State

# Moving averages with this momentum are ten thousand steps behind.
SLOWEST = 0.9999


def faults(
    model: keras.Model, heads: Sequence[Head], measured: dict[str, Any]
) -> Iterator[Verdict]:
    """What is wrong with a network and how it hangs together.

    Args:
        model: built.
        heads: its outputs.
        measured: `zoo.probe.measure` at the start.
    """
    yield from _heads(heads)
    yield from _connected(measured, {head.name for head in heads if head.loss is None})
    yield from _unused(model, measured)
    yield from _frozen(model, measured)
    yield from _slow_averages(model)
    yield from _dropped_outputs(model)
    yield from _bare_variables(model)


def _heads(heads: Sequence[Head]) -> Iterator[Verdict]:
    judged = [head for head in heads if head.loss is not None]
    for head in heads:
        if head.loss is None and judged:
            yield Verdict(
                "no loss reaches a head",
                f"output {head.name}",
                "no loss judges it: what it alone depends on does not learn",
                "a loss for each output, or a model without this one",
                repair=f'model.compile(loss={{..., "{head.name}": "{_usual_loss(head)}"}}), with '
                "a weight above 0 if there are loss_weights",
            )


def _usual_loss(head: Head) -> str:
    if head.gives == "softmax":
        return "sparse_categorical_crossentropy"
    return "binary_crossentropy" if head.gives == "sigmoid" else "mse"


def _connected(measured: dict[str, Any], unjudged: set[str]) -> Iterator[Verdict]:
    states = list(zip(measured["layers"], measured["state"], strict=True))
    cut = [name for name, state in states if "not connected" in state and name not in unjudged]
    if cut:
        yield Verdict(
            "not connected",
            listed(cut),
            f"the loss does not depend on the weights of {len(cut)} of {len(states)} layers: no "
            "gradient reaches them",
            "a path of differentiable operations from there to the loss: no argmax, rounding, "
            "comparison or stop_gradient on it",
            repair="leave argmax and rounding to the metric, after the loss",
            layers=tuple(cut),
        )


def _unused(model: keras.Model, measured: dict[str, Any]) -> Iterator[Verdict]:
    """Layers that nothing calls, as a line of `call` that is missing leaves them."""
    unused = [name for name, why in measured["unmeasured"].items() if "calls it" in why]
    users = [each for each in (model, *layers_inside(model)) if _is_users(each)]
    parts = [part for each in users for part in keras_private.inner_layers(each)]
    unused += [part.name for part in parts if not part.built and part.name not in unused]
    if unused:
        yield Verdict(
            "unused",
            listed(unused),
            "neither the model nor its loss calls it",
            "a call of it, or a model without it",
            sure="likely",
            repair="x = layer(x) in call",
            layers=tuple(unused),
        )


def _is_users(layer: keras.Layer) -> bool:
    return type(layer).__module__.split(".")[0] != "keras"


def unused_inputs(model: keras.Model, x: Any) -> Iterator[Verdict]:
    """Inputs whose values change nothing, of a model with several."""
    flat = tree.flatten(x)
    if len(flat) < 2:
        return
    with State(model).kept():
        given = tree.map_structure(tf.convert_to_tensor, x)
        before = [np.asarray(each) for each in tree.flatten(model(given, training=False))]
        names = keys_of(x) if isinstance(x, dict) else list(range(1, len(flat) + 1))
        for place, name in enumerate(names):
            changed = [each[::-1].copy() if at == place else each for at, each in enumerate(flat)]
            if np.array_equal(changed[place], flat[place]):
                continue  # all its examples are alike
            inputs = tree.map_structure(tf.convert_to_tensor, tree.pack_sequence_as(x, changed))
            after = [np.asarray(each) for each in tree.flatten(model(inputs, training=False))]
            if all(np.array_equal(*pair) for pair in zip(before, after, strict=True)):
                yield Verdict(
                    "unused",
                    f"inputs {name}",
                    "whatever its values, no output changes",
                    "outputs that depend on it, or a model without it",
                    sure="likely",
                    repair="a path from this input to the output",
                )


def _frozen(model: keras.Model, measured: dict[str, Any]) -> Iterator[Verdict]:
    states = list(zip(measured["layers"], measured["state"], strict=True))
    frozen = [name for name, state in states if "frozen" in state]
    if not model.trainable_weights:
        yield Verdict(
            "frozen",
            f"model {model.name}",
            "no weight of it is to learn",
            "weights that learn, those of the last layer at least",
            repair="model.trainable = True, then compile again",
            layers=tuple(frozen),
        )
    elif frozen:
        yield Verdict(
            "frozen",
            listed(frozen),
            f"{len(frozen)} of {len(states)} layers are not to learn",
            "layer.trainable = True, unless they are to stay as they are",
            sure="note",
            layers=tuple(frozen),
        )


def _slow_averages(model: keras.Model) -> Iterator[Verdict]:
    for layer in layers_inside(model):
        if isinstance(layer, keras.layers.BatchNormalization) and layer.momentum >= SLOWEST:
            behind = f"{1 / (1 - layer.momentum):,.0f}" if layer.momentum < 1 else "infinitely many"
            yield Verdict(
                "training and inference differ",
                layer.name,
                f"its moving averages have the momentum {layer.momentum:g}: they are {behind} "
                "steps behind, and evaluate and predict use them",
                "a momentum of 0.99 or 0.9",
                sure="likely",
                repair="BatchNormalization(momentum=0.99)",
                layers=(layer.name,),
            )
            return


def _dropped_outputs(model: keras.Model) -> Iterator[Verdict]:
    """Dropout after the last layer, of the predictions themselves."""
    dropout = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
    for layer in last_layers(model):
        if isinstance(layer, dropout) and layer.rate > 0:
            yield Verdict(
                "output cannot express the target",
                layer.name,
                f"it drops {layer.rate:.0%} of the predictions in training, which the loss takes "
                "for errors whatever the network has learned",
                "dropout before the last layer with weights, not after it",
                repair=f"leave out {layer.name}",
                layers=(layer.name,),
            )


def _bare_variables(model: keras.Model) -> Iterator[Verdict]:
    """Variables of TensorFlow's in layers of the user's: Keras 3 trains none of them."""
    bare = {
        f"{layer.name}.{name}": value
        for layer in (model, *layers_inside(model))
        if _is_users(layer)
        for name, value in vars(layer).items()
        if _would_learn(value)
    }
    if bare:
        count = sum(int(np.prod(value.shape)) for value in bare.values())
        place, first = next(iter(bare.items()))
        name, shape = place.rpartition(".")[2], tuple(first.shape)
        yield Verdict(
            "frozen",
            listed(list(bare)),
            f"{count} numbers are in a tf.Variable, which Keras does not train",
            "weights of the layer, or trainable=False if they are to stay as they are",
            sure="likely",
            repair=f'self.{name} = self.add_weight(shape={shape}, initializer="glorot_uniform")',
        )


def _would_learn(value: Any) -> bool:
    return (
        isinstance(value, tf.Variable)
        and value.trainable
        and value.dtype.is_floating
        and value.shape.num_elements() not in (None, 0, 1)
    )
