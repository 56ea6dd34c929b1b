"""Shampoo's step against the formulas in NumPy, and what they say of whitening and rotations."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from zoo.mitigations.shampoo import LARGEST, Shampoo

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS, RATE, EPSILON = 4, 0.25, 1e-3
UNIT = 2.0**-24  # roundoff of float32

SHAPES = {
    "scalar": (),
    "bias": (5,),
    "kernel": (6, 4),
    "wide": (3, 7),
    "1-d convolution": (3, 2, 4),
    "2-d convolution": (2, 3, 2, 4),
}


def steps(optimizer, start, gradients, dtype="float64"):
    """Where a variable is after each step."""
    variable = keras.Variable(start, dtype=dtype, name="w")
    way = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [variable])
        way.append(np.asarray(variable.numpy(), np.float64))
    return np.array(way)


def inverse_root(matrix, power):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(values**-power) @ vectors.T


def twin(start, gradients, rate=RATE, epsilon=EPSILON):
    """The same, entry by entry of the sums, and of the products."""
    w = np.array(start, np.float64)
    shape = w.shape or (1,)
    sums = [epsilon * np.eye(size) for size in shape]
    way = []
    for gradient in gradients:
        g = np.reshape(gradient, shape)
        step = g
        for axis, size in enumerate(shape):
            for i in range(size):
                for j in range(size):
                    sums[axis][i, j] += np.sum(np.take(g, i, axis) * np.take(g, j, axis))
            root = inverse_root(sums[axis], 1 / (2 * len(shape)))
            step = np.apply_along_axis(lambda column, root=root: root @ column, axis, step)
        w = w - rate * step.reshape(w.shape)
        way.append(w)
    return np.array(way)


def drawn(shape, seed=0, count=STEPS):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=(count, *shape))


def orthogonal(size, rng):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


# ---------------------------------------------------------------- the step


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_steps_are_those_of_a_naive_twin(shape):
    start, gradients = drawn(shape)
    way = steps(Shampoo(RATE, EPSILON), start, gradients)
    expected = twin(start, gradients)
    # A root's relative error is that of its eigenvalue, which has rounding of the largest one.
    conditioned = np.sum(gradients**2) / EPSILON
    np.testing.assert_allclose(way, expected, rtol=0, atol=64 * conditioned * 2.0**-53)
    assert np.abs(np.diff(expected, axis=0)).max() > 0.01


@pytest.mark.parametrize("shape", [(5,), (6, 4)], ids=["bias", "kernel"])
def test_of_float32_weights_only_gradient_and_sum_are_rounded(shape):
    start, gradients = (np.float32(each) for each in drawn(shape))
    way = steps(Shampoo(RATE, EPSILON), start, gradients, "float32")
    expected = twin(start, gradients.astype(np.float64))
    size = np.abs(start) + RATE * np.abs(expected - start).max() * STEPS
    assert (np.abs(way - expected) < 4 * STEPS * UNIT * size.max()).all()


def test_a_bias_gets_the_step_of_adagrad_with_all_its_entries():
    """And a number that of AdaGrad itself."""
    start, gradients = drawn(())
    way = steps(Shampoo(RATE, EPSILON), start, gradients)
    root = np.sqrt(EPSILON + np.cumsum(gradients**2))
    np.testing.assert_allclose(way, start - RATE * np.cumsum(gradients / root), rtol=1e-12)


def test_the_first_step_of_a_square_kernel_is_the_orthogonal_factor_of_its_gradient():
    """With L = G G^T and R = G^T G, as epsilon goes to 0: U V^T of G = U S V^T."""
    start, (gradient,) = drawn((6, 6), count=1)
    u, singular, vt = np.linalg.svd(gradient)
    for epsilon in (1e-4, 1e-8):
        [way] = steps(Shampoo(1.0, epsilon), start, [gradient])
        # S / sqrt(S^2 + epsilon) in place of 1
        exact = u @ np.diag(singular / np.sqrt(singular**2 + epsilon)) @ vt
        rounding = 64 * np.sum(gradient**2) / epsilon * 2.0**-53
        np.testing.assert_allclose(start - way, exact, rtol=0, atol=rounding)
        off = np.linalg.norm(start - way - u @ vt, 2)
        assert off < epsilon / (2 * singular.min() ** 2) + rounding < 0.01


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1e-4, 1.0]))
def test_it_does_not_matter_in_which_coordinates_rows_and_columns_are_written(
    one_thread, seed, rows, columns, epsilon
):
    """The steps of P G Q are P step Q for orthogonal P and Q: no such thing holds of Adam."""
    start, gradients = drawn((rows, columns), seed)
    rng = np.random.default_rng(seed)
    p, q = orthogonal(rows, rng), orthogonal(columns, rng)
    plain = steps(Shampoo(RATE, epsilon), start, gradients)
    turned = steps(Shampoo(RATE, epsilon), p @ start @ q, p @ gradients @ q)
    conditioned = 1 + np.sum(gradients**2) / epsilon
    np.testing.assert_allclose(turned, p @ plain @ q, rtol=0, atol=256 * conditioned * 2.0**-53)


def test_large_gradients_do_not_pass_for_noise_along_small_ones():
    """The eigenvalues of the sums, 10^8 and 10^-2, are further apart than float32 tells."""
    gradient = np.diag([1e4, 0.1]) @ orthogonal(2, np.random.default_rng(0))
    [way] = steps(Shampoo(1.0, 1e-6), np.zeros((2, 2), np.float32), [gradient], "float32")
    u, _, vt = np.linalg.svd(gradient)
    np.testing.assert_allclose(-way, u @ vt, rtol=0, atol=1e-3)


# ---------------------------------------------------------------- as a Keras optimizer


def classifier(optimizer):
    keras.utils.set_random_seed(3)
    blocks = [layers.Conv1D(3, 2, activation="tanh"), layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((4, 2)), *blocks])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    model.optimizer.build(model.trainable_variables)
    return model


def examples():
    rng = np.random.default_rng(1)
    return rng.normal(size=(8, 4, 2)).astype(np.float32), rng.integers(0, 3, 8)


def test_it_is_saved_and_loaded_with_its_sums(tmp_path):
    x, y = examples()
    model = classifier(Shampoo(0.05, epsilon=1e-2, clipnorm=1.0))
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is Shampoo
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.optimizer.get_config()["epsilon"] == 1e-2
    for own, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(own.numpy(), theirs.numpy(), err_msg=own.path)
    for each in (model, loaded):
        each.train_on_batch(x, y)
    for own, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=0, atol=64 * UNIT)


def test_frozen_weights_and_those_that_the_loss_does_not_see_stay():
    inputs = keras.Input((4,))
    frozen, seen = layers.Dense(3, name="frozen", trainable=False), layers.Dense(3)
    unseen = layers.Dense(3, name="unseen")
    model = keras.Model(inputs, [seen(frozen(inputs)), unseen(inputs)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Shampoo(), [loss, None])
    x, y = np.random.default_rng(0).normal(size=(8, 4)), np.arange(8) % 3
    before = [[w.copy() for w in layer.get_weights()] for layer in (frozen, unseen, seen)]
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        model.train_step((tf.constant(x, tf.float32), tf.constant(y)))
    after = [layer.get_weights() for layer in (frozen, unseen, seen)]
    moved = [
        any((old != new).any() for old, new in zip(*pair, strict=True))
        for pair in zip(before, after, strict=True)
    ]
    assert moved == [False, False, True]


def test_sparse_gradients_are_those_of_the_whole_table():
    table, rows = np.ones((5, 3)), tf.constant([1, 3])
    values = tf.constant(np.random.default_rng(0).normal(size=(2, 3)))
    sparse, dense = keras.Variable(table, dtype="float64"), keras.Variable(table, dtype="float64")
    slices = tf.IndexedSlices(values, rows, tf.constant([5, 3]))
    Shampoo(RATE).apply([slices], [sparse])
    Shampoo(RATE).apply([tf.convert_to_tensor(slices)], [dense])
    np.testing.assert_array_equal(sparse.numpy(), dense.numpy())
    assert (sparse.numpy() != table).any(axis=1).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan")])
def test_no_start_of_the_sums_but_a_positive_one(epsilon):
    with pytest.raises(ValueError, match=r"^epsilon should be more than 0, is"):
        Shampoo(epsilon=epsilon)


def test_a_dimension_of_too_many_entries_is_refused_before_any_matrix_is_made():
    table = keras.Variable(np.zeros((LARGEST + 1, 2)), name="table")
    optimizer = Shampoo()
    with pytest.raises(ValueError, match=rf"table has one of {LARGEST + 1} entries.*{LARGEST}$"):
        optimizer.build([table])
    assert len(optimizer.variables) == 2  # iterations and rate


# ---------------------------------------------------------------- in the zoo's loop

PART = {"class_name": "Shampoo", "config": {"epsilon": 1e-4}}


def flat(model):
    return np.concatenate([np.ravel(weights) for weights in model.get_weights()])


def test_a_run_can_be_made_again(compiled):
    """Compiled, after another run; and its rate is that of the run."""
    arm = compiled(training__optimizer=PART, training__steps=14)
    first = arm.run(0, 0.1, probe=False)
    weights = flat(arm.model)
    arm.run(1, 1.0, probe=False)
    assert (flat(arm.model) != weights).any()
    again = arm.run(0, 0.1, probe=False)
    np.testing.assert_array_equal(flat(arm.model), weights)
    assert again["evaluation"] == first["evaluation"]
    losses = first["evaluation"]["training_loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"training__precision": "mixed_float16", "training__loss_scaling": True},
        {"training__clipping": "AdaptiveClipping"},
    ],
    ids=["loss scaling", "clipping"],
)
def test_it_learns_beside(small_recipe, digits, eagerly, changes):
    from zoo.training import CompiledArm

    changes = {"training__optimizer": PART, "training__steps": 14, **changes}
    arm = CompiledArm(small_recipe(**changes).arms["relu"], digits)
    losses = arm.run(0, 0.1, probe=False)["evaluation"]["training_loss"]
    assert losses[-1] < losses[0]
