"""A user's own file: run once, anywhere, and every failure told by its line."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.parts.user_file import SWOOSH, refusal, user_file
from zoo.parts import making, user_files
from zoo.recipe.values import KerasPart

pytestmark = pytest.mark.usefixtures("empty_registry")


def test_the_same_source_is_run_once():
    source = "import pathlib\npathlib.Path('runs').open('a').write('x')\n" + SWOOSH
    user_files.import_file(user_file(source))
    user_files.import_file("mine.py")
    user_files.import_source("elsewhere/mine.py", source)
    assert Path("runs").read_text() == "x"


def test_a_worker_needs_no_file():
    user_files.import_source("nowhere/mine.py", SWOOSH)
    made = making.activation(KerasPart(class_name="swoosh"))
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
    told = refusal(user_files.import_file, user_file(source))
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
    assert refusal(user_files.import_file, name) == message


def test_what_a_failing_file_registered_is_forgotten():
    source = SWOOSH + "raise ValueError('late')\n"
    assert refusal(user_files.import_file, user_file(source)).endswith("ValueError: late")
    assert all(name.startswith("zoo>") for name in keras.saving.get_custom_objects())
    user_files.import_file(user_file(SWOOSH))
    assert making.activation(KerasPart(class_name="swoosh")) is not None


def test_a_registered_name_is_never_replaced():
    user_files.import_file(user_file(SWOOSH))
    before = dict(keras.saving.get_custom_objects())
    changed = user_file("# another\n" + SWOOSH, "other.py")
    assert refusal(user_files.import_file, changed) == (
        "other.py: birds>swoosh is registered by mine.py already: give yours another name"
    )
    assert keras.saving.get_custom_objects() == before


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("keras.config.set_floatx('float16')", "floatx"),
        ("keras.config.set_epsilon(0.1)", "epsilon"),
        ("keras.config.set_image_data_format('channels_first')", "image_data_format"),
        ("keras.config.set_dtype_policy('mixed_bfloat16')", "the dtype policy"),
        ("keras.mixed_precision.set_global_policy('float64')", "the dtype policy"),
        (
            "keras.utils.set_random_seed(3)",
            "the seed of TensorFlow, the random numbers of Python, the random numbers of NumPy",
        ),
        ("import tensorflow; tensorflow.random.set_seed(3)", "the seed of TensorFlow"),
        ("import random; random.seed(3)", "the random numbers of Python"),
        ("import random; x = random.random()", "the random numbers of Python"),
        ("import numpy; x = numpy.random.normal()", "the random numbers of NumPy"),
    ],
)
def test_a_file_that_changes_what_all_runs_share_is_refused_and_changes_nothing(line, what):
    tf.random.set_seed(7)
    before = user_files._settings()
    told = refusal(user_files.import_file, user_file(f"{SWOOSH}{line}\n"))
    assert told.startswith(f"mine.py: changes {what}, for the whole process: leave that out")
    tf.random.set_seed(7)
    assert user_files._settings() == before
    assert all(name.startswith("zoo>") for name in keras.saving.get_custom_objects())


def test_parts_and_generators_of_a_files_own_change_nothing():
    source = SWOOSH + (
        "import numpy, random\n"
        "FIRST = keras.initializers.HeNormal()\n"  # Keras draws a seed for it
        "NUMBERS = numpy.random.default_rng(3).normal(size=random.Random(3).randint(1, 9))\n"
    )
    user_files.import_file(user_file(source))
    assert making.activation(KerasPart(class_name="swoosh")) is not None


def test_a_file_given_twice_is_one_and_two_of_one_name_are_told():
    user_file(SWOOSH)
    Path("other").mkdir()
    user_file("# another\n" + SWOOSH, "other/mine.py")
    first, again, other = map(user_files.read_source, ("mine.py", "./mine.py", "other/mine.py"))
    assert list(user_files.digests([first, again])) == ["mine.py"]
    assert refusal(user_files.digests, [first, other]) == (
        "--import other/mine.py: another file that is imported has the same name: rename one"
    )


@pytest.mark.parametrize("name", ["a\nb.py", "\udcff.py", "\u202eyp.py"])
def test_a_name_that_no_record_can_keep_is_refused(name):
    user_file(SWOOSH, name)
    told = refusal(user_files.read_source, name)
    assert told.isprintable() and "rename it" in told
