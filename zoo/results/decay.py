"""How the deltas of a net at its start fall from layer to layer, beside what theory says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.recipe.schema import ArmSpec


@dataclass(frozen=True)
class Decay:
    """Slopes of ln rms dL/dz over the hidden layers, by least squares: above 0 they vanish.

    Attributes:
        measured: the mean over runs.
        predicted: by mean-field theory; None where it does not cover the arm.
        z: measured less predicted, in standard errors of the mean over runs; None for one run, or
            without a prediction.
    """

    measured: float
    predicted: float | None
    z: float | None


def decay(
    arm: ArmSpec,
    input_shape: Sequence[int],
    input_rms: float | None,
    deltas: Sequence[Sequence[float]],
) -> Decay:
    """Of the deltas of several runs of an arm at its start.

    Args:
        arm: its resolved values.
        input_shape: of one example.
        input_rms: of the batch that the deltas are of; None if it is not known.
        deltas: of each run the rms of dL/dz of each hidden layer, above 0, first to last.
    """
    import numpy as np

    from zoo import theory

    layers = np.arange(len(deltas[0])) - (len(deltas[0]) - 1) / 2

    def slope(profile: Sequence[float]) -> float:
        return float(layers @ np.log(profile) / (layers @ layers))

    slopes = np.array([slope(of_run) for of_run in deltas])
    profile = theory.predicted_profile(arm, input_shape, input_rms)
    if profile is None or len(profile) != len(layers):
        return Decay(float(slopes.mean()), None, None)
    predicted = slope(profile.tolist())
    error = slopes.std(ddof=1) / np.sqrt(len(slopes)) if len(slopes) > 1 else 0.0
    z = float((slopes.mean() - predicted) / error) if error else None
    return Decay(float(slopes.mean()), predicted, z)
