"""Arms that were run a second time, with other seeds: whether verdicts and ratios come again.

Their evidence lies in results/second/, in the layout of results/; rates are those of the first run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.files import read_bytes, write_whole
from zoo.recipe import Recipe
from zoo.results import leaderboard, statistics
from zoo.results.cells import SIGNS, number
from zoo.results.comparison import Comparison
from zoo.results.statistics import Speedup, Verdict

SEEDS = range(100, 110)


@dataclass(frozen=True)
class Repeated:
    """An arm in both runs.

    Attributes:
        arm: its id.
        against: the name of the one it is judged against.
        first: the speedup of the first run.
        second: that of the second.
        verdicts: of the two; each by the test at Holm's strictest level, which the one pair of the
            second run has to pass, too.
    """

    arm: str
    against: str
    first: Speedup
    second: Speedup
    verdicts: tuple[Verdict, Verdict]


def repeated(recipe: Recipe, store: Store, again: Store) -> list[Repeated]:
    """The arms of a recipe that have records of `SEEDS` beside those that they are judged against.

    Args:
        recipe: as both runs were made with.
        store: the evidence of the first.
        again: that of the second.

    Raises:
        ZooError: as `zoo.results.leaderboard.evidence`.
    """
    of_both = []
    for folder in (store, again):
        each = [leaderboard.of_arm(arm, folder) for arm in recipe.arms.values()]
        of_both.append({of.arm.name: of for of in each if of.records})
    first, second = of_both
    result = []
    for name, of in second.items():
        against = of.arm.against
        if against is None or against not in second or not {name, against} <= first.keys():
            continue
        target = recipe.spec.target
        pair = [
            leaderboard.comparison(recipe, evidence[name], evidence, target)
            for evidence in (first, second)
        ]
        speedups = [each.speedup for each in pair]
        assert speedups[0] is not None and speedups[1] is not None
        verdicts = (_verdict(pair[0]), _verdict(pair[1]))
        result.append(Repeated(of.arm.id, against, speedups[0], speedups[1], verdicts))
    return result


def _verdict(of: Comparison) -> Verdict:
    p_value = min(1.0, of.recipe.comparisons * statistics.sign_flip_p(of.gains))
    verdict = replace(of, p_value=p_value).verdict
    assert verdict is not None
    return verdict


HEADING = """\
## A second run

Arms of the reference evidence, drawn by lot (`python scripts/second_run.py --lot {lot}`) among
those with a verdict, were trained once more with ten other seeds, at the rates that their searches
chose. Each verdict here is that of the one pair, at the level of the strictest of Holm's steps."""


def markdown(of: Sequence[Repeated], lot: int) -> str:
    """What was drawn, and a row an arm."""
    same = sum(each.verdicts[0] == each.verdicts[1] for each in of)
    lines = [
        *(HEADING.format(lot=lot), ""),
        f"{same} of {len(of)} verdicts came again.",
        "",
        "| arm | against | speedup, seeds 0 to 9 | verdict | speedup, seeds 100 to 109 | verdict |",
        "| --- | --- | ---: | --- | ---: | --- |",
    ]
    for each in of:
        cells = (
            *(each.arm, each.against, _speedup(each.first), each.verdicts[0]),
            *(_speedup(each.second), each.verdicts[1]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _speedup(of: Speedup) -> str:
    ends = " to ".join(number(end, 2) for end in (of.low, of.high) if end is not None)
    return f"{SIGNS[of.bound]}{number(of.ratio)}" + (f" ({ends})" if ends else "")


def lot(results: Path) -> int:
    """The number that the arms were drawn by.

    Raises:
        ZooError: if it was not kept.
    """
    path = folder_of(results) / "lot.json"
    try:
        return int(json.loads(read_bytes(path))["lot"])
    except (ValueError, LookupError, TypeError):
        raise ZooError(f"{path}: holds no lot: run scripts/second_run.py again") from None


def keep_lot(results: Path, number: int) -> None:
    """Keeps it."""
    write_whole(folder_of(results) / "lot.json", json.dumps({"lot": number}) + "\n")


def folder_of(results: Path) -> Path:
    """Where the second run's evidence lies."""
    return results / "second"


def pair(recipe: Recipe, name: str) -> Recipe:
    """The recipe with an arm and the one that it is judged against, as its baseline, alone."""
    arm = recipe.arms[name]
    assert arm.against is not None
    other = replace(recipe.arms[arm.against], against=None)  # whoever that is judged against
    return replace(recipe, arms={other.name: other, name: arm}, baseline=other.name)
