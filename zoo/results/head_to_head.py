"""Two arms of the reader's choice head to head, over the seeds that both have.

An exploration, no verdict of the leaderboard: that is of the pairs that a recipe names, and is
corrected for their number.
"""

import itertools
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import yaml

from zoo.errors import Place, ZooError, mistake
from zoo.evidence.record import rounded
from zoo.evidence.store import Store
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import Target
from zoo.results import cells, columns, leaderboard, statistics
from zoo.results.columns import COLUMNS, DIGITS, Row
from zoo.results.comparison import Comparison
from zoo.results.eligibility import flaw

_A_LINE = 12  # seeds
_VALUE = 34  # columns of a value
_EXPLORATORY = (
    "One comparison, chosen by who looks: p is not corrected, and no verdict of the leaderboard."
)
# What is shown of both arms, and how it is called here.
_SHOWN = {
    "reached": "reached",
    "kept": "kept",
    "steps_to_target": "median steps",
    "learning_rate": "learning rate (*: at the edge of its grid)",
    "runner_up": "second in the search: its mean steps",
    "first_layer_grad_norm_early": "first layer's gradient norm, early",
    "delta_ratio": "δ ratio",
    "step_cost": "time of a step over the other's",
}


@dataclass(frozen=True)
class HeadToHead:
    """An arm A against an arm B.

    Attributes:
        a: what the row of A against B is computed from.
        b: the same of B against A; the runs of both are in the order of the seeds.
        p_value: of the exact paired sign-flip test, not corrected.
        lacking: why nothing is said of who is better; None if something is.
    """

    a: Comparison
    b: Comparison
    p_value: float
    lacking: str | None

    @property
    def seeds(self) -> list[int]:
        """Those that both have."""
        return [record.seed for record in self.a.records]

    @property
    def tests(self) -> list[float]:
        """By how much the test metric of A is above that of B, where both runs have it."""
        if self.a.metric != self.b.metric:
            return []
        pairs = [
            (getattr(one, self.a.metric), getattr(other, self.b.metric))
            for one, other in zip(self.a.records, self.b.records, strict=True)
        ]
        return [one - other for one, other in pairs if one is not None and other is not None]

    @property
    def words(self) -> str:
        """Whether the two can be told apart."""
        count = f"{len(self.seeds)} seeds"
        if self.lacking:
            return f"No verdict: {self.lacking}"
        if self.a.verdict == "neither learns":
            return "Neither learns"
        if self.p_value > statistics.LEVEL:
            return f"They cannot be told apart with {count}"
        faster = "A" if sum(self.a.gains) > 0 else "B"
        if self.a.verdict == "inconclusive":
            return (
                f"{faster} needs fewer steps, and is not better: most of its runs lost the target"
            )
        return f"{faster} is better: p ≤ {statistics.LEVEL} with {count}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: both rows, each with the other arm's id as `against`; what differs."""
        one, other = columns.row(self.a), columns.row(self.b)
        pairs = zip(self.seeds, self.a.times, self.b.times, self.a.gains, strict=True)
        return {
            "a": one.as_dict(),
            "b": other.as_dict(),
            "differences": {
                key: {"a": value, "b": other.changes.get(key)} for key, value in one.changes.items()
            },
            "pairs": [
                {"seed": seed, "a": a, "b": b, "difference": -gain} for seed, a, b, gain in pairs
            ],
            "p_value": rounded(self.p_value, DIGITS),
            "corrected": False,
            "verdict": self.a.verdict,
            "lacking": self.lacking,
            "test_difference": rounded(mean(self.tests), DIGITS) if self.tests else None,
            "test_pairs": len(self.tests),
        }


def compare(a: tuple[Recipe, Arm], b: tuple[Recipe, Arm], store: Store) -> HeadToHead:
    """Compares two arms, each given with its recipe.

    Raises:
        ZooError: if they are the same, or are not scored alike; if no seed has a run of both; for
            damaged or foreign records.
    """
    (recipe, arm), (other_recipe, other) = a, b
    if arm.id == other.id:
        raise ZooError(mistake(Place(arm.id), "against itself: give another arm"))
    _refuse_other_rules(arm, other)
    evidence = {each.id: leaderboard.of_arm(each, store) for each in (arm, other)}
    for each in (arm, other):
        if not evidence[each.id].records:
            hint = f"run: zoo run {each.recipe} --arms {each.name}"
            raise ZooError(f"{store.root}: no run of {each.id} that ended; {hint}")
    if not evidence[arm.id].records.keys() & evidence[other.id].records.keys():
        raise ZooError(f"{store.root}: no seed has a run of both {arm.id} and {other.id}")

    def against(recipe: Recipe, arm: Arm, other: Arm) -> Comparison:
        """Of an arm judged against the other, which is in its recipe under its id."""
        both = replace(recipe, arms={**recipe.arms, other.id: other})
        of = replace(evidence[arm.id], arm=replace(arm, against=other.id))
        return leaderboard.comparison(both, of, evidence, recipe.spec.target)

    one, two = against(recipe, arm, other), against(other_recipe, other, arm)
    lacking = one.lacking or two.lacking or flaw(recipe, store) or flaw(other_recipe, store)
    p_value = statistics.sign_flip_p(one.gains)
    one, two = (
        replace(each, p_value=None if lacking else p_value, lacking=lacking) for each in (one, two)
    )
    return HeadToHead(one, two, p_value, lacking)


