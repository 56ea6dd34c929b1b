"""Each symptom in a network that has it, and none in its healthy twin."""

import numpy as np
import pytest

from tests.diagnosis.networks import classifier, dense, examples, names, network, seed

pytestmark = pytest.mark.usefixtures("patient")

X, Y, CLASSES = examples()


def diagnosed(model, x=X, y=CLASSES, **keywords):
    import zoo

    return zoo.diagnose(model, x, y, **keywords)


def of(report, symptom):
    [verdict, *_] = [each for each in report.symptoms if each.symptom == symptom]
    return verdict


# ------------------------------------------------------------ gradients


def test_a_deep_sigmoid_net_starves_from_its_first_layer(one_thread):
    report = diagnosed(classifier(8, activation="sigmoid"))
    assert names(report) == ["vanishing gradients"]
    verdict = of(report, "vanishing gradients")
    assert verdict.layers[0] == report.start["layers"][0]
    assert len(verdict.layers) >= 3
    cures = report.cures(verdict)
    assert cures and all(cure.speedup > 1 and cure.lines for cure in cures)
    assert report.near[0].arm.spec.model.family == "mlp"


@pytest.mark.parametrize("activation", ["relu", "tanh", "selu", "swish"])
def test_its_twin_that_learns_is_healthy(one_thread, activation):
    start = {"tanh": "glorot_uniform", "selu": "lecun_normal"}.get(activation, "he_normal")
    report = diagnosed(classifier(8, activation=activation, kernel_initializer=start))
    assert report.healthy and "vanishing" not in report.conclusion


def test_a_start_that_is_too_large_explodes(one_thread):
    from keras import initializers

    model = classifier(12, kernel_initializer=initializers.RandomNormal(stddev=1.0))
    report = diagnosed(model)
    assert names(report)[0] == "exploding gradients"


def test_a_first_loss_that_is_far_off_is_told_where_no_rate_is_small_enough(one_thread):
    layers = [dense(32, "relu", kernel_initializer="random_normal") for _ in range(3)]
    model = network(*layers, dense(1), optimizer="sgd")
    for layer in layers:
        layer.kernel.assign(2000 * layer.kernel)
    report = diagnosed(model, y=Y)
    assert {"diverged", "initial loss"} <= set(names(report))


def test_units_that_all_start_alike_are_one_unit(one_thread):
    for start in ("zeros", "ones"):
        report = diagnosed(classifier(2, activation="tanh", kernel_initializer=start))
        assert "symmetric units" in names(report), start


def test_a_last_layer_that_starts_at_0_is_no_fault(one_thread):
    layers = [dense(32, activation="relu"), dense(3, "softmax", kernel_initializer="zeros")]
    loss = "sparse_categorical_crossentropy"
    assert diagnosed(network(*layers, loss=loss)).healthy


def test_a_layer_of_dead_units_is_named(one_thread):
    from keras import initializers

    biases = initializers.Constant(-100.0)
    model = network(
        dense(32, activation="relu", name="alive"),
        dense(32, activation="relu", bias_initializer=biases, name="dead"),
        dense(3, "softmax"),
        loss="sparse_categorical_crossentropy",
    )
    assert of(diagnosed(model), "dead units").layers == ("dead",)


def test_a_plain_network_forgets_through_time_and_gates_are_a_note(one_thread, monkeypatch):
    import keras

    draws = np.random.default_rng(1)
    x = draws.uniform(size=(256, 40, 1)).astype("float32")
    y = x[:, 0, 0]

    def made(layer):
        model = network(layer, dense(1), inputs=(40, 1), optimizer=keras.optimizers.Adam(1e-4))
        return diagnosed(model, x, y)

    small = keras.initializers.Orthogonal(gain=0.5)
    plain = made(keras.layers.SimpleRNN(16, recurrent_initializer=small))
    assert "vanishing through time" in names(plain)
    # At a rate of 1e-4 this is not learned in 2,000 steps: shut gates are a symptom then.
    assert "vanishing through time" in names(made(keras.layers.GRU(16)))
    monkeypatch.setattr("zoo.diagnosis.measuring.LONG", 100)
    monkeypatch.setattr("zoo.diagnosis.seen.Seen.stuck", False)
    assert "vanishing through time" not in names(made(keras.layers.GRU(16)))


def test_float16_without_loss_scaling_underflows(one_thread):
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    try:
        model = classifier(8, activation="sigmoid")
        optimizer = keras.optimizers.SGD(0.01)
        model.compile(optimizer, "sparse_categorical_crossentropy", auto_scale_loss=False)
        report = diagnosed(model)
    finally:
        keras.config.set_dtype_policy(policy)
    assert "float16 underflow" in names(report)


