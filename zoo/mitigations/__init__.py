"""What Keras lacks: one short file for each mitigation, registered with Keras as `zoo>Name`."""

import importlib
import pkgutil


def register() -> None:
    """Makes Keras, and so recipes, know every mitigation by its name."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
