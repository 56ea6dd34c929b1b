"""What a diagnosis can say: the symptoms by name, and one verdict on one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Sure = Literal["certain", "likely", "note"]

HEAD_AND_DATA = (
    "output cannot express the target",
    "labels do not fit",
    "logits taken for probabilities",
    "initial loss",
    "inputs unscaled",
    "targets unscaled",
    "examples alike",
    "not finite data",
    "no loss reaches a head",
    "loss rewards errors",
    "frozen",
    "unused",
    "not connected",
    "penalty outweighs the loss",
)
GRADIENTS = (
    "vanishing gradients",
    "vanishing through time",
    "exploding gradients",
    "saturated units",
    "dead units",
    "symmetric units",
    "float16 underflow",
    "float16 overflow",
    "not finite",
)
TRAINING = (
    "stagnating",
    "oscillating",
    "diverged",
    "rate too high",
    "rate too low",
    "dying weights",
    "too deep",
    "training and inference differ",
)
SYMPTOMS = (*HEAD_AND_DATA, *GRADIENTS, *TRAINING)


def from_to(names: Sequence[str]) -> str:
    """Layers that follow each other, in words."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def listed(names: Sequence[str]) -> str:
    """Layers, in words."""
    return ", ".join(names) if len(names) <= 3 else from_to(names)


@dataclass(frozen=True)
class Verdict:
    """One thing that a diagnosis says of a model.

    Attributes:
        symptom: one of `SYMPTOMS`.
        place: the layer, output, input or example that it is about.
        because: the numbers that it rests on, in one sentence.
        healthy: what would have to be different.
        sure: "certain" follows from the structure or the data; "likely" from what the first steps
            of training did; a "note" is worth knowing and no alarm.
        repair: the line that mends it, for a fault of head or data; else there are cures to try.
        layers: those it is about, from first to last.
    """

    symptom: str
    place: str
    because: str
    healthy: str
    sure: Sure = "certain"
    repair: str = ""
    layers: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.symptom not in SYMPTOMS:
            raise ValueError(f"{self.symptom!r} is no symptom")

    @property
    def alarm(self) -> bool:
        """Whether it says that something is wrong."""
        return self.sure != "note"
