"""What a diagnosis says, for people and for programs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.diagnosis.advice import Cure, cures
from zoo.diagnosis.likeness import Features, Nearest
from zoo.diagnosis.seen import Seen
from zoo.diagnosis.taught import gain, knows
from zoo.diagnosis.verdict import Verdict
from zoo.errors import ZooError, said_by
from zoo.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Column by column: what it is called, and where it is taken from.
_AT_START = {"delta_rms": "δ rms", "kernel_grad_norm": "gradient"}
_SHARES = {"saturated": "flat", "dead": "dead"}


@dataclass(frozen=True)
class Report:
    """What a diagnosis says.

    Attributes:
        name: of the model.
        verdicts: all of them.
        start: `zoo.probe.measure` before the first step; empty if nothing could be measured.
        seen: all that was measured; None where training was not tried.
        features: what the model is.
        near: the arms of the zoo that are most like it, the nearest first.
    """

    name: str
    verdicts: list[Verdict]
    start: Mapping[str, Any] = field(default_factory=dict)
    seen: Seen | None = None
    features: Features | None = None
    near: Sequence[Nearest] = ()

    @property
    def symptoms(self) -> list[Verdict]:
        """The alarms, from the most certain on; none of a healthy model."""
        alarms = [verdict for verdict in self.verdicts if verdict.alarm]
        return sorted(alarms, key=lambda verdict: verdict.sure != "certain")

    @property
    def notes(self) -> list[Verdict]:
        """What is worth knowing and no alarm."""
        return [verdict for verdict in self.verdicts if not verdict.alarm]

    @property
    def healthy(self) -> bool:
        """Whether nothing was seen that is wrong."""
        return not self.symptoms

    def cures(self, verdict: Verdict) -> list[Cure]:
        """What to try for a verdict, what helped most first; empty for one with a repair."""
        if self.features is None or verdict.repair:
            return []
        return cures(verdict, self.features, self.near)

    @property
    def conclusion(self) -> str:
        """In one line."""
        symptoms = self.symptoms
        if symptoms:
            return f"model {self.name}: {', '.join(dict.fromkeys(v.symptom for v in symptoms))}"
        if self.seen is None:
            return f"model {self.name}: nothing wrong was seen"
        steps = len((self.seen.trial if knows(self.seen.trial) else self.seen.last).losses)
        if self.seen.learned or self.seen.learns_later:
            return f"model {self.name}: healthy: it learns within {steps} steps"
        return (
            f"model {self.name}: nothing wrong was seen; {steps} steps taught it little, which "
            "many a network that learns has in common: try more steps"
        )

    @property
    def table(self) -> str:
        """A line a layer, in the order of computation, 100 columns; then what is left out."""
        if not self.start:
            return ""
        from zoo.diagnosis.report_table import table

        return table(self)

    def figure(self) -> "Figure":
        """Deltas and displacement by layer, of sequences the gradient by time, and the loss.

        Raises:
            ZooError: if nothing was measured.
        """
        from zoo.diagnosis.figure import figure

        return figure(self)

    def save_figure(self, path: str | Path) -> None:
        """Writes the figure, in the format of the file's ending.

        Raises:
            ZooError: if nothing was measured, or the file cannot be written in such a format.
        """
        from io import BytesIO

        path, drawn, into = Path(path), self.figure(), BytesIO()
        try:
            drawn.savefig(into, format=path.suffix.lstrip(".") or "png")
        except ValueError as error:
            raise ZooError(f"{path}: {said_by(error)}") from None
        write_whole(path, into.getvalue())

    @property
    def nearest(self) -> str:
        """The arm of the zoo that the model is most like, and how far it is; empty for none."""
        if not self.near or self.features is None or self.near[0].far == math.inf:
            return ""
        near = self.near[0]
        return (
            f"Nearest in the zoo: {near.arm.id} ({near.features}); yours: {self.features}. What "
            "helped there need not help here."
        )

    def to_json(self) -> str:
        """All of it but the model, as one JSON object; what is not a number is null."""
        seen = self.seen
        about: dict[str, Any] = {
            "model": self.name,
            "healthy": self.healthy,
            "conclusion": self.conclusion,
            "symptoms": [self._as_dict(verdict) for verdict in self.symptoms],
            "notes": [self._as_dict(verdict) for verdict in self.notes],
            "nearest": self._nearest(),
            "start": dict(self.start),
        }
        if seen is not None:
            about |= {
                "end": seen.end,
                "losses": list(seen.trial.losses),
                "diverged_at": seen.trial.diverged_at,
                "displacement": seen.trial.displacement,
                "update_ratio": seen.trial.update_ratio,
                "input_grad_rms_start": seen.time_start,
                "input_grad_rms_end": seen.time_end,
                "gain": seen.trial.knowledge.gain if seen.trial.knowledge else None,
                "longer": None
                if seen.longer is None
                else {"steps": len(seen.longer.losses), "gain": gain(seen.longer)},
                "constant_loss": seen.constant_loss,
                "learning_rate": seen.rate,
                "batch_size": seen.batch_size,
                "steps": seen.steps,
            }
        return json.dumps(_plain(about), indent=1, allow_nan=False)

    def _as_dict(self, verdict: Verdict) -> dict[str, Any]:
        return {**asdict(verdict), "cures": [asdict(cure) for cure in self.cures(verdict)]}

    def _nearest(self) -> dict[str, Any] | None:
        if not self.near or self.features is None or self.near[0].far == math.inf:
            return None
        near = self.near[0]
        return {
            "arm": near.arm.id,
            "it": str(near.features),
            "yours": str(self.features),
            "distance": near.far,
        }


def _plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None
