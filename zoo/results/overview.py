"""The overview: a line a mitigation, with its best arms in every recipe that tries it alone.

A mitigation is what the two arms of a pair differ in. Where several arms of a recipe try one, the
line names the arm that needs the fewest steps and those that the paired test cannot tell from it;
no order is claimed among them. The best of many arms, chosen on the seeds it is reported on, looks
better than it is: the rows of the leaderboard have all of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.evidence.digits import rounded
from zoo.recipe.values import Strict
from zoo.results import statistics
from zoo.results.columns import DIGITS, Row
from zoo.results.statistics import LEVEL, Bound, Verdict

if TYPE_CHECKING:  # lines that are there already are read without them
    from zoo.recipe import Recipe
    from zoo.recipe.schema import ArmSpec
    from zoo.results.comparison import Comparison

# The mitigations, in the order of the lines, and the keys of a recipe by which an arm tries one.
MITIGATIONS: Mapping[str, Sequence[str]] = {
    "activation": ("model.activation",),
    "initialization": (
        *("model.initializer", "model.recurrent_initializer", "model.bias_initializer"),
    ),
    "normalization": ("model.normalization", "model.normalization_place", "model.dense"),
    "skip connections": ("model.skip", "model.skip_over", "model.preactivation"),
    "scaled residual branches": ("model.fixup", "model.deepnorm"),
    "gradient normalization": (),
    "gating": ("model.cell",),
    "gradient clipping": (
        "training.clipping",
        *(f"training.optimizer.{name}" for name in ("clipnorm", "global_clipnorm", "clipvalue")),
    ),
    "layer-wise pretraining": ("training.pretraining",),
    "depth": ("model.depth",),
    "width": ("model.width",),
    "optimizer": ("training.optimizer",),
    "warmup": ("training.warmup",),
    "precision": ("training.precision", "training.loss_scaling"),
}
# Parts that try another mitigation than the key that they are the value of.
PARTS = {
    "GradientNormalizedActivation": "gradient normalization",
    "GradientNormalization": "gradient normalization",
}


class Line(Strict):
    """What a mitigation does in one recipe.

    Attributes:
        mitigation: one of `MITIGATIONS`.
        data: the name of the data set.
        recipe: its id.
        arms: the best arm, and those that cannot be told from it.
        against: the arm that the best one is judged against.
        tried: how many arms of the recipe try the mitigation.
        better: how many of those are called better than the arm they are judged against.
        gradient_before: the early average of the first layer's gradient norm, of `against`.
        gradient: the same of the best arm.
        weights: its number of weights over that of `against`.
        times_best: mean min(T, B) of the best arm over the least of all arms of the recipe; None
            where fewer than half of its runs learned.

    The others are those of the best arm's row.
    """

    mitigation: str
    data: str
    recipe: str
    arms: list[str]
    against: str
    tried: int
    better: int
    speedup: float | None
    speedup_low: float | None
    speedup_high: float | None
    speedup_bound: Bound | None
    verdict: Verdict | None
    reached: int
    kept: int
    seeds: int
    gradient_before: float | None
    gradient: float | None
    step_cost: float | None
    weights: float | None
    times_best: float | None


def mitigation(arm: "ArmSpec", keys: Iterable[str]) -> str | None:
    """The mitigation that an arm tries; None if it does not try one alone.

    Args:
        arm: its settings.
        keys: what it differs in, as `zoo.recipe.pairs.separate_differences` gives it.
    """
    names = {_mitigation(arm, key) for key in keys}
    return names.pop() if len(names) == 1 else None


def _mitigation(arm: "ArmSpec", key: str) -> str | None:
    """By its part, or the longest key of `MITIGATIONS` that a key is, or is an argument of."""
    section, name = key.split(".")[:2]
    part = getattr(getattr(getattr(arm, section), name, None), "class_name", None)
    if part in PARTS:
        return PARTS[part]
    matches = [
        (len(of), name)
        for name, keys in MITIGATIONS.items()
        for of in keys
        if key == of or key.startswith(f"{of}.")
    ]
    return max(matches, default=(0, None))[1]


def lines(of: "Sequence[Comparison]", rows: Sequence[Row]) -> list[Line]:
    """The lines of a recipe, in the order of `MITIGATIONS`.

    Args:
        of: as `zoo.results.leaderboard.comparisons` gives them.
        rows: those of the same.
    """
    from zoo.recipe.pairs import separate_differences

    recipe = of[0].recipe
    of_arm = {row.arm: row for row in rows}
    tried: dict[str | None, list[Row]] = {}
    for row in rows:
        if row.against in of_arm:
            spec, other = recipe.arms[row.arm].spec, recipe.arms[row.against].spec
            tried.setdefault(mitigation(spec, separate_differences(spec, other)), []).append(row)
    ranks = {each.arm.name: each.ranks[1] for each in of}
    result = []
    for name in MITIGATIONS:
        if name in tried:
            arms = sorted(tried[name], key=lambda row: row.mean_steps)
            tied = [row.arm for row in arms if _tied(ranks[arms[0].arm], ranks[row.arm])]
            better = sum(row.verdict == "better" for row in arms)
            line = _line(name, recipe, arms[0], of_arm, tied)
            result.append(line.model_copy(update={"tried": len(arms), "better": better}))
    return result


def _tied(one: Sequence[int], other: Sequence[int]) -> bool:
    differences = [a - b for a, b in zip(one, other, strict=False)]
    return len(one) != len(other) or statistics.sign_flip_p(differences) > LEVEL


def _line(
    name: str, recipe: "Recipe", best: Row, of_arm: Mapping[str, Row], tied: list[str]
) -> Line:
    assert best.against is not None
    other = of_arm[best.against]
    values: dict[str, Any] = {
        key: getattr(best, key)
        for key in (
            *("speedup", "speedup_low", "speedup_high", "speedup_bound", "verdict"),
            *("reached", "kept", "seeds", "step_cost"),
        )
    }
    return Line(
        mitigation=name,
        data=recipe.spec.data.name,
        recipe=recipe.id,
        arms=tied,
        against=best.against,
        tried=0,
        better=0,
        gradient_before=other.first_layer_grad_norm_early,
        gradient=best.first_layer_grad_norm_early,
        weights=_ratio(best.parameters, other.parameters),
        times_best=_ratio(
            best.mean_steps if 2 * best.reached >= best.seeds else None,
            min(row.mean_steps for row in of_arm.values()),
        ),
        **values,
    )


_BOUNDS: Mapping[tuple[bool, bool], Bound] = {
    (False, False): "none",
    (True, False): "lower",
    (False, True): "upper",
    (True, True): "undetermined",
}


def _ratio(one: float | None, other: float | None) -> float | None:
    return rounded(one / other, DIGITS) if one is not None and other else None


@dataclass(frozen=True)
class Mean:
    """The geometric mean of speedups over recipes, each over the arm without the mitigation.

    Attributes:
        ratio: the mean.
        recipes: of how many.
        bound: whether runs were cut off, of those without it (lower), with it (upper), or both.
    """

    ratio: float
    recipes: int
    bound: Bound


def mean_over_recipes(of: Sequence[Line]) -> Mean | None:
    """Of the lines of one mitigation.

    The reference is fixed by the recipe, and differs in the mitigation alone; a recipe's baseline
    often differs in more.
    """
    ratios = [line.speedup for line in of if line.speedup]
    if not ratios:
        return None
    bounds = {line.speedup_bound for line in of}
    lower = bool(bounds & {"lower", "undetermined"})
    upper = bool(bounds & {"upper", "undetermined"})
    ratio = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
    return Mean(rounded(ratio, DIGITS), len(ratios), _BOUNDS[lower, upper])


def times_best(of: Sequence[Line]) -> dict[str, list[float | None]]:
    """By mitigation, how many times the steps of the best arm it needs, in each recipe that tells.

    That is one which tries several mitigations; of a mitigation with two such recipes or more.
    """
    recipes = [line.recipe for line in of]
    ratios = {
        name: [
            line.times_best
            for line in of
            if line.mitigation == name and recipes.count(line.recipe) > 1
        ]
        for name in MITIGATIONS
    }
    return {name: values for name, values in ratios.items() if len(values) > 1}
