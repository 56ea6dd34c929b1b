"""The JSON Schema of a recipe file, by which editors check and complete it.

`recipes/recipe.schema.json` is made from here by `scripts/recipe_schema.py`.
"""

from typing import Any

from zoo.recipe.messages import models_in
from zoo.recipe.schema import ArmSpec, RecipeFile


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe file, for editors."""
    schema = RecipeFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    required = schema.pop("required")
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "the id of the recipe this one changes; the other keys may then be dotted",
    }
    change = {
        "anyOf": [
            {"enum": _dotted_keys()},
            {"pattern": r"^(model\.\w+|training\.optimizer)\.(class_name$|config($|\.))"},
        ]
    }
    arms = schema["properties"]["arms"]
    arms["additionalProperties"] = False
    for arm in arms["patternProperties"].values():
        arm["propertyNames"] = change
    schema["patternProperties"] = {r"^(data|model|training|target|arms)\.": {}}
    schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    return schema


def _dotted_keys() -> list[str]:
    """The keys that an arm may change."""
    keys: dict[str, None] = {}
    for section, field in ArmSpec.model_fields.items():
        keys[section] = None
        for model in models_in(field.annotation):
            keys.update({f"{section}.{name}": None for name in model.model_fields})
    return list(keys)
