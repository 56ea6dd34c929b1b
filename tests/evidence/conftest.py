"""Made-up evidence with known answers."""

from tests.made_up_evidence import fill, recipe, store

__all__ = ["fill", "recipe", "store"]
