"""Weights for others: what is published of an arm, where it comes from, and how it is loaded."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.pretrained.loading import load as load

_MODULES = {"load": "loading"}


def __getattr__(name: str) -> Any:
    """Public names, each imported when it is asked for: `zoo models` needs no Keras."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
