"""The lesson against TensorFlow, differences and theory; the command as a person reads it."""

import itertools
import os
import re
import subprocess
import sys
from decimal import Decimal

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zoo import cli, theory
from zoo.diagnosis import explain

pytestmark = pytest.mark.usefixtures("one_thread")

BOTH = [explain.SIGMOID, explain.RELU]
ALL = [*BOTH, explain.TANH]
# Of float64: 2^-53 for each of a few hundred sums and products of a pass, and ten bits to spare.
ROUNDING = 2.0**-35

of_every_activation = pytest.mark.parametrize("of", ALL, ids=[each.name for each in ALL])


def close(one, other, most=ROUNDING):
    """By the largest entry: what cancels has the rounding of what it was made of."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    return one.shape == other.shape and np.abs(one - other).max() <= most * np.abs(other).max()


def relative(change, to):
    return np.linalg.norm(change) / np.linalg.norm(to)


# ---------------------------------------------------------------- TensorFlow's tape


def keras_twin(of, kernels):
    """The network in Keras, float64, with z and a of every layer as outputs."""
    x = inputs = keras.Input(kernels[0].shape[:1], dtype="float64")
    zs, activations = [], []
    for number, kernel in enumerate(kernels, 1):
        dense = keras.layers.Dense(kernel.shape[1], use_bias=False, dtype="float64")
        z = x = dense(x)
        dense.set_weights([kernel])
        zs.append(z)
        if number < len(kernels):
            x = keras.layers.Activation(of.name.lower(), dtype="float64")(z)
            activations.append(x)
    return keras.Model(inputs, [zs, activations])


def keras_pass(of, kernels, x, y):
    """z, a, L, dL/dz and dL/dW of a pass by Keras's layers and loss and TensorFlow's tape."""
    model = keras_twin(of, kernels)
    squared = keras.losses.MeanSquaredError(dtype="float64")
    with tf.GradientTape() as tape:
        zs, activations = model(tf.constant(x))
        loss = squared(tf.constant(y), zs[-1]) / 2
    deltas, gradients = tape.gradient(loss, [zs, model.trainable_variables])
    return zs, activations, float(loss), deltas, gradients, model


def cases():
    for of in ALL:
        for depth in (1, 5, 12):
            yield of, explain.chain(depth), explain.EXAMPLE, explain.TARGET
            yield of, explain.start(of, depth), explain.X, explain.XOR


@pytest.mark.parametrize(
    ("of", "kernels", "x", "y"),
    [
        pytest.param(*case, id=f"{case[0].name} {len(case[1]) - 1} {len(case[2])}")
        for case in cases()
    ],
)
def test_every_number_of_a_pass_is_that_of_tensorflow(of, kernels, x, y):
    step = explain.one_pass(of, kernels, x, y, explain.RATE)
    zs, activations, loss, deltas, gradients, model = keras_pass(of, kernels, x, y)
    assert all(map(close, step.zs, zs)) and len(zs) == len(step.zs)
    assert all(map(close, step.given, [x, *activations]))
    assert step.loss == pytest.approx(loss, rel=ROUNDING)
    assert all(map(close, step.deltas, deltas)) and len(deltas) == len(step.deltas)
    assert all(map(close, step.gradients, gradients))
    keras.optimizers.SGD(explain.RATE).apply(gradients, model.trainable_variables)
    of_the_rate = 2.0**-24  # which Keras keeps in float32
    for before, after, gradient, theirs in zip(
        kernels, step.updated, gradients, model.get_weights(), strict=True
    ):
        size = explain.RATE * np.abs(gradient).max()
        assert np.abs(after - theirs).max() <= of_the_rate * size + ROUNDING * np.abs(before).max()
    ratios = [explain.RATE * share for share in map(relative, gradients, kernels)]
    assert step.update_ratios == pytest.approx(ratios, rel=ROUNDING)
    assert step.loss_after == pytest.approx(keras_pass(of, step.updated, x, y)[2], rel=ROUNDING)


def trained_by_tensorflow(of, kernels):
    variables = [tf.Variable(kernel) for kernel in kernels]
    x, y = tf.constant(explain.X), tf.constant(explain.XOR)
    f = getattr(keras.ops, of.name.lower())

    @tf.function
    def step(rate):
        with tf.GradientTape() as tape:
            a = x
            for variable in variables[:-1]:
                a = f(a @ variable)
            loss = tf.reduce_mean((a @ variables[-1] - y) ** 2) / 2
        for variable, slope in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(rate * slope)
        return loss

    rate = tf.constant(explain.RATE, tf.float64)
    losses = [float(step(rate)) for _ in range(explain.STEPS[-1])]
    losses.append(float(step(tf.zeros_like(rate))))
    moved = [relative(v - k, k) for v, k in zip(variables, kernels, strict=True)]
    return [losses[at] for at in explain.STEPS], moved


@of_every_activation
@pytest.mark.parametrize(
    "depth",
    [5, 12, *(pytest.param(n, marks=pytest.mark.combination) for n in range(1, 12) if n != 5)],
)
def test_training_is_that_of_tensorflow(of, depth):
    """As near as a rounding may grow in it: a start that is 2^-35 off shows that it hardly does."""
    start = explain.start(of, depth)
    here = explain.train(of, start)
    signs = np.random.default_rng(1)
    off = explain.train(of, [k * (1 + ROUNDING * signs.choice([-1, 1], k.shape)) for k in start])
    losses, moved = trained_by_tensorflow(of, start)
    largest = here.losses[0]
    for mine, theirs, other in zip(here.losses, losses, off.losses, strict=True):
        assert abs(mine - theirs) <= abs(mine - other) + ROUNDING * largest
    for mine, theirs, other in zip(here.moved, moved, off.moved, strict=True):
        rounding = 2.0**-53 * explain.STEPS[-1]  # of every W, at every step
        assert abs(mine - theirs) <= abs(mine - other) + ROUNDING * mine + rounding
        assert abs(mine - other) <= 2**10 * ROUNDING * mine + rounding
        assert rounding < 0.001 * mine  # or its printed digits meant nothing


# ---------------------------------------------------------------- finite differences, theory


@of_every_activation
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    examples=st.integers(1, 4),
)
def test_gradients_are_the_limits_of_differences(of, seed, sizes, examples):
    random = np.random.default_rng(seed)
    kernels = [random.normal(0, 1, shape) for shape in itertools.pairwise([*sizes, 1])]
    ways = [random.normal(0, 1, kernel.shape) for kernel in kernels]
    x, y = random.normal(0, 1, (examples, sizes[0])), random.normal(0, 1, (examples, 1))
    step = explain.one_pass(of, kernels, x, y, explain.RATE)
    if of is explain.RELU:  # not across the kink
        assume(min(np.abs(z).min() for z in step.zs[:-1]) > 1e-2)

    def at(h):
        there = [kernel + h * way for kernel, way in zip(kernels, ways, strict=True)]
        return explain.loss(explain.forward(of, there, x)[0][-1], y)

    def difference(h):
        return (at(h) - at(-h)) / (2 * h)

    h = 1e-5
    slope = sum(np.sum(g * way) for g, way in zip(step.gradients, ways, strict=True))
    sizes_of_terms = sum(
        np.sum(np.abs(g * way)) for g, way in zip(step.gradients, ways, strict=True)
    )
    cut_off = abs(difference(2 * h) - difference(h))  # three times what is left out
    rounding = 100 * 2.0**-53 * (step.loss + np.mean(np.abs(step.zs[-1] * y)) + 1) / h
    assert abs(slope - difference(h)) <= cut_off + rounding + ROUNDING * sizes_of_terms


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=12), st.floats(-2, 2), st.sampled_from(ALL))
def test_in_a_chain_the_gradient_is_the_product(weights, x, of):
    kernels = [np.array([[weight]]) for weight in weights]
    zs, _ = explain.forward(of, kernels, np.array([[x]]))
    deltas = explain.backward(of, kernels, zs, np.array([[9.0]]))
    product = zs[-1].item() - 9
    most = abs(product)
    for weight, z in zip(weights[:0:-1], zs[-2::-1], strict=True):
        product *= weight * derivative(of, z.item())
        most *= abs(weight) * of.steepest
    assert deltas[0].item() == pytest.approx(product, rel=ROUNDING, abs=1e-250)
    assert abs(product) <= most * (1 + ROUNDING)


def derivative(of, z):
    """Written otherwise: by hyperbolic functions."""
    if of is explain.RELU:
        return float(z > 0)
    half = z / 2 if of is explain.SIGMOID else z
    return (0.25 if of is explain.SIGMOID else 1) / np.cosh(half) ** 2


@of_every_activation
def test_no_slope_is_steeper_than_is_said_and_one_is_as_steep(of):
    z = np.linspace(-9, 9, 1801)
    assert of.slope(z).max() == pytest.approx(of.steepest, rel=1e-15)
    kind = theory.nonlinearity(of.name.lower())
    assert close(of.f(z), kind.phi(z))
    with tf.GradientTape() as tape:
        tape.watch(there := tf.constant(z))
        f = getattr(keras.ops, of.name.lower())(there)
    assert close(of.slope(z), tape.gradient(f, there)) and 0 in z  # at the kink too


@of_every_activation
@pytest.mark.parametrize("sigma_w2", [1.0, 16.0])
def test_mean_field_theory_has_the_same_limit_a_layer(of, sigma_w2):
    """chi <= sigma_w^2 / 16 of the sigmoid whatever the signal, and that where there is none."""
    kind = theory.nonlinearity(of.name.lower())
    most = sigma_w2 * of.steepest**2
    chis = [theory.chi(q, kind, sigma_w2) for q in (1e-8, 0.01, 0.2647, 1.0, 100.0)]
    assert max(chis) <= most * (1 + ROUNDING)
    assert of is explain.RELU or chis[0] == pytest.approx(most, rel=1e-6)
    assert of is not explain.SIGMOID or chis[0] == pytest.approx(sigma_w2 / 16, rel=1e-6)


@of_every_activation
def test_a_layer_of_units_passes_no_more_than_its_weights_times_the_steepest_slope(of):
    step = explain.train(of, explain.start(of, 5)).first
    for kernel, lower, upper in zip(
        step.kernels[1:], step.deltas[:-1], step.deltas[1:], strict=True
    ):
        most = np.linalg.norm(kernel, 2) * of.steepest * np.linalg.norm(upper)
        assert 0 < np.linalg.norm(lower) <= most * (1 + ROUNDING)


@pytest.mark.parametrize(
    ("draw", "name"), [(explain.glorot, "glorot_uniform"), (explain.he, "he_normal")]
)
def test_the_starts_have_the_variance_of_kerass(draw, name):
    inputs, outputs = 300, 200
    kernel = draw(inputs, outputs, np.random.default_rng(1))
    variance = theory.weight_variance(*class_and_config(name), inputs, outputs)
    spread = np.std(kernel**2) / np.sqrt(kernel.size)
    assert abs(np.mean(kernel**2) - variance) < 4 * spread
    assert abs(np.mean(kernel)) < 4 * np.sqrt(variance / kernel.size)
    assert spread < 0.02 * variance
    theirs = keras.initializers.get(name)
    uniform = "uniform" in name
    largest = np.abs(np.array(theirs((inputs, outputs)))).max()
    assert (np.abs(kernel).max() <= np.sqrt(3 * variance)) == uniform
    assert (largest <= np.sqrt(3 * variance)) == uniform


def class_and_config(name):
    initializer = keras.initializers.get(name)
    return type(initializer).__name__, initializer.get_config()


def test_each_learns_from_the_start_made_for_it_or_does_not_and_not_by_luck():
    """Of the lesson's statement: ten starts, and for the sigmoid ten rates."""
    of_starts = {
        of.name: [explain.train(of, explain.start(of, 5, seed)).losses[-1] for seed in range(10)]
        for of in BOTH
    }
    assert min(of_starts["sigmoid"]) > 0.12 and max(of_starts["ReLU"]) < 0.001
    rates = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
    start = explain.start(explain.SIGMOID, 5)
    assert min(explain.train(explain.SIGMOID, start, rate).losses[-1] for rate in rates) > 0.12


