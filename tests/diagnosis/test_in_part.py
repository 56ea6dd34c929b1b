"""What learns in part: a loss turned round, inputs that do not tell, layers without activation."""

import numpy as np
import pytest

from tests.diagnosis.networks import CLASSES, ENTRIES, dense, names, network, seed

CROSS_ENTROPY = "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def seeded(one_thread, monkeypatch):
    seed()
    for patience in ("PATIENCE", "LONG_PATIENCE"):  # on a slow processor too
        monkeypatch.setattr(f"zoo.diagnosis.measuring.{patience}", 600.0)


def diagnosed(model, x, y):
    import zoo

    return zoo.diagnose(model, x, y)


def moons(count=600):
    from sklearn.datasets import make_moons

    x, y = make_moons(count, noise=0.1, random_state=0)
    return x.astype("float32"), y


def drawn(count=400):
    x = np.random.default_rng(0).normal(size=(count, ENTRIES)).astype("float32")
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


# ------------------------------------------------------------ losses


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


@pytest.mark.parametrize("loss", [cosine, log_density, distance_of_pairs])
def test_losses_that_are_right_are_not_turned_round(loss):
    x, _ = drawn()
    y = x[:, :2] if loss is cosine else (x[:, :1] > 0).astype("float32")
    report = diagnosed(network(dense(16, "relu"), dense(y.shape[1]), loss=loss), x, y)
    assert "loss rewards errors" not in names(report)


# ------------------------------------------------------------ inputs


@pytest.mark.parametrize("numbers", [False, True])
def test_inputs_that_were_rounded_off_cannot_tell_their_targets(numbers):
    x, classes = drawn()
    y = x[:, :1] if numbers else classes
    loss, last = ("mse", dense(1)) if numbers else (CROSS_ENTROPY, dense(CLASSES, "softmax"))
    clipped = np.clip(np.round(np.abs(x) / 2), 0, 1)
    clipped[:, 3:] = 0
    [verdict, *_] = diagnosed(network(dense(8, "relu"), last, loss=loss), clipped, y).symptoms
    assert (verdict.symptom, verdict.place, verdict.sure) == ("examples alike", "inputs", "likely")


@pytest.mark.parametrize("wrong", [0.0, 0.2])
def test_a_truth_table_is_no_contradiction(wrong):
    from sklearn.utils import shuffle

    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    x = shuffle(np.repeat(table, 100, 0), random_state=0)
    y = (x.sum(1) == 1).astype(int)
    y = np.where(np.random.default_rng(0).random(len(y)) < wrong, 1 - y, y)
    model = network(dense(8, "tanh"), dense(1, "sigmoid"), inputs=(2,), loss="binary_crossentropy")
    assert "examples alike" not in names(diagnosed(model, x, y))


# ------------------------------------------------------------ layers


@pytest.mark.parametrize("activation", [None, "relu"])
def test_layers_without_activation_want_one_where_the_classes_are_bent(activation):
    x, y = moons()
    hidden = [dense(32, activation) for _ in range(3)]
    model = network(*hidden, dense(1, "sigmoid"), inputs=(2,), loss="binary_crossentropy")
    report = diagnosed(model, x, y)
    if activation:
        assert report.healthy
        return
    [verdict] = report.symptoms
    assert verdict.symptom == "stagnating" and verdict.layers == tuple(e.name for e in hidden)
    assert [layer.activation.__name__ for layer in hidden] == ["linear"] * 3


@pytest.mark.parametrize("spread", [10.0, 0.2])
def test_weights_far_too_large_saturate(spread):
    import keras

    x, classes = drawn()
    start = keras.initializers.RandomNormal(stddev=spread)
    hidden = [dense(32, "tanh", kernel_initializer=start) for _ in range(3)]
    model = network(
        *hidden, dense(CLASSES, "softmax"), loss=CROSS_ENTROPY, optimizer=keras.optimizers.SGD(0.05)
    )
    before = [weight.numpy() for weight in model.weights]
    report = diagnosed(model, x, classes)
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    if spread < 1:
        assert report.healthy
        return
    [verdict, *_] = [each for each in report.symptoms if each.symptom == "saturated units"]
    assert verdict.layers[0] == hidden[0].name and "usual size" in verdict.because
