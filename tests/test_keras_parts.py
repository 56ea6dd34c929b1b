"""These tests import TensorFlow, as the module they test does."""

from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import keras_parts, recipe
from zoo.errors import ZooError
from zoo.schema import KerasPart

RECIPE = """\
title: A title
claim: A claim
data: {name: digits, batch_size: 64}
model:
  family: mlp
  depth: 10
  width: 64
  activation: sigmoid
  initializer: glorot_uniform
training:
  optimizer: {class_name: SGD, config: {momentum: 0.9}}
  learning_rate: [0.01, 0.1]
  steps: 100
  evaluate_every: 10
  seeds: 3
  tuning_seeds: 2
target: {metric: val_accuracy, mode: max, value: 0.95}
baseline: base
arms:
  base: {}
  other: {model.depth: 2}
"""
OTHER = "other: {model.depth: 2}"

SWOOSH = """\
import keras

@keras.saving.register_keras_serializable(package="birds")
def swoosh(x):
    return x * keras.ops.sigmoid(x)

@keras.saving.register_keras_serializable()
class Slope(keras.layers.Layer):
    def __init__(self, slope=0.5, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, x):
        return keras.ops.maximum(x, self.slope * x)

    def get_config(self):
        return {**super().get_config(), "slope": self.slope}

@keras.saving.register_keras_serializable()
class Half(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, 0.5, dtype)

@keras.saving.register_keras_serializable()
class HalfSGD(keras.optimizers.SGD):
    pass
"""


