"""What verdicts owe to the value of the target: the same curves, scored at others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.recipe import Recipe
from zoo.recipe.schema import Target
from zoo.results import leaderboard
from zoo.results.cells import number
from zoo.results.eligibility import ArmEvidence
from zoo.results.statistics import Verdict

FACTORS = (1.25, 0.8)  # of the error rate or the loss that the target permits: easier and harder


@dataclass(frozen=True)
class Sensitivity:
    """How the verdicts of a recipe at another target agree with its own.

    Attributes:
        recipe: the id.
        target: its value.
        value: the other.
        pairs: that have a verdict at the recipe's target.
        same: that have the same one at the other.
        reversed: called better at one of the two and worse at the other.
    """

    recipe: str
    target: float
    value: float
    pairs: int
    same: int
    reversed: int


def sensitivity(recipe: Recipe, of_arms: Mapping[str, ArmEvidence]) -> list[Sensitivity]:
    """The verdicts of a recipe beside those at each of `FACTORS`; none where it has none."""
    target = recipe.spec.target

    def verdicts(at: Target) -> dict[str, Verdict]:
        compared = leaderboard.tested(leaderboard.drafts(recipe, of_arms, at))
        return {of.arm.name: verdict for of in compared if (verdict := of.verdict)}

    its_own = verdicts(target)
    result = []
    for factor in FACTORS:
        value = _eased(target, factor)
        other = verdicts(Target(metric=target.metric, mode=target.mode, value=value))
        pairs = [(its_own[arm], other[arm]) for arm in its_own]
        opposite = [{"better", "worse"} == set(pair) for pair in pairs]
        same = sum(one == two for one, two in pairs)
        result.append(Sensitivity(recipe.id, target.value, value, len(pairs), same, sum(opposite)))
    return result if its_own else []


def _eased(target: Target, factor: float) -> float:
    """The target's value with an error rate, or a loss, so many times as large."""
    value = 1 - factor * (1 - target.value) if target.mode == "max" else factor * target.value
    return float(f"{value:.4g}")


def markdown(of: Sequence[Sensitivity]) -> str:
    """A row a recipe: how many verdicts are the same at an easier and at a harder target."""
    lines = [
        "| recipe | target | easier | same verdicts | harder | same verdicts | reversed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for easier, harder in zip(of[::2], of[1::2], strict=True):
        cells = (
            *(easier.recipe, number(easier.target, 4)),
            *(number(easier.value, 4), f"{easier.same} of {easier.pairs}"),
            *(number(harder.value, 4), f"{harder.same} of {harder.pairs}"),
            str(easier.reversed + harder.reversed),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
