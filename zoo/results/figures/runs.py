"""Figures over the steps of training: validation curves, and how many runs still wait."""

import math
from collections.abc import Mapping, Sequence

from zoo.evidence.digits import rounded
from zoo.evidence.record import Series
from zoo.recipe import Recipe
from zoo.results.eligibility import ArmEvidence
from zoo.results.figures.choice import times
from zoo.results.figures.numbers import (
    DIGITS,
    Look,
    Plot,
    faint_ones,
    in_order,
    line,
    over_seeds,
    positive,
    thinned,
)


def curves(recipe: Recipe, of_arms: Mapping[str, ArmEvidence], looks: Mapping[str, Look]) -> Plot:
    """The target's metric over the steps, median and middle 80 % of the seeds.

    A run that has diverged counts as the worst from there on: a median ends where half of the runs
    have. Of long curves evaluations are left out, evenly.
    """
    target = recipe.spec.target
    logarithmic = target.metric == "val_loss"
    worst = -math.inf if target.mode == "max" else math.inf
    lines = []
    for name, of in of_arms.items():
        evaluations = [record.evaluation for record in of.records.values()]
        steps = sorted({step for curve in evaluations for step in curve.step})
        kept = [steps[at] for at in thinned(len(steps))]
        rows: list[Series] = []
        for curve in evaluations:
            metric = getattr(curve, target.metric) or [None] * len(curve.step)
            known = dict(zip(curve.step, metric, strict=True))
            rows.append([known.get(step) for step in kept])
        series = over_seeds(rows, missing=worst)
        if logarithmic:
            series = {key: positive(values) for key, values in series.items()}
        if any(value is not None for value in series["middle"]):
            lines.append(line(name, looks[name], kept, series))
    return Plot(
        title=f"{recipe.id}: validation curves",
        subtitle=recipe.title,
        caption=f"median and middle 80 % of the seeds{faint_ones(lines)}",
        x_label="step",
        y_label=target.metric.replace("val_", "validation "),
        y_scale="log" if logarithmic else "linear",
        lines=in_order(lines),
        target=target.value,
        budget=recipe.spec.training.steps,
    )


def waiting(recipe: Recipe, of_arms: Mapping[str, ArmEvidence], looks: Mapping[str, Look]) -> Plot:
    """The share of the runs that have not reached the target by a step, from 1 at the start.

    It is 1 minus the empirical distribution of steps-to-target: censored runs stay above 0.
    """
    budget = recipe.spec.training.steps
    lines = []
    for name, of in of_arms.items():
        x, share = still_waiting(times(recipe, of), budget)
        lines.append(line(name, looks[name], x, {"middle": share}))
    return Plot(
        title=f"{recipe.id}: runs not yet at the target",
        subtitle=recipe.title,
        caption=f"a line that ends above 0: runs that never reached it{faint_ones(lines)}",
        x_label="step",
        y_label="share of the runs not yet at the target",
        steps=True,
        lines=in_order(lines),
        budget=budget,
    )


def still_waiting(of_runs: Sequence[int | None], budget: int) -> tuple[list[int], Series]:
    """The steps at which the share of the waiting runs changes, with it, from step 0 to the budget.

    Args:
        of_runs: steps-to-target; None for a censored one.
        budget: B.
    """
    reached = sorted(time for time in of_runs if time is not None)
    x = sorted({0, budget, *reached})
    left = [sum(time is None or time > step for time in of_runs) for step in x]
    return x, [rounded(count / len(of_runs), DIGITS) for count in left]
