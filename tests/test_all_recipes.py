"""Every arm of every recipe is built, stepped, evaluated, probed and saved; on mock data."""

import functools
import json

import numpy as np
import pytest

from zoo import data, recipe
from zoo.data import Dataset, Split

ARMS = {arm.id: arm for each in recipe.available() for arm in recipe.load(each).arms.values()}
BASELINES = {
    each: recipe.load(each).arms[recipe.load(each).baseline] for each in recipe.available()
}
IMAGES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
IMAGES |= {"fashion_mnist_rows": (28, 28)}
KEPT = 256


@functools.cache
def small(name):
    """A few examples of the data set; made up for what is not in a package."""
    if name in IMAGES or name == "imdb_reviews":
        rng = np.random.default_rng(0)
        x = rng.normal(size=(KEPT, *IMAGES.get(name, ()))).astype(np.float32)
        if name == "imdb_reviews":
            x = rng.integers(0, 50, (KEPT, 12)).astype(np.int32)
        split = Split(x, rng.integers(0, 2, KEPT).astype(np.int32))
        vocabulary = 50 if name == "imdb_reviews" else None
        outputs = 2 if name == "imdb_reviews" else 10
        return Dataset(name, split, split, split, outputs, "classification", vocabulary)
    whole = data.load(name)
    parts = [Split(part.x[:KEPT], part.y[:KEPT]) for part in (whole.train, whole.validation)]
    return Dataset(name, *parts, parts[1], whole.outputs, whole.task, whole.vocabulary)


def stepped(arm):
    """The arm, to be trained for two steps beyond any pretraining."""
    training, more = arm.spec.training, {}
    steps = 2
    if training.pretraining is not None:
        more = {"pretraining": training.pretraining.model_copy(update={"steps": 1})}
        steps += arm.spec.model.depth
    training = training.model_copy(
        update={"steps": steps, "evaluate_every": 1, "drops": [], **more}
    )
    batch = arm.spec.data.model_copy(update={"batch_size": min(8, arm.spec.data.batch_size)})
    spec = arm.spec.model_copy(update={"training": training, "data": batch})
    return type(arm)(arm.recipe, arm.name, arm.changes, spec)


@pytest.fixture
def eagerly(one_thread, monkeypatch):
    """Nothing is compiled: two steps are sooner taken than traced."""
    import tensorflow as tf

    from zoo.training import CompiledArm

    monkeypatch.setattr(CompiledArm, "_quickest", lambda *_: 0.0)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_trains_and_is_saved_and_loaded(name, eagerly, tmp_path):
    from zoo.training import CompiledArm, build_seeded

    arm = stepped(ARMS[name])
    dataset = small(arm.spec.data.name)
    compiled = CompiledArm(arm, dataset)
    start = [weight.copy() for weight in compiled.model.get_weights()]
    run = compiled.run(0, 1e-3 * arm.spec.training.learning_rate[0])  # at which nothing diverges
    assert run["evaluation"]["step"] == list(range(1, arm.spec.training.steps + 3))
    assert np.isfinite(run["evaluation"]["val_loss"]).all()
    probe = run["probe"]
    assert probe["steps"][:3] == [0, 1, 2]
    assert np.isfinite(probe["kernel_grad_norm"]).all() and np.isfinite(probe["kernel_rms"]).all()
    # Kernels of 0.01 in ten layers leave activations of 1e-13: float32 loses a step that small.
    assert (np.array(probe["update_ratio"]) > 0).any() != name.endswith("normal_small")
    weights = compiled.model.get_weights()
    assert any(not np.array_equal(a, b) for a, b in zip(start, weights, strict=True))

    compiled.model.save_weights(tmp_path / "arm.weights.h5")
    other = build_seeded(arm, dataset, seed=1)
    other.load_weights(tmp_path / "arm.weights.h5")
    x = dataset.test.x[:4]
    np.testing.assert_array_equal(other(x, training=False), compiled.model(x, training=False))


