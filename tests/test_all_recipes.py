"""Every arm of every recipe is built, stepped, evaluated, probed and saved; on a few examples.

The fewest arms that show everything some arm shows are behaviours; the others are combinations.
"""

import dataclasses
import functools
import json
import math

import numpy as np
import pytest

from tests import bfloat16
from zoo import data, recipe
from zoo.data import Dataset, Split
from zoo.recipe.pairs import differences
from zoo.recipe.values import KerasPart

RECIPES = [recipe.load(each) for each in recipe.available()]
ARMS = {arm.id: arm for each in RECIPES for arm in each.arms.values()}
CHANGED = [arm for arm in ARMS.values() if arm.changes]
AGAINST = {
    arm.id: each.arms[arm.against] for each in RECIPES for arm in each.arms.values() if arm.against
}
MADE_UP = {
    "digits": (8, 8, 1),
    **dict.fromkeys(("mnist", "mnist_5k", "fashion_mnist"), (28, 28, 1)),
    "fashion_mnist_rows": (28, 28),
    "mnist1d": (40, 1),
    "cifar10": (32, 32, 3),
    "imdb_reviews": (12,),
}
KEPT = 16  # examples
STEPS_OF_TIME = 16  # the last ones, where a gradient is taken for each


@functools.cache
def few(name):
    """A few examples of the data set; made up for what is not drawn by the zoo itself."""
    if name in MADE_UP:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(KEPT, *MADE_UP[name])).astype(np.float32)
        vocabulary, outputs = None, 10
        if name == "imdb_reviews":
            vocabulary, outputs = 50, 2
            x = rng.integers(0, vocabulary, x.shape).astype(np.int32)
        split = Split(x, rng.integers(0, outputs, KEPT).astype(np.int32))
        return Dataset(name, split, split, split, outputs, "classification", vocabulary)
    whole = data.load(name)
    parts = [Split(part.x[:KEPT], part.y[:KEPT]) for part in (whole.train, whole.validation)]
    return Dataset(name, *parts, parts[1], whole.outputs, whole.task, whole.vocabulary)


def small(arm):
    """What the arm is trained on here."""
    found = few(arm.spec.data.name)
    if not arm.spec.model.gradient_by_time:
        return found
    train, validation = (
        Split(part.x[:, -STEPS_OF_TIME:], part.y) for part in (found.train, found.validation)
    )
    return dataclasses.replace(found, train=train, validation=validation, test=validation)


# ---------------------------------------------------------------- which arms are behaviours


def leaves(value, path=()):
    """The keys of a resolved arm with what each chooses; of numbers the key alone."""
    if isinstance(value, dict):
        return {leaf for key in value for leaf in leaves(value[key], (*path, key))}
    return {(*path, value) if isinstance(value, str | bool) else path}


def choices(arm):
    """What the arm is made of, its recipe's choices with its own, and the kind of its data."""
    spec, dataset = arm.spec, few(arm.spec.data.name)
    kind = (len(dataset.input_shape), dataset.task, dataset.vocabulary, dataset.target_length)
    network = {*leaves(spec.model.model_dump()), ("data", *kind)}
    return {(spec.model.family, *each) for each in network} | leaves(spec.training.model_dump())


def choices_and_changes(arm):
    """Also the keys that it changes together."""
    return choices(arm) | {(arm.spec.model.family, "changes", *sorted(arm.changes))}


def cost(arm):
    """In layers times numbers of an example."""
    return getattr(arm.spec.model, "depth", 1) * math.prod(few(arm.spec.data.name).input_shape)


def fewest(arms, shown):
    """Arms that show all that the given ones show: each time one that adds most, the cheapest."""
    rest = {arm.id: shown(arm) for arm in sorted(arms, key=cost)}
    left, taken = set().union(*rest.values()), []
    while left:
        taken.append(max(rest, key=lambda name: len(rest[name] & left)))
        left -= rest[taken[-1]]
    return taken


def cases(arms, shown):
    behaviours, again = fewest(arms, shown), pytest.mark.combination
    return [
        pytest.param(arm.id, marks=[*(() if arm.id in behaviours else (again,)), *needs(arm.id)])
        for arm in arms
    ]


def needs(name):
    half = ARMS[name].spec.training.precision == "mixed_bfloat16"
    return [bfloat16.needed] if half else []


