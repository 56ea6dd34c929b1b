"""What is found before any training, though Keras makes and calls every part."""

import pytest
import tensorflow_datasets as tfds

from tests.parts.user_file import refusal, user_file
from zoo import recipe
from zoo.data import hosts
from zoo.parts import trial, user_files

LAYERS = """\
import keras

class Layer(keras.layers.Layer):
    def call(self, x):
        return x

    def get_config(self):
        return super().get_config()

@keras.saving.register_keras_serializable()
class Frozen(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.trainable = False

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    def call(self, x):
        return x * self.gain

@keras.saving.register_keras_serializable()
class Fixed(Layer):
    def build(self, input_shape):
        self.shift = self.add_weight(shape=(), name="shift", trainable=False)

    def call(self, x):
        return x + self.shift

@keras.saving.register_keras_serializable()
class Inner(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.BatchNormalization(trainable=False)

    def call(self, x, training=None):
        return self.inner(x, training=training)

@keras.saving.register_keras_serializable()
class Running(Layer):
    def build(self, input_shape):
        self.mean = self.add_weight(shape=(), initializer="zeros", name="mean", trainable=False)
        self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    def call(self, x, training=None):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x))
        return (x - self.mean) * self.gain

@keras.saving.register_keras_serializable()
class FrozenDense(keras.layers.Dense):
    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.trainable = False
        self._untrack_variable(self.kernel)
        self._track_variable(self.kernel)
"""

MLP = {"family": "mlp", "depth": 2, "width": 64, "activation": "sigmoid"}
CNN = {"family": "cnn", "depth": 8, "widths": [4], "activation": "sigmoid"}

pytestmark = pytest.mark.usefixtures("empty_registry")


def arm(**settings):
    """The baseline of a recipe, changed."""
    changes = {key.replace("__", "."): value for key, value in settings.items()}
    name = changes.pop("recipe", "digits/activation")
    return recipe.load(name, changes).spec


def mistakes(**settings):
    return trial.mistakes(arm(**settings))


def layer(name, **config):
    return {"class_name": name, "config": config}


@pytest.mark.parametrize("of", ["digits/activation", "digits/residual", "adding_problem_50/gating"])
def test_a_shipped_baseline_has_no_mistake(of):
    assert mistakes(recipe=of) == []


# ---------------------------------------------------------------- weights that cannot learn


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize(
    ("name", "weights"), [("Frozen", "gain"), ("Fixed", "shift"), ("Inner", "gamma, beta, moving_")]
)
def test_weights_that_nothing_changes_are_refused(model, name, weights):
    user_files.import_file(user_file(LAYERS))
    [(path, text)] = mistakes(model={**model, "normalization": name})
    assert path == ("model", "normalization")
    assert text.startswith(f"{name}: has weights that cannot learn, {weights}")
    assert text.endswith(": let all learn")


def test_of_other_kinds_too():
    user_files.import_file(user_file(LAYERS))
    lora = layer("Dense", lora_rank=2)
    assert [path for path, _ in mistakes(model__dense=lora)] == [("model", "dense")]
    [(path, text)] = mistakes(model__dense="FrozenDense")
    assert (path, "cannot learn, kernel" in text) == (("model", "dense"), True)
    assert [path for path, _ in mistakes(model__activation="Fixed")] == [("model", "activation")]


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize(
    "part",
    [
        "BatchNormalization",
        "LayerNormalization",
        "Running",
        layer("BatchNormalization", momentum=0.5, scale=False),
        layer("GroupNormalization", groups=1),
        layer("Dropout", rate=0.5),
        "UnitNormalization",
        "PReLU",
    ],
    ids=str,
)
def test_statistics_and_generators_are_no_such_weights(model, part):
    user_files.import_file(user_file(LAYERS))
    assert mistakes(model={**model, "normalization": part}) == []


# ---------------------------------------------------------------- the target's metric


@pytest.mark.parametrize("name", ["adding_problem_50", "adding_problem_3"])
def test_a_metric_that_the_data_lacks_is_told_by_its_place(name):
    target = {"metric": "val_accuracy", "mode": "max", "value": 0.5}
    settings = {"data.name": name, "target": target}
    loaded = recipe.load("adding_problem_50/gating", settings)
    assert refusal(trial.check, loaded) == (
        f"--set: target.metric: {name} is a regression set and has no val_accuracy: give val_loss"
    )
    assert mistakes(recipe="copy_memory_20/gating", target=target) == []


def test_a_skip_is_tried_on_what_the_layers_of_the_family_give():
    """Highway's gate is a convolution: it merges images and sequences, and no vectors."""
    path, said = ("model", "skip"), "Highway: Input rank not supported: 2"
    ((at, text),) = trial.mistakes(arm(model=MLP | {"skip": "Highway"}))
    assert at == path and text.startswith(said) and "\n" not in text
    assert trial.mistakes(arm(model=MLP | {"skip": "Add"})) == []
    assert trial.mistakes(arm(model=CNN | {"skip": "Highway"})) == []


def test_a_set_without_images_of_bytes_is_refused_by_its_key():
    loaded = recipe.load("digits/activation", {"data.scale": "unit"})
    reason = "digits: scale unit is for images of 0 to 255, which it does not have: leave it out"
    assert refusal(trial.check, loaded) == f"--set: data.scale: {reason}"


def test_a_metric_that_given_data_lack_is_refused_before_training(digits):
    from dataclasses import replace

    from zoo.training import CompiledArm

    loaded = recipe.load("digits/activation")
    values = replace(digits, task="regression", outputs=1)
    assert refusal(CompiledArm, loaded.arms["relu"], values) == (
        "digits/activation/relu: target.metric: digits is a regression set and has no "
        "val_accuracy: give val_loss"
    )


# ---------------------------------------------------------------- the data's split


@pytest.fixture
def nothing_prepared(tmp_path, monkeypatch):
    """No set is prepared, and none can be downloaded."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))

    def never(*_, **__):
        raise AssertionError("a check asks no host")

    monkeypatch.setattr(hosts, "unreachable", never)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", never)


def splits(train, validation, test):
    return {"train": train, "validation": validation, "test": test}


@pytest.mark.parametrize(
    ("split", "lines"),
    [
        (splits("train[:80%]", "train[80%:]", "test"), []),
        (
            splits("train[:90%]", "train[80%:]", "test"),
            ["validation: has examples of train (train[:90%]) too: let none be in two"],
        ),
        (splits("train[:90%]", "train(90%:)", "test"), ["validation: 'train(90%:)' is no split: "]),
        (
            splits("train[:x]", "test", "test"),
            ["train: 'train[:x]' is no split: ", "test: has examples of validation (test) too: "],
        ),
    ],
)
def test_a_split_is_looked_at_without_the_data(split, lines, nothing_prepared, tmp_path):
    loaded = recipe.load("mnist/activation", {"data.split": split})
    if not lines:
        trial.check(loaded)
        return
    told = refusal(trial.check, loaded).split("\n")
    assert len(told) == len(lines)  # once, not once an arm
    for line, expected in zip(told, lines, strict=True):
        assert line.startswith(f"--set: data.split.{expected}")
    assert not (tmp_path / "tfds").exists()


def test_a_set_made_here_comes_in_one_split():
    split = splits("train[:80%]", "train[80%:]", "test")
    loaded = recipe.load("digits/activation", {"data.split": split, "data.image_size": 4})
    reason = "digits comes in one split and one size: leave it out"
    assert refusal(trial.check, loaded).split("\n") == [
        f"--set: data.split: {reason}",
        f"--set: data.image_size: {reason}",
    ]
