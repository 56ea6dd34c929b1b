"""What some steps of training did, and what predictions know of their targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np

LOOKED_AT = 500  # steps after which a long trial asks what the predictions know


@dataclass(frozen=True)
class Knowledge:
    """What predictions know of their targets.

    Attributes:
        loss: the mean over the examples, without penalties.
        shuffled: the same with the targets of other examples, the mean over some shuffles.
        spread: the standard deviation over the shuffles.
        of_targets: whether the loss depends on the targets at all.
    """

    loss: float
    shuffled: float
    spread: float
    of_targets: bool = True

    @property
    def gain(self) -> float:
        """The share of the shuffled loss that is gone; NaN where the loss takes no targets.

        0 of a constant prediction, 1 of a perfect one.
        """
        if not self.of_targets:
            return float("nan")
        return (self.shuffled - self.loss) / abs(self.shuffled) if self.shuffled else 0.0

    def is_there(self, least: float, deviations: float = 4.0) -> bool:
        """Whether the gain is at least so large, and more than a matter of chance."""
        if np.isnan(self.gain):
            return False
        return self.gain > least and self.shuffled - self.loss > deviations * self.spread


@dataclass(frozen=True)
class Trial:
    """What some steps of training did.

    Attributes:
        losses: of each step's batch, before the step, (steps,); up to one that is not finite.
        diverged_at: the step at which it was not; None if it always was.
        knowledge: at the end, of examples in training mode; None if it diverged. Of a long trial,
            of examples that it was not trained on, where there are enough.
        of_its_own: the same of those that it was trained on; None of a short trial.
        displacement: ||W - W_0|| / ||W_0|| by layer.
        update_ratio: ||W(t+1) - W(t)|| / ||W(t)|| of the last step by layer; none of a long trial.
        shrinkage: ||W|| / ||W_0|| by layer.
        alike: the layers all of whose units had the same weights, and still have.
    """

    losses: Any
    diverged_at: int | None
    knowledge: Knowledge | None
    of_its_own: Knowledge | None
    displacement: dict[str, float]
    update_ratio: dict[str, float]
    shrinkage: dict[str, float]
    alike: list[str]

    @property
    def moved(self) -> float:
        """The displacement of the median layer of those that move; others are frozen or cut off."""
        return float(np.median([each for each in self.displacement.values() if each] or [0.0]))

    @property
    def start(self) -> float:
        """The loss at the start: the median over the first tenth of the steps."""
        return float(np.median(self.losses[: max(1, len(self.losses) // 10)]))

    @property
    def end(self) -> float:
        """The loss at the end: the median over the last fifth of the steps."""
        return end_of(self.losses)

    @property
    def swings(self) -> bool:
        """Whether the loss goes up and down by its own size."""
        last = self.losses[len(self.losses) // 2 :]
        return len(last) > 4 and float(np.std(last)) > 0.5 * abs(float(np.mean(last)))


def end_of(losses: Any) -> float:
    """The median of the last fifth of the losses of steps."""
    return float(np.median(losses[-max(1, len(losses) // 5) :]))