@pytest.fixture(autouse=True)
def _untouched(tmp_path, monkeypatch, one_thread):
    """Each test starts with Keras's registry empty, nothing imported, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keras_parts, "_imported", set())
    monkeypatch.setattr(keras_parts, "_origins", {})
    keras.saving.get_custom_objects().clear()
    yield
    keras.saving.get_custom_objects().clear()


def part(name: str, **config: object) -> KerasPart:
    return KerasPart(class_name=name, config=config)


def user_file(source: str, name: str = "mine.py") -> str:
    Path(name).write_text(source)
    return name


def refusal(call, *arguments: object) -> str:
    with pytest.raises(ZooError) as caught:
        call(*arguments)
    return str(caught.value)


# ---------------------------------------------------------------- making


@pytest.mark.parametrize(
    ("make", "name", "config", "cls"),
    [
        (keras_parts.initializer, "he_normal", {"seed": 1}, keras.initializers.HeNormal),
        (keras_parts.initializer, "HeNormal", {}, keras.initializers.HeNormal),
        (keras_parts.layer, "BatchNormalization", {}, keras.layers.BatchNormalization),
        (keras_parts.activation, "PReLU", {}, keras.layers.PReLU),
        (keras_parts.activation, "leaky_relu", {}, keras.layers.Activation),
    ],
)
def test_a_part_is_made_by_its_keras_name_anew_each_time(make, name, config, cls):
    first, second = make(part(name, **config)), make(part(name, **config))
    assert type(first) is cls
    assert first is not second


@pytest.mark.parametrize("name", ["SGD", "sgd"])
def test_an_optimizer_is_made_at_a_learning_rate(name):
    made = keras_parts.optimizer(part(name, momentum=0.5, nesterov=True), 0.25)
    assert type(made) is keras.optimizers.SGD
    assert (float(made.learning_rate), made.momentum, made.nesterov) == (0.25, 0.5, True)


def test_an_activation_function_is_applied():
    made = keras_parts.activation(part("relu"))
    np.testing.assert_array_equal(made(np.array([-1.0, 2.0])), [0.0, 2.0])


def test_making_leaves_the_recipe_as_it_is():
    nested = part("BatchNormalization", gamma_initializer={"class_name": "Ones", "config": {}})
    before = nested.model_dump_json()
    keras_parts.layer(nested)
    assert nested.model_dump_json() == before


# ---------------------------------------------------------------- checking


@pytest.mark.parametrize("recipe_id", recipe.available())
def test_a_shipped_recipe_passes(recipe_id):
    recipe.check(recipe.load(recipe_id))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "name: digits",
            "name: digit",
            "3:8: data.name: no data set 'digit', did you mean digits?",
        ),
        (
            "activation: sigmoid",
            "activation: sigmoidd",
            "8:3: model.activation: no activation is called 'sigmoidd', did you mean sigmoid?",
        ),
        (
            OTHER,
            "other: {model.activation: Relu}",
            "21:11: arms.other: model.activation: no activation is called 'Relu', did you mean "
            "relu?",
        ),
        (
            OTHER,
            "other: {model.activation: zzzzzz}",
            "21:11: arms.other: model.activation: no activation is called 'zzzzzz', give Keras's "
            "name of one, or --import yours",
        ),
        (
            "glorot_uniform",
            "he_norml",
            "9:3: model.initializer: no initializer is called 'he_norml', did you mean he_normal?",
        ),
        (
            OTHER,
            "other: {model.normalization: BatchNorm}",
            "21:11: arms.other: model.normalization: no layer is called 'BatchNorm', did you mean "
            "BatchNormalization?",
        ),
        (
            "SGD",
            "SDG",
            "11:3: training.optimizer: no optimizer is called 'SDG', did you mean SGD?",
        ),
        (
            "momentum: 0.9",
            "momentun: 0.9",
            "11:41: training.optimizer.config.momentun: SGD has no argument 'momentun', did you "
            "mean momentum?",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: LeakyReLU, config: {slope: 1}}}",
            "21:62: arms.other: model.activation.config.slope: LeakyReLU has no argument 'slope', "
            "did you mean negative_slope?",
        ),
        (
            "glorot_uniform",
            "{class_name: RandomNormal, config: {std: 1}}",
            "9:52: model.initializer.config.std: RandomNormal has no argument 'std', did you mean "
            "stddev?",
        ),
        (
            "momentum: 0.9",
            "momentum: x",
            "11:3: training.optimizer: SGD(momentum=x): `momentum` must be a float between [0, 1].",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: relu, config: {max_value: 6}}}",
            "21:48: arms.other: model.activation.config: relu is a function and takes no config: "
            "name a layer instead",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: Dense, config: {units: 3}}}",
            "21:11: arms.other: model.activation: Dense(units=3): should keep the shape (2, 4), "
            "gives (2, 3)",
        ),
        (
            OTHER,
            "other: {model.activation: glu}",
            "21:11: arms.other: model.activation: glu: should keep the shape (2, 4), gives (2, 2)",
        ),
        (
            OTHER,
            "other: {model.activation: {class_name: TFSMLayer, config: {filepath: x}}}",
            "21:11: arms.other: model.activation: no activation is called 'TFSMLayer', give "
            "Keras's name of one, or --import yours",
        ),
    ],
)
def test_a_mistake_is_told_by_its_place(old, new, expected):
    assert RECIPE.count(old) == 1
    Path("x.yaml").write_text(RECIPE.replace(old, new))
    message = refusal(lambda: recipe.check(recipe.load("x.yaml")))
    assert message == f"x.yaml:{expected}"


def test_every_mistake_has_one_line():
    Path("x.yaml").write_text(
        RECIPE.replace("sigmoid", "sigmoidd").replace("momentum: 0.9", "momentun: 1, nestrov: 2")
    )
    assert refusal(recipe.check, recipe.load("x.yaml")).split("\n") == [
        "x.yaml:8:3: model.activation: no activation is called 'sigmoidd', did you mean sigmoid?",
        "x.yaml:11:41: training.optimizer.config.momentun: SGD has no argument 'momentun', did you "
        "mean momentum?",
        "x.yaml:11:54: training.optimizer.config.nestrov: SGD has no argument 'nestrov', did you "
        "mean nesterov?",
    ]


# ---------------------------------------------------------------- the user's objects


def test_an_imported_object_is_named_with_or_without_its_package():
    name, source = keras_parts.import_file(user_file(SWOOSH))
    assert (name, source) == ("mine.py", SWOOSH)
    for spelling in ("swoosh", "birds>swoosh"):
        made = keras_parts.activation(part(spelling))
        assert float(made(np.array(0.0))) == 0.0
    slope = keras_parts.activation(part("Slope", slope=0.25))
    assert float(slope(np.array(-4.0))) == -1.0
    assert float(keras_parts.initializer(part("Custom>Half"))((1,))[0]) == 0.5
    assert float(keras_parts.optimizer(part("HalfSGD", momentum=0.5), 0.1).momentum) == 0.5


def test_a_recipe_with_the_users_objects_is_checked():
    new = "other: {model.activation: {class_name: Slope, config: {slop: 1}}}"
    Path("x.yaml").write_text(RECIPE.replace("sigmoid", "swoosh").replace(OTHER, new))
    assert "no activation is called 'swoosh'" in refusal(recipe.check, recipe.load("x.yaml"))
    keras_parts.import_file(user_file(SWOOSH))
    assert refusal(recipe.check, recipe.load("x.yaml")) == (
        "x.yaml:21:58: arms.other: model.activation.config.slop: Slope has no argument 'slop', did "
        "you mean slope?"
    )


def test_a_mistake_in_the_users_layer_is_found_before_training():
    keras_parts.import_file(user_file(SWOOSH.replace("self.slope * x", "self.slop * x")))
    Path("x.yaml").write_text(RECIPE.replace(OTHER, "other: {model.activation: Slope}"))
    message = refusal(recipe.check, recipe.load("x.yaml"))
    assert message.startswith("x.yaml:21:11: arms.other: model.activation: Slope: ")
    assert "'Slope' object has no attribute 'slop'" in message
    assert "\n" not in message


def test_an_object_of_another_kind_does_not_count():
    keras_parts.import_file(user_file(SWOOSH))
    assert refusal(keras_parts.initializer, part("Slope")).startswith("no initializer is called")
    assert refusal(keras_parts.layer, part("swoosh")).startswith("no layer is called")


def test_a_name_that_two_have_must_be_given_in_full():
    keras_parts.import_file(user_file(SWOOSH.replace("def swoosh", "def relu")))
    assert refusal(keras_parts.activation, part("relu")) == (
        "relu is ambiguous, birds>relu and Keras itself have it: write birds>relu, or rename yours"
    )
    made = keras_parts.activation(part("birds>relu"))
    assert float(made(np.array(-1.0))) == pytest.approx(-0.2689414)


# ---------------------------------------------------------------- importing


def test_the_same_source_is_run_once():
    source = "import pathlib\npathlib.Path('runs').open('a').write('x')\n" + SWOOSH
    keras_parts.import_file(user_file(source))
    keras_parts.import_file("mine.py")
    keras_parts.import_source("elsewhere/mine.py", source)
    assert Path("runs").read_text() == "x"


def test_a_worker_needs_no_file():
    keras_parts.import_source("nowhere/mine.py", SWOOSH)
    made = keras_parts.activation(part("swoosh"))
    assert float(made(np.array(1.0))) == pytest.approx(0.7310586)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ny = x / 0\n", "mine.py:2: ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('a\\nb')\nf()\n", "mine.py:2: ValueError: a"),
        ("raise KeyError\n", "mine.py:1: KeyError"),
        ("import sys\nsys.exit(3)\n", "mine.py:2: SystemExit: 3"),
        ("import nosuchmodule\n", "mine.py:1: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("x = 1\nx = (\n", "mine.py:2: SyntaxError: '(' was never closed"),
        (
            "x = 1\n",
            "mine.py: registers no Keras object: decorate each with "
            "@keras.saving.register_keras_serializable()",
        ),
        ("", None),
        ("\0", None),
        (
            "import keras\n@keras.saving.register_keras_serializable()\nclass A:\n    pass\n",
            "mine.py:2: ValueError: Cannot register a class that does not have a get_config() "
            "method.",
        ),
    ],
)
def test_a_file_that_fails_is_told_by_its_line(source, message):
    told = refusal(keras_parts.import_file, user_file(source))
    assert told.startswith("mine.py:")
    assert "\n" not in told
    if message is not None:
        assert told == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.py", "none.py: cannot be read: No such file or directory"),
        (".", ".: cannot be read: Is a directory"),
        ("binary.py", "binary.py: not a text file (UTF-8)"),
    ],
)
def test_a_file_that_cannot_be_read(name, message):
    Path("binary.py").write_bytes(b"\xff\xfe")
    assert refusal(keras_parts.import_file, name) == message


def test_what_a_failing_file_registered_is_forgotten():
    source = SWOOSH + "raise ValueError('late')\n"
    assert refusal(keras_parts.import_file, user_file(source)).endswith("ValueError: late")
    assert keras.saving.get_custom_objects() == {}
    keras_parts.import_file(user_file(SWOOSH))
    assert keras_parts.activation(part("swoosh")) is not None


def test_a_registered_name_is_never_replaced():
    keras_parts.import_file(user_file(SWOOSH))
    before = dict(keras.saving.get_custom_objects())
    changed = user_file("# another\n" + SWOOSH, "other.py")
    assert refusal(keras_parts.import_file, changed) == (
        "other.py: birds>swoosh is registered by mine.py already: give yours another name"
    )
    assert keras.saving.get_custom_objects() == before
