"""The claims ledger: what is said of the mitigations, each beside what the evidence says.

A claim holds where all of its checks do. Checks are comparisons of leaderboard rows from a closed
set: nothing in the ledger's file is evaluated.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from zoo.errors import Place, ZooError, mistake
from zoo.recipe.values import Strict
from zoo.results.cells import number
from zoo.results.columns import Row
from zoo.results.statistics import Verdict

NUMBERS = {
    name
    for name, field in Row.model_fields.items()
    if field.annotation in (int, float, int | None, float | None)
}


def _of_numbers(column: str) -> str:
    if column not in NUMBERS:
        raise ValueError(f"{column} is no column of numbers")
    return column


Numbers = Annotated[str, AfterValidator(_of_numbers)]
Arm = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+/[^/\s]+$")]
Outcome = Literal["reproduced", "not reproduced", "not tried here"]
Rows = Mapping[str, Row]


class _Range(Strict):
    """What a number is to be: at least, at most, or between."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> "_Range":
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self

    def holds_for(self, value: float) -> bool:
        """Whether a number is so."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class VerdictOf(Strict):
    """The verdict on an arm, against the one it is judged against."""

    verdict: Arm
    is_: Annotated[list[Verdict], Field(alias="is", min_length=1)]

    def arms(self) -> list[str]:
        """Those whose rows it compares."""
        return [self.verdict]

    def seen(self, rows: Rows) -> tuple[bool, str]:
        """Whether it holds, and what the rows say."""
        row = rows[self.verdict]
        return row.verdict in self.is_, f"{row.arm} against {row.against}: {row.verdict or 'none'}"


class ValueOf(_Range):
    """A number of one arm."""

    value: Numbers
    of: Arm

    def arms(self) -> list[str]:
        """Those whose rows it compares."""
        return [self.of]

    def seen(self, rows: Rows) -> tuple[bool, str]:
        """Whether it holds, and what the rows say."""
        value = _number(rows[self.of], self.value)
        text = f"{self.value} of {rows[self.of].arm}: {number(value)}"
        return value is not None and self.holds_for(value), text


class RatioOf(_Range):
    """A number of one arm over that of another."""

    ratio: Numbers
    of: Arm
    over: Arm

    def arms(self) -> list[str]:
        """Those whose rows it compares."""
        return [self.of, self.over]

    def seen(self, rows: Rows) -> tuple[bool, str]:
        """Whether it holds, and what the rows say."""
        of, over = (_number(rows[arm], self.ratio) for arm in (self.of, self.over))
        value = of / over if of is not None and over else None
        names = f"{rows[self.of].arm} over {rows[self.over].arm}"
        return value is not None and self.holds_for(value), (
            f"{self.ratio}, {names}: {number(value)}"
        )


class Increasing(Strict):
    """A number that grows from arm to arm, or stays where `strictly` is false."""

    increasing: Numbers
    over: Annotated[list[Arm], Field(min_length=2)]
    strictly: bool = True

    def arms(self) -> list[str]:
        """Those whose rows it compares."""
        return self.over

    def seen(self, rows: Rows) -> tuple[bool, str]:
        """Whether it holds, and what the rows say."""
        values = [_number(rows[arm], self.increasing) for arm in self.over]
        shown = ", ".join(
            f"{rows[arm].arm} {number(value)}" for arm, value in zip(self.over, values, strict=True)
        )
        known = [value for value in values if value is not None]
        pairs = itertools.pairwise(known)
        grows = all(a < b or (a == b and not self.strictly) for a, b in pairs)
        return len(known) == len(values) and grows, f"{self.increasing}: {shown}"


Check = VerdictOf | ValueOf | RatioOf | Increasing


class Claim(Strict):
    """A claim.

    Attributes:
        claim: what is said.
        source: who says it: of `sources` of the recipes, or in words.
        published: the published numbers, with their set-up.
        checks: all of which hold where the claim does.
        not_tried: why there are none.
        remark: what else differs from the published set-up, or explains the outcome.
    """

    claim: str
    source: str
    published: str = ""
    checks: list[Check] = []
    not_tried: str = ""
    remark: str = ""

    @model_validator(mode="after")
    def _is_checked_or_says_why_not(self) -> "Claim":
        if bool(self.checks) == bool(self.not_tried):
            raise ValueError("give checks, or say in not_tried why there are none")
        return self


class Judged(Strict):
    """A claim beside the evidence.

    Attributes:
        claim: which.
        outcome: whether its checks hold.
        seen: what they saw, one text a check; or why it was not tried.
    """

    claim: Claim
    outcome: Outcome
    seen: list[str]


class _Ledger(Strict):
    claims: list[Claim]


def read(path: Path) -> list[Claim]:
    """The claims in a YAML file.

    Raises:
        ZooError: if it cannot be read, or holds no claims.
    """
    from zoo.recipe import yaml_places

    values = yaml_places.read(path).values
    try:
        return _Ledger.model_validate(values).claims
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ZooError(mistake(Place(str(path)), f"{where}: {first['msg']}")) from None


def judged(claims: Sequence[Claim], rows: Sequence[Row]) -> list[Judged]:
    """Each claim beside the rows; one without rows of all its arms is not tried here."""
    of_arm = {f"{row.recipe}/{row.arm}": row for row in rows}
    return [_judged(claim, of_arm) for claim in claims]


def _judged(claim: Claim, rows: Rows) -> Judged:
    if claim.not_tried:
        return Judged(claim=claim, outcome="not tried here", seen=[claim.not_tried])
    absent = [arm for check in claim.checks for arm in check.arms() if arm not in rows]
    if absent:
        reason = f"no evidence of {', '.join(dict.fromkeys(absent))}"
        return Judged(claim=claim, outcome="not tried here", seen=[reason])
    results = [check.seen(rows) for check in claim.checks]
    holds = all(held for held, _ in results)
    return Judged(
        claim=claim,
        outcome="reproduced" if holds else "not reproduced",
        seen=[text if held else f"{text} (✗)" for held, text in results],
    )


def _number(row: Row, column: str) -> float | None:
    value: float | None = getattr(row, column)
    return None if value is None else float(value)


def markdown(of: Sequence[Judged]) -> str:
    """The ledger as a table, after a line that counts the outcomes."""
    outcomes = [each.outcome for each in of]
    counts = ", ".join(
        f"{outcomes.count(outcome)} {outcome}"
        for outcome in ("reproduced", "not reproduced", "not tried here")
    )
    lines = [f"{len(of)} claims: {counts}.", "", "| claim | source | here | seen |"]
    lines.append("| --- | --- | --- | --- |")
    for each in of:
        claim = each.claim
        said = claim.claim + (f"<br>*{claim.published}*" if claim.published else "")
        seen = "<br>".join([*each.seen, *([f"*{claim.remark}*"] if claim.remark else [])])
        lines.append(f"| {said} | {claim.source} | {each.outcome} | {seen} |")
    return "\n".join(lines) + "\n"
