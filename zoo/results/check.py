"""Whether every derived file is what the evidence says, and the evidence what its manifest says."""

import difflib
from pathlib import Path

from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import figures
from zoo.results.derived import derived
from zoo.results.folder import FOLDER
from zoo.results.published import has_evidence, recipes_in, strange


def differences(folder: Path = FOLDER) -> list[str]:
    """One line for each file that is not what the evidence says; empty if all is right.

    In a user's own folder, of the derived files those that are there are looked at.

    Raises:
        ZooError: if there is no evidence to check against.
    """
    if not has_evidence(folder):
        raise ZooError(f"{folder}: no run records to check against: --check needs a clone")
    store, ours = Store(folder), folder == FOLDER
    lines = [*store.changed(), *store.missing_or_extra(), *(strange(store) if ours else [])]
    for path, text in derived(folder):
        present = path.read_text(encoding="utf-8") if path.is_file() else ""
        if present != text and (ours or present):
            lines.append(f"{path}: differs from the evidence{_first_difference(present, text)}")
    for recipe in recipes_in(store):
        lines += [
            f"{path}: other numbers than the evidence gives, or missing: zoo figures {recipe.id}"
            for path in figures.stale(recipe, store)
            if ours or path.is_file()
        ]
    return lines


def _first_difference(present: str, expected: str) -> str:
    for line in difflib.unified_diff(present.splitlines(), expected.splitlines(), n=0, lineterm=""):
        if line.startswith("@@"):
            return f", first at line {line.split()[1].lstrip('-').split(',')[0]}"
    return ""
