"""What is compared: recipes, read from YAML and checked down to file, line and column."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.recipe.finding import FOLDER as FOLDER
    from zoo.recipe.finding import available as available
    from zoo.recipe.finding import find as find
    from zoo.recipe.loading import load as load
    from zoo.recipe.loading import load_arm as load_arm
    from zoo.recipe.loading import parse_setting as parse_setting
    from zoo.recipe.resolved import Arm as Arm
    from zoo.recipe.resolved import Recipe as Recipe

_MODULES = {
    "FOLDER": "finding",
    "available": "finding",
    "find": "finding",
    "load": "loading",
    "load_arm": "loading",
    "parse_setting": "loading",
    "Arm": "resolved",
    "Recipe": "resolved",
}


def __getattr__(name: str) -> Any:
    """Public names, each imported when it is asked for: `zoo list` needs no schema."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
