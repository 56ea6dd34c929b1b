"""Leaderboard rows: each arm of a recipe against its baseline, computed from the evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from pydantic import ValidationError

from zoo.errors import ZooError
from zoo.recipe import Arm, Recipe
from zoo.results import statistics
from zoo.results.record import ProbeRecord, RunRecord, Series, rounded, time_to_target
from zoo.results.store import Store
from zoo.schema import Target

Row = dict[str, Any]
DIGITS = 4


@dataclass(frozen=True)
class ArmEvidence:
    """The records of an arm by seed, and its tuning; `tuned` is None where there was no search."""

    arm: Arm
    records: dict[int, RunRecord]
    tuned: statistics.Tuned | None


def tuned_rate(arm: Arm, store: Store) -> statistics.Tuned | None:
    """What the learning-rate search of an arm found; None while it is not complete.

    A grid of one rate needs no search.
    """
    grid, target = arm.spec.training.learning_rate, arm.spec.target
    if len(grid) == 1:
        return statistics.Tuned(grid[0], at_edge=False, band=0)
    runs = [run for run in store.tuning(arm) if run.status != "failed"]
    by_rate = {rate: [run for run in runs if run.learning_rate == rate] for rate in grid}
    if any(len(of_rate) < arm.spec.training.tuning_seeds for of_rate in by_rate.values()):
        return None
    return statistics.tune(
        grid,
        {rate: [run.steps_to_target for run in of_rate] for rate, of_rate in by_rate.items()},
        {rate: [run.final_metric for run in of_rate] for rate, of_rate in by_rate.items()},
        target,
        arm.spec.training.steps,
    )


def evidence(recipe: Recipe, store: Store) -> dict[str, ArmEvidence]:
    """What there is of a recipe's arms; arms without a record are left out.

    A run that failed (it raised, or lost its worker) says nothing of its arm and is no evidence.

    Raises:
        ZooError: for a damaged or foreign record, or if the baseline has none.
    """
    found = {}
    for name, arm in recipe.arms.items():
        records = {s: r for s, r in store.records(arm).items() if r.status != "failed"}
        if not records:
            continue
        tuned = tuned_rate(arm, store)
        found[name] = ArmEvidence(arm, records, tuned)
        for record in records.values():
            if tuned is not None and record.learning_rate != tuned.learning_rate:
                raise ZooError(
                    f"{store.root}: {arm.id}: seed {record.seed} ran at {record.learning_rate}, "
                    f"the search chose {tuned.learning_rate}: restore the files, or delete both"
                )
    if recipe.baseline not in found:
        raise ZooError(
            f"{store.root}: no record of {recipe.arms[recipe.baseline].id}, the baseline; "
            f"run: zoo run {recipe.id}"
        )
    return found


def rows(recipe: Recipe, store: Store, target_value: float | None = None) -> list[Row]:
    """The rows of a recipe, the baseline first, in the order of the recipe's arms.

    Args:
        recipe: as the evidence was made with.
        store: the evidence.
        target_value: scores the same curves against another value of the target's metric.

    Raises:
        ZooError: as `evidence`.
    """
    found = evidence(recipe, store)
    target = recipe.spec.target
    if target_value is not None:
        try:
            target = Target(metric=target.metric, mode=target.mode, value=target_value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ZooError(f"--target {target_value}: {reason}") from None
    budget = recipe.spec.training.steps
    base = found.pop(recipe.baseline)
    pairs = {name: sorted(base.records.keys() & own.records.keys()) for name, own in found.items()}
    found = {name: own for name, own in found.items() if pairs[name]}

    def times(of: ArmEvidence, seeds: Sequence[int]) -> list[int | None]:
        return [time_to_target(of.records[seed].evaluation, target, budget) for seed in seeds]

    def shortfall(name: str) -> list[int]:
        before = statistics.capped(times(base, pairs[name]), budget)
        after = statistics.capped(times(found[name], pairs[name]), budget)
        return [b - a for b, a in zip(before, after, strict=True)]

    p_values = [statistics.sign_flip_p(shortfall(name)) for name in found]
    corrected = statistics.holm(p_values, family=recipe.comparisons)
    holm_p = dict(zip(found, corrected, strict=True))
    result = []
    for own in (base, *found.values()):
        seeds = pairs.get(own.arm.name, sorted(base.records))
        own_times, base_times = times(own, seeds), times(base, seeds)
        speedup = statistics.speedup(base_times, own_times, budget)
        p_value = holm_p.get(own.arm.name)
        records = [own.records[seed] for seed in seeds]
        searched = own.tuned is not None and len(own.arm.spec.training.learning_rate) > 1
        tuned = own.tuned if searched and target_value is None else None
        row = {
            "recipe": recipe.id,
            "arm": own.arm.name,
            "baseline": recipe.baseline,
            "changes": own.arm.changes,
            "target": target.model_dump(),
            "budget": budget,
            "seeds": len(seeds),
            "reached": sum(time is not None for time in own_times),
            "diverged": sum(record.diverged_at is not None for record in records),
            "steps_to_target": statistics.median_time(own_times),
            "speedup": speedup.ratio,
            "speedup_low": speedup.low,
            "speedup_high": speedup.high,
            "speedup_bound": speedup.bound,
            "p_value": p_value,
            "verdict": None
            if p_value is None
            else statistics.verdict(base_times, own_times, budget, p_value),
            "learning_rate": records[0].learning_rate,
            "lr_at_edge": tuned.at_edge if tuned else None,
            "lr_band": tuned.band if tuned else None,
            **_gradients(records, budget),
            **_tested(records),
            "parameters": next((r.parameters for r in records if r.parameters is not None), None),
            "seconds_per_run": _median(record.seconds for record in records),
            "step_cost": _ratio(
                _median(record.seconds_per_step for record in records),
                _median(base.records[seed].seconds_per_step for seed in seeds),
            ),
            **_of_mitigations(records),
        }
        result.append(rounded(row, DIGITS))
    return result


def _gradients(records: Sequence[RunRecord], budget: int) -> Row:
    """The first layer's gradients and the delta ratio: each the median over seeds."""

    def at_start(value: Callable[[RunRecord], float | None]) -> float | None:
        return _median(value(record) for record in records if record.probe.steps[:1] == [0])

    def early(name: str) -> float | None:
        return _median(
            statistics.early_average(
                record.probe.steps,
                [row[0] for row in getattr(record.probe, name)],
                round(budget / 10),
            )
            for record in records
        )

    return {
        "first_layer_grad_norm": at_start(lambda record: record.probe.kernel_grad_norm[0][0]),
        "first_layer_grad_rms": at_start(lambda record: record.probe.kernel_grad_rms[0][0]),
        "first_layer_grad_norm_early": early("kernel_grad_norm"),
        "first_layer_update_ratio": early("update_ratio"),
        "delta_ratio": at_start(lambda record: _delta_ratio(record.probe)),
    }


