"""Runs that were trained once: what a sweep does with them needs no TensorFlow in its workers."""

import time


def key(imports, arm, learning_rate, seed, probe):
    """What decides the outcome of a run."""
    alone = {"learning_rate": [learning_rate], "seeds": 1, "tuning_seeds": 1}
    training = arm.spec.training.model_copy(update=alone)
    spec = arm.spec.model_copy(update={"training": training})
    return imports, spec.model_dump_json(), seed, probe


def answer(runs, *task):
    """`workers.train` for a run that was trained before, in a tenth of a second."""
    time.sleep(0.1)
    return runs[key(*task)]


def nothing(*_):
    """In place of what a worker does before its first run."""


def made_up(imports, arm, learning_rate, seed, probe):
    """`workers.train` for a run that learns nothing, in a fiftieth of a second."""
    time.sleep(0.02)
    steps = arm.spec.training.evaluation_steps
    flat = [0.5] * len(steps)
    return {
        "seed": seed,
        "learning_rate": learning_rate,
        "test_loss": 0.5,
        "test_accuracy": 0.5,
        "evaluation": {
            "step": steps,
            **dict.fromkeys(("training_loss", "val_loss", "val_accuracy"), flat),
        },
        "probe": {"steps": [], "layers": []},
        "environment": {"imports": {}},
    }
