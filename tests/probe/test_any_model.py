"""Random models of Keras's own layers against a naive twin: a tape, eagerly, in plain Keras."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from tests import bfloat16
from zoo import probe
from zoo.probe.layers import survey

pytestmark = pytest.mark.usefixtures("one_thread")

BATCH = 6
SMOOTH = [None, "tanh", "sigmoid", "softplus", "elu", "gelu", "swish", "softsign"]
BETWEEN = [
    lambda: layers.Dropout(0.3),
    lambda: layers.GaussianNoise(0.1),
    lambda: layers.BatchNormalization(momentum=0.5),
    lambda: layers.LayerNormalization(),
    lambda: layers.Activation("tanh"),
    lambda: layers.Identity(),
    lambda: layers.ActivityRegularization(l2=0.1),
]


class Drawn:
    """Draws the parts of a model."""

    def __init__(self, data):
        self.data = data

    def of(self, values):
        return self.data.draw(st.sampled_from(values))

    def number(self, least, most):
        return self.data.draw(st.integers(least, most))

    def dense(self, units=None):
        penalty = self.of([None, keras.regularizers.L2(0.3), keras.regularizers.L1(0.1)])
        return layers.Dense(units or self.number(1, 5), self.of(SMOOTH), kernel_regularizer=penalty)

    def maybe(self, x):
        return self.of(BETWEEN)()(x) if self.number(0, 2) == 0 else x


def sequential(drawn):
    parts = [(drawn.dense(), drawn.of(BETWEEN)()) for _ in range(drawn.number(1, 4))]
    return keras.Sequential(
        [keras.Input((4,)), *(layer for part in parts for layer in part), drawn.dense(3)]
    )


def branches(drawn):
    """Two inputs, two towers of layers of the same names, a sum, two outputs."""
    inputs = [keras.Input((4,)), keras.Input((3,))]
    towers = []
    for x in inputs:
        for _ in range(drawn.number(1, 2)):
            x = drawn.maybe(drawn.dense(5)(x))
        towers.append(x)
    merge = drawn.of([layers.Add, layers.Concatenate, layers.Multiply, layers.Average])
    both = merge()(towers)
    return keras.Model(inputs, [drawn.dense(3)(both), drawn.dense(3)(towers[0])])


def nested(drawn):
    inner = keras.Sequential(
        [keras.Input((5,)), drawn.dense(4), drawn.of(BETWEEN)(), drawn.dense(4)]
    )
    x = inputs = keras.Input((4,))
    x = inner(drawn.dense(5)(x))
    return keras.Model(inputs, drawn.dense(3)(keras.Sequential([drawn.dense(4)])(x)))


def shared(drawn):
    layer = drawn.dense(4)
    x = inputs = keras.Input((4,))
    for _ in range(drawn.number(2, 3)):
        x = drawn.maybe(layer(x))
    return keras.Model(inputs, drawn.dense(3)(x))


def images(drawn):
    x = inputs = keras.Input((6, 6, 2))
    for _ in range(drawn.number(1, 2)):
        kind = drawn.of(
            [
                lambda a: layers.Conv2D(3, 3, padding="same", activation=a),
                lambda a: layers.SeparableConv2D(3, 3, padding="same", activation=a),
                lambda a: layers.DepthwiseConv2D(3, padding="same", activation=a),
                lambda a: layers.Conv2DTranspose(2, 3, padding="same", activation=a),
            ]
        )
        x = drawn.maybe(kind(drawn.of(SMOOTH))(x))
    x = drawn.of([layers.GlobalAveragePooling2D, layers.Flatten])()(x)
    return keras.Model(inputs, drawn.dense(3)(x))


def recurrent(drawn):
    x = inputs = keras.Input((5, 3))
    for last in (False, True):
        cell = drawn.of([layers.SimpleRNN, layers.LSTM, layers.GRU])
        layer = cell(3, return_sequences=not last)
        if drawn.number(0, 1):
            layer = layers.Bidirectional(layer)
        x = layer(x)
        if not last and drawn.number(0, 1):
            x = layers.TimeDistributed(drawn.dense(4))(x)
    return keras.Model(inputs, drawn.dense(3)(x))


def tokens(drawn):
    """Padded sequences, whose mask counts in the loss of each step."""
    x = inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True)(x)
    for _ in range(drawn.number(1, 2)):
        cell = drawn.of([layers.SimpleRNN, layers.LSTM, layers.GRU])
        x = cell(3, return_sequences=True, dropout=drawn.of([0.0, 0.3]))(x)
    return keras.Model(inputs, drawn.dense(3)(x))


def attention(drawn):
    x = inputs = keras.Input((4, 6))
    for _ in range(drawn.number(1, 2)):
        block = layers.MultiHeadAttention(2, 3)
        x = layers.Add()([x, block(x, x)])
        x = layers.LayerNormalization()(x)
    x = layers.EinsumDense("btd,de->bte", output_shape=(None, 3), activation=drawn.of(SMOOTH))(x)
    return keras.Model(inputs, drawn.dense(3)(layers.GlobalAveragePooling1D()(x)))


def normalized_weights(drawn):
    inner = layers.SpectralNormalization(layers.Dense(4, drawn.of(SMOOTH)))
    return keras.Sequential([keras.Input((4,)), inner, drawn.dense(3)])


class Own(keras.Model):
    """A subclassed model whose call takes its layers in another order, and leaves one out."""

    def __init__(self, drawn):
        super().__init__()
        self.last, self.first = drawn.dense(3), drawn.dense(4)
        self.between, self.unused = drawn.of(BETWEEN)(), layers.Dense(2)

    def call(self, x, training=None):
        return self.last(self.between(self.first(x), training=training))


def subclassed(drawn):
    model = Own(drawn)
    model(np.zeros((2, 4), np.float32))
    return model


def half(drawn):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        # Keras itself cannot add a loss of activities in half precision to the others.
        parts = [(drawn.dense(), drawn.of(BETWEEN[:-1])()) for _ in range(drawn.number(1, 3))]
        return keras.Sequential(
            [keras.Input((4,)), *(layer for part in parts for layer in part), drawn.dense(3)]
        )
    finally:
        keras.config.set_dtype_policy("float32")


KINDS = [
    sequential, branches, nested, shared, images, recurrent, tokens, attention,
    normalized_weights, subclassed, half,
]  # fmt: skip
CASES = [
    pytest.param(kind, id=kind.__name__, marks=bfloat16.needed if kind is half else ())
    for kind in KINDS
]


def batch_of(model, seed):
    rng = np.random.default_rng(seed)

    def inputs(each):
        if "int" in each.dtype:
            return rng.integers(0, 3, (BATCH, *each.shape[1:]))
        return rng.normal(size=(BATCH, *each.shape[1:])).astype(np.float32)

    x = [inputs(each) for each in getattr(model, "inputs", None) or [keras.Input((4,))]]
    shapes = [each.shape[1:] for each in getattr(model, "outputs", None) or [keras.Input((3,))]]
    y = [rng.normal(size=(BATCH, *shape)).astype(np.float32) for shape in shapes]
    return x if len(x) > 1 else x[0], y if len(y) > 1 else y[0]


def everything(model):
    """All that a model holds, as bytes, and what every attribute of every layer is and holds."""
    from zoo.probe.layers import layers_inside
    from zoo.probe.state import State

    def held(value):
        parts = value.values() if isinstance(value, dict) else value
        return [id(value), [*map(id, parts)] if isinstance(value, dict | list) else []]

    values = [variable.numpy().tobytes() for variable in State(model).variables]
    layers = [
        {name: held(value) for name, value in vars(layer).items()}
        for layer in (model, *layers_inside(model))
    ]
    return values, layers


@contextlib.contextmanager
def written_out():
    """Within it, every Dense layer is written out and leaves each z, by its identity."""
    zs, call = {}, layers.Dense.call

    def dense(self, inputs, training=None):
        z = keras.ops.matmul(inputs, self.kernel)
        z = keras.ops.add(z, self.bias)
        zs.setdefault(id(self), []).append(z)
        return z if self.activation is None else self.activation(z)

    layers.Dense.call = dense
    try:
        yield zs
    finally:
        layers.Dense.call = call


def gradients(model, x, y):
    """Of the loss that fit descends, by a tape and nothing else.

    Returns:
        The loss; the norms by matrix; and the rms of the gradients by z of each Dense layer, over
        all its uses.
    """
    before = [variable.numpy() for variable in model.variables]
    kernels = [each.kernel for each in survey(model)[0]]
    with tf.GradientTape() as tape, written_out() as zs:
        tape.watch([kernel.value for kernel in kernels])
        outputs = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
    by_kernel, by_z = tape.gradient(loss, ([kernel.value for kernel in kernels], zs))
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)

    def size(tensors):
        dense = [np.asarray(tf.convert_to_tensor(g), np.float64) for g in tensors]
        return float(np.linalg.norm([np.linalg.norm(g) for g in dense]))

    norms = {
        kernel.path: 0.0 if g is None else size([g])
        for kernel, g in zip(kernels, by_kernel, strict=True)
    }
    counts = {key: sum(int(tf.size(z)) for z in uses) for key, uses in zs.items()}
    deltas = {
        key: size([g for g in uses if g is not None]) / np.sqrt(counts[key])
        for key, uses in by_z.items()
    }
    return float(loss), norms, deltas


def deltas_of(model, measured):
    """In the order of `survey`, which knows nothing of the order of computing."""
    by_name = dict(zip(measured["layers"], measured["delta_rms"], strict=True))
    return [by_name.get(each.name, 0.0) for each in survey(model)[0]]


def check(data, kind):
    keras.utils.set_random_seed(data.draw(st.integers(0, 99)))
    model = kind(Drawn(data))
    loss = data.draw(st.sampled_from(["mse", "mae", "huber"]))
    outputs = len(getattr(model, "outputs", None) or [0])
    model.compile(loss=[loss] * outputs, loss_weights=[0.5, 2.0][:outputs] if outputs > 1 else None)
    if data.draw(st.booleans()):
        model.layers[-1].trainable = False
    x, y = batch_of(model, 0)
    before = everything(model)
    measured = probe.measure(model, None, x, y)
    assert everything(model) == before
    assert len(set(measured["layers"])) == len(measured["layers"])
    value, norms, deltas = gradients(model, x, y)
    tolerance = 2e-2 if kind is half else 1e-5
    assert measured["loss"] == pytest.approx(value, rel=tolerance)
    paths = {each.name: each.kernel.path for each in survey(model)[0]}
    largest = max(norms.values())
    for name, size in zip(measured["layers"], measured["kernel_grad_norm"], strict=True):
        assert size == pytest.approx(norms[paths[name]], rel=tolerance, abs=1e-6 * largest), name
    largest = max(deltas.values())
    for each, delta in zip(survey(model)[0], deltas_of(model, measured), strict=True):
        if type(each.layer) is layers.Dense and id(each.layer) in deltas:
            expected = deltas[id(each.layer)]
            assert delta == pytest.approx(expected, rel=tolerance, abs=1e-6 * largest), each.name


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_a_random_model_is_measured_as_its_twin_and_left_as_it_was(kind, data):
    check(data, kind)


@pytest.mark.combination
@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_many_random_models(kind, data):
    check(data, kind)
