"""The steps of a trial are those of `fit`, and what predictions know is what they know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.diagnosis.networks import dense, examples, network, seed

X, Y, CLASSES = examples()


def optimizers():
    import keras

    return {
        "sgd": keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "adam": keras.optimizers.Adam(0.01, clipnorm=0.5),
        "decay": keras.optimizers.AdamW(
            keras.optimizers.schedules.ExponentialDecay(0.05, 5, 0.7), weight_decay=0.1
        ),
    }


@pytest.mark.parametrize("which", ["sgd", "adam", "decay"])
@pytest.mark.parametrize("trained", [False, True], ids=["fresh", "trained"])
def test_a_trial_takes_the_steps_that_keras_takes(one_thread, which, trained):
    import keras

    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer, _order

    def made():
        seed()
        model = network(
            dense(8, activation="tanh", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            dense(1),
            optimizer=optimizers()[which],
        )
        if trained:
            model.fit(X, Y, epochs=1, shuffle=False, verbose=0)
        return model

    model, twin = made(), made()
    trainer = Trainer(model, None, of.of_model(model, X, Y), model.optimizer, 32)
    with trainer.trained(12) as trial:
        moved = model.get_weights()
    losses = []
    for places in _order(np.arange(len(X)), 32, 12):
        losses.append(float(twin.train_on_batch(X[places], Y[places])))
        twin.reset_metrics()
    np.testing.assert_allclose(trial.losses, losses, rtol=2e-4)
    for mine, keras_own in zip(moved, twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, keras_own, rtol=1e-3, atol=2e-5)


def test_each_trial_starts_where_the_model_stands(one_thread):
    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer

    model = network(dense(8, activation="tanh"), dense(1))
    trainer = Trainer(model, None, of.of_model(model, X, Y), model.optimizer, 32)
    with trainer.trained(5) as first:
        pass
    with trainer.trained(5, factor=100.0) as other:
        pass
    with trainer.trained(5) as again:
        pass
    np.testing.assert_array_equal(first.losses, again.losses)
    assert first.displacement == again.displacement
    for name, moved in first.displacement.items():
        assert other.displacement[name] > 10 * moved > 0


def test_what_moved_is_what_moved(one_thread):
    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer

    model = network(dense(8, activation="tanh", name="first"), dense(1, name="last"))
    before = {layer.name: layer.get_weights()[0].astype(float) for layer in model.layers}
    trainer = Trainer(model, None, of.of_model(model, X, Y), model.optimizer, 32)
    with trainer.trained(7) as trial:
        after = {layer.name: layer.get_weights()[0].astype(float) for layer in model.layers}
    for name, start in before.items():
        size = np.linalg.norm(start)
        moved = np.linalg.norm(after[name] - start) / size
        assert trial.displacement[name] == pytest.approx(moved, rel=1e-9)
        shrunk = np.linalg.norm(after[name]) / size
        assert trial.shrinkage[name] == pytest.approx(shrunk, rel=1e-9)


# ------------------------------------------------------------ what predictions know


def known(outputs, y, loss="mse"):
    """What outputs know of their targets, of a model that gives its input."""
    import keras

    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer

    model = keras.Sequential(
        [keras.Input(outputs.shape[1:]), keras.layers.Dense(outputs.shape[-1], use_bias=False)]
    )
    model.layers[0].set_weights([np.eye(outputs.shape[-1], dtype="float32")])
    model.compile("sgd", loss)
    return Trainer(model, None, of.of_model(model, outputs, y), model.optimizer, 32).knowledge(True)


def test_a_perfect_prediction_knows_all_and_a_constant_one_nothing(one_thread):
    y = Y[:, None]
    perfect = known(y, y)
    assert perfect.gain == 1 and perfect.is_there(0.9)
    constant = known(np.full_like(y, float(y.mean())), y)
    assert abs(constant.gain) < 1e-5 and not constant.is_there(0.0)


def test_a_prediction_of_other_targets_knows_nothing(one_thread):
    y = Y[:, None]
    others = y[np.random.default_rng(3).permutation(len(y))]
    assert not known(others, y).is_there(0.02)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(st.floats(0.2, 0.99), st.integers(0, 1000))
def test_the_gain_of_a_least_squares_prediction_is_its_share_of_the_variance(
    one_thread, share, seed
):
    """Of a prediction p of y with cov(p, y) = var(p), the gain is 2 R² / (1 + R²)."""
    draws = np.random.default_rng(seed)
    p = draws.normal(size=(4096, 1)) * np.sqrt(share)
    y = p + draws.normal(size=(4096, 1)) * np.sqrt(1 - share)
    p, y = p.astype("float32")[:512], y.astype("float32")[:512]
    wide_p, wide_y = p.astype(float), y.astype(float)
    loss = np.mean((wide_p - wide_y) ** 2)
    shuffled = wide_p.var() + wide_y.var() + (wide_p.mean() - wide_y.mean()) ** 2
    knowledge = known(p, y)
    assert knowledge.loss == pytest.approx(loss, rel=1e-5)
    # The mean of 20 shuffles is within five of its standard errors.
    error = knowledge.spread / np.sqrt(20)
    assert abs(knowledge.shuffled - shuffled) < 5 * error + 1e-6


def test_a_loss_that_is_given_targets_and_does_not_look_at_them_has_no_gain(one_thread):
    import keras

    def of_outputs_alone(y, outputs):
        return keras.ops.mean(keras.ops.square(outputs))

    assert np.isnan(known(Y[:, None], Y[:, None], of_outputs_alone).gain)


def test_a_constant_prediction_has_a_gain_of_nothing_and_not_none(one_thread):
    same = np.zeros((len(CLASSES), 3), "float32")
    knowledge = known(same, CLASSES, "sparse_categorical_crossentropy")
    assert knowledge.gain == 0.0


def test_a_loss_without_targets_has_no_gain(one_thread):
    import keras
    import tensorflow as tf

    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer

    class Reconstruction(keras.Model):
        def __init__(self):
            super().__init__()
            self.code, self.back = keras.layers.Dense(4), keras.layers.Dense(16)

        def call(self, x):
            given = self.back(self.code(x))
            self.add_loss(tf.reduce_mean((given - x) ** 2))
            return given

    model = Reconstruction()
    model(X[:2])
    model.compile("adam")
    trainer = Trainer(model, None, of.of_model(model, X), model.optimizer, 32)
    with trainer.trained(30) as trial:
        pass
    assert np.isnan(trial.knowledge.gain)
    assert trial.end < trial.start


def test_units_that_all_grow_alike_are_not_taken_for_one(one_thread):
    """A step so large that the weights it began with no longer count leaves all units the same."""
    from zoo.diagnosis import examples as of
    from zoo.diagnosis.trainer import Trainer, units_alike

    model = network(dense(8, name="first"), dense(1, kernel_initializer="ones", name="last"))
    model.optimizer.learning_rate = 1e6
    trainer = Trainer(model, None, of.of_model(model, X, Y), model.optimizer, 32)
    with trainer.trained(1) as trial:
        assert units_alike(model.layers[0].get_weights()[0])
    assert trial.alike == []


def test_layers_that_are_cut_off_do_not_say_how_far_the_others_moved():
    from zoo.diagnosis.trial import Trial

    def moved(*displacements):
        by_layer = {str(place): each for place, each in enumerate(displacements)}
        return Trial(np.ones(1), None, None, None, by_layer, {}, {}, []).moved

    assert moved(0.0, 0.0, 0.0, 2.0, 4.0) == 3.0
    assert moved(0.0) == moved() == 0.0
