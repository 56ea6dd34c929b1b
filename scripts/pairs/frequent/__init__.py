"""The fourth batch of pairs: faults of every kind, the frequent ones more often."""

from . import losses_and_layers, outputs_and_data, own_parts

__all__ = ["losses_and_layers", "outputs_and_data", "own_parts"]
