"""Whether evidence may carry a verdict: it is what the recipe asks for, no more and no less.

Whoever may leave out runs, add some, or look again with more of them can make noise significant.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from zoo import keras_setup
from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence import tuning
from zoo.evidence.consistency import copies
from zoo.evidence.record import Curve, RunRecord, TuningRun
from zoo.evidence.store import Store
from zoo.evidence.tuning import Tuned
from zoo.recipe import Arm, Recipe
from zoo.results.statistics import LEVEL, SEEDS_FOR_VERDICT, smallest_p


@dataclass(frozen=True)
class ArmEvidence:
    """What there is of an arm.

    Attributes:
        arm: which.
        records: its reported runs by seed, without those that failed: they raised or lost their
            worker, and say nothing of the arm.
        failed: the seeds of those.
        search: the runs that chose the learning rate.
        price: the seconds of a step, measured in turn with the recipe's other arms; None if it was
            not.
    """

    arm: Arm
    records: dict[int, RunRecord]
    failed: Sequence[int]
    search: Sequence[TuningRun]
    price: float | None = None

    @functools.cached_property
    def tuned(self) -> Tuned | None:
        """What the search says; None if it is not complete, or there is one rate."""
        return tuning.tune(self.arm.spec.training, self.search)

    @property
    def rate(self) -> float | None:
        """That of the reported runs; None while the search for it is not complete."""
        grid = self.arm.spec.training.learning_rate
        if len(grid) == 1:
            return grid[0]
        return None if self.tuned is None else self.tuned.learning_rate

    @functools.cached_property
    def lacking(self) -> str | None:
        """What is missing of all that the recipe asks for, in a few words; None if nothing is."""
        asked = set(range(self.arm.spec.training.seeds))
        if failed := sorted(asked & set(self.failed)):
            return f"{_seeds(failed)} failed"
        if missing := sorted(asked - self.records.keys()):
            return f"no {_seeds(missing)}"
        if extra := sorted((self.records.keys() | set(self.failed)) - asked):
            return f"{_seeds(extra)} more than the {len(asked)} asked for"
        for seed, record in sorted(self.records.items()):
            if record.evaluation.step != _grid(self.arm, record):
                return f"{_seeds([seed])} not evaluated on the recipe's grid"
            if metric := _without(record.evaluation, self.arm.spec.target.metric):
                return f"{_seeds([seed])} without {metric}"
        if alike := copies(list(self.records.values())):
            return f"{_seeds(alike)} with one curve"
        if len({record.parameters for record in self.records.values()}) > 1:
            return "runs of several numbers of weights"
        return _lacking_search(self)


def seeds_needed(comparisons: int) -> int:
    """The fewest seeds with which one of so many comparisons can be told from chance."""
    seeds = SEEDS_FOR_VERDICT
    while smallest_p(seeds) * comparisons > LEVEL:
        seeds += 1
    return seeds


def lacking_in_the_plan(recipe: Recipe) -> str | None:
    """Why no evidence of a recipe can carry a verdict, if none can."""
    asked, needed = recipe.seeds, seeds_needed(recipe.comparisons)
    if recipe.altered:
        return "values other than the recipe's (--set)"
    if recipe.spec.training.seeds != asked:
        return f"{recipe.spec.training.seeds} seeds, the recipe asks for {asked}"
    if asked < needed:
        return f"{asked} seeds, {recipe.comparisons} comparisons need {needed}"
    return None


def lacking(recipe: Recipe, of: ArmEvidence, other: ArmEvidence | None) -> str | None:
    """What is missing for a verdict on an arm, in a few words; None if nothing is.

    Args:
        recipe: which asks for the evidence.
        of: the evidence of the arm.
        other: that of the arm it is judged against; None if there is none.
    """
    if plan := lacking_in_the_plan(recipe):
        return plan
    if other is None:
        return f"no run of {of.arm.against}"
    if reason := of.lacking:
        return reason
    if reason := other.lacking:
        return f"{other.arm.name}: {reason}"
    return _unlike([*of.records.values(), *other.records.values()], [*of.search, *other.search])


def flaw(recipe: Recipe, store: Store) -> str | None:
    """What is wrong with a recipe, or with its evidence as a whole; None if nothing is."""
    if lacking_in_the_plan(recipe) is None and (unfair := _unfair(recipe)):
        return unfair
    if strange := store.strange_arms(recipe):
        return f"evidence of arms that the recipe does not have: {', '.join(strange)}"
    return (
        None
        if store.manifest.holds_for(recipe.id)
        else "the evidence is not what its manifest.json says"
    )


def _unfair(recipe: Recipe) -> str | None:
    """Whether an arm has a grid of its own without a reason that Keras can see.

    Those of the zoo's own recipes are checked by its tests; Keras takes seconds to load.
    """
    grid = recipe.spec.training.learning_rate
    theirs = [arm for arm in recipe.arms.values() if arm.spec.training.learning_rate != grid]
    if not theirs:
        return None
    shipped = recipes.load(recipe.id).arms if recipe.id in recipes.available() else {}
    if all(arm == shipped.get(arm.name) for arm in theirs):
        return None
    keras_setup.load_tensorflow()
    from zoo.parts import built

    try:
        pairs = built.grids_without_reason(recipe)
    except ZooError:
        return "parts that cannot be made: zoo check says which"
    if not pairs:
        return None
    names = dict.fromkeys(arm.name for arm, _ in pairs)
    return f"{', '.join(names)}: a grid of its own, without another optimizer"


def _unlike(records: Sequence[RunRecord], search: Sequence[TuningRun]) -> str | None:
    """What the runs of a pair were made with that is not the same for all."""
    for package in ("gradient_zoo", "keras", "tensorflow"):
        versions = {str(record.environment.get(package)) for record in records}
        if len(versions) > 1:
            return f"runs of {package} {' and '.join(sorted(versions))}"
    imports = [record.environment.get("imports", {}) for record in records]
    imports += [run.imports for run in search]
    return None if all(each == imports[0] for each in imports) else "runs of several --import"


def _lacking_search(of: ArmEvidence) -> str | None:
    training = of.arm.spec.training
    wanted = tuning.search(training, of.search)
    runs = [(run.learning_rate, run.seed) for run in of.search]
    if any(run.status == "failed" for run in of.search):
        return "a run of its search for a rate failed"
    if set(runs) - wanted or len(set(runs)) < len(runs):
        return "its search for a rate has runs that the recipe does not ask for"
    if wanted - set(runs):
        return f"its search for a rate lacks {len(wanted - set(runs))} runs"
    return None


def _without(curve: Curve, metric: str) -> str | None:
    """The target's metric, if the curve lacks values of it.

    An accuracy is never undefined; a loss is, where it is infinite, as that of training then is.
    """
    values = getattr(curve, metric)
    if values is None:
        return metric
    excused = [metric == "val_loss" and value is None for value in curve.training_loss]
    pairs = zip(values, excused, strict=True)
    return metric if any(value is None and not excuse for value, excuse in pairs) else None


def _grid(arm: Arm, record: RunRecord) -> list[int]:
    """The steps at which a run is evaluated: until it diverged, if it did."""
    grid, end = arm.spec.training.evaluation_steps, record.diverged_at
    return grid if end is None else [step for step in grid if step <= end]


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
