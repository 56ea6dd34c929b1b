"""Saturated gates of LSTM and GRU layers, step by step of time."""

from typing import Any

import keras
import tensorflow as tf

from zoo.probe.activations import kind_of, saturated_share
from zoo.probe.state import State

Tensor = Any


def saturated_gates(layer: keras.layers.RNN, sequence: Tensor) -> float | None:
    """The share of gate values near 0 or 1, over gates, units, batch and time; run it eagerly.

    Args:
        layer: any recurrent layer; None is given back unless it is Keras's LSTM or GRU.
        sequence: what enters it, (batch, time, features). A mask is not looked at.
    """
    if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
        return None
    cell = layer.cell
    function, values = cell.recurrent_activation, []

    def gate(x: Tensor) -> Tensor:
        values.append(function(x))
        return values[-1]

    states = list(layer.states) if layer.stateful else layer.get_initial_state(len(sequence))
    steps = tf.unstack(tf.cast(sequence, layer.compute_dtype), axis=1)
    with State(cell).kept():  # it keeps a mask of its dropout, too
        cell.recurrent_activation = gate
        for step in reversed(steps) if layer.go_backwards else steps:
            _, states = cell(step, states, training=True)
    return float(saturated_share(kind_of(function, (1,)), values))
