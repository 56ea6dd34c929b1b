"""Leaderboard rows: each arm of a recipe against its baseline, computed from the evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from zoo.errors import ZooError
from zoo.evidence.record import RunRecord, time_to_target
from zoo.evidence.store import Store
from zoo.evidence.target import capped
from zoo.evidence.tuning import Tuned, tuned_rate
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import Target
from zoo.results import columns, statistics
from zoo.results.columns import Row
from zoo.results.comparison import Comparison


@dataclass(frozen=True)
class ArmEvidence:
    """The records of an arm by seed, and its tuning; `tuned` is None where there was no search."""

    arm: Arm
    records: dict[int, RunRecord]
    tuned: Tuned | None


def evidence(recipe: Recipe, store: Store) -> dict[str, ArmEvidence]:
    """What there is of a recipe's arms; arms without a record are left out.

    A run that failed (it raised, or lost its worker) says nothing of its arm and is no evidence.

    Raises:
        ZooError: for a damaged or foreign record, or if the baseline has none.
    """
    of_arms = {}
    for name, arm in recipe.arms.items():
        records = {s: r for s, r in store.records(arm).items() if r.status != "failed"}
        if not records:
            continue
        tuned = tuned_rate(arm, store)
        of_arms[name] = ArmEvidence(arm, records, tuned)
        for record in records.values():
            if tuned is not None and record.learning_rate != tuned.learning_rate:
                raise ZooError(
                    f"{store.root}: {arm.id}: seed {record.seed} ran at {record.learning_rate}, "
                    f"the search chose {tuned.learning_rate}: restore the files, or delete both"
                )
    if recipe.baseline not in of_arms:
        raise ZooError(
            f"{store.root}: no record of {recipe.arms[recipe.baseline].id}, the baseline; "
            f"run: zoo run {recipe.id}"
        )
    return of_arms


def rows(recipe: Recipe, store: Store, target_value: float | None = None) -> list[Row]:
    """The rows of a recipe, the baseline first, in the order of the recipe's arms.

    Args:
        recipe: as the evidence was made with.
        store: the evidence.
        target_value: scores the same curves against another value of the target's metric.

    Raises:
        ZooError: as `evidence`.
    """
    of_arms = evidence(recipe, store)
    target, budget = _target(recipe, target_value), recipe.spec.training.steps
    reached = {
        name: {
            seed: time_to_target(record.evaluation, target, budget)
            for seed, record in of.records.items()
        }
        for name, of in of_arms.items()
    }
    base = of_arms.pop(recipe.baseline)
    seeds = {name: sorted(base.records.keys() & of.records.keys()) for name, of in of_arms.items()}
    arms = {name: of for name, of in of_arms.items() if seeds[name]}

    def times(of: ArmEvidence, of_seeds: Sequence[int]) -> list[int | None]:
        return [reached[of.arm.name][seed] for seed in of_seeds]

    def shortfall(name: str) -> list[int]:
        before = capped(times(base, seeds[name]), budget)
        after = capped(times(arms[name], seeds[name]), budget)
        return [b - a for b, a in zip(before, after, strict=True)]

    p_values = [statistics.sign_flip_p(shortfall(name)) for name in arms]
    corrected = statistics.holm(p_values, family=recipe.comparisons)
    p_value = dict(zip(arms, corrected, strict=True))

    def comparison(of: ArmEvidence) -> Comparison:
        shared = seeds.get(of.arm.name, sorted(base.records))
        of_times, base_times = times(of, shared), times(base, shared)
        searched = target_value is None and len(of.arm.spec.training.learning_rate) > 1
        return Comparison(
            recipe,
            of.arm,
            records=[of.records[seed] for seed in shared],
            base_records=[base.records[seed] for seed in shared],
            target=target,
            times=of_times,
            base_times=base_times,
            speedup=statistics.speedup(base_times, of_times, budget),
            p_value=p_value.get(of.arm.name),
            tuned=of.tuned if searched else None,
        )

    return [columns.row(comparison(of)) for of in (base, *arms.values())]


def _target(recipe: Recipe, value: float | None) -> Target:
    """The recipe's target, at another value if one is given."""
    target = recipe.spec.target
    if value is None:
        return target
    try:
        return Target(metric=target.metric, mode=target.mode, value=value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ZooError(f"--target {value}: {reason}") from None
