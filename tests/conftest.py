"""One thread, as in a worker of the zoo: runs are then equal to the last bit."""

import gc
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import psutil
import pytest

from zoo import recipe as recipes

SMALL = {
    "model.depth": 3,
    "model.width": 16,
    "training.learning_rate": [0.01, 0.1],
    "training.steps": 42,
    "training.evaluate_every": 7,
    "training.seeds": 2,
    "training.tuning_seeds": 1,
    "training.final_tuning_seeds": 1,
    "target.value": 0.5,
}
MUCH = 50 * 2**20


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file's tests stay in one process for their fixtures; those of all recipes share none."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if "test_all_recipes" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def one_thread():
    from zoo import keras_setup

    keras_setup.load_tensorflow()
    from zoo import training

    training.use_threads(1)
    gc.collect()
    gc.freeze()  # TensorFlow's own objects are looked at no more: a collection takes a moment


@pytest.fixture(scope="session")
def collected():
    """Memory of the process, in bytes, after the last collection."""
    return [0]


@pytest.fixture(autouse=True)
def little_garbage(collected):
    """Models and graphs refer to themselves: megabytes that Python sees as a few objects."""
    yield
    memory = psutil.Process().memory_info
    if memory().rss > collected[0] + MUCH:
        gc.collect()
        collected[0] = memory().rss


@pytest.fixture(scope="session")
def digits(one_thread):
    from zoo import data

    return data.load("digits")


def load_small(settings):
    """Four arms of digits/activation, small enough to train in a moment."""
    loaded = recipes.load("digits/activation", {**SMALL, **settings})
    return loaded.only(["tanh", "relu", "relu_he"])


def with_settings(**settings):
    """`load_small`, called with `model__depth=2` for `model.depth: 2`."""
    return load_small({key.replace("__", "."): value for key, value in settings.items()})


@pytest.fixture
def small_recipe():
    return with_settings


@pytest.fixture(scope="module")
def compiled(digits):
    """Arms of the small recipe; of each settings one for all tests of a file, for it is reset."""
    from zoo.training import CompiledArm

    made = {}

    def compile_once(arm="relu", **settings):
        key = json.dumps([arm, settings], sort_keys=True)
        if key not in made:
            made[key] = CompiledArm(with_settings(**settings).arms[arm], digits)
        return made[key]

    return compile_once


@pytest.fixture
def eagerly(one_thread, monkeypatch):
    """Nothing is compiled: a few steps are sooner taken than traced."""
    import tensorflow as tf

    from zoo.training import CompiledArm

    monkeypatch.setattr(CompiledArm, "seconds_per_step", lambda _: 0.0)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def empty_registry(tmp_path, monkeypatch, one_thread):
    """Nothing of a user's registered with Keras or imported, in a folder of the test's own."""
    import keras

    from zoo import mitigations
    from zoo.parts import user_files

    mitigations.register()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(user_files, "_imported", set())
    monkeypatch.setattr(user_files, "_origins", {})
    registry = keras.saving.get_custom_objects()
    own = {name: made for name, made in registry.items() if name.startswith("zoo>")}

    def reset():
        registry.clear()
        registry.update(own)

    reset()
    yield
    reset()
