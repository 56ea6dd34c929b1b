"""A callback that measures: what a tape measures, when it should, and a run that stays the same."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import zoo
from zoo import probe
from zoo.errors import ZooError
from zoo.probe import QUANTITIES
from zoo.training.schedule import probe_steps

pytestmark = pytest.mark.usefixtures("one_thread")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 8)).astype(np.float32)
Y = RNG.integers(0, 3, 64)
SEQUENCES = RNG.normal(size=(64, 5, 3)).astype(np.float32)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def dense(*parts, inputs=(8,)):
    return keras.Sequential([keras.Input(inputs), *parts, layers.Dense(3)])


class Noise(layers.Layer):
    """Draws from the seed that all share, as `keras.random` without one does."""

    def call(self, x, training=False):
        return x + 0.1 * keras.random.normal(ops.shape(x)) if training else x


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.head, self.first = layers.Dense(3), layers.Dense(6, "relu")

    def call(self, x):
        return self.head(self.first(x))


def normalized():
    return dense(layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.3))


def stateful():
    inputs = keras.Input(batch_shape=(16, 5, 3))
    x = layers.LSTM(4, stateful=True, dropout=0.2)(inputs)
    return keras.Model(inputs, layers.Dense(3)(x))


def noisy():
    return dense(layers.Dense(6, "tanh"), Noise())


def half():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return dense(layers.Dense(6, "relu"))
    finally:
        keras.config.set_dtype_policy("float32")


def two_and_two():
    one, two = keras.Input((8,)), keras.Input((8,))
    x = layers.Dense(5, "tanh")(layers.Concatenate()([one, two]))
    return keras.Model([one, two], [layers.Dense(3)(x), layers.Dense(1)(x)])


def subclassed():
    model = Subclassed()
    model(X)
    return model


def plain():
    return dense(layers.Dense(6, "relu"), layers.Dense(5, "tanh"))


CASES = {
    "normalized": (normalized, X, {}),
    "stateful": (stateful, SEQUENCES, {}),
    "noisy": (noisy, X, {}),
    "half": (half, X, {}),
    "subclassed": (subclassed, X, {}),
    "xla": (plain, X, {"jit_compile": True}),
    "eager": (normalized, X, {"run_eagerly": True}),
    "many_at_once": (normalized, X, {"steps_per_execution": 3}),
    "two_and_two": (two_and_two, [X, X[::-1].copy()], {}),
}


def targets(name):
    return [Y, Y[:, None].astype(np.float32)] if name == "two_and_two" else Y


def batch_of(name):
    """What a callback measures on: of stateful layers, as many examples as they have states."""
    x, y = CASES[name][1], targets(name)
    return (x[:16], y[:16]) if name == "stateful" else (x, y)


def fitted(name, *callbacks, epochs=3, data=None):
    """A model after some epochs, and the losses that `fit` reports."""
    build, x, options = CASES[name]
    keras.utils.set_random_seed(0)
    model, losses = build(), [SPARSE, "mse"] if name == "two_and_two" else SPARSE
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), losses, **options)
    given = (x, targets(name)) if data is None else (data(x, targets(name)),)
    batches = {} if data else {"batch_size": 16}
    reported = model.fit(*given, epochs=epochs, verbose=0, callbacks=list(callbacks), **batches)
    return model, reported.history["loss"]


def numbers(model):
    of_layers = [each for layer in model.layers for each in getattr(layer, "states", None) or []]
    variables = [*model.variables, *model.optimizer.variables, *of_layers]
    return [np.asarray(variable) for variable in variables]


def batches(x, y):
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64, seed=3).batch(16)


# ---------------------------------------------------------------- the run stays what it is


@pytest.mark.parametrize("callback", ["GradientProbe", "GradientAlarm"])
@pytest.mark.parametrize("name", CASES)
def test_a_run_is_to_the_bit_what_it_is_without(name, callback):
    watching = getattr(zoo, callback)(*batch_of(name))
    (alone, losses), (watched, with_it) = fitted(name), fitted(name, watching)
    assert losses == with_it and losses[0] != losses[-1]
    for one, other in zip(numbers(alone), numbers(watched), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(watching.history["steps"]) > 2


def test_a_run_on_a_dataset_is_to_the_bit_what_it_is_without():
    watching = zoo.GradientProbe(X, Y)
    (alone, losses), (watched, with_it) = (
        fitted("normalized", *each, data=batches) for each in ([], [watching])
    )
    assert losses == with_it
    for one, other in zip(numbers(alone), numbers(watched), strict=True):
        np.testing.assert_array_equal(one, other)
    assert watching.history["steps"] == probe_steps(12)  # a dataset knows how long it is


# ---------------------------------------------------------------- what is measured


class Twin(keras.callbacks.Callback):
    """Measures eagerly at every step, and keeps the weights."""

    def __init__(self, x, y):
        super().__init__()
        self.batch, self.measured, self.kernels = (x, y), [], []

    def look(self):
        self.measured.append(probe.measure(self.model, None, *self.batch))
        by_name = {each.name: each for each in self.model.layers}
        kernels = [by_name[name].kernel.numpy() for name in self.measured[-1]["layers"]]
        self.kernels.append([kernel.astype(float) for kernel in kernels])

    def on_train_batch_begin(self, batch, logs=None):
        self.look()

    def on_train_end(self, logs=None):
        self.look()


@pytest.mark.parametrize("name", ["normalized", "half", "subclassed", "two_and_two"])
def test_it_measures_what_an_eager_measurement_does(name):
    twin, watching = Twin(*batch_of(name)), zoo.GradientProbe(*batch_of(name))
    fitted(name, twin, watching, epochs=5)
    history = watching.history
    assert history["steps"] == probe_steps(20) and watching._probe.compiled
    rounding = 2.0**-8 if name == "half" else 1e-4
    for at, step in enumerate(history["steps"]):
        expected = twin.measured[step]
        assert history["layers"] == expected["layers"]
        assert history["loss"][at] == pytest.approx(expected["loss"], rel=rounding)
        pairs = zip(twin.kernels[0], twin.kernels[step], strict=True)
        moved = [np.linalg.norm(now - old) / np.linalg.norm(old) for old, now in pairs]
        expected = {**expected, "displacement": moved}
        for quantity in QUANTITIES:
            given = pytest.approx(expected[quantity], rel=rounding, abs=1e-9, nan_ok=True)
            assert history[quantity][at] == given, (quantity, step)


def test_an_update_is_that_of_the_one_step():
    twin, watching = Twin(X, Y), zoo.GradientProbe(X, Y)
    fitted("normalized", twin, watching, epochs=5)
    for at, step in enumerate(watching.history["steps"][:-1]):
        pairs = zip(twin.kernels[step], twin.kernels[step + 1], strict=True)
        expected = [np.linalg.norm(new - old) / np.linalg.norm(old) for old, new in pairs]
        assert watching.history["update_ratio"][at] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(watching.history["update_ratio"][-1]).all()  # no step follows


@pytest.mark.parametrize("size", [2.0**-20, 16.0], ids=["below", "above"])
def test_a_scaled_loss_has_the_gradients_of_one_that_is_not(size):
    """Half precision holds 2^-24 to 65504, and fit scales the loss by 2^15 at first."""

    def loss(y, outputs):
        return size * tf.reduce_mean(tf.cast(outputs, tf.float32), -1)

    keras.utils.set_random_seed(0)
    model = half()
    model.compile("sgd", loss)
    watching = zoo.GradientProbe(X, Y)
    model.fit(X, Y, batch_size=64, verbose=0, callbacks=[watching])
    expected = probe.measure(single(), loss, X, Y)["kernel_grad_norm"]
    # Of the four products and sums on the way to a kernel, each is rounded to 11 bits.
    assert watching.history["kernel_grad_norm"][0] == pytest.approx(expected, rel=2.0**-8)
    assert watching.history["nonfinite"][0] == [0.0, 0.0]
    assert watching.history["underflowed"][0] == [False, False]


def single():
    """The model of `half` at its start, in single precision."""
    keras.utils.set_random_seed(0)
    return dense(layers.Dense(6, "relu"))


def test_what_cannot_be_traced_is_measured_eagerly():
    class Untraceable(Subclassed):
        def call(self, x):
            outputs = super().call(x)
            return outputs * float(np.sign(np.abs(outputs.numpy()).sum()))

    keras.utils.set_random_seed(0)
    model = Untraceable()
    model(X)
    model.compile("sgd", SPARSE, run_eagerly=True)
    expected = probe.measure(model, None, X, Y)
    watching = zoo.GradientProbe(X, Y)
    model.fit(X, Y, batch_size=16, verbose=0, callbacks=[watching])
    assert not watching._probe.compiled and watching.history["steps"] == probe_steps(4)
    for quantity in QUANTITIES:
        given = pytest.approx(expected[quantity], rel=1e-5, nan_ok=True)
        assert watching.history[quantity][0] == given


def test_what_python_counts_within_a_graph_is_put_back():
    class Counting(Subclassed):
        def __init__(self):
            super().__init__()
            self.calls = tf.Variable(0.0, trainable=False)

        def call(self, x):
            tf.py_function(lambda: self.calls.assign_add(1.0), [], tf.float32)
            return super().call(x)

    counts = []
    for callbacks in ([], [zoo.GradientProbe(X, Y)]):
        model = Counting()
        model(X)
        model.compile("sgd", SPARSE)
        model.fit(X, Y, batch_size=16, verbose=0, callbacks=callbacks)
        counts.append(float(model.calls))
    assert counts[0] == counts[1] > 0 and not callbacks[0]._probe.compiled


def test_a_call_that_is_a_graph_is_looked_into():
    class Compiled(Subclassed):
        call = tf.function(Subclassed.call)

    rows = []
    for kind in (Subclassed, Compiled):
        keras.utils.set_random_seed(0)
        model = kind()
        model(tf.constant(X))
        model.compile("sgd", SPARSE)
        watching = zoo.GradientProbe(X, Y)
        model.fit(X, Y, batch_size=32, verbose=0, callbacks=[watching])
        assert watching._probe.compiled
        rows.append(watching.history["delta_rms"][0])
    assert rows[0] == pytest.approx(rows[1], rel=1e-6) and min(rows[0]) > 0


def test_entries_that_are_not_finite_are_counted():
    model = dense(layers.Dense(6, "relu"))
    model.compile("sgd", lambda y, p: tf.sqrt(-1.0 - tf.reduce_sum(p**2, -1)))
    watching = zoo.GradientProbe(X, Y)
    model.fit(X, Y, batch_size=64, verbose=0, callbacks=[watching])
    expected = probe.measure(model, None, X, Y)["nonfinite"]
    assert watching.history["nonfinite"][-1] == expected and expected[0] >= 8 * 6


def test_of_many_examples_some_are_taken_over_all_of_them():
    many = RNG.normal(size=(1000, 8)).astype(np.float32)
    classes = RNG.integers(0, 3, 1000)
    few = np.linspace(0, 999, 128).round().astype(int)
    rows = []
    for batch in ((many, classes), (many[few], classes[few])):
        watching = zoo.GradientProbe(*batch)
        fitted("normalized", watching, epochs=1)
        rows.append(watching.history["kernel_grad_norm"])
    assert rows[0] == rows[1]


# ---------------------------------------------------------------- when


class Counted(keras.callbacks.Callback):
    """How many steps the optimizer had taken at each measurement."""

    def __init__(self, watching):
        super().__init__()
        self.seen, measure = [], watching._measure

        def measured(step):
            self.seen.append((step, int(self.model.optimizer.iterations)))
            measure(step)

        watching._measure = measured


def generated():
    while True:
        yield X[:16], Y[:16]


def endless():
    """Batches of which Keras cannot know how many there are."""
    for _ in range(35):
        yield X[:16], Y[:16]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"x": X, "y": Y, "batch_size": 16, "epochs": 25}, probe_steps(100)),
        ({"x": X, "y": Y, "batch_size": 16, "epochs": 25, "initial_epoch": 5}, probe_steps(80)),
        ({"x": X, "y": Y, "batch_size": 15, "epochs": 2}, probe_steps(10)),
        ({"x": generated, "steps_per_epoch": 7, "epochs": 3}, probe_steps(21)),
        ({"x": endless}, [0, 1, 2, 4, 8, 16, 32, 35]),
        ({"x": X, "y": Y, "batch_size": 16, "validation_split": 0.5, "epochs": 4}, probe_steps(8)),
    ],
    ids=["epochs", "resumed", "part_batch", "generator", "unknown", "validation"],
)
def test_it_measures_at_the_steps_of_the_schedule(options, expected):
    model = plain()
    model.compile("sgd", SPARSE)
    watching = zoo.GradientProbe(X, Y)
    counted = Counted(watching)
    x = options["x"]
    options = {**options, "x": x() if callable(x) else x}
    model.fit(**options, verbose=0, callbacks=[watching, counted])
    assert watching.history["steps"] == expected
    ran_out = "x" in options and "y" not in options and "epochs" not in options
    # Where the data run out, TensorFlow counts a step that it does not take.
    assert counted.seen == [(step, step + (ran_out and step == 35)) for step in expected]


def test_many_steps_at_once_are_looked_at_between_them():
    model = plain()
    model.compile("sgd", SPARSE, steps_per_execution=5)
    watching = zoo.GradientProbe(X, Y)
    counted = Counted(watching)
    model.fit(X, Y, batch_size=2, epochs=2, verbose=0, callbacks=[watching, counted])
    # Of an epoch's 32 steps the last two are taken together.
    looks = [epoch * 32 + step for epoch in range(2) for step in (0, 5, 10, 15, 20, 25, 30)]
    due = [min([look for look in [*looks, 64] if look >= step]) for step in probe_steps(64)]
    assert watching.history["steps"] == sorted(set(due))
    assert counted.seen == [(step, step) for step in watching.history["steps"]]
    assert np.isnan(watching.history["update_ratio"]).all()


def test_a_second_fit_has_a_history_of_its_own():
    watching = zoo.GradientProbe(X, Y)
    model, _ = fitted("normalized", watching)
    first = watching.history
    model.fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=[watching])
    assert watching.history["steps"] == first["steps"] == probe_steps(12)
    assert watching.history["displacement"][0] == [0.0, 0.0]
    assert watching.history["loss"][0] < first["loss"][0]


# ---------------------------------------------------------------- one line for what does not fit


def refusal(x, y, model=None, **options):
    model = model or plain()
    if not model.compiled:
        model.compile("sgd", SPARSE)
    before = [variable.numpy() for variable in model.variables]
    with pytest.raises(ZooError) as error:
        model.fit(X, Y, verbose=0, callbacks=[zoo.GradientProbe(x, y, **options)])
    for one, other in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("x", "y", "options", "said"),
    [
        (X, Y[:3], {}, "3 and 64 examples: give as many targets as inputs"),
        (X[:0], Y[:0], {}, "the batch is empty"),
        (X[:, :3], Y, {}, "incompatible"),
        (X, Y, {"loss": "nothing"}, "loss 'nothing'"),
        (X, Y, {"log_dir": "{folder}/file/logs"}, "log_dir {folder}/file/logs: cannot be written"),
        (X, Y, {"csv": "{folder}/file/rows.csv"}, "{folder}/file/rows.csv: cannot be written"),
    ],
    ids=["lengths", "empty", "shape", "loss", "log_dir", "csv"],
)
def test_what_does_not_fit_is_one_line_before_any_step(x, y, options, said, tmp_path):
    (tmp_path / "file").write_text("")
    options = {key: value.format(folder=tmp_path) for key, value in options.items()}
    assert said.format(folder=tmp_path) in refusal(x, y, **options)


def test_batches_are_no_batch():
    assert "give" in refusal(tf.data.Dataset.from_tensors((X, Y)), None)


def test_a_model_without_a_loss_is_one_line():
    class Own(Subclassed):
        def train_step(self, data):
            return {"loss": tf.constant(0.0)}

    model = Own()
    model(X)
    model.compile("sgd")
    assert "loss" in refusal(X, Y, model)


def test_a_model_that_is_not_built_is_one_line():
    assert "not built" in refusal(X, Y, keras.Sequential([layers.Dense(3)]))


def test_another_batch_size_than_that_of_the_states_is_one_line():
    model = stateful()
    model.compile("sgd", SPARSE)
    watching = zoo.GradientProbe(SEQUENCES[:5], Y[:5])
    with pytest.raises(ZooError) as error:
        model.fit(SEQUENCES, Y, batch_size=16, verbose=0, callbacks=[watching])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("groups", [0, -1, 1.5, "a"])
def test_a_number_of_groups_that_is_none_is_one_line(groups):
    with pytest.raises(ZooError, match=r"^groups: .*: give a number of at least 1$"):
        zoo.GradientProbe(X, Y, groups=groups)


def test_the_module_has_them_by_name():
    assert list(itertools.chain(zoo.GradientAlarm.__mro__))[1] is zoo.GradientProbe
    with pytest.raises(AttributeError, match=r"no attribute GradientProb$"):
        zoo.GradientProb  # noqa: B018
