"""Hutchinson's estimate against the exact Hessian, AdaHessian's step against the formulas."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zoo import recipe
from zoo.mitigations.adahessian import AdaHessian, hessian_diagonal
from zoo.parts import making

pytestmark = pytest.mark.usefixtures("one_thread")
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
SIZES = (3, 4, 3)  # of a tanh net with 31 weights


def weights_and_loss():
    rng = np.random.default_rng(0)
    shapes = [(a, b) for a, b in itertools.pairwise(SIZES)]
    weights = [tf.Variable(rng.normal(size=shape)) for pair in shapes for shape in (pair, pair[1:])]
    x, y = tf.constant(rng.normal(size=(6, SIZES[0]))), rng.integers(0, SIZES[-1], 6)

    def loss():
        hidden = tf.tanh(x @ weights[0] + weights[1])
        return CROSS_ENTROPY(y, hidden @ weights[2] + weights[3])

    return weights, loss


def estimate(weights, loss, step, seed=0):
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            value = loss()
        gradients = inner.gradient(value, weights)
    return hessian_diagonal(outer, gradients, weights, seed, tf.cast(step, tf.int64))


def flat(tensors):
    return np.concatenate([np.ravel(tensor) for tensor in tensors])


# ---------------------------------------------------------------- the estimate


def test_its_mean_is_the_exact_diagonal_and_its_variance_hutchinsons():
    weights, loss = weights_and_loss()
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            value = loss()
        gradient = tf.concat([tf.reshape(g, [-1]) for g in inner.gradient(value, weights)], 0)
    blocks = outer.jacobian(gradient, weights)
    hessian = np.hstack([np.reshape(block, (len(gradient), -1)) for block in blocks])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-15)
    variance = (hessian**2).sum(axis=1) - np.diag(hessian) ** 2

    vectors = 4000

    @tf.function
    def estimates():
        def one(step):
            return tf.concat([tf.reshape(d, [-1]) for d in estimate(weights, loss, step)], 0)

        return tf.map_fn(one, tf.range(vectors, dtype=tf.int64), tf.float64)

    found = estimates().numpy()
    errors = (found.mean(axis=0) - np.diag(hessian)) / np.sqrt(variance / vectors)
    assert np.abs(errors).max() < 4
    assert 0.5 < np.mean(errors**2) < 2  # neither further off nor nearer than chance has it
    np.testing.assert_allclose(found.var(axis=0), variance, rtol=0.15)


def test_one_vector_tells_a_diagonal_hessian():
    curvature = [np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([0.5, 4.0])]
    weights = [tf.Variable(np.ones_like(a)) for a in curvature]

    def loss():
        return sum(tf.reduce_sum(a * w**2) / 2 for a, w in zip(curvature, weights, strict=True))

    for step in range(3):
        for found, exact in zip(estimate(weights, loss, step), curvature, strict=True):
            np.testing.assert_array_equal(found, exact)


def test_the_vector_depends_on_seed_and_step_alone():
    weights, loss = weights_and_loss()
    first = flat(estimate(weights, loss, 5))
    tf.random.normal([3])
    np.testing.assert_array_equal(flat(estimate(weights, loss, 5)), first)
    assert (flat(estimate(weights, loss, 6)) != first).any()
    assert (flat(estimate(weights, loss, 5, seed=7)) != first).any()


# ---------------------------------------------------------------- the step

INPUTS = np.array([[2.0, 0.0], [0.0, 1.0]], np.float32)  # so that the Hessian is diagonal: (4, 1)
TARGETS = np.array([[6.0], [-1.0]], np.float32)  # the minimum is at (3, -1)


def line(**options):
    """w . x with the mean squared error over two examples, of which each sees one weight."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0], [2.0]], np.float32)])
    model.compile(AdaHessian(**options), keras.losses.MeanSquaredError())
    return model


def step(model, x=INPUTS, y=TARGETS):
    return model.optimizer.train_step(model, (tf.constant(x), tf.constant(y)))


def test_it_is_newtons_step_on_a_diagonal_hessian():
    model = line(learning_rate=1.0, beta_1=0.0, epsilon=0.0)
    step(model)
    np.testing.assert_allclose(model.get_weights()[0], [[3.0], [-1.0]], rtol=1e-6)


def test_two_steps_by_hand():
    rate, beta_1, beta_2, power, epsilon = 0.1, 0.8, 0.9, 0.5, 1e-3
    model = line(
        learning_rate=rate, beta_1=beta_1, beta_2=beta_2, hessian_power=power, epsilon=epsilon
    )
    w, m, v, diagonal = np.array([1.0, 2.0]), np.zeros(2), np.zeros(2), np.array([4.0, 1.0])
    for t in (1, 2):
        gradient = diagonal * (w - [3.0, -1.0])
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * diagonal**2
        root = np.sqrt(v / (1 - beta_2**t))
        w = w - rate * m / (1 - beta_1**t) / (root**power + epsilon)
        step(model)
        np.testing.assert_allclose(model.get_weights()[0].ravel(), w, rtol=1e-6)


