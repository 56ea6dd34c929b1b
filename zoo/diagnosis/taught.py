"""What steps of training taught, as a number and in words."""

import numpy as np

from zoo.diagnosis.trial import LOOKED_AT, Trial

# A gain from which on predictions are said to know something of their targets. Of networks that
# learn nothing it is 0.00 to 0.01 after 50 steps, by what a shuffle of 512 examples leaves to
# chance.
LEARNED = 0.02
LITTLE = 0.05  # who knows more learns with targets and layers as they are
# By so much more of the loss something else must take away to be the cure; and so much a network
# that is slow must know to be acquitted.
CLEARLY = 0.1
MUCH_BETTER = 0.15  # of the loss of a constant output: the same, of what has learned in part


def knows(trial: Trial | None, least: float = LEARNED) -> bool:
    """Whether predictions know something of their targets at the end of a trial.

    Of a loss that takes no targets: whether it fell by the same share.
    """
    if trial is None or trial.knowledge is None:
        return False
    if np.isnan(trial.knowledge.gain):
        return trial.start - trial.end > least * abs(trial.start)
    return trial.knowledge.is_there(least)


def gain(trial: Trial | None) -> float:
    """What the predictions know at the end, from 0; 0 where training diverged."""
    if trial is None or trial.knowledge is None:
        return 0.0
    value = trial.knowledge.gain
    if np.isnan(value):  # a loss without targets
        return max(0.0, (trial.start - trial.end) / abs(trial.start)) if trial.start else 0.0
    return max(0.0, value) if trial.knowledge.is_there(0.0) else 0.0


def forgotten(trial: Trial, longer: Trial) -> bool:
    """Whether what few steps taught is gone after many, also of the examples trained on."""
    if not knows(trial, CLEARLY) or knows(longer) or longer.diverged_at is not None:
        return False
    own = longer.of_its_own
    return len(longer.losses) >= LOOKED_AT and not (own is not None and own.is_there(CLEARLY))


def taught(trial: Trial) -> str:
    """What a trial came to, in words."""
    if trial.diverged_at is not None:
        return f"the loss is not finite at step {trial.diverged_at}"
    if not knows(trial):
        return (
            f"{len(trial.losses)} steps taught nothing (loss {trial.start:.3g} to {trial.end:.3g})"
        )
    return (
        f"{len(trial.losses)} steps took {gain(trial):.0%} of the loss away"
        if trial.knowledge is not None and not np.isnan(trial.knowledge.gain)
        else f"the loss fell from {trial.start:.3g} to {trial.end:.3g}"
    )
