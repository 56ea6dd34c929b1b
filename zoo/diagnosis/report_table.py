"""The table of a report: a line a layer."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.diagnosis.report import Report

WIDTH = 100
MOST = 40  # layers; of more, those in the middle are left out of the table


def table(report: "Report") -> str:
    """A line a layer, what is not measured below.

    Args:
        report: of a model that was measured.
    """
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table

    start, seen = report.start, report.seen
    end = seen.end if seen is not None else None
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    shown.add_column("layer", max_width=26, overflow="ellipsis", no_wrap=True)
    heads = ["delta rms", "gradient", "update", "moved", "flat", "dead"]
    for head in heads:
        shown.add_column(head, justify="right", no_wrap=True)
    shown.add_column("", max_width=18, overflow="fold")
    rows = list(range(len(start["layers"])))
    left_out = len(rows) - MOST
    for row in rows:
        if left_out > 0 and MOST // 2 <= row < MOST // 2 + left_out:
            if row == MOST // 2:
                shown.add_row(f"… {left_out} more")
            continue
        name = start["layers"][row]
        trial = seen.trial if seen is not None else None
        shown.add_row(
            name,
            _both(start, end, "delta_rms", row),
            _number(start["kernel_grad_norm"][row]),
            _number(trial.update_ratio.get(name)) if trial else "",
            _number(trial.displacement.get(name)) if trial else "",
            _share(start, end, "saturated", row),
            _share(start, end, "dead", row),
            start["state"][row],
        )
    out = StringIO()
    Console(file=out, width=WIDTH, no_color=True, force_jupyter=False).print(shown)
    lines = [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]
    legend = "delta rms: of dL/dz before the first step"
    if end is not None and seen is not None:
        legend += f"→after {len(seen.trial.losses)}"
    lines.append(f"{legend}; gradient: norm of dL/dW; update, moved:")
    lines.append(
        "of W in the last step and in all, over W; flat, dead: share of saturated units, of"
    )
    lines.append("ReLU units that are 0 on the whole batch")
    if start["unmeasured"]:
        lines += ["", "not measured"]
        lines += [f"  {name}: {why}" for name, why in start["unmeasured"].items()]
    return "\n".join(lines)


def _both(start: Any, end: Any, quantity: str, row: int) -> str:
    first = _number(start[quantity][row])
    return first if end is None or first == "–" else f"{first}→{_number(end[quantity][row])}"


def _share(start: Any, end: Any, quantity: str, row: int) -> str:
    first = start[quantity][row]
    if math.isnan(first):
        return "–"
    last = end[quantity][row] if end is not None else first
    return f"{first:.0%}" if f"{first:.0%}" == f"{last:.0%}" else f"{first:.0%}→{last:.0%}"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.2g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.1e}"
