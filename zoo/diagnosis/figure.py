"""The picture of a report."""

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.diagnosis.report import Report

BEFORE, AFTER = "#0072b2", "#d55e00"  # told apart by the colour-blind, on light and dark


def figure(report: "Report") -> "Figure":
    """Deltas by layer, how far the layers moved, the loss; of sequences the gradient by time.

    How to read it: a line that falls to the left by factors of ten is a vanishing gradient, one
    that rises an exploding one; what counts is the line after the steps.

    Args:
        report: of a model that was measured.

    Raises:
        ZooError: if nothing was measured.
    """
    from matplotlib.figure import Figure

    if not report.start or report.seen is None:
        raise ZooError(f"model {report.name}: nothing was measured that could be drawn")
    seen, panels = report.seen, []
    if len(seen.hidden) > 1:
        panels.append(_deltas)
    if seen.time_start is not None:
        panels.append(_by_time)
    panels += [_moved, _loss]
    drawn = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for panel, axes in zip(panels, drawn.subplots(1, len(panels), squeeze=False)[0], strict=True):
        panel(seen, axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    drawn.suptitle(report.conclusion, x=0.01, ha="left", fontsize=11)
    return drawn


def _deltas(seen: Any, axes: Any) -> None:
    places = np.arange(1, len(seen.hidden) + 1)
    for measured, words, colour, dash in _times(seen):
        deltas = [measured["delta_rms"][row] for row in seen.hidden]
        axes.plot(places, _positive(deltas), dash, color=colour, label=words, marker="o", ms=3)
    axes.set_yscale("log")
    axes.set(title="rms of dL/dz by hidden layer", xlabel="hidden layer, from input to output")
    axes.legend(frameon=False)


def _times(seen: Any) -> list[tuple[Any, str, str, str]]:
    times = [(seen.start, "before the first step", BEFORE, "-")]
    if seen.end is not None:
        times.append((seen.end, f"after {len(seen.trial.losses)} steps", AFTER, "--"))
    return times


def _by_time(seen: Any, axes: Any) -> None:
    axes.plot(_positive(seen.time_start), "-", color=BEFORE, label="before the first step")
    if seen.time_end is not None:
        words = f"after {len(seen.trial.losses)} steps"
        axes.plot(_positive(seen.time_end), "--", color=AFTER, label=words)
    axes.set_yscale("log")
    axes.set(title="rms of dL/dx by step of time", xlabel="step of time")
    axes.legend(frameon=False)


def _moved(seen: Any, axes: Any) -> None:
    names = list(seen.trial.displacement)
    values = _positive([seen.trial.displacement[name] for name in names])
    axes.plot(np.arange(1, len(names) + 1), values, "-", color=AFTER, marker="o", ms=3)
    axes.set_yscale("log")
    steps = len(seen.trial.losses)
    axes.set(title=f"how far each layer moved in {steps} steps", xlabel="layer")


def _loss(seen: Any, axes: Any) -> None:
    axes.plot(seen.last.losses, color=AFTER, lw=1)
    if seen.constant_loss is not None:
        axes.axhline(seen.constant_loss, color="#777777", ls=":", lw=1)
        axes.text(
            *(1, seen.constant_loss, "best constant output"),
            transform=axes.get_yaxis_transform(),
            fontsize=8,
            va="bottom",
            ha="right",
            bbox={"facecolor": "white", "alpha": 0.8, "lw": 0, "pad": 1},
        )
    axes.set(title="loss of each step's batch", xlabel="step")


def _positive(values: Any) -> Any:
    array = np.array([np.nan if v is None else v for v in values], float)
    return np.where(array > 0, array, np.nan)
