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


@pytest.mark.parametrize("order", [1, -1])
def test_an_input_by_name_that_changes_nothing_is_named(order):
    import keras

    x, classes = drawn()
    inputs = {"text": keras.Input((ENTRIES,)), "image": keras.Input((ENTRIES,))}
    hidden = dense(16, "relu")(inputs["text"] + 0 * inputs["image"])
    model = keras.Model(dict([*inputs.items()][::order]), dense(CLASSES, "softmax")(hidden))
    model.compile("adam", CROSS_ENTROPY)
    [verdict] = diagnosed(model, {"text": x, "image": x[::-1].copy()}, classes).symptoms
    assert (verdict.symptom, verdict.place) == ("unused", "inputs image")


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


@pytest.mark.parametrize("learned", [True, False])
def test_an_input_that_is_the_same_for_all_may_be_a_start(learned):
    import keras

    x, classes = drawn()
    start = np.zeros((len(x), 2), "float32")
    y = classes if learned else np.random.default_rng(1).permutation(classes)
    inputs = [keras.Input((ENTRIES,)), keras.Input((2,))]
    hidden = keras.layers.Concatenate()([dense(32, "relu")(inputs[0]), dense(4)(inputs[1])])
    model = keras.Model(inputs, dense(CLASSES, "softmax")(hidden))
    model.compile("adam", CROSS_ENTROPY)
    assert ("examples alike" in names(diagnosed(model, [x, start], y))) != learned


def test_targets_that_a_loss_does_not_look_at_may_be_all_alike():
    x, _ = drawn()
    model = network(dense(8), dense(1), loss=lambda y, outputs: (outputs - 3) ** 2)
    assert diagnosed(model, x, np.zeros(len(x), "float32")).healthy
    model.compile("adam", "mse")
    assert "examples alike" in names(diagnosed(model, x, np.zeros(len(x), "float32")))


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


def digits_():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:800] / 16).astype("float32"), y[:800]


@pytest.mark.parametrize(("activation", "units"), [("softmax", 32), ("relu", 1), ("relu", 32)])
def test_a_softmax_or_one_unit_in_the_middle_is_in_the_way(activation, units):
    x, y = digits_()
    layers = [dense(32, activation), dense(units, "tanh"), dense(10, "softmax")]
    report = diagnosed(network(*layers, inputs=(64,), loss=CROSS_ENTROPY), x, y)
    if (activation, units) == ("relu", 32):
        assert report.healthy
        return
    [verdict] = report.symptoms
    assert verdict.symptom == "stagnating"
    assert verdict.layers == (layers[0 if activation == "softmax" else 1].name,)


def test_an_autoencoder_may_have_a_narrow_code():
    x, _ = digits_()
    model = network(dense(32, "relu"), dense(3), dense(32, "relu"), dense(64), inputs=(64,))
    assert diagnosed(model, x, x).healthy


@pytest.mark.parametrize("last", [True, False])
def test_dropout_of_the_predictions(last):
    import keras

    x, _ = drawn()
    dropout, head = keras.layers.Dropout(0.3), dense(1)
    model = network(dense(16, "relu"), *([head, dropout] if last else [dropout, head]))
    symptoms = diagnosed(model, x, x[:, :1] + 3).symptoms
    assert [each.layers for each in symptoms] == ([(dropout.name,)] if last else [])


@pytest.mark.parametrize("units", [1, 2, 8])
def test_normalization_of_one_or_two_numbers_by_themselves(units):
    import keras

    x, classes = drawn()
    model = network(
        dense(units),
        keras.layers.LayerNormalization(),
        dense(16, "relu"),
        dense(CLASSES, "softmax"),
        loss=CROSS_ENTROPY,
    )
    assert ("examples alike" in names(diagnosed(model, x, classes))) == (units <= 2)


def test_clipping_that_leaves_nothing_is_a_rate_too_low():
    import keras

    x, _ = drawn()
    optimizer = keras.optimizers.SGD(0.05, clipnorm=1e-4)
    model = network(dense(32, "relu"), dense(1), optimizer=optimizer)
    assert names(diagnosed(model, x, x[:, :1])) == ["rate too low"]


def test_weights_of_a_truth_table_may_shrink_on_their_way():
    import keras

    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25, "float32")
    y = (x.sum(1) == 1).astype("float32")
    model = network(
        dense(8, "tanh"),
        dense(1, "sigmoid"),
        inputs=(2,),
        loss="binary_crossentropy",
        optimizer=keras.optimizers.SGD(0.5),
    )
    assert diagnosed(model, x, y).healthy


def images():
    """Pictures (6, 5, 1) of bright spots, and their pixels' classes (6, 5)."""
    x = np.random.default_rng(0).normal(size=(200, 6, 5, 1)).astype("float32")
    return x, (x[..., 0] > 0.5).astype(int)


@pytest.mark.parametrize("axis", [1, -1])
def test_a_softmax_over_another_axis_than_the_classes(axis):
    import keras

    x, y = images()
    convolve = keras.layers.Conv2D(2, 1, padding="same")
    model = network(
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        convolve,
        keras.layers.Softmax(axis=axis),
        inputs=(6, 5, 1),
        loss=CROSS_ENTROPY,
    )
    cannot = "output cannot express the target"
    assert (cannot in names(diagnosed(model, x, y))) == (axis == 1)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_targets_that_do_not_sum_to_1_are_none_of_a_softmax(activation, loss):
    x, classes = drawn()
    y = (classes[:, None] > np.arange(CLASSES - 1)).astype("float32")
    model = network(dense(16, "relu"), dense(CLASSES - 1, activation), loss=loss)
    cannot = "output cannot express the target"
    assert (cannot in names(diagnosed(model, x, y))) == (activation == "softmax")


def test_a_divergence_wants_distributions():
    x, classes = drawn()
    shares = np.eye(CLASSES, dtype="float32")[classes]
    for last, faulty in (("softmax", False), (None, True)):
        model = network(dense(16, "relu"), dense(CLASSES, last), loss="kl_divergence")
        said = "logits taken for probabilities" in names(diagnosed(model, x, shares))
        assert said == faulty, last


def test_weights_that_no_step_has_moved():
    import keras

    x, classes = drawn()
    optimizer = keras.optimizers.Adam(0.01, gradient_accumulation_steps=100_000)
    layers = [dense(16, "relu"), dense(CLASSES, "softmax")]
    model = network(*layers, loss=CROSS_ENTROPY, optimizer=optimizer)
    assert names(diagnosed(model, x, classes)) == ["rate too low"]


def test_seven_rows_that_a_line_fits_are_learned_at_a_high_rate():
    import keras

    x = np.array([[-40.0], [-10.0], [0.0], [8.0], [15.0], [22.0], [38.0]], "float32")
    model = network(dense(1), inputs=(1,), optimizer=keras.optimizers.Adam(0.5))
    assert diagnosed(model, x, 1.8 * x + 32).healthy


@pytest.mark.parametrize("batch_size", [1, 8])
def test_batches_of_one_leave_nothing_to_normalize(batch_size):
    import keras

    import zoo

    x, classes = drawn(120)
    normalized = [dense(16, "relu"), keras.layers.BatchNormalization()]
    model = network(*normalized, dense(CLASSES, "softmax"), loss=CROSS_ENTROPY)
    report = zoo.diagnose(model, x, classes, batch_size=batch_size)
    assert names(report) == (["examples alike"] if batch_size == 1 else [])
