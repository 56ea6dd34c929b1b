"""Gradient Zoo: paired Keras models that measure the cures for vanishing and exploding gradients.

The folders are the stages that a comparison passes, from recipe to leaderboard (docs/design.md).
TensorFlow is loaded only where a model is built or trained.

    import zoo.data, zoo.recipe, zoo.training

    recipe = zoo.recipe.load("digits/activation")
    data = zoo.data.load("digits")
    run = zoo.training.CompiledArm(recipe.arms["relu"], data).run(seed=0, learning_rate=0.03)
"""

__version__ = "0.1.0"
