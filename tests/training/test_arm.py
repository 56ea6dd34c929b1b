"""A run depends on its arm, seed and rate alone, and is what plain Keras would compute."""

import gc
import hashlib
import json
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.conftest import SMALL
from zoo.errors import ZooError

FRESH = """
import json, sys
from zoo import data, keras_setup, recipe
keras_setup.load_tensorflow()
from zoo import training
from tests.training.test_arm import outcome
training.use_threads(1)
settings, *runs = json.loads(sys.argv[1])
for name, seed, rate in runs:
    arm = recipe.load("digits/activation", settings).arms[name]
    print(outcome(training.CompiledArm(arm, data.load("digits")).run(seed, rate)))
"""
FRESH_RUNS = [("relu", 5, 0.1), ("relu_he", 0, 3e38)]


# Another batch size adds in another order. Means of so many losses, none below 0, are then as many
# roundings of float32 off at most, both; of two classes equal to rounding, either may come first.
EXAMPLES = 360
SAME_LOSS = {"rel": 2 * EXAMPLES * 2.0**-24}
SAME_ACCURACY = {"rel": 0, "abs": 1.01 / EXAMPLES}


def outcome(run):
    """A digest of all of a run but its seconds, to the last bit."""
    kept = {key: value for key, value in run.items() if not key.startswith("seconds")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@pytest.fixture(scope="module")
def fresh():
    """Outcomes of runs alone in a process: arm, seed, rate."""
    command = [sys.executable, "-c", FRESH, json.dumps([SMALL, *FRESH_RUNS])]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(zip(FRESH_RUNS, process.stdout.split()[-len(FRESH_RUNS) :], strict=True))


def test_a_run_equals_the_same_run_alone_in_a_fresh_process(compiled, fresh):
    arm = compiled("relu")
    arm.run(7, 0.3)
    arm.run(1000, 0.01, probe=False)
    arm.run(3, 1e30)  # diverges
    assert outcome(arm.run(5, 0.1)) == fresh["relu", 5, 0.1]


def test_a_diverged_run_holds_nothing_of_the_run_before(compiled, fresh):
    """At each step an evaluation finds infinite weights where a probe would have come next."""
    arm = compiled("relu_he")
    arm.run(0, 0.1)
    diverged = arm.run(0, 3e38)
    assert diverged["diverged_at"] is not None
    assert outcome(diverged) == fresh["relu_he", 0, 3e38]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model__normalization": "BatchNormalization"},
        {"training__optimizer": "Adam"},
        {"model__activation": {"class_name": "Dropout", "config": {"rate": 0.5}}},
    ],
    ids=["plain", "moving averages", "optimizer slots", "random generators"],
)
def test_reset_puts_everything_back_and_the_probe_alters_nothing(compiled, settings):
    arm = compiled("sigmoid", **settings)
    first = arm.run(0, 0.05)
    arm.run(1, 0.3)
    again, unprobed = arm.run(0, 0.05), arm.run(0, 0.05, probe=False)
    assert outcome(again) == outcome(first)
    assert unprobed["evaluation"] == first["evaluation"]
    assert unprobed["test_accuracy"] == first["test_accuracy"]
    assert unprobed["probe"]["steps"] == []
    assert arm.run(1, 0.05)["evaluation"] != first["evaluation"]


def test_a_run_is_cut_into_calls_wherever_time_falls(compiled):
    arm = compiled()
    whole = outcome(arm.run(0, 0.1))
    arm._engine._seconds_per_segment = (
        1e9  # as on a machine so slow that each call trains one segment
    )
    calls = arm._engine.advance.experimental_get_tracing_count()
    assert outcome(arm.run(0, 0.1)) == whole
    assert arm._engine.advance.experimental_get_tracing_count() == calls


def test_training_goes_two_evaluations_past_the_budget(compiled):
    run = compiled(training__steps=40).run(0, 0.1)
    assert run["evaluation"]["step"] == [7, 14, 21, 28, 35, 42, 49]
    assert run["probe"]["steps"] == [0, 1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]


def test_validation_is_what_keras_evaluates(compiled, small_recipe, digits):
    from zoo.training import build_seeded

    arm = compiled()
    run = arm.run(0, 0.1)
    model = build_seeded(small_recipe().arms["relu"], digits, seed=1)
    model.set_weights(arm.model.get_weights())
    model.compile(loss=arm.model.loss, metrics=["accuracy"])
    loss, accuracy = model.evaluate(*digits.validation, verbose=0)
    assert len(digits.validation.y) == EXAMPLES
    assert run["evaluation"]["val_loss"][-1] == pytest.approx(loss, **SAME_LOSS)
    assert run["evaluation"]["val_accuracy"][-1] == pytest.approx(accuracy, **SAME_ACCURACY)


def test_large_splits_are_evaluated_in_parts(compiled, small_recipe, digits, monkeypatch):
    from zoo.training import CompiledArm, evaluation

    whole = compiled().run(0, 0.1)["evaluation"]
    monkeypatch.setattr(evaluation, "BATCH", 100)
    parts = CompiledArm(small_recipe().arms["relu"], digits).run(0, 0.1)["evaluation"]
    assert parts["val_accuracy"] == pytest.approx(whole["val_accuracy"], **SAME_ACCURACY)
    assert parts["val_loss"] == pytest.approx(whole["val_loss"], **SAME_LOSS)


