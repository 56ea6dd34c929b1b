"""A recipe opens no file and runs no code, however deep its parts hold others."""

import builtins
import os
import socket

import hypothesis
import keras
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests.parts.user_file import SWOOSH, user_file
from zoo import recipe
from zoo.parts import kinds, making, trial, user_files
from zoo.parts.kinds import PartError
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("empty_registry")

SINE = {"class_name": "function", "module": "keras.ops", "config": "sin"}
LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": SINE}}
DENSE = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 4}}


def tried(kind, name, config):
    """Makes a part and calls it, as `zoo check` does."""
    part = KerasPart(class_name=name, config=config)
    making.optimizer(part, 0.1) if kind == "optimizer" else trial._try(kind, part, (4,))


@pytest.mark.parametrize(
    ("kind", "name", "config", "where", "words"),
    [
        ("layer", "Dense", {"units": 4, "activation": LAMBDA}, "activation.class_name", "'Lambda'"),
        (
            "layer",
            "TimeDistributed",
            {"layer": {**DENSE, "config": {"units": 4, "activation": LAMBDA}}},
            "layer.config.activation.class_name",
            "'Lambda'",
        ),
        ("layer", "Pipeline", {"layers": [DENSE, LAMBDA]}, "layers.1.class_name", "'Lambda'"),
        ("layer", "Dense", {"units": 4, "activation": SINE}, "activation.class_name", "'function'"),
        (
            "layer",
            "Dense",
            {"units": 4, "activation": {**DENSE, "module": "keras.src.layers"}},
            "activation.module",
            "'keras.src.layers' is not that of Dense: leave module out",
        ),
        (
            "layer",
            "Dense",
            {"units": 4, "activation": {**DENSE, "registered_name": "birds>swoosh"}},
            "activation.registered_name",
            "'birds>swoosh' is not that of Dense",
        ),
        (
            "layer",
            "Dense",
            {"units": 4, "activation": {"module": "os", "config": "system"}},
            "activation.class_name",
            "None",
        ),
        (
            "layer",
            "Dense",
            {"units": 4, "activation": {**DENSE, "build_config": {"input_shape": [2, 4]}}},
            "activation.build_config",
            "unknown key",
        ),
        ("layer", "StringLookup", {"vocabulary": "words"}, "vocabulary", "'words' names a file"),
        ("layer", "TextVectorization", {"vocabulary": "w.txt"}, "vocabulary", "'w.txt' names"),
        (
            "layer",
            "TimeDistributed",
            {"layer": {"class_name": "StringLookup", "config": {"vocabulary": "words"}}},
            "layer.config.vocabulary",
            "recipes open none",
        ),
        ("layer", "Embedding", {"weights": "imagenet"}, "weights", "recipes open none"),
        ("layer", "Dense", {"units": 4, "bias_initializer": "/etc/passwd"}, "bias_initializer", ""),
        ("layer", "Dense", {"activation": "http://localhost"}, "activation", "looks like a file"),
        ("layer", "Dense", {"arguments": {"log_dir": "x"}}, "arguments.log_dir", "names a file"),
        ("initializer", "Constant", {"value": LAMBDA}, "value.class_name", "'Lambda'"),
        ("optimizer", "SGD", {"name": "~/x"}, "name", "'~/x'"),
        ("optimizer", "SGD", {"momentum": LAMBDA}, "momentum.class_name", "'Lambda'"),
        ("cell", "LSTM", {"recurrent_activation": LAMBDA}, "recurrent_activation.class_name", ""),
        ("clipping", "AdaptiveClipping", {"clipping": LAMBDA}, "clipping.class_name", "'Lambda'"),
    ],
)
def test_what_a_part_may_not_hold_is_told_by_its_place(kind, name, config, where, words):
    with pytest.raises(PartError) as caught:
        tried(kind, name, config)
    [(path, reason)] = caught.value.mistakes
    assert ".".join(map(str, path)) == f"config.{where}"
    assert words in reason and reason.isprintable()


def test_a_mistake_inside_a_part_has_line_and_column(tmp_path):
    path = tmp_path / "x.yaml"
    shipped = (recipe.FOLDER / "digits/activation.yaml").read_text(encoding="utf-8")
    arm = (
        "  bad: {model.activation: {class_name: Dense, config: {activation: {class_name: Lambda}}}}"
    )
    path.write_text(f"{shipped}{arm}\n", encoding="utf-8")
    with pytest.raises(kinds.ZooError) as caught:
        trial.check(recipe.load(path))
    line = len(shipped.splitlines()) + 1
    told = str(caught.value)
    assert told.startswith(f"x.yaml:{line}:69: arms.bad: model.activation.config.activation.class")


