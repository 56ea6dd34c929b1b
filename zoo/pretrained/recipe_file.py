"""The file recipe.yaml of a published model: its arm, as the recipe resolves it."""

import yaml

from zoo.errors import Place, ZooError, dotted, mistake
from zoo.pretrained.ids import ModelId
from zoo.recipe import Arm, Recipe, messages, yaml_places
from zoo.recipe.schema import ArmSpec


def text(of: ModelId, recipe: Recipe, arm: Arm) -> str:
    """What the file says: whom the arm is compared with, and all that decides its runs."""
    values = {
        "id": str(of),
        "title": recipe.title,
        "claim": recipe.claim,
        "sources": recipe.sources,
        "against": arm.against,
        "changes": arm.changes,
        **arm.spec.model_dump(exclude_unset=True),  # some may not be given together
    }
    return yaml.safe_dump(values, sort_keys=False, width=100, allow_unicode=True)


def read(of: ModelId, data: bytes) -> Arm:
    """The arm of a file.

    Args:
        of: its id.
        data: what is in the file.

    Raises:
        ZooError: one line a mistake, with its place.
    """
    name = f"{of}: recipe.yaml"
    try:
        source = yaml_places.parse(data.decode(), name)
    except UnicodeDecodeError:
        raise ZooError(mistake(Place(name), "not a text file (UTF-8)")) from None
    values = source.values
    if values.get("id") != str(of):
        raise ZooError(mistake(Place(name), f"is of {values.get('id')!r:.100}"))
    spec = {key: values[key] for key in ArmSpec.model_fields if key in values}
    lines = [
        mistake(source.place(path), dotted(path), wrong)
        for path, wrong in messages.mistakes(ArmSpec, spec)
    ]
    if lines:
        raise ZooError("\n".join(lines))
    return Arm(of.recipe, of.arm, {}, ArmSpec.model_validate(spec))