def _of_mitigations(records: Sequence[RunRecord]) -> Row:
    """What clipping and half precision are about: each the median over seeds, None where unknown.

    The share of clipped steps, the largest norm of all gradients before clipping, and the share of
    exactly zero gradients of the first layer at the start.
    """
    clipping = [record.clipping for record in records if record.clipping is not None]
    zeros = [record.probe.zero_grads for record in records]
    return {
        "clipped": _median(each.clipped for each in clipping),
        "largest_norm": _median(each.largest_norm for each in clipping),
        "zero_grads": _median(each[0][0] for each in zeros if each),
    }


def _delta_ratio(probe: ProbeRecord) -> float | None:
    """At the start: the first over the last hidden layer; the last measured one is the output.

    Of recurrent networks, the first over the last tenth of the time steps of dL/dx_t.
    """
    if probe.input_grad_rms:
        by_time = probe.input_grad_rms[0]
        tenth = max(1, len(by_time) // 10)
        return _ratio(_mean(by_time[:tenth]), _mean(by_time[-tenth:]))
    deltas = probe.delta_rms[0]
    return _ratio(deltas[0], deltas[-2]) if len(deltas) > 2 else None


def _tested(records: Sequence[RunRecord]) -> Row:
    """The mean test metric at the budget, over the runs that came so far."""
    regression = all(record.test_accuracy is None for record in records) and any(
        record.test_loss is not None for record in records
    )
    name = "test_loss" if regression else "test_accuracy"
    values = [getattr(record, name) for record in records]
    known = [value for value in values if value is not None]
    return {name: mean(known) if known else None}


def _mean(values: Series) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