def test_parts_inside_parts_are_made():
    inner = {"class_name": "HeNormal", "module": "keras.initializers", "registered_name": None}
    norm = {"class_name": "MaxNorm", "config": {"max_value": 2}}
    config = {"units": 4, "kernel_initializer": inner, "kernel_constraint": norm}
    made = making.layer(KerasPart(class_name="Dense", config=config))
    assert isinstance(made.kernel_initializer, keras.initializers.HeNormal)
    assert isinstance(made.kernel_constraint, keras.constraints.MaxNorm)
    wrapped = making.layer(KerasPart(class_name="Pipeline", config={"layers": [DENSE]}))
    assert wrapped is not None
    words = {"vocabulary": ["and/or", "e.g"]}
    assert making.layer(KerasPart(class_name="StringLookup", config=words)).vocabulary_size() == 3
    user_files.import_file(user_file(SWOOSH))
    half = {"units": 4, "kernel_initializer": {"class_name": "Custom>Half", "config": {}}}
    halved = making.layer(KerasPart(class_name="Dense", config=half))
    assert float(halved(keras.ops.ones((1, 1)))[0, 0]) == 0.5


# ---------------------------------------------------------------- random ones

TOPS = {
    "layer": ["Dense", "StringLookup", "TextVectorization", "Bidirectional", "Pipeline", "RNN"],
    "activation": ["PReLU", "Dense", "Softmax"],
    "initializer": ["Constant", "VarianceScaling", "Orthogonal"],
    "optimizer": ["SGD", "Adam"],
    "cell": ["LSTM", "SimpleRNN"],
    "clipping": ["AdaptiveClipping"],
}
PATHS = ["outside", "./outside", "outside.txt", "/etc/hostname", "~/x", "http://127.0.0.1:9/x"]
FUNCTIONS = ["sin", "get_file", "load_model", "system", "open", "import_module"]
MODULES = ["os", "builtins", "io", "keras.ops", "keras.utils", "keras.models", "keras.layers", None]
CLASSES = [
    *("Lambda", "TFSMLayer", "JaxLayer", "StringLookup", "TextVectorization", "IntegerLookup"),
    *("Dense", "LSTM", "PReLU", "Constant", "HeNormal", "L2", "MaxNorm", "DTypePolicy"),
    *("function", "__lambda__", "__tensor__", "__typespec__", "Sequential", "FeatureSpace"),
    *("CSVLogger", "ModelCheckpoint", "os.system", "zoo>AdaptiveClipping", ""),
]
ARGUMENTS = [
    *("units", "activation", "layer", "layers", "cell", "vocabulary", "filepath", "function"),
    *("kernel_initializer", "bias_regularizer", "dtype", "weights", "value", "momentum", "name"),
    *("recurrent_activation", "clipping", "arguments", "output_shape", "config", "path", "fn"),
]
words = st.sampled_from([*PATHS, *FUNCTIONS, *CLASSES, "relu", "zeros", "float32"])
plain = st.none() | st.booleans() | st.integers(1, 4) | st.floats(0, 1) | words


def parts(inner):
    return st.fixed_dictionaries(
        {"class_name": st.sampled_from(CLASSES)},
        optional={
            "config": st.dictionaries(st.sampled_from(ARGUMENTS), inner, max_size=3) | words,
            "module": st.sampled_from(MODULES),
            "registered_name": words,
            "build_config": st.just({"input_shape": [2, 4]}),
        },
    )


values = st.recursive(
    plain,
    lambda inner: (
        parts(inner)
        | st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*ARGUMENTS, "module"]), inner, max_size=2)
    ),
    max_leaves=6,
)
tops = st.sampled_from([(kind, name) for kind, names in TOPS.items() for name in names])


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """What was opened, by Python or by TensorFlow, or connected to."""
    (tmp_path / "outside").write_text("some\nwords\n", encoding="utf-8")
    seen = []

    def watch(owner, name):
        real = getattr(owner, name)

        def watched(*arguments, **options):
            seen.append((name, arguments))
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in ((builtins, "open"), (os, "open"), (os, "system"), (socket, "socket")):
        watch(owner, name)
    for name in ("exists", "GFile"):
        watch(tf.io.gfile, name)
    return seen


@hypothesis.settings(
    max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(
    top=tops, config=st.dictionaries(st.sampled_from(ARGUMENTS), values, min_size=1, max_size=3)
)
@hypothesis.example(("layer", "StringLookup"), {"vocabulary": "outside"})
@hypothesis.example(("layer", "TextVectorization"), {"vocabulary": "outside"})
@hypothesis.example(
    ("layer", "Bidirectional"),
    {"layer": {"class_name": "IntegerLookup", "config": {"vocabulary": "./outside"}}},
)
@hypothesis.example(
    ("layer", "Dense"),
    {
        "units": 4,
        "activation": {
            "class_name": "StringLookup",
            "module": "keras.layers",
            "config": {"vocabulary": "outside"},
        },
    },
)
def test_nothing_is_opened_and_nothing_but_a_line_comes_of_any_arguments(opened, top, config):
    opened.clear()
    try:
        tried(*top, config)
    except PartError as error:
        assert all("\n" not in reason for _, reason in error.mistakes)
    assert opened == []
