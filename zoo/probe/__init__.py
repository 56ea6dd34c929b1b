"""What is measured: gradients and what they do, layer by layer, on one fixed batch."""

from zoo.probe.measure import measure
from zoo.probe.probe import Probe
from zoo.probe.quantities import QUANTITIES
from zoo.probe.table import table

__all__ = ["QUANTITIES", "Probe", "measure", "table"]
