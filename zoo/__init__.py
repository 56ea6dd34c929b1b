"""Gradient Zoo: paired Keras models that measure the cures for vanishing and exploding gradients.

The folders are the stages that a comparison passes, from recipe to leaderboard (docs/design.md).
TensorFlow is loaded only where a model is built or trained.

    import zoo.data, zoo.recipe, zoo.training

    recipe = zoo.recipe.load("digits/activation")
    data = zoo.data.load("digits")
    run = zoo.training.CompiledArm(recipe.arms["relu"], data).run(seed=0, learning_rate=0.03)

    model = zoo.load("digits/activation/relu_he")  # as the reference run trained it
    model.fit(x, y, callbacks=[zoo.GradientAlarm(x, y)])  # says when gradients are a symptom
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.diagnosis.callbacks import GradientAlarm as GradientAlarm
    from zoo.diagnosis.callbacks import GradientProbe as GradientProbe
    from zoo.diagnosis.diagnose import diagnose as diagnose
    from zoo.pretrained.loading import load as load

__version__ = "0.1.0"

_PLACES = {
    "diagnose": "zoo.diagnosis.diagnose",
    "load": "zoo.pretrained.loading",
    "GradientAlarm": "zoo.diagnosis.callbacks",
    "GradientProbe": "zoo.diagnosis.callbacks",
}


def __getattr__(name: str) -> Any:
    """What needs Keras, imported when it is asked for: a listing does not need it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(_PLACES[name]), name)