def cases_with_depths():
    """Behaviours show themselves in a few layers; every arm at its own depth is a combination."""
    behaviours, again = fewest(ARMS.values(), choices), pytest.mark.combination
    return [
        *(pytest.param(name, True, id=f"{name}-shallow", marks=needs(name)) for name in behaviours),
        *(pytest.param(name, False, id=name, marks=[again, *needs(name)]) for name in ARMS),
    ]


def test_an_arm_that_shows_something_new_is_a_behaviour_and_one_that_does_not_is_none():
    before, arm = fewest(ARMS.values(), choices), ARMS["digits/activation/mish"]
    again = dataclasses.replace(arm, name="again")
    assert len(fewest([*ARMS.values(), again], choices)) == len(before)
    model = arm.spec.model.model_copy(update={"activation": KerasPart(class_name="hard_tanh")})
    new = dataclasses.replace(arm, name="new", spec=arm.spec.model_copy(update={"model": model}))
    assert new.id in fewest([*ARMS.values(), new], choices)


# ---------------------------------------------------------------- two steps


def shallow(model):
    """The model with one block a stage, or few layers."""
    few_layers = 2 + 2 * len(model.widths) if model.family == "cnn" else 3
    return model.model_copy(update={"depth": min(model.depth, few_layers)})


def stepped(arm, is_shallow):
    """The arm, to be trained for two steps beyond any pretraining."""
    training, more = arm.spec.training, {}
    model = shallow(arm.spec.model) if is_shallow else arm.spec.model
    steps = 2
    if training.pretraining is not None:
        more = {"pretraining": training.pretraining.model_copy(update={"steps": 1})}
        steps += model.depth
    short = {"steps": steps, "evaluate_every": 1, "drops": [], "warmup": min(training.warmup, 2)}
    training = training.model_copy(update={**short, **more})
    batch = arm.spec.data.model_copy(update={"batch_size": min(8, arm.spec.data.batch_size)})
    spec = arm.spec.model_copy(update={"training": training, "data": batch, "model": model})
    return dataclasses.replace(arm, spec=spec)


@pytest.mark.parametrize(("name", "is_shallow"), cases_with_depths())
def test_an_arm_trains_and_is_saved_and_loaded(name, is_shallow, eagerly, tmp_path):
    from zoo.training import CompiledArm, build_seeded

    arm = stepped(ARMS[name], is_shallow)
    dataset = small(arm)
    compiled = CompiledArm(arm, dataset)
    start = [weight.copy() for weight in compiled.model.get_weights()]
    run = compiled.run(0, 1e-3 * arm.spec.training.learning_rate[0])  # at which nothing diverges
    assert run["evaluation"]["step"] == list(range(1, arm.spec.training.steps + 3))
    assert np.isfinite(run["evaluation"]["val_loss"]).all()
    probe = run["probe"]
    assert probe["steps"][:3] == [0, 1, 2]
    assert np.isfinite(probe["kernel_grad_norm"]).all() and np.isfinite(probe["kernel_rms"]).all()
    assert (np.array(probe["update_ratio"]) > 0).any()
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
    "model.skip_over": {"shortcuts", "kernels"},
    "model.normalization_place": {"normalizations"},  # pre-LN has one more, after all blocks
    "model.deepnorm": {"kernel_initializer", "shortcuts"},
    "model.fixup": {"kernel_initializer", "use_bias", "shortcuts"},
    "model.preactivation": {"activations", "normalizations", "use_bias"},
    "training.optimizer": {"optimizer"},
    "training.learning_rate": set(),
    "training.clipping": set(),
    "training.warmup": set(),
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

    dataset = small(arm)
    model = build_seeded(arm, dataset, seed=0)
    step = TrainingStep(arm.spec.training, model, loss_of(dataset), dataset.outputs, jit=False)
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


built = functools.cache(lambda name: aspects(ARMS[name]))


@pytest.mark.parametrize("name", cases(CHANGED, choices_and_changes))
def test_an_arm_differs_from_the_one_it_is_judged_against_in_what_the_recipe_says(name, one_thread):
    """Compared by what Keras has built."""
    arm, other = ARMS[name], AGAINST[name]
    base, mine = built(other.id), built(name)
    keys = differences(arm.spec, other.spec)
    allowed = set().union(*(MAY_CHANGE[key] for key in keys))
    assert {key for key in base if base[key] != mine[key]} <= allowed
