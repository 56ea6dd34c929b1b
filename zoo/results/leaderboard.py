"""Leaderboard rows: each arm of a recipe against another, computed from the evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError

from zoo import collection
from zoo.errors import ZooError
from zoo.evidence.record import RunRecord, time_to_target
from zoo.evidence.store import Store
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import Target
from zoo.results import columns, statistics
from zoo.results.columns import Row
from zoo.results.comparison import Comparison
from zoo.results.eligibility import ArmEvidence, flaw, lacking


def evidence(recipe: Recipe, store: Store) -> dict[str, ArmEvidence]:
    """What there is of a recipe's arms; arms without a record are left out.

    Raises:
        ZooError: for a damaged or foreign record, or if the baseline has none.
    """
    prices = store.prices(recipe)
    each = [of_arm(arm, store, prices.get(name)) for name, arm in recipe.arms.items()]
    of_arms = {of.arm.name: of for of in each if of.records}
    if recipe.baseline not in of_arms:
        raise ZooError(
            f"{store.root}: no record of {recipe.arms[recipe.baseline].id}, the baseline; "
            f"run: zoo run {recipe.id}"
        )
    return of_arms


def of_arm(arm: Arm, store: Store, price: float | None = None) -> ArmEvidence:
    """What there is of an arm.

    Args:
        arm: which.
        store: the evidence.
        price: as `ArmEvidence` has it.

    Raises:
        ZooError: for a damaged or foreign record, or one at a rate that its search did not choose.
    """
    records = store.records(arm)
    of = ArmEvidence(
        arm,
        {seed: record for seed, record in records.items() if record.status != "failed"},
        [seed for seed, record in records.items() if record.status == "failed"],
        store.tuning(arm),
        price,
    )
    for record in of.records.values():
        if of.rate not in (None, record.learning_rate):
            raise ZooError(
                f"{store.root}: {arm.id}: seed {record.seed} ran at {record.learning_rate}, "
                f"the search chose {of.rate}: restore the files, or delete both"
            )
    return of


def rows(recipe: Recipe, store: Store, target_value: float | None = None) -> list[Row]:
    """The rows of a recipe, in the order of its arms; arguments and errors as `comparisons`."""
    with collection.paused():
        return [columns.row(each) for each in comparisons(recipe, store, target_value)]


def comparisons(
    recipe: Recipe, store: Store, target_value: float | None = None
) -> list[Comparison]:
    """What the rows of a recipe are computed from, in the order of its arms.

    Args:
        recipe: as the evidence was made with.
        store: the evidence.
        target_value: scores the same curves against another value of the target's metric, without
            verdicts: who looks at several targets may choose.

    Raises:
        ZooError: as `evidence`.
    """
    of_arms = evidence(recipe, store)
    if target_value is not None:
        return [
            replace(draft, lacking="exploratory target")
            for draft in drafts(recipe, of_arms, _target(recipe, target_value))
        ]
    return judged(recipe, store, of_arms)


def judged(recipe: Recipe, store: Store, of_arms: Mapping[str, ArmEvidence]) -> list[Comparison]:
    """As `comparisons` at the recipe's target, of evidence that was read from `store`."""
    compared = drafts(recipe, of_arms, recipe.spec.target)
    if (reason := flaw(recipe, store)) is not None:
        compared = [replace(draft, lacking=draft.lacking or reason) for draft in compared]
    return tested(compared)


def drafts(recipe: Recipe, of_arms: Mapping[str, ArmEvidence], target: Target) -> list[Comparison]:
    """What the rows are computed from, without p-values; what the search says has one target."""
    compared = [comparison(recipe, of, of_arms, target) for of in of_arms.values()]
    if target == recipe.spec.target:
        return compared
    return [replace(draft, tuned=None, searches=((), ())) for draft in compared]


def tested(compared: Sequence[Comparison]) -> list[Comparison]:
    """With p-values, corrected over the recipe, where nothing is lacking."""
    eligible = [draft for draft in compared if draft.arm.against and not draft.lacking]
    if not eligible:
        return list(compared)
    p_values = [statistics.sign_flip_p(draft.gains) for draft in eligible]
    corrected = statistics.holm(p_values, family=eligible[0].recipe.comparisons)
    p_value = {draft.arm.name: p for draft, p in zip(eligible, corrected, strict=True)}
    return [replace(draft, p_value=p_value.get(draft.arm.name)) for draft in compared]


def comparison(
    recipe: Recipe, of: ArmEvidence, of_arms: Mapping[str, ArmEvidence], target: Target
) -> Comparison:
    """What the row of an arm is computed from, but for the p-value.

    Args:
        recipe: with the arm and the one it is judged against.
        of: the evidence of the arm.
        of_arms: evidence by the names of arms, such as that of the one it is judged against.
        target: that the runs are scored against.
    """
    name, budget = of.arm.against, recipe.spec.training.steps
    other = of if name is None else of_arms.get(name)
    shared = sorted(of.records.keys() & other.records.keys()) if other else []
    seeds = shared or sorted(of.records)

    def times(records: Sequence[RunRecord]) -> list[int | None]:
        return [time_to_target(record.evaluation, target, budget) for record in records]

    records = [of.records[seed] for seed in seeds]
    other_records = [other.records[seed] for seed in shared] if other else []
    return Comparison(
        recipe,
        of.arm,
        records,
        other_records,
        target,
        times(records),
        times(other_records),
        p_value=None,
        lacking=lacking(recipe, of, other),
        tuned=of.tuned,
        searches=(other.search if other else (), of.search),
        prices=(other.price if other else None, of.price),
    )


def _target(recipe: Recipe, value: float) -> Target:
    """The recipe's target, at another value."""
    target = recipe.spec.target
    try:
        return Target(metric=target.metric, mode=target.mode, value=value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ZooError(f"--target {value}: {reason}") from None
