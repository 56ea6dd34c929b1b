"""Leaderboard rows as a terminal table of at most 100 columns, as Markdown and as JSON."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zoo.recipe import Recipe
from zoo.results.leaderboard import Row

WIDTH = 100
COLUMNS = {
    "arm": "arm",
    "reached": "runs that reached the target, of all (✗: how many diverged)",
    "steps": "median steps to the target",
    "speedup": "mean steps of the baseline over the arm's, 95 % interval; ≥ ≤: a run was cut off",
    "verdict": "paired sign-flip test, Holm-corrected, at 0.05",
    "rate": "learning rate chosen with the tuning seeds; *: at the edge of the grid",
    "δ ratio": "dL/dz of the first over the last hidden layer, at the start",
    "clip": "share of the steps at which clipping changed a gradient, median of the runs",
    "norm": "largest norm of all gradients together, before clipping, median of the runs",
    "zeros": "share of exact zeros in the first layer's gradient, at the start",
    "test": "mean test accuracy (or loss) at the budget",
    "cost": "time of a step over the baseline's",
}


_OF_CLIPPING, _OF_PRECISION = {"clip", "norm"}, {"zeros"}


def columns(recipe: Recipe, rows: Sequence[Row]) -> list[str]:
    """The columns that have something to say: those of clipping and of precision only there."""
    hidden = set()
    if all(row["clipped"] is None for row in rows):
        hidden |= _OF_CLIPPING
    if not any("training.precision" in arm.changes for arm in recipe.arms.values()):
        hidden |= _OF_PRECISION
    return [column for column in COLUMNS if column not in hidden]


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: so many significant digits, no needless zeros, a dash for none."""
    if value is None:
        return "–"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text else text


def speedup(row: Row) -> str:
    """The ratio with its bound and its interval."""
    if row["p_value"] is None:
        return "1"
    if row["speedup_bound"] == "undetermined" and not row["reached"]:
        return "–"
    sign = {"none": "", "lower": "≥ ", "upper": "≤ ", "undetermined": "≈ "}[row["speedup_bound"]]
    if row["speedup_low"] is None:
        return f"{sign}{number(row['speedup'])}"
    low, high = number(row["speedup_low"], 2), number(row["speedup_high"], 2)
    return f"{sign}{number(row['speedup'])} [{low}, {high}]"


def cells(row: Row) -> dict[str, str]:
    """The texts of a row, one for each of `COLUMNS`."""
    diverged = f" ({row['diverged']}✗)" if row["diverged"] else ""
    return {
        "arm": row["arm"],
        "reached": f"{row['reached']}/{row['seeds']}{diverged}",
        "steps": number(row["steps_to_target"], 5),
        "speedup": speedup(row),
        "verdict": row["verdict"] or "baseline",
        "rate": number(row["learning_rate"]) + ("*" if row["lr_at_edge"] else ""),
        "δ ratio": number(row["delta_ratio"], 2),
        "clip": "–" if row["clipped"] is None else f"{row['clipped']:.0%}",
        "norm": number(row["largest_norm"], 2),
        "zeros": "–" if row["zero_grads"] is None else f"{row['zero_grads']:.0%}",
        "test": number(row.get("test_accuracy", row.get("test_loss"))),
        "cost": number(row["step_cost"], 2),
    }


def heading(recipe: Recipe, rows: Sequence[Row]) -> str:
    """One line that says what the rows of a recipe compare."""
    target = rows[0]["target"]
    sign = "≥" if target["mode"] == "max" else "≤"
    return (
        f"{recipe.id}: {recipe.title}. Learned: {target['metric']} {sign} {target['value']:g} "
        f"within {rows[0]['budget']} steps"
    )


_STYLES = {"better": "green", "worse": "red", "baseline": "dim"}


def terminal(recipe: Recipe, rows: Sequence[Row], width: int = WIDTH) -> Table:
    """A table for the terminal; where it is too wide, it goes closer, then without some columns."""
    lines = [cells(row) for row in rows]
    shown = columns(recipe, rows)
    longest = {name: max(map(len, (name, *(line[name] for line in lines)))) for name in shown}

    def fits(gap: int) -> bool:
        return sum(longest[name] + 1 + gap for name in shown) < width

    gap = int(fits(1))
    for spare in ("norm", "cost", "test"):
        if not fits(gap):
            shown = [name for name in shown if name != spare]
    table = Table(
        title=heading(recipe, rows), title_justify="left", box=SIMPLE_HEAD, padding=(0, gap, 0, 0)
    )
    for column in shown:
        left = column in ("arm", "verdict")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for line in lines:
        style = _STYLES.get(line["verdict"], "")
        table.add_row(*(Text(line[name], style if name == "verdict" else "") for name in shown))
    return table


def markdown(recipe: Recipe, rows: Sequence[Row]) -> str:
    """A section of Markdown: heading, claim and table."""
    shown = columns(recipe, rows)
    lines = [
        f"### {recipe.id}",
        "",
        f"{heading(recipe, rows)}.",
        "",
        f"*{recipe.claim}*",
        "",
        f"| {' | '.join(shown)} |",
        f"|{'|'.join(' --- ' if name in ('arm', 'verdict') else ' ---: ' for name in shown)}|",
        *(f"| {' | '.join(texts[name] for name in shown)} |" for texts in map(cells, rows)),
        "",
    ]
    return "\n".join(lines)


def legend(shown: Collection[str]) -> str:
    """What each of the columns that are shown says."""
    return "\n".join(
        f"- **{name}**: {meaning}"
        for name, meaning in COLUMNS.items()
        if name in shown and name != meaning
    )


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a JSON list, a row a line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return f"[\n{lines}\n]\n" if rows else "[]\n"
