"""The overview as a terminal table, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zoo.results import cells
from zoo.results.overview import MITIGATIONS, Line, Mean, mean_over_recipes
from zoo.results.tables import WIDTH

_NAMED = 2  # of the arms that tie
_HEADINGS = {
    "mitigation": False,
    "recipe": False,
    "best arms": False,
    "against": False,
    "speedup": True,
    "verdict": False,
    "kept": True,
    "gradient": True,
    "cost": True,
    "weights": True,
}  # and whether a cell stands to the right

LEGEND = """\
- **best arms**: that need the fewest steps of those that try the mitigation alone; +n: so many more
  that the paired test cannot tell from the first, at 0.05
- **against, speedup, verdict, kept, cost**: of the first of them, as in the tables below
- **gradient**: early average of the first layer's gradient norm, without the mitigation→with it
- **weights**: that the model learns, over those of the other arm
- **x**: geometric mean of the speedups over the recipes"""


def _ordered(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """The lines by mitigation, in their order."""
    names = list(MITIGATIONS)
    ordered = sorted(lines, key=lambda line: names.index(line.mitigation))
    return [(name, list(of)) for name, of in groupby(ordered, key=lambda line: line.mitigation)]


def _cells(line: Line) -> dict[str, str]:
    arms, more = line.arms[:_NAMED], len(line.arms) - _NAMED
    return {
        "recipe": line.recipe,
        "best arms": ", ".join(arms) + (f" +{more}" if more > 0 else ""),
        "against": line.against,
        "speedup": cells.speedup(line),
        "verdict": line.verdict or "–",
        "kept": f"{line.kept}/{line.reached}",
        "gradient": cells.then(line.gradient_before, line.gradient),
        "cost": cells.number(line.step_cost, 2),
        "weights": cells.number(line.weights, 2),
    }


def _mean(of: Mean | None) -> str:
    return "" if of is None else f"{cells.SIGNS[of.bound]}{cells.number(of.ratio)}x"


def markdown(lines: Sequence[Line]) -> str:
    """A block a mitigation, a row a recipe."""
    sides = ("---:" if right else "---" for right in _HEADINGS.values())
    text = [f"| {' | '.join(_HEADINGS)} |", f"| {' | '.join(sides)} |"]
    for name, of in _ordered(lines):
        mean = _mean(mean_over_recipes(of))
        first = f"**{name}**{f' {mean}' if mean else ''}"
        for line in of:
            text.append(f"| {first} | {' | '.join(_cells(line).values())} |")
            first = ""
    return "\n".join(text) + "\n"


SHORT_LEGEND = """\
Of each mitigation the best arm of a recipe counts, against the arm that it differs from in that one
thing. *Speedup*: that arm's mean steps to the target over its own, the smallest and the largest of
the recipes (≥: the other was cut off, ≤: it was itself); *mean*: their geometric mean. *Not in*:
recipes in which it is not better by the paired test. *Cost*, *weights*: of a step and of the model,
relative to the other arm, median over the recipes."""


def short(lines: Sequence[Line]) -> str:
    """A row a mitigation, for who has a minute."""
    headings = ("mean", "speedup", "better in", "not in", "cost", "weights")
    text = [f"| mitigation | {' | '.join(headings)} |"]
    text.append("| --- | ---: | ---: | ---: | --- | ---: | ---: |")
    for name, of in _ordered(lines):
        better = [line for line in of if line.verdict == "better"]
        others = [f"{line.recipe} ({line.verdict or '–'})" for line in of if line not in better]
        told = [line for line in of if cells.speedup(line) != "–"]
        known = sorted(told, key=lambda line: line.speedup or 0)
        ends = [f"{_sign(line)}{cells.number(line.speedup, 2)}" for line in known]
        values = (
            _mean(mean_over_recipes(of)) or "–",
            " to ".join(dict.fromkeys((ends[0], ends[-1]))) if ends else "–",
            f"{len(better)} of {len(of)}",
            ", ".join(others) or "–",
            cells.number(_median([line.step_cost for line in of]), 2),
            cells.number(_median([line.weights for line in of]), 2),
        )
        text.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(text) + "\n"


def _sign(line: Line) -> str:
    return cells.SIGNS[line.speedup_bound or "none"]


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def terminal(lines: Sequence[Line], width: int = WIDTH) -> Table:
    """A block a mitigation."""
    headings = [name for name in _HEADINGS if name not in ("mitigation", "against", "weights")]
    table = Table(
        title=Text("What helps: the best arms of each mitigation, by recipe", "table.title"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 0),
        width=width,
    )
    for name in headings:
        right = _HEADINGS[name]
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "best arms")
    for name, of in _ordered(lines):
        mean = _mean(mean_over_recipes(of))
        table.add_row(Text(name, "bold"), Text(mean, "bold"), *[""] * (len(headings) - 2))
        for line in of:
            values = _cells(line)
            table.add_row(*(Text(values[heading]) for heading in headings))
    return table


def as_json(lines: Sequence[Line]) -> str:
    """The lines as a JSON list, one a line."""
    texts: list[Any] = [json.dumps(line.model_dump(), allow_nan=False) for line in lines]
    inner = ",\n".join(texts)
    return f"[\n{inner}\n]\n" if texts else "[]\n"
