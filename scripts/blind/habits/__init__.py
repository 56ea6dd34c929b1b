"""Networks that learn, of people with many habits; each has something that looks odd."""

from . import images, numbers, sequences, several_parts, tables

__all__ = ["images", "numbers", "sequences", "several_parts", "tables"]
