"""Leaderboard rows as a terminal table of at most 100 columns, as Markdown and as JSON."""

import json
from collections.abc import Collection, Sequence
from statistics import median
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zoo.results.cells import number
from zoo.results.columns import COLUMNS, Column, Row

WIDTH = 100


class Titled(Protocol):
    """A recipe, or its summary."""

    @property
    def id(self) -> str:
        """Such as `digits/activation`."""

    @property
    def title(self) -> str:
        """What is compared."""

    @property
    def claim(self) -> str:
        """What the comparison is said to show."""

    @property
    def arms(self) -> Collection[str]:
        """The names of its arms."""


def columns(rows: Sequence[Row]) -> dict[str, Column]:
    """The columns, by heading, that have something to say of the rows of a recipe."""
    return {
        column.heading: column
        for column in COLUMNS.values()
        if column.heading and column.when(rows)
    }


def _cells(row: Row, shown: dict[str, Column]) -> dict[str, str]:
    return {heading: column.show(row) for heading, column in shown.items()}


def heading(recipe: Titled, rows: Sequence[Row]) -> str:
    """One line that says what the rows of a recipe compare."""
    target = rows[0].target
    sign = "≥" if target["mode"] == "max" else "≤"
    return (
        f"{recipe.id}: {recipe.title}. Learned: {target['metric']} {sign} {target['value']:g} "
        f"within {rows[0].budget} steps"
    )


def notes(recipe: Titled, rows: Sequence[Row]) -> list[str]:
    """A line for each reason for which rows have no verdict, or an arm no row; the resolution."""
    arms: dict[str, list[str]] = {}
    for row in rows:
        if row.lacking and row.against is not None:
            arms.setdefault(row.lacking, []).append(row.arm)
    every = sum(row.against is not None for row in rows)
    absent = [name for name in recipe.arms if name not in {row.arm for row in rows}]
    return [
        *([f"No run of {', '.join(absent)} that ended"] if absent else []),
        *(
            f"No verdict{'' if len(of) == every else ' on ' + ', '.join(of)}: {reason}"
            for reason, of in arms.items()
        ),
        *_resolution(rows),
    ]


def _resolution(rows: Sequence[Row]) -> list[str]:
    """What the seeds can tell, where there are verdicts."""
    known = [row.resolution for row in rows if row.resolution is not None and row.verdict]
    if not known:
        return []
    seeds, smallest = rows[0].seeds, number(median(known))
    pairs = f"{len(known)} pairs" if len(known) > 1 else "one pair"
    of = f"median of {pairs} in which all runs learned"
    return [f"Resolution: {seeds} seeds can call a speedup of {smallest} better ({of})"]


_STYLES = {"better": "green", "worse": "red", "baseline": "dim"}


def terminal(recipe: Titled, rows: Sequence[Row], width: int = WIDTH) -> Table:
    """A table for the terminal; where it is too wide, it goes closer, then without some columns."""
    shown = columns(rows)
    lines = [_cells(row, shown) for row in rows]
    longest = {name: max(map(len, (name, *(line[name] for line in lines)))) for name in shown}

    def fits(gap: int) -> bool:
        return sum(longest[name] + 1 + gap for name in shown) < width

    gap = int(fits(1))
    turns = sorted((column.spare, name) for name, column in shown.items() if column.spare)
    for _, spare in turns:
        if not fits(gap):
            del shown[spare]
    said = notes(recipe, rows)
    table = Table(
        title=Text(heading(recipe, rows), "table.title"),  # as text, whatever brackets are in it
        title_justify="left",
        caption=Text("\n".join(said), "table.caption") if said else None,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, gap, 0, 0),
    )
    for name, column in shown.items():
        table.add_column(name, justify="left" if column.left else "right", no_wrap=True)
    for line in lines:
        style = _STYLES.get(line["verdict"], "")
        table.add_row(*(Text(line[name], style if name == "verdict" else "") for name in shown))
    return table


def markdown(recipe: Titled, rows: Sequence[Row], runs: str | None = None) -> str:
    """A section of Markdown: heading, claim and table.

    Args:
        recipe: whose rows they are.
        rows: of its arms.
        runs: where the run records of all recipes lie, to link each arm to its own.
    """
    shown = columns(rows)
    lines_of = [_cells(row, shown) for row in rows]
    if runs is not None:
        for row, cells in zip(rows, lines_of, strict=True):
            cells["arm"] = f"[{row.arm}]({runs}/{row.recipe}/{row.arm})"
    sides = " | ".join("---" if column.left else "---:" for column in shown.values())
    lines = [
        f"### {recipe.id}",
        "",
        f"{heading(recipe, rows)}.",
        "",
        f"*{recipe.claim}*",
        "",
        f"| {' | '.join(shown)} |",
        f"| {sides} |",
        *(f"| {' | '.join(cells.values())} |" for cells in lines_of),
        "",
        *(line for note in notes(recipe, rows) for line in (f"{note}.", "")),
    ]
    return "\n".join(lines)


def legend(shown: Collection[str]) -> str:
    """What each of the columns that are shown says."""
    return "\n".join(
        f"- **{column.heading}**: {column.meaning}"
        for column in COLUMNS.values()
        if column.heading in shown and column.heading != column.meaning
    )


def as_json(rows: Sequence[Row]) -> str:
    """The rows as a JSON list, a row a line."""
    texts = [json.dumps(row.as_dict(), allow_nan=False) for row in rows]
    lines = ",\n".join(texts)
    return f"[\n{lines}\n]\n" if rows else "[]\n"
