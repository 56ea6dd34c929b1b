"""Whether every derived file is what the evidence says, and the evidence what its manifest says."""

import difflib
import json
from pathlib import Path

from zoo.errors import ZooError
from zoo.evidence.manifest import Manifest
from zoo.results.folder import DIGESTS, FOLDER, PROGRAM, all_stands


def differences(folder: Path = FOLDER) -> list[str]:
    """One line for each file that is not what the evidence says; empty if all is right.

    Of the zoo's own results nothing is derived anew where the evidence is as the manifest took it
    down, and all digests in derived.json stand: of the evidence, of the program with its recipes,
    and of the texts. A test derives them anew. In a user's own folder, of the derived files those
    that are there are looked at.

    Raises:
        ZooError: if there is no evidence to check against.
    """
    unlike, ours = Manifest(folder).differences(), folder == FOLDER
    if ours and not unlike and all_stands(folder):
        return []
    return [*unlike, *_differences(folder, ours)]


def _differences(folder: Path, ours: bool) -> list[str]:
    """Of the derived files, derived anew."""
    from zoo.results import figures
    from zoo.results.derived import derive
    from zoo.results.published import has_evidence, strange

    if not has_evidence(folder):
        raise ZooError(f"{folder}: no run records to check against: --check needs a clone")
    lines = strange(folder) if ours else []
    result = derive(folder)
    for path, text in result.files():
        present = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not _same(path, present, text) and (ours or (present and path.name != DIGESTS)):
            lines.append(f"{path}: differs from the evidence{_first_difference(present, text)}")
    return lines + [
        f"{folder / name}: other numbers than the evidence gives, or missing: see zoo figures"
        for name, plot in result.plots.items()
        if (ours or (folder / name).is_file()) and not figures.shows(folder / name, plot)
    ]


def _same(path: Path, present: str, text: str) -> bool:
    """Whether a text is the one that is derived; a program that derives the same may be another."""
    if path.name == DIGESTS and present:
        try:
            one, other = ({**json.loads(each), PROGRAM: None} for each in (present, text))
        except (ValueError, TypeError):
            return False
        return one == other
    return present == text


def _first_difference(present: str, expected: str) -> str:
    for line in difflib.unified_diff(present.splitlines(), expected.splitlines(), n=0, lineterm=""):
        if line.startswith("@@"):
            return f", first at line {line.split()[1].lstrip('-').split(',')[0]}"
    return ""