# ---------------------------------------------------------------- the command

NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"


def zoo_explain(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "zoo", "explain", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.fixture
def printed(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", "explain", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


def rows(text, title):
    """The numbers of each line of the table below a title, by the line's first word."""
    lines = text.partition(title)[2].split("\n\n")[0].splitlines()
    lines = [line for line in lines if re.match(r"\d+ |output ", line)]
    return {line.split()[0]: re.findall(rf"(?<![\w.]){NUMBER}", line[7:]) for line in lines}


def says(text, value):
    """Whether a printed number is a value to its last digit."""
    half = Decimal(1).scaleb(Decimal(text).as_tuple().exponent) / 2
    return abs(float(text) - value) <= float(half) * (1 + 1e-6)


def all_say(texts, values):
    return len(texts) == len(values) and all(map(says, texts, values))


def twice(text, pattern, name):
    """The numbers of the two activations in the one place that has them after these words."""
    [numbers] = re.findall(pattern.format(f"{name} ({NUMBER})", f"ReLU ({NUMBER})"), text)
    return numbers


@pytest.mark.parametrize(
    ("name", "depth"), [("sigmoid", 5), ("tanh", 10), ("sigmoid", 1), ("sigmoid", 12)]
)
def test_who_knows_the_printed_weights_computes_every_printed_number(name, depth, printed):
    """By Keras's layers and TensorFlow's tape, from the weights, x and y that are printed."""
    code, text, errors = printed("--activation", name, "--depth", str(depth))
    assert (code, errors) == (0, "")
    pair = [each for of in (name, "ReLU") for each in ALL if each.name == of]
    x, y = (float(each) for each in re.search(r"x = (\S+), .* y = (\S+)\.", text).groups())
    [rate] = re.findall(r"4 Update: w - (\S+) ×", text)
    forward, back, update = (rows(text, title) for title in ("1 Forward", "3 Back", "4 Update"))
    layers = [*map(str, range(1, depth + 1)), "output"]
    assert list(forward) == list(update) == list(back)[::-1] == layers
    kernels = [np.array([[float(forward[layer][0])]]) for layer in layers]
    passes = [keras_pass(of, kernels, np.array([[x]]), np.array([[y]])) for of in pair]
    for place, layer in enumerate(layers):
        weight, hidden = kernels[place].item(), place < depth
        outward, slopes, moves = [], [], []
        for of, (zs, activations, _, deltas, gradients, _) in zip(pair, passes, strict=True):
            z, delta, gradient = (float(v[place][0, 0]) for v in (zs, deltas, gradients))
            outward += [z, float(activations[place][0, 0])] if hidden else [z]
            slopes += [derivative(of, z), delta] if hidden else [delta]
            moves += [gradient, 100 * float(rate) * abs(gradient / weight)]
        assert all_say(forward[layer], [weight, *outward])
        between = [kernels[place + 1].item()] if hidden else []
        assert all_say(back[layer], [*between, *slopes])
        assert all_say(update[layer], [weight, *moves])
    losses = [each[2] for each in passes]
    assert all_say(twice(text, r"2 Loss.*\n{}, {}\n", name), losses)
    products = [(deltas[0] / deltas[-1]).numpy().item() for *_, deltas, _, _ in passes]
    assert all_say(twice(text, r"All factors together: {}, {}\.", name), products)
    after = []
    for of, (*_, gradients, _) in zip(pair, passes, strict=True):
        moved = [k - float(rate) * g.numpy() for k, g in zip(kernels, gradients, strict=True)]
        after.append(keras_pass(of, moved, np.array([[x]]), np.array([[y]]))[2])
    falls = re.findall(rf"(?:{name}|ReLU) from ({NUMBER}) to ({NUMBER})", text)
    assert all_say([before for before, _ in falls], losses)
    assert all_say([then for _, then in falls], after)
    [steepest] = re.findall(
        rf"The slope of {name} is at most ({NUMBER}), that of ReLU 1 or 0", text
    )
    assert float(steepest) == derivative(pair[0], 0.0)


@pytest.mark.parametrize(("name", "depth"), [("sigmoid", 5), ("tanh", 3)])
def test_the_network_that_is_printed_is_that_of_tensorflow(name, depth, printed):
    _, text, _ = printed("--activation", name, "--depth", str(depth))
    table = rows(text, "What comes of it")
    pair = [each for of in (name, "ReLU") for each in ALL if each.name == of]
    expected = {layer: [] for layer in table}
    for of in pair:
        start = explain.start(of, depth)
        deltas = keras_pass(of, start, explain.X, explain.XOR)[3]
        losses, moved = trained_by_tensorflow(of, start)
        for layer, delta, share in zip([*table][::-1], deltas, moved, strict=True):
            expected[layer] += [float(np.sqrt(np.mean(delta.numpy() ** 2))), 100 * share]
        [line] = re.findall(rf"L of {of.name} +(.*)", text)
        for shown, loss in zip(re.findall(r"< 0.001|\S+", line), losses, strict=True):
            assert loss < 0.001 if shown == "< 0.001" else says(shown, loss)
    for layer, values in expected.items():
        assert all_say(table[layer], values), layer
    [steps] = re.findall(rf"steps of {explain.RATE} +(.*)", text)
    assert [int(each.replace(",", "")) for each in steps.split()] == list(explain.STEPS)
    assert explain.STEPS[-1] == 1000 and "in 1,000 steps" in text
    [idle] = re.findall(r"An output of 0.5 whatever the input has L = (\S+)\.", text)
    half = np.full_like(explain.XOR, 0.5)
    assert says(idle, explain.loss(half, explain.XOR))
    for shift in (-0.01, 0.01):  # no other output that is the same for all has less
        assert explain.loss(half + shift, explain.XOR) > explain.loss(half, explain.XOR)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_bars_have_equal_lengths_for_equal_factors(name, printed):
    """To half a sign; the longest is full, and none is missing."""
    _, text, _ = printed("--activation", name)
    for title in ("3 Backward", "What comes of it"):
        lines = text.partition(title)[2].split("\n\n")[0].splitlines()
        pairs = re.findall(rf"({NUMBER})  (█+)", "\n".join(lines))
        sizes = np.array([np.log10(float(size)) for size, _ in pairs])
        lengths = np.array([len(bar) for _, bar in pairs])
        assert len(pairs) == 12 and lengths.max() == 12 and lengths.min() >= 1
        low = min(np.floor(sizes.min()), sizes.max() - 1)
        ideal = 12 * (sizes - low) / (sizes.max() - low)
        assert (np.abs(lengths - np.maximum(ideal, 1)) <= 0.5 + 0.05).all()


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize("depth", [1, 2, 5, 12])
def test_all_fits_80_columns_and_is_finite(name, depth, printed):
    code, text, errors = printed("--activation", name, "--depth", str(depth))
    assert (code, errors) == (0, "") and "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\b(nan|inf)\b", text)


def test_the_command_needs_numpy_alone_and_says_the_same_each_time():
    code = (
        "import sys\nfrom zoo.cli import app\n"
        "app(['explain'], standalone_mode=False)\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'pydantic'} & sys.modules.keys()\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert (process.returncode, process.stderr) == (0, "")
    assert zoo_explain().stdout == process.stdout


def test_in_ascii_the_tables_stand_as_they_do(printed):
    process = zoo_explain(PYTHONIOENCODING="ascii")
    assert (process.returncode, process.stderr) == (0, "") and process.stdout.isascii()
    plain = printed()[1].replace("×", "*").replace("²", "^2").replace("█", "#")
    assert process.stdout == plain


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--activation", "relu"], "relu: stands there anyway; choose sigmoid or tanh"),
        (["--activation", "ReLU"], "ReLU: stands there anyway; choose sigmoid or tanh"),
        (["--activation", "tahn"], "tahn: is none of the lesson's; did you mean tanh?"),
        (["--activation", "gelu"], "is none of the lesson's; choose sigmoid or tanh"),
        (["--activation", "x\n" * 99], "--activation x\\nx"),
        (["--depth", "0"], "'--depth': 0 is not in the range 1<=x<=12"),
        (["--depth", "13"], "'--depth': 13 is not in the range 1<=x<=12"),
        (["--depth", "five"], "'--depth': 'five' is not"),
        (["five"], "five"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says, printed):
    code, output, errors = printed(*arguments)
    assert (code, output) == (2, "") and errors.count("\n") == 1
    assert says in errors and len(errors) < 200
