"""Losses that ask for something else, each beside one that is right."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, drawn, names, network

pytestmark = pytest.mark.usefixtures("patient")

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def diagnosed(model, x, y):
    import zoo

    return zoo.diagnose(model, x, y)


def likelihood(labels, outputs):
    from keras import ops

    labels = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), CLASSES)
    return ops.mean(ops.sum(labels * ops.log(outputs + 1e-7), -1))


def negative_error(targets, outputs):
    from keras import ops

    return -ops.mean(ops.square(targets - outputs))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_likelihood_without_its_minus_rewards_errors(sign):
    x, classes = drawn()
    softmax = dense(CLASSES, "softmax")
    loss = likelihood if sign == 1 else lambda y, outputs: -likelihood(y, outputs)
    report = diagnosed(network(dense(16, "relu"), softmax, loss=loss), x, classes)
    assert ("loss rewards errors" in names(report)) == (sign == 1)


def test_an_error_with_a_minus_rewards_errors():
    x, _ = drawn()
    y = x[:, :1] + x[:, 1:2]
    model = network(dense(16, "relu"), dense(1), loss=negative_error)
    assert names(diagnosed(model, x, y))[0] == "loss rewards errors"


def cosine(targets, outputs):
    from keras import ops

    return -ops.mean(ops.sum(ops.normalize(targets) * ops.normalize(outputs), -1))


def log_density(targets, outputs):
    """Of a narrow normal distribution: below 0 near the right answers."""
    from keras import ops

    return ops.mean(ops.square((targets - outputs) / 0.1) / 2 + np.log(0.1))


def distance_of_pairs(alike, distances):
    """1 for pairs that are alike, whose distance is to be small (Hadsell et al. 2006)."""
    from keras import ops

    apart = (1 - alike) * ops.square(ops.relu(1 - distances))
    return ops.mean(alike * ops.square(distances) + apart)


def test_a_cosine_with_its_sign_turned_rewards_errors():
    x, _ = drawn()
    model = network(dense(16, "relu"), dense(2), loss=lambda y, outputs: -cosine(y, outputs))
    assert names(diagnosed(model, x, x[:, :2])) == ["loss rewards errors"]


@pytest.mark.parametrize("loss", [cosine, log_density, distance_of_pairs])
def test_losses_that_are_right_are_not_turned_round(loss):
    x, _ = drawn()
    y = x[:, :2] if loss is cosine else (x[:, :1] > 0).astype("float32")
    report = diagnosed(network(dense(16, "relu"), dense(y.shape[1]), loss=loss), x, y)
    assert "loss rewards errors" not in names(report)


def error_of_means(targets, outputs):
    from keras import ops

    return ops.square(ops.mean(targets) - ops.mean(outputs))


def error(targets, outputs):
    from keras import ops

    return ops.mean(ops.square(targets - outputs))


@pytest.mark.parametrize(
    ("loss", "shape", "faulty"),
    [
        (error_of_means, (-1, 1), True),
        (error, (-1,), False),  # Keras gives a function both in one shape
        (error, (-1, 1), False),
        (lambda y, outputs: -outputs, (-1, 1), False),  # that takes no targets
    ],
)
def test_a_loss_that_compares_no_output_with_its_own_target(loss, shape, faulty):
    x, _ = drawn()
    y = np.sin(3 * x[:, 0]).reshape(shape)
    report = diagnosed(network(dense(8, "tanh"), dense(1), loss=loss), x, y)
    assert ("labels do not fit" in names(report)) == faulty


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_a_loss_of_its_own_class_that_compares_each_with_each(shape):
    import keras

    class Error(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return error(y_true, y_pred)

    x, _ = drawn()
    y = np.sin(3 * x[:, 0]).reshape(shape)
    report = diagnosed(network(dense(8, "tanh"), dense(1), loss=Error()), x, y)
    assert ("labels do not fit" in names(report)) == (shape == (-1,))


@pytest.mark.parametrize("smoothing", [1.0, 0.2])
def test_label_smoothing_that_leaves_no_label(smoothing):
    import keras

    x, classes = drawn()
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    model = network(dense(16, "relu"), dense(CLASSES, "softmax"), loss=loss)
    report = diagnosed(model, x, np.eye(CLASSES, dtype="float32")[classes])
    assert names(report) == (["labels do not fit"] if smoothing == 1 else [])


def hinge(labels, outputs):
    """For labels of -1 and 1."""
    from keras import ops

    return ops.mean(ops.relu(1 - labels * outputs))


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
def test_a_hinge_of_its_own_knows_no_label_0(labels):
    x, _ = drawn()
    y = np.where(x[:, :1] > 0, labels[1], labels[0]).astype("float32")
    report = diagnosed(network(dense(16, "relu"), dense(1), loss=hinge), x, y)
    assert names(report) == (["stagnating"] if labels == (0, 1) else [])


@pytest.mark.parametrize("order", [1, -1])
def test_outputs_by_name_have_their_own_losses_in_any_order(order):
    import keras

    x, classes = drawn()
    given = keras.Input((ENTRIES,))
    hidden = dense(16, "relu")(given)
    outputs = {"label": dense(CLASSES, "softmax")(hidden), "cost": dense(1)(hidden)}
    model = keras.Model(given, dict([*outputs.items()][::order]))
    model.compile("adam", {"label": CROSS_ENTROPY, "cost": "mse"})
    assert diagnosed(model, x, {"label": classes, "cost": x[:, :1]}).healthy


@pytest.mark.parametrize("start", [True, False])
def test_a_physics_informed_network_needs_no_targets(start):
    """u' = -2 u, from u(0) = 1; its targets are zeros, which nothing looks at."""
    import keras
    from keras import ops

    class Decay(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            if not start:  # one that adds to what it was compiled with
                return super().compute_loss(x, y, y_pred, sample_weight, training) + 1.0
            slope = (self(x + 0.01) - self(x - 0.01)) / 0.02
            equation = ops.mean(ops.square(slope + 2 * self(x)))
            return equation + 10 * ops.mean(ops.square(self(ops.zeros_like(x)) - 1))

    time = np.random.default_rng(0).uniform(0, 2, (400, 1)).astype("float32")
    inputs = keras.Input((1,))
    model = Decay(inputs, dense(1)(dense(24, "tanh")(inputs)))
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    report = diagnosed(model, time, np.zeros_like(time))
    assert report.healthy == start


def crossentropy(targets, outputs):
    from keras import ops

    outputs = ops.clip(outputs, 1e-7, 1 - 1e-7)
    return -ops.mean(targets * ops.log(outputs) + (1 - targets) * ops.log(1 - outputs))


def crossentropy_of_logits(targets, outputs):
    import keras

    return keras.losses.BinaryCrossentropy(from_logits=True)(targets, outputs)


@pytest.mark.parametrize("loss", [crossentropy, crossentropy_of_logits])
def test_shades_of_grey_leave_a_loss_above_0(loss):
    """A sure answer to half a shade has a loss; that is no sign of logits."""
    x, _ = drawn()
    shades = (1 / (1 + np.exp(-0.6 * x))).astype("float32")
    model = network(dense(64, "relu"), dense(ENTRIES, "sigmoid"), loss=loss)
    said = "logits taken for probabilities" in names(diagnosed(model, x, shades))
    assert said == (loss is crossentropy_of_logits)


def overlap(targets, outputs):
    """The share of Dice (1945), to be as large as it can be."""
    from keras import ops

    return 2 * ops.sum(targets * outputs) / (ops.sum(targets) + ops.sum(outputs))


@pytest.mark.parametrize("faulty", [True, False])
def test_a_share_that_should_be_large_is_no_loss(faulty):
    x, _ = drawn()
    y = (x[:, :1] > 0).astype("float32")
    loss = overlap if faulty else lambda targets, outputs: 1 - overlap(targets, outputs)
    model = network(dense(16, "relu"), dense(1, "sigmoid"), loss=loss)
    assert names(diagnosed(model, x, y))[:1] == ["loss rewards errors"] * faulty


@pytest.mark.parametrize("night", [True, False])
def test_a_percentage_error_wants_targets_away_from_0(night):
    x, _ = drawn()
    y = np.maximum(x[:, :1], 0) if night else np.exp(x[:, :1] / 2)
    model = network(dense(32, "relu"), dense(1), loss="mape")
    assert names(diagnosed(model, x, y))[:1] == ["labels do not fit"] * night


def test_a_loss_of_its_own_needs_no_targets_at_all():
    import keras
    from keras import ops

    class Autoencoder(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(x - y_pred))

    x, _ = drawn()
    inputs = keras.Input((ENTRIES,))
    model = Autoencoder(inputs, dense(ENTRIES)(dense(32, "relu")(inputs)))
    model.compile(keras.optimizers.Adam(0.01))
    assert diagnosed(model, x, None).healthy


def test_a_loss_of_its_own_that_compares_differences_hears_its_targets():
    """A ranking loss is the same if all targets grow by one number."""
    import keras
    from keras import ops

    from zoo.diagnosis.heads import heads

    class Ranking(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            wanted, given = y - ops.transpose(y), y_pred - ops.transpose(y_pred)
            return ops.mean(ops.square(wanted - given))

    x, _ = drawn()
    inputs = keras.Input((ENTRIES,))
    model = Ranking(inputs, dense(1)(inputs))
    model.compile("adam", "mse")
    [head] = heads(model, None, x, x[:, :1])
    assert head.loss.name == "mean_squared_error"
