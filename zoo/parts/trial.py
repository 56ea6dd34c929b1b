"""Whether everything that a recipe names can be made, found out before any training."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo import data, keras_setup, random_states
from zoo.data.loading import no_metric
from zoo.data.names import task
from zoo.errors import KeyPath, ZooError
from zoo.parts import built
from zoo.parts.kinds import PartError
from zoo.parts.making import (
    activation,
    attempt,
    clipping,
    cut,
    dense,
    initializer,
    layer,
    optimizer,
    recurrent,
    skip,
)
from zoo.recipe import Recipe
from zoo.recipe.schema import ArmSpec
from zoo.recipe.schema import parts as parts_of
from zoo.recipe.values import KerasPart

# What the models give such layers themselves.
_OF_DENSE = {
    **{"units": 4, "name": "dense"},
    **{"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"},
}
_OF_A_CELL = _OF_DENSE | {"recurrent_initializer": "orthogonal", "return_sequences": False}


@random_states.kept()
def check(recipe: Recipe) -> None:
    """Checks what loading a recipe cannot know: every named object is made once, untrained.

    Objects of the user's own must have been imported (`zoo.parts.user_files.import_file`). Takes
    the seconds that importing TensorFlow takes; loads no data.

    Raises:
        ZooError: one line a mistake, as `zoo.recipe.load` does.
    """
    keras_setup.require()
    lines = []
    for arm in recipe.arms.values():
        wrong = [(("data", *path), text) for path, text in data.mistakes(arm.spec.data)]
        lines += [arm.mistake(path, text) for path, text in [*wrong, *mistakes(arm.spec)]]
    lines = lines or built.mistakes(recipe)
    if lines:
        raise ZooError("\n".join(dict.fromkeys(lines)))


def mistakes(spec: ArmSpec) -> list[tuple[KeyPath, str]]:
    """Makes every part an arm names and tries it on a few numbers; trains and loads nothing.

    This starts TensorFlow: the number of its threads cannot be set afterwards.

    Returns:
        The key path of each mistake, and what is wrong and what to do.
    """
    wrong: list[tuple[KeyPath, str]] = []
    name, metric = spec.data.name, spec.target.metric
    if lacking := no_metric(name, task(name), metric):
        wrong.append((("target", "metric"), lacking))
    for path, kind, part in parts_of(spec):
        try:
            if kind == "optimizer":
                optimizer(part, spec.training.learning_rate[0])
            else:
                _try(kind, part, spec.model.hidden_shape)
        except PartError as error:
            wrong += [((*path, *inside), text) for inside, text in error.mistakes]
    return wrong


def _try(kind: str, part: KerasPart, shape: tuple[int, ...] | None) -> None:
    """Makes a part and calls it as the model will, on a few numbers.

    Activations and layers alone where the `hidden_shape` of the family is known, and skips on an
    image where it is not.
    """
    ones, frozen = keras.ops.ones, []
    if kind == "cell":
        states = ones((2, 3, 4))
        candidate = attempt(part, lambda: recurrent(part, **_OF_A_CELL))
        _expect(part, attempt(part, lambda: candidate(states)), (2, 4))
        frozen = attempt(part, lambda: _frozen(lambda: recurrent(part, **_OF_A_CELL), states))
    elif kind == "clipping":
        rule, kernel = clipping(part), keras.Variable(ones((2, 4)))
        clipped = attempt(part, lambda: list(rule([ones((2, 4))], [kernel])))
        _expect(part, clipped[0] if clipped else None, (2, 4))
    elif kind == "dense":
        candidate = attempt(part, lambda: dense(part, **_OF_DENSE))
        _expect(part, attempt(part, lambda: candidate(ones((2, 3)))), (2, 4))
        frozen = attempt(part, lambda: _frozen(lambda: dense(part, **_OF_DENSE), ones((2, 3))))
    elif kind == "skip":
        merge, image = skip(part), (2, *(shape or (4, 4, 3)))
        merged = attempt(part, lambda: merge([ones(image), ones(image)]))
        _expect(part, merged, (*image[:-1], tuple(getattr(merged, "shape", (0,)))[-1]))
        frozen = attempt(part, lambda: _frozen(lambda: skip(part), [ones(image), ones(image)]))
    elif kind == "initializer":
        candidate = initializer(part)
        if shape:
            _expect(part, attempt(part, lambda: candidate((2, 4), dtype="float32")), (2, 4))
    else:
        make = functools.partial(activation if kind == "activation" else layer, part)
        block = make()
        if shape:
            _expect(part, attempt(part, lambda: block(ones((2, *shape)))), (2, *shape))
            attempt(part, lambda: block(keras.KerasTensor((None, *shape))))  # as a model is built
            frozen = attempt(part, lambda: _frozen(make, ones((2, *shape))))
        else:
            with contextlib.suppress(Exception):  # a small image, which the layer may not be for
                frozen = _frozen(make, ones((2, 4, 4, 3)))
    if frozen:
        reason = f"has weights that cannot learn, {cut(', '.join(frozen), 100)}: let all learn"
        raise PartError([((), f"{cut(str(part), 60)}: {reason}")])


def _frozen(make: Callable[[], keras.Layer], inputs: Any) -> list[str]:
    """The weights of a layer that neither an optimizer nor a call in training changes.

    The statistics of a normalization are no optimizer's, and change in training.
    """
    layer = make()
    layer(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs))  # builds it
    weights = layer.non_trainable_weights
    before = [weight.numpy() for weight in weights]
    if weights:
        layer(inputs, training=True)
    return [
        weight.name
        for weight, start in zip(weights, before, strict=True)
        if np.array_equal(weight.numpy(), start)
    ]


def _expect(part: KerasPart, result: Any, shape: tuple[int, ...]) -> None:
    given = tuple(getattr(result, "shape", ()))
    if given != shape:
        reason = f"should keep the shape {shape}, gives {given}"
        raise PartError([((), f"{cut(str(part), 60)}: {cut(reason, 200)}")])