def test_a_loss_that_is_not_a_number_is_told_before_the_first_step(one_thread):
    import tensorflow as tf

    def of_nothing(y, outputs):
        return tf.math.log(-tf.square(outputs))

    report = diagnosed(network(dense(1), loss=of_nothing), y=Y)
    assert names(report) == ["not finite"]


# ------------------------------------------------------------ training


def sgd(rate):
    import keras

    return keras.optimizers.SGD(rate)


@pytest.mark.parametrize("rate", [1e3, 1e5])
def test_a_rate_that_is_too_high_is_told_with_one_that_does(one_thread, rate):
    model = classifier()
    model.compile(sgd(rate), "sparse_categorical_crossentropy")
    report = diagnosed(model)
    assert {"rate too high", "oscillating"} & set(names(report))


@pytest.mark.parametrize("rate", [1e-5, 1e-6])
def test_a_rate_that_is_too_low_is_told_with_one_that_does(one_thread, rate):
    model = classifier()
    model.compile(sgd(rate), "sparse_categorical_crossentropy")
    report = diagnosed(model)
    assert names(report) == ["rate too low"]
    advised = float(of(report, "rate too low").repair.removeprefix("learning_rate="))
    assert advised > 5 * rate


def test_inputs_that_drown_the_network_are_told_and_small_ones_are_not(one_thread):
    def made(x):
        model = network(
            dense(32, activation="tanh"),
            dense(3, "softmax"),
            loss="sparse_categorical_crossentropy",
            optimizer=sgd(0.05),
        )
        return diagnosed(model, x)

    assert "inputs unscaled" in names(made(X * 3e4 + 1e5))
    assert made(X).healthy


def test_targets_far_from_1_are_told_where_they_stop_it(one_thread):
    def made(y):
        return diagnosed(network(dense(32, activation="relu"), dense(1)), y=y)

    assert "targets unscaled" in names(made(1e4 + 3e3 * Y))
    assert "targets unscaled" not in names(made(Y))


def test_a_penalty_that_outweighs_the_loss_is_told(one_thread):
    from keras import regularizers

    model = classifier(kernel_regularizer=regularizers.L2(10.0))
    report = diagnosed(model)
    assert {"penalty outweighs the loss", "dying weights"} & set(names(report))


