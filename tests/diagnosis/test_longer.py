"""Many more steps: what they acquit, what they name, and what they leave as it was."""

import numpy as np
import pytest

from tests.diagnosis.networks import dense, examples, names, network, seed

pytestmark = pytest.mark.usefixtures("patient")

X, Y, CLASSES = examples()


def diagnosed(model, x, y, **keywords):
    import zoo

    return zoo.diagnose(model, x, y, **keywords)


def many(count=800, seed=7):
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(count, 8)).astype("float32")
    return x, (x[:, :1] + x[:, 1:2] > 0).astype("float32")


def binary(*layers, optimizer="adam", **keywords):
    return network(
        *layers,
        dense(1, "sigmoid"),
        inputs=(8,),
        loss="binary_crossentropy",
        optimizer=optimizer,
        **keywords,
    )


def test_a_trial_that_is_cut_short_says_nothing_was_forgotten(monkeypatch):
    for patience in ("PATIENCE", "LONG_PATIENCE"):
        monkeypatch.setattr(f"zoo.diagnosis.measuring.{patience}", 0.0)
    x, y = many()
    report = diagnosed(binary(dense(16, "relu")), x, y)
    assert len(report.seen.longer.losses) < 50 and report.healthy


def test_a_handful_of_examples_that_is_fitted_is_no_symptom():
    x, y = many(8)
    y[::2], y[1::2] = 0, 1
    report = diagnosed(binary(dense(32, "relu")), x, y)
    assert report.healthy and report.seen.learns_later


def test_targets_that_are_mostly_noise_are_no_symptom():
    draws = np.random.default_rng(8)
    x = draws.normal(size=(4000, 8)).astype("float32")
    y = (x[:, :1] + 2 * draws.normal(size=(4000, 1)) > 0).astype("float32")
    assert diagnosed(binary(dense(8, "relu")), x, y).healthy


def test_the_order_of_the_examples_does_not_matter():
    x, y = many()
    order = np.argsort(y[:, 0], kind="stable")
    report = diagnosed(binary(dense(16, "relu")), x[order], y[order])
    assert report.healthy and report.seen.constant_loss == pytest.approx(np.log(2), rel=0.05)


def test_a_loss_that_diverges_late_is_named():
    import keras

    rises = keras.optimizers.schedules.PiecewiseConstantDecay([80], [1e-4, 1e6])
    x, _ = many()
    y = (x @ np.arange(8)[:, None] / 12).astype("float32")
    model = network(dense(16, "relu"), dense(1), inputs=(8,), optimizer=keras.optimizers.SGD(rises))
    report = diagnosed(model, x, y)
    assert report.seen.trial.diverged_at is None
    assert names(report)[0] == "diverged" and "step" in report.symptoms[0].place


def test_weights_of_losses_weigh_the_loss_of_a_constant_output():
    import keras

    x, y = many()

    def made(weight):
        seed()
        given = keras.Input((8,))
        hidden = dense(16, "relu")(given)
        model = keras.Model(given, [dense(1, "sigmoid")(hidden), dense(1, "sigmoid")(hidden)])
        model.compile("adam", ["binary_crossentropy"] * 2, loss_weights=[weight, weight])
        return diagnosed(model, x, [y, y])

    one, ten = made(1.0), made(10.0)
    assert one.healthy and ten.healthy
    assert ten.seen.constant_loss == pytest.approx(10 * one.seen.constant_loss)


def test_linear_layers_that_learn_a_linear_target_are_no_symptom():
    import keras

    x, _ = many()
    y = (x @ np.linspace(-1, 1, 8)[:, None]).astype("float32")
    slow = keras.optimizers.Adam(3e-4)
    report = diagnosed(network(dense(16), dense(1), inputs=(8,), optimizer=slow), x, y)
    assert report.healthy


@pytest.mark.parametrize("kind", [list, dict])
def test_targets_are_standardized_output_by_output(kind):
    import keras

    from zoo.diagnosis import examples as of
    from zoo.diagnosis.heads import heads
    from zoo.diagnosis.otherwise import scaled

    x, y = many()
    prices = (5000 + 1000 * x[:, 2:3]).astype("float32")
    given = keras.Input((8,))
    outputs = {"price": dense(1)(given), "whether": dense(1, "sigmoid")(given)}
    losses = {"price": "mse", "whether": "binary_crossentropy"}
    targets = {"price": prices, "whether": y}
    if kind is list:
        outputs, losses, targets = (list(each.values()) for each in (outputs, losses, targets))
    model = keras.Model(given, outputs)
    model.compile("adam", losses)
    changes = dict(scaled(model, of.of_model(model, x, targets), heads(model, None, x, targets)))
    assert list(changes) == ["targets"]
    changed = changes["targets"].y
    price, whether = changed.values() if kind is dict else changed
    assert price.std() == pytest.approx(1, rel=1e-4) and abs(price.mean()) < 1e-4
    np.testing.assert_array_equal(whether, y)


@pytest.mark.parametrize("count", [128, 200, 700])
def test_a_batch_that_is_fixed_is_kept(count):
    import keras

    draws = np.random.default_rng(9)
    x = draws.normal(size=(count, 5, 3)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(128, 5, 3)),
            keras.layers.SimpleRNN(8, stateful=True),
            dense(1),
        ]
    )
    model.compile("adam", "mse")
    before = [weight.numpy() for weight in model.variables]
    diagnosed(model, x, x[:, -1, :1], batch_size=128)
    for one, other in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, other.numpy())


def test_flags_and_seeds_are_put_back():
    import keras
    from keras.src.random import seed_generator

    inner = keras.Sequential(
        [keras.Input((8,)), dense(8), keras.layers.BatchNormalization(), dense(8)]
    )
    inner.trainable = False
    inner.layers[1].trainable = inner.layers[2].trainable = True

    class Noise(keras.layers.Layer):
        def call(self, inputs, training=False):
            return inputs + 0.01 * keras.random.normal(keras.ops.shape(inputs))

    x, y = many(400)
    model = binary(inner, Noise())
    keras.random.normal((1,))  # there is a seed for all from now on
    flags = [layer.trainable for layer in model._flatten_layers()]
    state = seed_generator.global_seed_generator().state.numpy()
    diagnosed(model, x, y)
    assert [layer.trainable for layer in model._flatten_layers()] == flags
    np.testing.assert_array_equal(state, seed_generator.global_seed_generator().state.numpy())
