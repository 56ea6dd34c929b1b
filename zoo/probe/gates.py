"""Saturated gates of LSTM and GRU layers, step by step of time."""

from typing import Any

import keras
import tensorflow as tf
from keras import tree

from zoo.probe.activations import kind_of, saturated_shares
from zoo.probe.state import State

Tensor = Any


def saturated_gates(
    layer: keras.layers.RNN,
    sequence: Tensor,
    initial_state: Any = None,
    mask: Tensor | None = None,
    **_: Any,
) -> float | None:
    """The share of gate values near 0 or 1, over gates, units, batch and time; run it eagerly.

    Args:
        layer: any recurrent layer; None is given back unless it is Keras's LSTM or GRU.
        sequence: what enters it, (batch, time, features).
        initial_state: as the layer is given it; by default its own.
        mask: (batch, time), of the steps that count; all by default.
    """
    if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
        return None
    cell = layer.cell
    function, values = cell.recurrent_activation, []

    def gate(x: Tensor) -> Tensor:
        values.append(function(x))
        return values[-1]

    if initial_state is None:
        stateful = layer.stateful
        initial_state = layer.states if stateful else layer.get_initial_state(len(sequence))
    states = [tf.convert_to_tensor(state) for state in tree.flatten(initial_state)]
    steps = tf.unstack(tf.cast(sequence, layer.compute_dtype), axis=1)
    masks = [None] * len(steps) if mask is None else tf.unstack(tf.cast(mask, tf.bool), axis=1)
    order = range(len(steps))
    with State(cell).kept():  # it keeps a mask of its dropout, too
        cell.recurrent_activation = gate
        for time in reversed(order) if layer.go_backwards else order:
            counted, before = len(values), states
            _, states = cell(steps[time], before, training=True)
            if (on := masks[time]) is not None:
                values[counted:] = [tf.boolean_mask(value, on) for value in values[counted:]]
                pairs = zip(states, before, strict=True)
                states = [tf.where(on[:, None], new, old) for new, old in pairs]
    [share] = saturated_shares([kind_of(function, (1,))], [values])
    return float(share)
