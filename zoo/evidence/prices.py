"""What a step of each arm of a recipe costs, measured arm by arm in turn on one machine.

A run's own time of a step is taken while other runs share the processor: between arms it says less
than they differ by. Here all arms are compiled in one process and take turns, so that what else
happens on the machine comes to all of them.
"""

from typing import Any

from pydantic import PositiveInt

from zoo.recipe.values import PositiveFloat, Strict


class Prices(Strict):
    """The prices of a recipe's arms.

    Attributes:
        benchmark: its version.
        arm_sha256: the digest of each arm, by name.
        seconds_per_step: of each arm at its quickest, the mean over the budget where steps differ.
        rounds: how often each was measured.
        environment: versions and machine.
    """

    benchmark: str
    arm_sha256: dict[str, str]
    seconds_per_step: dict[str, PositiveFloat]
    rounds: PositiveInt
    environment: dict[str, Any]
