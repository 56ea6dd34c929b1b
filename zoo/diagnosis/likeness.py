"""Which arm of the zoo is most like a model of the user's, and how far it is from it."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo import recipe as recipes
from zoo.probe.layers import layers_inside, survey
from zoo.recipe import Arm
from zoo.results.folder import committed

_NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_MERGES = (keras.layers.Add, keras.layers.Concatenate)


@dataclass(frozen=True)
class Features:
    """What a model is, in the words of a recipe.

    Attributes:
        family: mlp, cnn, rnn or transformer.
        depth: hidden layers, or recurrent layers, or blocks of attention.
        width: units of the median hidden layer.
        activation: of most hidden layers, by name.
        initializer: of most hidden kernels, by its class.
        normalization: the class of its normalization layers; None without.
        skips: whether layers are merged with what went past others.
        cell: SimpleRNN, LSTM or GRU; None but of recurrent networks.
        length: of the sequence; None if there is none.
        half: whether it computes in float16.
    """

    family: str
    depth: int
    width: int
    activation: str
    initializer: str
    normalization: str | None
    skips: bool
    cell: str | None
    length: int | None
    half: bool

    def __str__(self) -> str:
        parts = {
            "mlp": f"{self.depth} dense layers of {self.width}",
            "cnn": f"{self.depth} convolutions of {self.width}",
            "rnn": f"{self.cell} of {self.width}"
            + (f" over {self.length} steps" if self.length else ""),
            "transformer": f"{self.depth} blocks of attention of {self.width}",
        }
        words = [parts[self.family], self.activation, self.initializer]
        words += [self.normalization] if self.normalization else []
        return ", ".join([*words, "with skips"] if self.skips else words)


def of_model(model: keras.Model, x: Any) -> Features:
    """What a model is."""
    layers = layers_inside(model)
    attention = [each for each in layers if isinstance(each, keras.layers.MultiHeadAttention)]
    recurrent = [each for each in layers if isinstance(each, keras.layers.RNN)]
    convolutions = [each for each in layers if isinstance(each, _CONVOLUTIONS)]
    dense = [each for each in layers if isinstance(each, keras.layers.Dense)]
    shape: tuple[Any, ...] = tuple(getattr(x, "shape", ()))
    length = int(shape[1]) if len(shape) == 3 or (len(shape) == 2 and recurrent) else None
    if attention:
        family, main = "transformer", attention
    elif recurrent:
        family, main = "rnn", recurrent
    elif convolutions:
        family, main = "cnn", convolutions
    else:
        family, main = "mlp", dense[:-1] or dense
    activations = Counter(
        name
        for each in (main if family != "transformer" else dense)
        if (name := _name(getattr(each, "activation", None))) not in ("linear", "")
    )
    activations.update(
        _name(each) if not isinstance(each, keras.layers.Activation) else _name(each.activation)
        for each in layers
        if isinstance(each, keras.layers.Activation | keras.layers.ReLU | keras.layers.LeakyReLU)
    )
    kernels = Counter(
        _initializer(each) for each in main if getattr(each, "kernel_initializer", None) is not None
    )
    normalizations = Counter(
        type(each).__name__ for each in layers if isinstance(each, _NORMALIZATIONS)
    )
    return Features(
        family=family,
        depth=max(1, len(main)),
        width=_width(main, model),
        activation=next(iter(activations.most_common(1)), ("linear", 0))[0],
        initializer=next(iter(kernels.most_common(1)), ("glorot_uniform", 0))[0],
        normalization=next(iter(normalizations.most_common(1)), (None, 0))[0],
        skips=any(isinstance(each, _MERGES) for each in layers),
        cell=type(recurrent[0]).__name__ if recurrent else None,
        length=length,
        half=any(each.compute_dtype == "float16" for each in layers),
    )


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None) or getattr(function, "name", None) or ""
    name = {"silu": "swish"}.get(name, name)
    if isinstance(function, keras.layers.ReLU):
        return "relu"
    return "leaky_relu" if isinstance(function, keras.layers.LeakyReLU) else str(name)


def _initializer(layer: Any) -> str:
    """A layer's initializer as recipes spell it, such as glorot_uniform."""
    name = type(layer.kernel_initializer).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _width(layers: list[Any], model: keras.Model) -> int:
    sizes = sorted(
        int(getattr(each, "units", 0) or getattr(each, "filters", 0) or 0) for each in layers
    )
    sizes = [size for size in sizes if size]
    if not sizes:
        sizes = sorted(int(each.kernel.shape[-1]) for each in survey(model)[0])
    return sizes[len(sizes) // 2]


# ---------------------------------------------------------------- arms


def of_arm(arm: Arm) -> Features:
    """What an arm's model is."""
    model: Any = arm.spec.model
    family: str = model.family
    cell = getattr(model, "cell", None)
    normalization = getattr(model, "normalization", None)
    return Features(
        family=family,
        depth=int(getattr(model, "depth", 1)),
        width=int(getattr(model, "width", 0) or 64),
        activation=str(getattr(model.activation, "class_name", model.activation))
        if getattr(model, "activation", None) is not None
        else "tanh",
        initializer=model.initializer.class_name,
        normalization=normalization.class_name if normalization is not None else None,
        skips=bool(getattr(model, "skip", None)),
        cell=cell.class_name if cell is not None else None,
        length=None,
        half="float16" in (arm.spec.training.precision or "").split("_")[-1:],
    )


def distance(first: Features, second: Features) -> float:
    """How far two models are apart; infinite of different families."""
    if first.family != second.family:
        return math.inf
    far = 0.0
    far += 1.0 * (first.activation != second.activation)
    far += 1.0 * (_plain(first.initializer) != _plain(second.initializer))
    far += 1.5 * ((first.normalization is None) != (second.normalization is None))
    far += 0.5 * (first.normalization != second.normalization)
    far += 1.5 * (first.skips != second.skips)
    far += 2.0 * (first.cell != second.cell)
    far += 2.0 * (first.half != second.half)
    far += abs(math.log2(first.depth / second.depth))
    far += 0.25 * abs(math.log2(first.width / second.width))
    return far


def _plain(initializer: str) -> str:
    return initializer.lower().replace("_", "").replace("uniform", "").replace("normal", "")


@dataclass(frozen=True)
class Nearest:
    """The arm that a model is most like.

    Attributes:
        arm: with evidence.
        row: of the leaderboard.
        rows: of its recipe, by arm.
        arms: of its recipe, by name.
        features: of the arm.
        far: the distance.
    """

    arm: Arm
    row: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, Any]]
    arms: Mapping[str, Arm]
    features: Features
    far: float


def nearest(features: Features) -> list[Nearest]:
    """The arms with evidence by their distance, the nearest of each recipe alone."""
    by_recipe: dict[str, dict[str, Any]] = {}
    for row in committed():
        by_recipe.setdefault(row["recipe"], {})[row["arm"]] = row
    nearest_of_each = []
    for name, rows in by_recipe.items():
        arms = recipes.load(name).arms
        each = min(
            (
                Nearest(
                    arms[arm], row, rows, arms, its := of_arm(arms[arm]), distance(features, its)
                )
                for arm, row in rows.items()
                if arm in arms
            ),
            key=lambda one: (one.far, one.row["reached"]),
        )
        nearest_of_each.append(each)
    return sorted(nearest_of_each, key=lambda each: each.far)
