"""What was measured, as a table for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = {
    "delta_rms": "delta rms",
    "kernel_grad_norm": "gradient",
    "kernel_rms": "weights rms",
    "saturated": "saturated",
    "dead": "dead",
}
_SHARES = ("saturated", "dead")


def table(measured: Mapping[str, Any]) -> str:
    """The loss, a line a layer, and what is not measured.

    Args:
        measured: as `zoo.probe.measure` gives it.
    """
    head = ["layer", *_COLUMNS.values(), ""]
    lines = [
        [
            name,
            *(_cell(key, measured[key][row], measured["state"][row]) for key in _COLUMNS),
            measured["state"][row],
        ]
        for row, name in enumerate(measured["layers"])
    ]
    sizes = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    text = [f"loss {_number(measured['loss'])}", "", _line(head, sizes)]
    text += [_line(["─" * size for size in sizes[:-1]] + [""], sizes)]
    text += [_line(line, sizes) for line in lines]
    if measured["unmeasured"]:
        text += ["", "not measured"]
        text += [f"  {name}: {reason}" for name, reason in measured["unmeasured"].items()]
    return "\n".join(text)


def _cell(key: str, value: float, state: str) -> str:
    if math.isnan(value):
        undefined = key in _SHARES or (key == "delta_rms" and "not finite" not in state)
        return "–" if undefined else "NaN"
    return f"{value:.0%}" if key in _SHARES else _number(value)


def _number(value: float) -> str:
    return f"{value:.2g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.1e}"


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    first, *numbers, state = cells
    padded = [f"{cell:>{size}}" for cell, size in zip(numbers, sizes[1:-1], strict=True)]
    return "  ".join([f"{first:{sizes[0]}}", *padded, state]).rstrip()