def _refuse_other_rules(arm: Arm, other: Arm) -> None:
    """Steps to other targets, or looked at otherwise, are no pairs."""
    rules = [
        {
            "target": _target(each.spec.target),
            "training.steps": each.spec.training.steps,
            "training.evaluate_every": each.spec.training.evaluate_every,
        }
        for each in (arm, other)
    ]
    for key, value in rules[0].items():
        if value != rules[1][key]:
            reason = f"{key}: {value} and {rules[1][key]}: give two arms for which it is the same"
            raise ZooError(mistake(Place(f"{arm.id} and {other.id}"), reason))


def _target(target: Target) -> str:
    return f"{target.metric} {'≥' if target.mode == 'max' else '≤'} {target.value:g}"


# ---------------------------------------------------------------- what is printed


def as_json(of: HeadToHead) -> str:
    """One object, in lines."""
    return json.dumps(of.as_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def text(of: HeadToHead) -> str:
    """What differs between the two, their pairs, and what these say; 100 columns."""
    one, other = columns.row(of.a), columns.row(of.b)
    both = [
        (key, _value(value), _value(other.changes.get(key))) for key, value in one.changes.items()
    ]
    figures: list[tuple[str, ...]] = [
        (label, _cell(one, key), _cell(other, key)) for key, label in _SHOWN.items()
    ]
    tests = f"mean {of.a.metric.replace('_', ' ')}"
    figures.append(
        (tests, *(cells.number(mean(s.tests)) if s.tests else "–" for s in (of.a, of.b)))
    )
    by = f"{mean(of.tests):+.2g} over {len(of.tests)} pairs" if of.tests else "–"
    speedup = cells.speedup(one)
    return "\n".join(
        [
            f"A: {one.recipe}/{one.arm}",
            f"B: {other.recipe}/{other.arm}",
            f"Learned: {_target(of.a.target)} within {of.a.budget} steps",
            "",
            *_table(("differs in", "A", "B"), both or [("nothing", "", "")]),
            "",
            *_pairs(of),
            "",
            f"speedup of A over B  {speedup}",
            f"pairs that A won     {cells.share(one.p_faster)} of {len(of.seeds)}, ties half",
            f"p                    {cells.number(of.p_value)}, exact paired sign-flip test",
            "",
            *_table(("", "A", "B"), figures),
            f"A - B, {tests}: {by}",
            "",
            f"{of.words}.",
            _EXPLORATORY,
        ]
    )


def _value(value: Any) -> str:
    if not isinstance(value, dict | list):
        return "none" if value is None else str(value)
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()


def _cell(row: Row, key: str) -> str:
    column = COLUMNS[key]
    return column.show(row) if column.heading else cells.number(getattr(row, key))


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of two columns that wrap, beside one that does not."""
    lines: list[tuple[str, ...]] = []
    for row in (headings, *rows):
        wrapped = [[row[0]], *(textwrap.wrap(cell, _VALUE) for cell in row[1:])]
        lines += itertools.zip_longest(*wrapped, fillvalue="")
    sizes = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(f"{cell:{size}}" for cell, size in zip(line, sizes, strict=True)).rstrip()
        for line in lines
    ]


def _pairs(of: HeadToHead) -> list[str]:
    """The steps of both and their difference, a column a seed; > where a run was cut off."""
    budget, lines = of.a.budget, list[str]()
    columns: list[tuple[str, ...]] = [("seed", "A", "B", "A - B")]
    for seed, a, b in zip(of.seeds, of.a.times, of.b.times, strict=True):
        between = (budget if a is None else a) - (budget if b is None else b)
        # What is cut off is at least as long: the difference is a bound, or of two such unknown.
        sign = ">" if a is None else "<" if b is None else ""
        said = "–" if a is None and b is None else f"{sign}{between:+d}"
        columns.append((str(seed), *(f">{budget}" if t is None else str(t) for t in (a, b)), said))
    for start in range(1, len(columns), _A_LINE):
        block = [columns[0], *columns[start : start + _A_LINE]]
        width = max(len(cell) for column in block[1:] for cell in column)
        lines += [
            f"{cells_[0]:5}  " + "  ".join(f"{cell:>{width}}" for cell in cells_[1:])
            for cells_ in zip(*block, strict=True)
        ]
    return lines
