"""What is measured: gradients and what they do, layer by layer, on one fixed batch."""

from zoo.probe.probe import Probe, measure
from zoo.probe.quantities import QUANTITIES

__all__ = ["QUANTITIES", "Probe", "measure"]
