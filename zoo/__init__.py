"""Gradient Zoo: paired Keras models that measure the cures for vanishing and exploding gradients.

The package is light to import: TensorFlow is loaded only when a model is built or trained.

    import zoo.data, zoo.recipe, zoo.training

    recipe = zoo.recipe.load("digits/activation")
    data = zoo.data.load("digits")
    run = zoo.training.CompiledArm(recipe.arms["relu"], data).run(seed=0, learning_rate=0.03)
"""

import sys
from pathlib import Path

from zoo.environment import keras_mistake

__version__ = "0.1.0"

_mistake = keras_mistake()
if _mistake:
    if any(Path(argument).stem == "zoo" for argument in sys.orig_argv[:3]):  # the zoo command
        print(f"zoo: {_mistake}", file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(_mistake)