# ---------------------------------------------------------------- what a change may change

MAY_CHANGE = {
    "model.activation": {"activations"},
    "model.initializer": {"kernel_initializer"},
    "model.recurrent_initializer": {"recurrent_initializer"},
    "model.bias_initializer": {"bias_initializer"},
    "model.normalization": {"normalizations", "use_bias"},  # a shift of its own stands for the bias
    "model.dense": {"kernels"},
    "model.depth": {
        *(
            "kernels",
            "kernel_initializer",
            "bias_initializer",
            "use_bias",
        ),  # there are more of them
        *("activations", "normalizations", "shortcuts"),
    },
    "model.width": {"kernels"},
    "model.cell": {"kernels", "activations", "bias_initializer", "use_bias"},
    "model.skip": {"shortcuts", "kernels"},  # Concatenate makes the next kernels larger
    "model.fixup": {"kernel_initializer", "use_bias", "shortcuts"},
    "model.preactivation": {"activations", "normalizations", "use_bias"},
    "training.optimizer": {"optimizer"},
    "training.learning_rate": set(),
    "training.clipping": set(),
    "training.pretraining": set(),
    "training.precision": {"dtypes"},
    "training.loss_scaling": {"optimizer"},
}


def cleaned(config):
    """A config without what tells two like objects apart."""
    if isinstance(config, list | tuple):
        return [cleaned(each) for each in config]
    if not isinstance(config, dict):
        return config
    personal = ("name", "seed", "dtype", "shared_object_id", "build_config")
    return {key: cleaned(each) for key, each in config.items() if key not in personal}


def aspects(arm):
    """What Keras says of the model and optimizer that were built, one thing a key."""
    import keras

    from zoo.training import build_seeded, loss_of
    from zoo.training.step import TrainingStep

    dataset = small(arm.spec.data.name)
    model = build_seeded(arm, dataset, seed=0)
    step = TrainingStep(arm.spec.training, model, loss_of(dataset), dataset.outputs, xla=False)
    found = {key: [] for keys in MAY_CHANGE.values() for key in keys}
    for layer in model.layers:
        config, kind = layer.get_config(), type(layer).__name__
        if isinstance(layer, keras.layers.RNN):
            config = {**layer.cell.get_config(), **config}
        config = cleaned(config)
        if layer.dtype_policy.name not in found["dtypes"]:
            found["dtypes"].append(layer.dtype_policy.name)
        sizes = [config.get(key) for key in ("units", "filters", "kernel_size", "strides")]
        if "units" in config or "filters" in config:
            found["kernels"].append((layer.name, kind, sizes))
            for key in ("kernel_initializer", "recurrent_initializer", "bias_initializer"):
                made = config.get(key)
                if made is not None:
                    found[key].append((made["class_name"], made["config"]))
            found["use_bias"].append(config.get("use_bias"))
            found["activations"].append(config.get("activation"))
        elif "ormalization" in kind:
            found["normalizations"].append((kind, config))
        elif isinstance(layer, keras.layers.Activation) or "LU" in kind:
            found["activations"].append((kind, config))
        else:
            found["shortcuts"].append(kind)
    config = cleaned(step.optimizer.get_config())
    config.pop("learning_rate", None)
    found["optimizer"] = [type(step.optimizer).__name__, config]
    texts = {key: [json.dumps(each, default=str) for each in made] for key, made in found.items()}
    return {key: sorted(made) for key, made in texts.items()}  # a skip changes Keras's order


@functools.cache
def baseline_aspects(recipe_id):
    return aspects(BASELINES[recipe_id])


@pytest.mark.parametrize("name", [name for name, arm in ARMS.items() if arm.changes])
def test_an_arm_differs_in_nothing_but_what_it_declares(name, one_thread):
    arm = ARMS[name]
    base, own = baseline_aspects(arm.recipe), aspects(arm)
    allowed = set().union(*(MAY_CHANGE[key] for key in arm.changes))
    assert {key for key in base if base[key] != own[key]} <= allowed
