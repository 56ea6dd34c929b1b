"""Numbers at so many significant digits."""

import math
from typing import Any


def rounded(value: Any, digits: int) -> Any:
    """The value with its floats at so many significant digits, and None for what is not finite."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    return value