# ---------------------------------------------------------------- divergence


def test_divergence_is_recorded_and_ends_the_run(compiled):
    run = compiled("relu_he").run(0, 1e20)
    at = run["diverged_at"]
    assert at is not None and at < 14
    assert all(step <= at for step in run["evaluation"]["step"] + run["probe"]["steps"])
    assert run["test_accuracy"] is None and run["test_loss"] is None
    lengths = {len(values) for values in run["evaluation"].values()}
    assert len(lengths) == 1
    probed = len(run["probe"]["steps"])
    assert all(len(run["probe"][name]) == probed for name in ("delta_rms", "update_ratio", "dead"))


def test_divergence_is_seen_at_the_same_step_without_the_probe(compiled):
    arm = compiled("relu_he")
    assert arm.run(0, 1e20)["diverged_at"] == arm.run(0, 1e20, probe=False)["diverged_at"]


def test_weights_that_the_loss_does_not_show_are_seen_at_the_next_evaluation(compiled):
    """A bias that becomes infinite behind a unit that is switched off."""
    arm = compiled("sigmoid")
    arm.reset(0, 0.0)
    arm.model.layers[2].bias.assign([float("inf")] + [0.0] * 15)  # sigmoid(inf) is 1: finite loss
    assert arm.train(arm.segments(probe=False)) == 7


def test_a_probe_that_divergence_forestalled_is_left_out(compiled):
    """With evaluations at every step, infinite weights are found before the probe of that step."""
    arm = compiled("sigmoid", training__evaluate_every=1)
    arm.run(0, 0.1)
    arm.reset(0, 0.0)
    arm.model.layers[2].bias.assign([float("inf")] + [0.0] * 15)
    arm.reset, reset = (lambda *_: None), arm.reset
    run = arm.run(0, 0.0)
    arm.reset = reset
    assert (run["diverged_at"], run["probe"]["steps"]) == (1, [0])


# ---------------------------------------------------------------- data order and schedule


def test_each_epoch_is_a_permutation_and_seeds_differ():
    from zoo.training.schedule import batch_order

    order = batch_order(3, examples=10, batch_size=3, steps=7)
    assert order.shape == (7, 3) and order.dtype == np.int32
    for epoch in (order[:3], order[3:6]):
        assert len(set(epoch.ravel().tolist())) == 9
    assert (order == batch_order(3, 10, 3, 7)).all()
    assert (order[:3] == batch_order(3, 10, 3, 3)).all()  # the budget does not change the start
    assert (order != batch_order(4, 10, 3, 7)).any()


def test_other_threads_that_draw_random_numbers_change_nothing(small_recipe, digits):
    from zoo.training import build_seeded

    arm, stop = small_recipe().arms["relu"], threading.Event()

    def draw():
        while not stop.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(5):  # of some 20 ms; threads take turns each 5 ms
            kept = build_seeded(arm, digits, 5).get_weights()
            again = build_seeded(arm, digits, 5).get_weights()
            assert all((a == b).all() for a, b in zip(kept, again, strict=True))
    finally:
        stop.set()
        thread.join()


def test_initial_weights_are_those_of_keras_with_the_same_seed(small_recipe, digits):
    import keras

    from zoo import models
    from zoo.training import build_seeded

    arm = small_recipe().arms["relu"]
    ours = build_seeded(arm, digits, 5).get_weights()
    keras.utils.set_random_seed(5)
    plain = models.build(arm.spec.model, digits).get_weights()
    assert all((a == b).all() for a, b in zip(ours, plain, strict=True))


def test_arms_of_a_seed_start_from_the_same_weights_and_see_the_same_batches(compiled):
    arms = [compiled("sigmoid"), compiled("tanh")]
    for arm in arms:
        arm.reset(4, 0.1)
    first, second = ([weights.numpy() for weights in arm.model.weights] for arm in arms)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (arms[0]._order.numpy() == arms[1]._order.numpy()).all()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (840, [0, 1, 2, 4, 8, 16, 32, 64, 84, 168, 252, 336, 420, 504, 588, 672, 756, 840]),
        (5, [0, 1, 2, 3, 4, 5]),
        (1, [0, 1]),
    ],
)
def test_probe_steps(steps, expected):
    from zoo.training.schedule import probe_steps

    assert probe_steps(steps) == expected


def test_a_batch_larger_than_the_training_split_is_a_mistake(compiled):
    with pytest.raises(ZooError, match=r"batch_size is 2000, more than the 1077 training examples"):
        compiled(data__batch_size=2000)


def test_a_dropped_arm_leaves_no_graph_behind(digits, small_recipe):
    from zoo.training import CompiledArm

    def graphs():
        gc.collect()
        return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())

    arm = small_recipe().arms["tanh"]
    CompiledArm(arm, digits).run(0, 0.1)  # a first one, for what TensorFlow makes once
    before = graphs()
    CompiledArm(arm, digits).run(1, 0.1)
    assert graphs() <= before
