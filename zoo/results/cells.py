"""What stands in the cells of the leaderboard's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.results.columns import Row
    from zoo.results.overview import Line


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: so many significant digits, no needless zeros, a dash for none."""
    if value is None:
        return "–"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text else text


def share(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{value:.0%}"


def reached(row: Row) -> str:
    """Runs that reached the target, of all, and how many diverged."""
    diverged = f" ({row.diverged}✗)" if row.diverged else ""
    return f"{row.reached}/{row.seeds}{diverged}"


SIGNS = {"none": "", "lower": "≥ ", "upper": "≤ ", "undetermined": "≈ "}


def speedup(row: Row | Line) -> str:
    """The ratio with its interval, or the side of it that a bound has."""
    if row.against is None:
        return "1"
    if row.speedup is None or row.speedup_bound is None:
        return "–"
    if row.speedup_bound == "undetermined" and not row.reached:
        return "–"
    sign, (low, high) = SIGNS[row.speedup_bound], (row.speedup_low, row.speedup_high)
    text = f"{sign}{number(row.speedup)}"
    if low is not None and high is not None:
        return f"{text} [{number(low, 2)}, {number(high, 2)}]"
    side = low if high is None else high
    return text if side is None else f"{text} ({sign}{number(side, 2)})"


def then(start: float | None, early: float | None) -> str:
    """A value before the first step, and its average early in training."""
    return f"{number(start, 2)}→{number(early, 2)}"


def decay(row: Row) -> str:
    """By what the deltas fall a layer; what theory says of it, in standard errors too."""
    if row.delta_decay_theory is None or row.delta_decay is None:
        return "–" if row.delta_decay is None else f"{row.delta_decay:.2f}"
    z = "" if row.delta_decay_z is None else f"; {row.delta_decay_z:+.1f}"
    return f"{row.delta_decay:.2f} ({row.delta_decay_theory:.2f}{z})"


def dead(row: Row) -> str:
    """The share of dead units before training and after it."""
    return f"{share(row.dead)} → {share(row.dead_after)}"


def runner_up(row: Row) -> str:
    """The rate that came second, and its mean steps."""
    second = row.runner_up
    return (
        "–" if second is None else f"{number(second.learning_rate)}: {number(second.mean_steps, 4)}"
    )
