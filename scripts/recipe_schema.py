"""Writes recipes/recipe.schema.json, by which editors check and complete recipes.

    python scripts/recipe_schema.py [PATH]

Run it after a change of zoo/recipe/schema.py or of a family; a test compares the file with what
this writes.
"""

import json
import sys
from pathlib import Path

from zoo.cli.process import as_command
from zoo.files import write_whole
from zoo.recipe.editor_schema import json_schema

PATH = Path(__file__).resolve().parent.parent / "recipes" / "recipe.schema.json"


def main(path: Path) -> None:
    """Writes the JSON Schema, whole or not at all."""
    write_whole(path, json.dumps(json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    with as_command():
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else PATH)
