"""One run: an arm's model compiled once, trained, evaluated and probed."""

from zoo import random_states

with random_states.kept():  # what Keras imports draws from them
    from zoo.training.arm import CompiledArm, build_seeded, loss_of, use_threads

__all__ = ["CompiledArm", "build_seeded", "loss_of", "use_threads"]
