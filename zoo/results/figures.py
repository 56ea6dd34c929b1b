"""Two figures a recipe: gradients at the start, and validation curves.

How to read `gradients.png`: a line that falls towards the input (left) is a vanishing gradient, one
that rises an exploding one; the dashed line is what mean-field theory says of the same arm. For
recurrent networks it is the gradient by the input at each step of time. How to read `curves.png`:
the band holds the middle 80 % of the seeds, the dotted line is the target.
"""

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import theory
from zoo.evidence.store import Store
from zoo.files import write_whole
from zoo.recipe import Recipe
from zoo.results.eligibility import ArmEvidence
from zoo.results.leaderboard import evidence

_STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_SIZE = (8.0, 4.5)  # inches
_NAMES = ("gradients", "curves")


def paths(folder: Path, recipe: Recipe) -> list[Path]:
    """Where the figures of a recipe lie in a folder of evidence."""
    return [folder / "figures" / recipe.id / f"{name}.png" for name in _NAMES]


def draw(recipe: Recipe, store: Store) -> list[Path]:
    """Draws the figures of a recipe; returns their paths.

    Each file carries the digest of the evidence it shows, so that `stale` can tell.

    Raises:
        ZooError: if the evidence is damaged or missing.
    """
    import matplotlib
    from matplotlib.figure import Figure

    of_arms, digest = evidence(recipe, store), store.manifest.digest(recipe.id)
    written = paths(store.root, recipe)
    for path, fill in zip(written, (_gradients, _curves), strict=True):
        with matplotlib.rc_context(_STYLE), np.errstate(all="ignore"):
            figure = Figure(figsize=_SIZE, dpi=120)
            axes = figure.subplots()
            fill(axes, recipe, of_arms)
            if axes.get_legend_handles_labels()[0]:
                figure.legend(loc="outside right upper")
            image = io.BytesIO()
            figure.savefig(image, format="png", metadata={"Software": None, "Source": digest})
        write_whole(path, image.getvalue())
    return written


def stale(recipe: Recipe, store: Store) -> list[Path]:
    """The figures that are missing or were drawn from other evidence than the folder holds."""
    from PIL import Image

    def source(path: Path) -> str | None:
        try:
            with Image.open(path) as image:
                return str(image.info.get("Source"))
        except OSError:
            return None

    digest = store.manifest.digest(recipe.id)
    return [path for path in paths(store.root, recipe) if source(path) != digest]


# ---------------------------------------------------------------- gradients


def _gradients(axes: Any, recipe: Recipe, of_arms: dict[str, ArmEvidence]) -> None:
    sequences, theories = False, False
    for color, (name, of_arm) in zip(_colors(recipe, of_arms), of_arms.items(), strict=True):
        runs = [run.probe for run in of_arm.records.values() if run.probe.steps[:1] == [0]]
        if not runs:
            continue
        family = of_arm.arm.spec.model
        sequences = sequences or family.gradient_by_time
        if sequences:
            rows = [run.input_grad_rms[0] for run in runs if run.input_grad_rms]
        else:
            hidden = set(family.hidden_layers(runs[0].layers))
            deltas = [of_run[0] for run in runs if (of_run := run.quantity("delta_rms"))]
            kept = [
                place
                for place, layer in enumerate(runs[0].layers)
                if layer in hidden and any(of_run[place] is not None for of_run in deltas)
            ]
            rows = [[of_run[place] for place in kept] for of_run in deltas]
        values = np.array(rows, dtype=float)
        if not values.size:
            continue
        values[values <= 0] = np.nan  # nothing to show on a logarithmic axis
        places = np.arange(1, values.shape[1] + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all underflowed in a layer: a gap
            low, middle, high = (f(values, axis=0) for f in (np.nanmin, np.nanmedian, np.nanmax))
        axes.plot(places, middle, "o-", color=color, label=name, markersize=0 if sequences else 3)
        axes.fill_between(places, low, high, color=color, alpha=0.15, lw=0)
        record = next(iter(of_arm.records.values()))
        profile = theory.predicted_profile(of_arm.arm.spec, record.input_shape)
        if profile is not None and len(profile) == len(middle):
            theories = True
            axes.plot(places, middle[-1] * profile, "--", color=color, lw=1)
    if theories:
        axes.plot([], [], "--", color="gray", lw=1, label="mean-field theory")
    axes.set_yscale("log")
    what, of_what = ("time step", "x") if sequences else ("hidden layer", "z")
    near = "first" if sequences else "next to the input"
    axes.set(xlabel=f"{what} (1 is {near})", ylabel=f"rms of dL/d{of_what} at the start")
    axes.set_title(f"{recipe.id}: gradients by {what}", loc="left")


# ---------------------------------------------------------------- curves


def _curves(axes: Any, recipe: Recipe, of_arms: dict[str, ArmEvidence]) -> None:
    target, budget = recipe.spec.target, recipe.spec.training.steps
    for color, (name, of_arm) in zip(_colors(recipe, of_arms), of_arms.items(), strict=True):
        curves = [run.evaluation for run in of_arm.records.values()]
        longest = max((curve.step for curve in curves), key=len, default=[])
        if not longest:
            continue
        values = np.full((len(curves), len(longest)), np.nan)
        for row, curve in zip(values, curves, strict=True):
            series = getattr(curve, target.metric) or []
            row[: len(series)] = [math.nan if value is None else value for value in series]
        seen = ~np.isnan(values).all(axis=0)  # a run that diverged has a shorter curve
        if not seen.any():
            continue
        steps, values = np.array(longest)[seen], values[:, seen]
        low, middle, high = np.nanquantile(values, (0.1, 0.5, 0.9), axis=0)
        axes.plot(steps, middle, color=color, label=name)
        axes.fill_between(steps, low, high, color=color, alpha=0.15, lw=0)
    axes.axhline(target.value, color="black", ls=":", lw=1, label="target")
    axes.axvline(budget, color="black", lw=0.5, alpha=0.5)
    if target.metric == "val_loss":
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel=target.metric.replace("val_", "validation "))
    axes.set_title(f"{recipe.id}: median and middle 80 % of the seeds", loc="left")


def _colors(recipe: Recipe, of_arms: dict[str, ArmEvidence]) -> Sequence[Any]:
    """The baseline black, the other arms in colours that stay theirs when an arm is left out."""
    from matplotlib import colormaps

    colormap = colormaps["tab10" if len(recipe.arms) <= 11 else "tab20"]
    wheel = iter(colormap(range(colormap.N)))
    colors = {arm: "black" if arm == recipe.baseline else next(wheel) for arm in recipe.arms}
    return [colors[name] for name in of_arms]
