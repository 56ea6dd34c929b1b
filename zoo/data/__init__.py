"""What is learned: `load(name)` gives a data set's splits as arrays, ready for a model."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data.loading import Dataset as Dataset
    from zoo.data.loading import Split as Split
    from zoo.data.loading import known as known
    from zoo.data.loading import load as load
    from zoo.data.loading import load_for as load_for
    from zoo.data.loading import mistakes as mistakes

_MODULES = {
    "Dataset": "loading",
    "Split": "loading",
    "known": "loading",
    "load": "loading",
    "load_for": "loading",
    "mistakes": "loading",
}


def __getattr__(name: str) -> Any:
    """Public names, each imported when it is asked for: a listing needs no arrays."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
