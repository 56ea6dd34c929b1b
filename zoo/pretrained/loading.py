"""A ready Keras model of an id: rebuilt from its recipe by the zoo's own code, with its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import keras
from pydantic import ValidationError
from pydantic_core import from_json

from zoo import keras_setup
from zoo import recipe as recipes
from zoo.errors import ZooError, dotted
from zoo.parts import making
from zoo.pretrained import probe, pulling, recipe_file
from zoo.pretrained import weights as files_of_weights
from zoo.pretrained.ids import ModelId, parse
from zoo.pretrained.metadata import Described, Metadata
from zoo.pretrained.registry import FileName
from zoo.recipe import Arm
from zoo.recipe.version import BENCHMARK
from zoo.training import build_seeded, loss_of

WEIGHTS: FileName = "model.weights.h5"
RECIPE: FileName = "recipe.yaml"
METADATA: FileName = "metadata.json"


def load(
    model: str,
    weights: Literal["reference"] | str | Path | None = "reference",
    mirror: str | None = None,
) -> keras.Model:
    """A model of the zoo, ready to predict, to be looked into or to be trained further.

    It is the very network of the recipe, compiled with its optimizer, at the run's learning rate,
    and its loss, without what `zoo.training` adds to Keras's own training. It comes with two
    attributes more: `preprocess` makes its inputs of examples as the data set has them (digits of 0
    to 16, images of 0 to 255), `class_names` are those of its outputs, or None. `preprocess` is no
    layer, so that layers, gradients and inputs are those of the recipe's runs.

        model = zoo.load("digits/activation/relu_he")
        model.predict(model.preprocess(images)).argmax(axis=1)

    Args:
        model: an id, such as "digits/activation/relu_he", or "digits/activation/relu_he@1.0" of one
            version of the benchmark.
        weights: "reference" for those of the reference run; None for those that it started from;
            or the path of a file of weights of the same model.
        mirror: where a model comes from that is neither bundled nor cached; by default ZOO_MIRROR,
            or this release's.

    Raises:
        ZooError: if the model cannot be had, is damaged, or does not give what it should.
    """
    keras_setup.require()
    of = parse(model)
    local = pulling.get(of, mirror)
    built = rebuilt(of, local.read(RECIPE), local.read(METADATA), start=weights is None)
    if built.arm.sha256 != local.entry.arm_sha256:
        raise ZooError(f"{of}: its recipe is not the one that its registry names")
    if weights == "reference":
        path = local.folder / WEIGHTS
        files_of_weights.load(built.model, path, local.read(WEIGHTS))
        if wrong := probe.wrong(built.model, built.metadata, built.arm, local.entry.probe):
            raise ZooError(f"{of}: {wrong}")
    elif weights is not None:
        files_of_weights.load(built.model, Path(weights))
    return compiled(built)


@dataclass(frozen=True)
class Built:
    """A model that was rebuilt, and what from."""

    model: keras.Model
    arm: Arm
    metadata: Metadata


def rebuilt(of: ModelId, recipe: bytes, metadata: bytes, *, start: bool) -> Built:
    """The model of a recipe, not compiled.

    Args:
        of: its id.
        recipe: what is in the file of the recipe.
        metadata: what is in that of the metadata.
        start: whether its weights shall be those that its run started from; else they are any.

    Raises:
        ZooError: if the files are none, or the recipe is not the one that this release has.
    """
    arm, about = recipe_file.read(of, recipe), _metadata(of, metadata)
    if of.version == BENCHMARK and of.recipe in recipes.available():
        ours = recipes.load(of.recipe).arms.get(of.arm)
        if ours is None or ours.sha256 != arm.sha256:
            raise ZooError(f"{of}: trained by another recipe than this release has")
    data = cast(Any, Described(arm, about))
    model = build_seeded(arm, data, about.seed, start=start)
    model.preprocess = about.preprocess
    model.class_names = None if about.class_names is None else tuple(about.class_names)
    return Built(model, arm, about)


def compiled(built: Built) -> keras.Model:
    """The model, compiled for evaluation and for training that goes on."""
    training, about = built.arm.spec.training, built.metadata
    classes = about.task == "classification"
    built.model.compile(
        optimizer=making.optimizer(training.optimizer, about.learning_rate),
        loss=loss_of(cast(Any, about)),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")] if classes else [],
    )
    return built.model


def _metadata(of: ModelId, text: bytes) -> Metadata:
    try:
        return Metadata.model_validate(from_json(text, allow_inf_nan=False))
    except ValidationError as error:
        detail = error.errors()[0]
        where = dotted(detail["loc"])
        raise ZooError(f"{of}: {METADATA}: {where}: {detail['msg']}") from None
    except ValueError as error:
        raise ZooError(f"{of}: {METADATA}: {error}") from None
