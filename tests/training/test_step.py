"""What a mitigation adds to a training step, in the trainer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.mitigations.adaptive_clipping import AdaptiveClipping
from zoo.training import CompiledArm
from zoo.training.clipping import GradientWatch

pytestmark = pytest.mark.usefixtures("one_thread")
GRADIENTS = ([3.0, 4.0], [12.0])  # of norm 5 and 12, 13 together


def applied(optimizer, *steps):
    variables = [keras.Variable(np.zeros_like(g, np.float32)) for g in GRADIENTS]
    optimizer.build(variables)
    for gradients in steps or [GRADIENTS]:
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize(
    ("options", "clipped"),
    [
        ({}, 0),
        ({"global_clipnorm": 12.9}, 1),
        ({"global_clipnorm": 13.1}, 0),
        ({"clipnorm": 11.9}, 1),
        ({"clipnorm": 12.1}, 0),
        ({"clipvalue": 11.9}, 1),
        ({"clipvalue": 12.1}, 0),
    ],
)
def test_clipping_of_keras_is_counted_and_left_as_it_is(options, clipped):
    watched = keras.optimizers.SGD(0.5, **options)
    watch = GradientWatch(watched, None)
    for own, keras_own in zip(
        applied(watched), applied(keras.optimizers.SGD(0.5, **options)), strict=True
    ):
        np.testing.assert_array_equal(own, keras_own)
    assert (int(watch.steps), int(watch.clipped), float(watch.largest)) == (1, clipped, 13.0)


def test_the_largest_norm_is_finite_and_does_not_overflow():
    watched = keras.optimizers.SGD(0.0)
    watch = GradientWatch(watched, None)
    applied(watched, GRADIENTS, ([3e30, 4e30], [0.0]), ([np.inf, 0.0], [1.0]))
    assert int(watch.steps) == 3
    assert float(watch.largest) == pytest.approx(5e30)
    watch.start()
    assert (int(watch.steps), float(watch.largest)) == (0, 0.0)


@pytest.mark.parametrize("rule", [None, AdaptiveClipping()])
def test_a_variable_that_the_loss_does_not_see_is_left_to_the_optimizer(rule):
    watched = keras.optimizers.SGD(1.0)
    watch = GradientWatch(watched, rule)
    seen, unseen = (keras.Variable(np.full(2, 5.0, np.float32)) for _ in range(2))
    watched.build([seen, unseen])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        watched.apply([tf.constant([3.0, 4.0]), None], [seen, unseen])
    assert float(watch.largest) == 5.0
    assert (unseen.numpy() == 5).all() and (seen.numpy() < 5).all()


def test_a_rule_is_applied_before_the_optimizer_and_counted():
    watched = keras.optimizers.SGD(1.0)
    watch = GradientWatch(watched, AdaptiveClipping(clipping=0.01))
    kernel = keras.Variable(np.ones((4, 2), np.float32))  # columns of norm 2
    watched.build([kernel])
    watched.apply([tf.constant([[1.0, 0.0]] * 4)], [kernel])  # norm 2 in the first column
    np.testing.assert_allclose(kernel.numpy(), [[0.99, 1.0]] * 4, rtol=1e-6)
    assert (int(watch.clipped), float(watch.largest)) == (1, 2.0)


# ---------------------------------------------------------------- in a run


def test_a_run_tells_of_its_clipping(compiled):
    sgd = {"class_name": "SGD", "config": {"global_clipnorm": 1e-3}}
    all_clipped = compiled(training__optimizer=sgd).run(0, 0.1)["clipping"]
    watched = compiled(training__watch_gradients=True)
    none = watched.run(0, 0.1)["clipping"]
    assert (all_clipped["clipped"], none["clipped"]) == (1.0, 0.0)
    assert 0 < all_clipped["largest_norm"] < 100 and 0 < none["largest_norm"] < 100
    assert watched.run(0, 0.1)["clipping"] == none
    assert compiled().run(0, 0.1)["clipping"] is None


def test_watching_alters_no_training(compiled):
    plain = compiled().run(0, 0.1)
    watched = compiled(training__watch_gradients=True)
    assert watched.run(0, 0.1)["evaluation"] == plain["evaluation"]


def test_the_rate_drops_to_a_tenth(compiled):
    constant = compiled().run(0, 0.1)["evaluation"]
    dropping = compiled(training__drops=[21, 28])
    dropped = dropping.run(0, 0.1)["evaluation"]
    assert dropped["val_loss"][:3] == constant["val_loss"][:3]
    assert dropped["val_loss"][3] != constant["val_loss"][3]
    assert float(dropping.model.optimizer.learning_rate) == pytest.approx(0.001)
    assert dropping.run(0, 0.1)["evaluation"] == dropped


def test_pretraining_comes_first_and_counts(compiled):
    settings = {"training__pretraining": {"method": "autoencoder", "steps": 7}}
    arm = compiled(arm="sigmoid", **settings)
    arm.reset(0, 0.1)
    start = {layer.name: layer.get_weights() for layer in arm.model.layers}
    segments = arm.segments(probe=False)
    arm.train(segments.part(0, segments.count_until(14)))
    for name, moved in (("dense_1", True), ("dense_2", True), ("dense_3", False)):
        now = arm.model.get_layer(name).get_weights()
        assert (not np.array_equal(now[0], start[name][0])) == moved
    run = arm.run(0, 0.1)
    losses = np.array(run["evaluation"]["training_loss"])
    assert np.isnan(losses[:3]).all() and np.isfinite(losses[3:]).all()
    assert arm.run(0, 0.1)["evaluation"]["val_loss"] == run["evaluation"]["val_loss"]
    assert run["seconds_per_step"] > 0


@pytest.mark.parametrize("scaling", [False, True])
def test_half_precision(compiled, scaling):
    arm = compiled(
        training__precision="mixed_float16",
        training__loss_scaling=scaling,
    )
    assert {layer.compute_dtype for layer in arm.model.layers} == {"float16"}
    assert {variable.dtype for variable in arm.model.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert float(arm._step.scale()) == (2.0**15 if scaling else 1.0)
    run = arm.run(0, 0.1)
    losses = run["evaluation"]["val_loss"]
    assert losses[-1] < losses[0]
    full = compiled().run(0, 0.1)["probe"]
    measured = run["probe"]["delta_rms"][0]  # the scale taken out again
    np.testing.assert_allclose(measured, full["delta_rms"][0], rtol=2e-2)
    assert arm.run(0, 0.1)["evaluation"] == run["evaluation"]


def test_xla_computes_the_same(compiled, small_recipe, digits):
    plain = compiled().run(0, 0.1)["evaluation"]["val_loss"]
    arm = CompiledArm(small_recipe().arms["relu"], digits, xla=True)
    np.testing.assert_allclose(arm.run(0, 0.1)["evaluation"]["val_loss"], plain, rtol=1e-3)
