"""Gradient Zoo: paired Keras models that measure the cures for vanishing and exploding gradients.

The folders are the stages that a comparison passes, from recipe to leaderboard (docs/design.md).
TensorFlow is loaded only where a model is built or trained.

    import zoo.data, zoo.recipe, zoo.training

    recipe = zoo.recipe.load("digits/activation")
    data = zoo.data.load("digits")
    run = zoo.training.CompiledArm(recipe.arms["relu"], data).run(seed=0, learning_rate=0.03)

    model = zoo.load("digits/activation/relu_he")  # as the reference run trained it
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.diagnosis.diagnose import diagnose as diagnose
    from zoo.pretrained.loading import load as load

__version__ = "0.1.0"


_LAZY = {"diagnose": "zoo.diagnosis.diagnose", "load": "zoo.pretrained.loading"}


def __getattr__(name: str) -> Any:
    """What needs Keras, imported when it is asked for: a listing does not."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