def test_weights_that_decay_away_are_told(one_thread):
    import keras

    model = classifier()
    optimizer = keras.optimizers.SGD(0.01, weight_decay=10.0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    assert "dying weights" in names(diagnosed(model))


def test_moving_averages_that_lag_are_told(one_thread):
    import keras

    def made(momentum):
        model = network(
            dense(16, activation="relu"),
            keras.layers.BatchNormalization(momentum=momentum),
            dense(3, "softmax"),
            loss="sparse_categorical_crossentropy",
        )
        return diagnosed(model)

    assert names(made(0.99999)) == ["training and inference differ"]
    assert made(0.99).healthy


def test_a_trained_network_whose_averages_are_wrong_is_told(one_thread):
    import keras

    normalization = keras.layers.BatchNormalization(momentum=0.9)
    model = network(
        *(dense(16, activation="relu"), normalization, dense(3, "softmax")),
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adam(0.01),
    )
    model.fit(X, CLASSES, epochs=30, verbose=0)
    assert diagnosed(model).healthy
    normalization.moving_mean.assign(normalization.moving_mean + 50.0)
    assert names(diagnosed(model)) == ["training and inference differ"]


# ------------------------------------------------------------ data and graph


def test_a_value_that_is_no_number_is_told_with_its_place(one_thread):
    for value in (np.nan, np.inf):
        x = X.copy()
        x[17, 3] = value
        verdict = of(diagnosed(classifier(), x), "not finite data")
        assert "example 17" in verdict.place and str(value) in verdict.because
        y = Y.copy()
        y[5] = value
        verdict = of(diagnosed(network(dense(1)), y=y), "not finite data")
        assert verdict.place == "targets, example 5"


def test_examples_that_are_all_alike_are_told(one_thread):
    assert "examples alike" in names(diagnosed(classifier(), X[:1].repeat(200, 0)))
    assert "examples alike" in names(diagnosed(classifier(), y=np.ones(200, int)))


def test_tokens_that_an_embedding_does_not_have_are_told(one_thread):
    import keras

    tokens = np.random.default_rng(0).integers(0, 50, (200, 6))
    layers = [keras.layers.Embedding(40, 4), keras.layers.Flatten(), dense(3, "softmax")]
    model = network(*layers, inputs=(6,), loss="sparse_categorical_crossentropy")
    verdict = of(diagnosed(model, tokens), "labels do not fit")
    assert "40 tokens" in verdict.because and "inputs" in verdict.place


@pytest.mark.parametrize("cut", ["argmax", "round", "stop_gradient"])
def test_a_path_that_lets_no_gradient_through_is_told(one_thread, cut):
    import keras
    from keras import ops

    given = keras.Input((16,))
    hidden = keras.layers.Dense(8, activation="relu", name="before")(given)
    cutting = {
        "argmax": lambda h: ops.cast(ops.argmax(h, -1, keepdims=True), "float32"),
        "round": ops.round,
        "stop_gradient": ops.stop_gradient,
    }[cut]
    answer = keras.layers.Dense(3, activation="softmax")(cutting(hidden))
    model = keras.Model(given, answer)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert of(diagnosed(model), "not connected").layers == ("before",)


def test_a_model_that_is_not_to_learn_is_told(one_thread):
    model = classifier()
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert names(diagnosed(model)) == ["frozen"]


def test_some_frozen_layers_are_a_note(one_thread):
    model = classifier()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    report = diagnosed(model)
    assert report.healthy and [note.symptom for note in report.notes] == ["frozen"]


def test_an_output_that_no_loss_judges_is_told(one_thread):
    import keras

    given = keras.Input((16,))
    hidden = keras.layers.Dense(8, activation="relu")(given)
    heads = [keras.layers.Dense(1, name=name)(hidden) for name in ("judged", "forgotten")]
    model = keras.Model(given, heads)
    model.compile("adam", ["mse", None])
    verdict = of(diagnosed(model, y=[Y, Y]), "no loss reaches a head")
    assert verdict.place == "output forgotten"


# ------------------------------------------------------------ many more steps


def test_what_is_slow_is_healthy_and_says_after_how_many_steps_it_learns(one_thread):
    import keras

    draws = np.random.default_rng(2)
    x = draws.normal(size=(1000, 8)).astype("float32")
    y = x[:, :1] * x[:, 1:2] + x[:, 2:3]
    slow = network(
        dense(32, activation="tanh"), dense(1), inputs=(8,), optimizer=keras.optimizers.SGD(2e-4)
    )
    report = diagnosed(slow, x, y)
    assert report.healthy and not report.seen.stuck
    assert report.seen.held_out and report.seen.learns_later


def test_targets_of_other_examples_are_learned_by_heart(one_thread):
    draws = np.random.default_rng(3)
    x = draws.normal(size=(800, 16)).astype("float32")
    y = draws.permutation((x[:, 0] > 0).astype(int))
    model = network(
        dense(128, activation="relu"),
        dense(128, activation="relu"),
        dense(2, "softmax"),
        loss="sparse_categorical_crossentropy",
    )
    report = diagnosed(model, x, y)
    verdict = of(report, "stagnating")
    assert "by heart" in verdict.because and "y[i]" in verdict.repair
    assert report.seen.longer.of_its_own.gain > 10 * max(0.0, report.seen.longer.knowledge.gain)


def test_what_is_forgotten_is_named(one_thread):
    import keras

    draws = np.random.default_rng(4)
    x = draws.normal(size=(800, 16)).astype("float32")
    y = (x @ draws.normal(size=(16, 1)) / 4).astype("float32")
    heavy = keras.optimizers.SGD(0.05, momentum=0.999)
    model = network(dense(32, activation="relu"), dense(1), optimizer=heavy)
    report = diagnosed(model, x, y)
    assert {"oscillating", "diverged", "rate too high"} & set(names(report))
    light = keras.optimizers.SGD(0.05, momentum=0.9)
    model = network(dense(32, activation="relu"), dense(1), optimizer=light)
    assert diagnosed(model, x, y).healthy


def test_frozen_layers_that_have_never_learned_are_named(one_thread):
    draws = np.random.default_rng(5)
    x = draws.normal(size=(1200, 16)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)

    def made(bias):
        seed()
        first = dense(4, activation="relu", bias_initializer=bias)
        model = network(
            *(first, dense(32, activation="relu"), dense(2, "softmax")),
            loss="sparse_categorical_crossentropy",
        )
        first.trainable = False
        model.compile(keras_adam(), "sparse_categorical_crossentropy")
        return names(diagnosed(model, x, y))

    def keras_adam():
        import keras

        return keras.optimizers.Adam(0.01)

    assert "frozen" in made("zeros")


def test_averages_that_lag_are_named(one_thread):
    import keras

    draws = np.random.default_rng(6)
    x = (100 + 3 * draws.normal(size=(800, 16))).astype("float32")
    y = (x[:, 0] > 100).astype(int)

    def made(momentum):
        seed()
        model = network(
            dense(32),
            keras.layers.BatchNormalization(momentum=momentum),
            keras.layers.Activation("relu"),
            dense(2, "softmax"),
            loss="sparse_categorical_crossentropy",
        )
        return names(diagnosed(model, x, y))

    assert "training and inference differ" in made(0.9998)
    assert made(0.9) == []
