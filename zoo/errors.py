"""The one exception of the zoo for what a person can put right, and the words of its messages."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]


class ZooError(Exception):
    """A mistake in a recipe, a command or a file: says what, where and what to do.

    The message has one line for each mistake. The command line prints it without a traceback and
    exits with code 2.
    """


@dataclass(frozen=True)
class Place:
    """Where a key stands; line and column count from 1, as editors do."""

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}:{self.column}"


def mistake(place: Place, *parts: Any) -> str:
    """One printable line: the place, then the parts, each after a colon."""
    return printable(": ".join(str(part) for part in (place, *parts)))


def printable(text: str) -> str:
    """The text with what is no sign, such as a line break, as it is written in a string."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def shown(value: Any) -> str:
    """A value as messages quote it: its repr, cut when it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(path: KeyPath) -> str:
    """A key path as recipes write it: `model.activation`."""
    return ".".join(part if len(str(part)) <= 60 else f"{part[:57]}..." for part in map(str, path))


def nearest(name: str, known: Iterable[str], otherwise: str, most: int = 1) -> str:
    """`did you mean ...?` with the known names most like the given one.

    Args:
        name: what was given.
        known: what could have been meant.
        otherwise: what to say if nothing is near.
        most: how many names to offer.
    """
    by_lower: dict[str, str] = {}  # `Relu` is nearer to relu than to elu
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    lower = name.lower()
    close = difflib.get_close_matches(lower, by_lower, n=most)
    if not close and len(lower) > 2:
        close = [candidate for candidate in by_lower if lower in candidate][:most]
    return f"did you mean {' or '.join(by_lower[each] for each in close)}?" if close else otherwise


def said_by(error: BaseException) -> str:
    """The line of an error's message that says most, for an error of Keras's or a user's code."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Keras prints in bold
    plain = re.sub(r"\{\{.*?\}\} ?|\[Op:.*", "", plain)  # TensorFlow's names of its operations
    lines = [line.strip() for line in plain.split("\n") if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        return lines[1]
    return lines[0] if lines else type(error).__name__
