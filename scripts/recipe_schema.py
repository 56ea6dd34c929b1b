"""Writes the JSON Schemas: of recipes, by which editors check and complete them, and of registries.

    python scripts/recipe_schema.py [PATH [PATH OF THE REGISTRY'S]]

Without a path it writes recipes/recipe.schema.json and zoo/pretrained/registry.schema.json, with
one the first of the two. Run it after a change of zoo/recipe/schema.py, of a family, or of
zoo/pretrained/registry.py; a test compares the files with what this writes.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.cli.process import as_command
from zoo.files import write_whole
from zoo.pretrained import registry
from zoo.recipe import editor_schema

ROOT = Path(__file__).resolve().parent.parent
PATHS = (
    ROOT / "recipes" / "recipe.schema.json",
    ROOT / "zoo" / "pretrained" / "registry.schema.json",
)


def main(paths: Sequence[Path]) -> None:
    """Writes each JSON Schema, whole or not at all."""
    schemas = (editor_schema.json_schema, registry.json_schema)
    for path, schema in zip(paths, schemas, strict=False):
        write_whole(path, json.dumps(schema(), indent=2) + "\n")


if __name__ == "__main__":
    with as_command():
        main([Path(argument) for argument in sys.argv[1:]] or PATHS)
