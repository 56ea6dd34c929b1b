"""Does the advice help? The first thing that a diagnosis says to try, done, and trained."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

RATE = re.compile(r"^learning_rate=([\d.e+-]+)")


def first(report: Any, near: Sequence[Any]) -> dict[str, Any]:
    """The first advice for the first symptom: a repair, or a cure; empty for neither.

    Args:
        report: of `zoo.diagnose`.
        near: the arms of the zoo that cures may be taken from, the nearest first.
    """
    from zoo.diagnosis.advice import cures

    for verdict in report.symptoms[:1]:
        if verdict.repair:
            return {"repair": verdict.repair}
        if report.features is not None:
            for cure in cures(verdict, report.features, near)[:1]:
                return {
                    "cure": cure.id,
                    "keys": list(cure.changes),
                    "lines": list(cure.lines),
                    "rate": cure.rate,
                }
    return {}


# ---------------------------------------------------------------- arms of the zoo


def arm_learns(name: str, advice: Mapping[str, Any]) -> bool:
    """Whether an arm reaches its target, with seed 0, when the advice is followed.

    A cure changes what its arm has otherwise than the arm of that recipe that it is compared with,
    and brings its rate.

    Raises:
        ZooError, LookupError: if the advice cannot be followed in this arm.
    """
    from zoo import recipe as recipes
    from zoo.data.loading import load_for
    from zoo.evidence.store import Store
    from zoo.evidence.target import steps_to_target
    from zoo.recipe.schema import ArmSpec
    from zoo.results.folder import FOLDER
    from zoo.training import CompiledArm

    chosen = recipes.load_arm(name)[1]
    values = chosen.spec.model_dump()
    rate = Store(FOLDER).records(chosen)[0].learning_rate
    if "cure" in advice:
        rate = advice["rate"]
        other = recipes.load_arm(advice["cure"])[1].spec.model_dump()
        for key in advice["keys"]:
            *path, last = key.split(".")
            here, there = values, other
            for part in path:
                here, there = here[part], there[part]
            here[last] = there[last]
    elif said := RATE.match(advice["repair"]):
        rate = float(said[1])
    else:
        raise LookupError(advice["repair"])
    values["training"]["final_tuning_seeds"] = 0  # it is run at one rate, and not searched for
    spec = ArmSpec.model_validate(values)
    data = load_for(spec.data)
    run = CompiledArm(replace(chosen, spec=spec), data).run(0, rate, probe=False)
    curve = run["evaluation"]
    return (
        steps_to_target(curve["step"], curve[spec.target.metric], spec.target, spec.training.steps)
        is not None
    )


# ---------------------------------------------------------------- sick networks


def network_learns(name: str, advice: Mapping[str, Any]) -> bool:
    """Whether a sick network of the set reaches its target, with seed 0, as `arm_learns`.

    What a cure changes is written into the network's knobs; its rate stays.

    Raises:
        LookupError: for an advice that a program cannot follow.
    """
    import keras
    import sick

    [case] = [case for case in sick.CASES if case.name == name]
    text = advice["repair"] if "repair" in advice else "; ".join(advice["lines"])
    keras.utils.set_random_seed(0)
    parts = text.split("; ")
    with_data = [change for s, change in OF_DATA.items() if any(p.startswith(s) for p in parts)]
    if with_data:
        problem = case.sick()
        for change in with_data:
            try:
                change(problem)
            except AttributeError:  # of a dict
                raise LookupError(f"{text}: of several outputs it does not say which") from None
    elif text.startswith(UNDOING):
        problem = case.twin()
    else:
        try:
            changes = _knobs(text, case.fault)
            if "head_initializer" not in inspect.signature(case.family).parameters:
                changes.pop("head_initializer", None)  # glorot_uniform, as it says
            problem = case.family(**{**case.base, **case.fault, **changes})
        except TypeError as error:  # a family without that knob
            raise LookupError(f"{text}: {error}") from None
    problem.train()
    return bool(problem.score_now() >= problem.target)


def _knobs(text: str, fault: Mapping[str, Any]) -> dict[str, Any]:
    """What an advice says, as knobs of a family of the set."""
    changes: dict[str, Any] = {}
    for part in text.split("; "):
        for pattern, knobs in KNOBS.items():
            if match := re.match(pattern, part):
                changes |= knobs(*match.groups())
                break
        else:
            raise LookupError(text)
    # Of a network with several outputs each has knobs of its own; the fault says which.
    for key in ("activation", "bias", "initializer", "units"):
        own = [knob for knob in fault if knob.endswith(f"_{key}") and not knob.startswith("head")]
        if own and f"head_{key}" in changes:
            changes[own[0]] = changes.pop(f"head_{key}")
    return changes


def _finite(problem: Any) -> None:
    import keras

    arrays = keras.tree.flatten([problem.x, problem.y])
    keep = np.all([np.isfinite(a).reshape(len(a), -1).all(axis=1) for a in arrays], axis=0)
    problem.x, problem.y = keras.tree.map_structure(lambda a: a[keep], (problem.x, problem.y))


def _inputs_standardized(problem: Any) -> None:
    mean, spread = problem.x.mean(0), problem.x.std(0) + 1e-7
    problem.x, problem.x_test = (problem.x - mean) / spread, (problem.x_test - mean) / spread


def _adapted(problem: Any) -> None:
    """The layer that rescales stays; its inputs are such as it makes standardized ones of."""
    from zoo.diagnosis.scale import before, fixed_scale

    layer = fixed_scale(problem.model)
    _inputs_standardized(problem)
    problem.x, problem.x_test = (before(layer, x) for x in (problem.x, problem.x_test))


def _targets_standardized(problem: Any) -> None:
    mean, spread, score = problem.y.mean(0), problem.y.std(0) + 1e-7, problem.score
    problem.y = (problem.y - mean) / spread
    problem.score = lambda outputs: score(outputs * spread + mean)


def _from_zero(problem: Any) -> None:
    problem.y = problem.y - problem.y.min()


def _whether_the_largest(problem: Any) -> None:
    problem.y = (problem.y == problem.y.max()).astype(float)


def _in_a_column(problem: Any) -> None:
    problem.y = problem.y.reshape(len(problem.y), 1)


def _scaled_loss(problem: Any) -> None:
    import keras

    model = problem.model
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    model.compile(keras.optimizers.LossScaleOptimizer(optimizer), loss=model.loss)


OF_DATA: Mapping[str, Callable[[Any], None]] = {
    "keep = np.isfinite(x)": _finite,
    "x = (x - x.mean(0))": _inputs_standardized,
    "in place of ": _adapted,
    "y = (y - y.mean(0))": _targets_standardized,
    "y = y - y.min()": _from_zero,
    "y = (y == y.max())": _whether_the_largest,
    "y = y.reshape(len(y), 1)": _in_a_column,
    "optimizer=keras.optimizers.LossScaleOptimizer": _scaled_loss,
}
# Advice that names the fault itself: who follows it has the network without.
UNDOING = (
    "leave argmax and rounding to the metric",
    "layer.trainable = True",
    "model.trainable = True",
    "x = layer(x) in call",
    "a path from this input",
    "model.compile(loss={",
    "a small number where there is a division, a root or a logarithm",
)
KNOBS: Mapping[str, Callable[..., dict[str, Any]]] = {
    r"learning_rate=([\d.e+-]+)": lambda rate: {"learning_rate": float(rate)},
    r'kernel_initializer="(\w+)", bias_initializer="zeros" in the last layer': (
        lambda start: {"head_initializer": start, "head_bias": "zeros"}
    ),
    r'kernel_initializer="(\w+)"': lambda start: {"kernel_initializer": start},
    r"kernel_initializer=keras.initializers.Orthogonal\(gain=([\d.]+)\)": (
        lambda gain: {"kernel_initializer": ("orthogonal", float(gain))}
    ),
    r'recurrent_initializer="(\w+)"': lambda start: {"recurrent_initializer": start},
    r"activation=None on the last layer": lambda: {"head_activation": "linear"},
    r"no (?:softmax|sigmoid) on the last layer": lambda: {"head_activation": "linear"},
    r"no (?:softmax|sigmoid) before the (softmax|sigmoid)": lambda kept: {"head_activation": kept},
    r'activation="(\w+)" on the last layer': lambda name: {"head_activation": name},
    r'activation="(\w+)", loss="(\w+)"': (
        lambda name, loss: {"head_activation": name, "loss": loss}
    ),
    r'activation=None, loss="(\w+)"': lambda loss: {"head_activation": "linear", "loss": loss},
    r'activation="(\w+)"': lambda name: {"activation": name},
    r'loss="(\w+)"': lambda loss: {"loss": loss},
    r"activity_regularizer=None": lambda: {"code_penalty": 0.0},
    r".*, activity_regularizer=None": lambda: {"penalty": 0.0, "code_penalty": 0.0},
    r"\w+_regularizer=None": lambda: {"penalty": 0.0},
    r"the last layer with (\d+) units": lambda units: {"head_units": int(units)},
    r"weight_decay=None": lambda: {"weight_decay": 0.0},
    r"BatchNormalization\(momentum=([\d.]+)\)": (
        lambda momentum: {"normalization_momentum": float(momentum)}
    ),
    r"keras.layers.BatchNormalization\(": lambda: {"normalization": True},
    r"keras.layers.Dropout\(([\d.]+)\)": lambda rate: {"dropout": float(rate)},
    r"keras.layers.(LSTM|GRU)\(units\) instead": lambda cell: {"cell": cell},
    r"(\d+) hidden layers": lambda depth: {"depth": int(depth)},
    r"decay_steps=": lambda: {"decay_steps": None},
    r'keras.config.set_dtype_policy\("(\w+)"\)': lambda policy: {"policy": policy},
}