def test_of_a_convolution_the_curvature_is_the_mean_over_positions():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((5, 5, 2)), layers.Conv2D(3, (2, 3)), layers.Flatten(), layers.Dense(4)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(AdaHessian(learning_rate=0.0, beta_2=0.75), loss)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(6, 5, 5, 2)), tf.float32)
    y = tf.constant(rng.integers(0, 4, 6))
    variables = [variable.value for variable in model.trainable_variables]
    exact = estimate(variables, lambda: loss(y, model(x)), 0)
    step(model, x, y)
    kept = {v.path.partition("/")[2]: v.numpy() for v in model.optimizer.variables}
    convolution, *_, dense, _ = [kept[name] for name in kept if name.endswith("curvature")]
    mean = np.broadcast_to(np.mean(exact[0], axis=(0, 1)), (2, 3, 2, 3))
    np.testing.assert_allclose(convolution, 0.25 * mean**2, rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(dense, 0.25 * np.square(exact[2]), rtol=1e-4, atol=1e-12)


# ---------------------------------------------------------------- as a Keras optimizer


def classifier(optimizer):
    keras.utils.set_random_seed(3)
    blocks = [layers.Dense(5, "tanh"), layers.BatchNormalization(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *blocks])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def examples():
    rng = np.random.default_rng(1)
    return rng.normal(size=(8, 4)).astype(np.float32), rng.integers(0, 3, 8)


def test_it_logs_what_keras_logs_and_updates_moving_averages():
    x, y = examples()
    ours, keras_own = classifier(AdaHessian(0.0)), classifier(keras.optimizers.SGD(0.0))
    for _ in range(2):
        logs, expected = step(ours, x, y), keras_own.train_step((tf.constant(x), tf.constant(y)))
        assert logs.keys() == expected.keys()
        for name in logs:
            assert float(logs[name]) == pytest.approx(float(expected[name]), rel=1e-6)
    for own, theirs in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-6)


def test_a_compiled_loop_takes_the_same_steps_and_putting_variables_back_repeats_them():
    x, y = map(tf.constant, examples())
    # Compiled, the same sums are added in another order. Of numbers of about 1, gradient and
    # curvature take some 200 roundings to float32 on their way through this net, and a step passes
    # on rate / epsilon of them: where curvature vanishes, the default epsilon would make that 500.
    steps, rate, epsilon = 4, 0.05, 1.0
    rounding = steps * rate / epsilon * 200 * 2.0**-24

    def trained(model, loop):
        weights = [variable.numpy() for variable in model.variables]
        slots = [variable.numpy() for variable in model.optimizer.variables]
        loop()
        outcome = flat(model.get_weights())
        for variables, values in ((model.variables, weights), (model.optimizer.variables, slots)):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return outcome

    eager = classifier(AdaHessian(rate, epsilon=epsilon))
    expected = trained(eager, lambda: [step(eager, x, y) for _ in range(steps)])
    model = classifier(AdaHessian(rate, epsilon=epsilon))

    @tf.function
    def loop():
        for _ in tf.range(steps):
            model.optimizer.train_step(model, (x, y))

    first, again = trained(model, loop), trained(model, loop)
    np.testing.assert_allclose(first, expected, rtol=0, atol=rounding)
    np.testing.assert_array_equal(again, first)
    assert (np.abs(first - flat(model.get_weights())) > 100 * rounding).any()


def test_weights_that_the_loss_does_not_see_stay():
    inputs = keras.Input((4,))
    seen, unseen = layers.Dense(3), layers.Dense(3, name="unseen")
    model = keras.Model(inputs, [seen(inputs), unseen(inputs)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(AdaHessian(), [loss, None])
    x, y = examples()
    before = unseen.get_weights()
    step(model, x, y)
    np.testing.assert_array_equal(unseen.get_weights()[0], before[0])


@pytest.mark.parametrize("call", [
    lambda model, x, y: model.fit(x, y, verbose=0),
    lambda model, x, y: model.train_step((tf.constant(x), tf.constant(y))),
])  # fmt: skip
def test_gradients_alone_are_refused(call):
    model = line()
    with pytest.raises(RuntimeError, match=r"AdaHessian needs the curvature.*train_step"):
        call(model, INPUTS, TARGETS)
    step(model)
    with pytest.raises(RuntimeError, match="curvature"):
        call(model, INPUTS, TARGETS)


@pytest.mark.parametrize("option", ["loss_scale_factor", "gradient_accumulation_steps"])
def test_what_would_make_the_estimate_wrong_is_refused(option):
    with pytest.raises(ValueError, match="neither scales the loss nor accumulates"):
        AdaHessian(**{option: 4})


def test_it_is_saved_and_loaded_with_its_state(tmp_path):
    x, y = examples()
    options = {"beta_1": 0.8, "beta_2": 0.99, "hessian_power": 0.5, "epsilon": 1e-3, "seed": 4}
    model = classifier(AdaHessian(0.05, **options, clipnorm=1.0))
    step(model, x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is AdaHessian
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert options.items() <= loaded.optimizer.get_config().items()
    step(model, x, y)
    step(loaded, x, y)
    np.testing.assert_allclose(flat(loaded.get_weights()), flat(model.get_weights()), rtol=1e-5)


# ---------------------------------------------------------------- the recipe

ARMS = recipe.load("digits/optimizer").arms


@pytest.mark.parametrize("name", ARMS)
def test_the_optimizer_of_an_arm_takes_two_steps(name):
    part, rates = ARMS[name].spec.training.optimizer, ARMS[name].spec.training.learning_rate
    model = classifier(making.optimizer(part, rates[3]))
    x, y = map(tf.constant, examples())
    take = getattr(model.optimizer, "train_step", keras.Model.train_step)
    for _ in range(2):
        before = model.get_weights()
        assert np.isfinite(float(take(model, (x, y))["loss"]))
        for old, new in zip(before, model.get_weights(), strict=True):
            assert np.isfinite(new).all() and (old != new).any()
