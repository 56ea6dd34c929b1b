"""Whether a model fits in memory with all that a diagnosis holds beside it."""

import contextlib
import math
from pathlib import Path
from typing import Any

import keras
import psutil

from zoo.errors import ZooError
from zoo.probe.layers import layers_inside

# What is held at once of each weight, in its own size: itself, twice as it was, its gradient, the
# optimizer's slots and their start, and in float64 as it began, before the last step, now, and
# twice in the probe.
COPIES = 18
PASSES = 4  # of each layer's output: forward, its gradient, and what the loss and the probe hold


def check(model: keras.Model, examples: int, available: int | None = None) -> None:
    """Says so before memory runs out.

    Args:
        model: built.
        examples: that are passed at once.
        available: bytes; by default what is free now, by the limit of the group of processes too.

    Raises:
        ZooError: if it would.
    """
    free = available_bytes() if available is None else available
    weights = sum(math.prod(v.shape) * 4 for v in model.weights)
    outputs = sum(_entries(layer) * 4 for layer in layers_inside(model)) * examples
    needed = COPIES * weights + PASSES * outputs
    if needed > free:
        raise ZooError(
            f"model {model.name}: {weights / 1e9:.2g} GB of weights and {outputs / 1e9:.2g} GB of "
            f"outputs for {examples} examples need about {needed / 1e9:.2g} GB, and "
            f"{free / 1e9:.2g} GB are free: give a smaller batch_size, or a smaller model"
        )


def _entries(layer: Any) -> int:
    """How many numbers a layer gives for an example; 0 where that is not known."""
    with contextlib.suppress(Exception):  # a subclassed layer, or one that is used twice
        shape = layer.output.shape
        return math.prod(size or 1 for size in shape[1:])
    return 0


def available_bytes() -> int:
    """Bytes that may still be taken."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # "max", or no such limit here
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    return free
