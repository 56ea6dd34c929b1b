"""YAML text as plain values, with the place of every key, and without YAML 1.1's surprises.

Scalars follow the YAML 1.2 core schema: `1e-3` is a number, `on` and `no` are strings. Tags,
duplicate keys and aliases that contain themselves are errors, and nothing is ever constructed but
plain values.
"""

import contextlib
import copy
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import KeyPath, Place, ZooError, dotted, mistake, shown
from zoo.files import read_text

MAX_BYTES = 1_000_000
MAX_NODES = 10_000  # aliases expand: a few lines can stand for billions of values
MAX_DEPTH = 50  # of keys and lists in one another; Python's own stack ends at some hundred


class _CoreSchemaLoader(yaml.SafeLoader):
    """In Python alone: its messages say most."""


class _FastLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """The same in C, ten times as fast, where PyYAML was built with it."""


_CoreSchemaLoader.yaml_implicit_resolvers = {}

for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _CoreSchemaLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )
_FastLoader.yaml_implicit_resolvers = _CoreSchemaLoader.yaml_implicit_resolvers

# Control and format characters, which change how a line is shown; halves; ends of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_TOO_MANY = f"more than {MAX_NODES} values: write fewer, or fewer aliases"
_TOO_DEEP = f"nested too deeply: {MAX_DEPTH} levels at most"
_PLAIN = {
    yaml.MappingNode: {"map"},
    yaml.SequenceNode: {"seq"},
    yaml.ScalarNode: {"str", "bool", "int", "float", "null"},
}


@dataclass
class YamlSource:
    """Plain values read from YAML, and the place of each key path."""

    name: str
    values: dict[str, Any]
    places: dict[KeyPath, Place]

    def place(self, path: KeyPath) -> Place:
        """The place of `path`, or of its nearest ancestor that is written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.name, 1, 1))

    def below(self, path: KeyPath) -> dict[KeyPath, Place]:
        """The places of `path` and of what is in it, as paths from there."""
        size = len(path)
        return {key[size:]: place for key, place in self.places.items() if key[:size] == path}

    def override(self, key: str, value: Any, places: Mapping[KeyPath, Place]) -> None:
        """Replaces the value at a dotted key; never merges into it.

        Args:
            key: such as `training.steps`; all but its last part must exist.
            value: copied.
            places: where the value is written, as `below` gives them; at least that of `()`.

        Raises:
            LookupError: saying why, if there is nothing that holds the key.
        """
        path = tuple(key.split("."))
        if len(path) > MAX_DEPTH or _deeper(value, MAX_DEPTH - len(path)):
            raise LookupError(_TOO_DEEP)
        target = self.values
        for part in path[:-1]:
            inner = target.get(part)
            if not isinstance(inner, dict):
                reason = "is missing" if inner is None else f"is {shown(inner)}, without keys"
                raise LookupError(f"nothing to change: {part} {reason}")
            target = inner
        target[path[-1]] = copy.deepcopy(value)
        for old in [old for old in self.places if old[: len(path)] == path]:
            del self.places[old]
        self.places.update({path + inner: place for inner, place in places.items()})


def _deeper(value: Any, levels: int) -> bool:
    """Whether dicts and lists are in one another to more than some levels."""
    inside = [value]
    for _ in range(levels + 1):
        holders = [item for item in inside if isinstance(item, dict | list)]
        if not holders:
            return False
        inside = [
            inner
            for holder in holders
            for inner in (holder.values() if isinstance(holder, dict) else holder)
        ]
    return True


class _Reader:
    """Turns a node tree into plain values and notes the place of every key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[KeyPath, Place] = {}
        self.nodes = 0

    def place(self, node: yaml.Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def error(self, node: yaml.Node, *parts: str) -> ZooError:
        return ZooError(mistake(self.place(node), *parts))

    def read(self, node: yaml.Node, path: KeyPath = (), above: tuple[yaml.Node, ...] = ()) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.error(node, _TOO_MANY)
        if any(node is ancestor for ancestor in above):
            raise self.error(node, "an alias contains itself: write the value out")
        if len(path) > MAX_DEPTH:
            raise self.error(node, _TOO_DEEP)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._check_tag(node)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.places[(*path, index)] = self.place(item)
            return [
                self.read(item, (*path, index), (*above, node))
                for index, item in enumerate(node.value)
            ]
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, "a key must be a word")
            self._scalar(key_node)
            key = key_node.value  # as written: `on` and `1` are words here
            if key in values:
                raise self.error(key_node, dotted((key,)), "key given twice")
            self.places[(*path, key)] = self.place(key_node)
            values[key] = self.read(value_node, (*path, key), (*above, node))
        return values

    def _check_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        if tag not in {f"!!{kind}" for kind in _PLAIN[type(node)]}:
            raise self.error(node, f"tag {shown(tag)}: only plain values are allowed")

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        self._check_tag(node)
        kind, text = node.tag.rsplit(":", 1)[-1], node.value
        for char in text:
            if unicodedata.category(char) in _UNSEEN and char not in "\n\t":
                raise self.error(node, f"holds the control character {char!a}: remove it")
        try:
            if kind == "bool":
                return {"true": True, "false": False}[text.lower()]
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (ValueError, KeyError):  # a tag that was written out, or thousands of digits
            raise self.error(node, f"{shown(text)} is no {kind} that can be used") from None
        return None if kind == "null" else text


def _composed(text: str, name: str) -> yaml.Node | None:
    """The node tree of a text.

    Raises:
        ZooError: if it is not YAML.
    """
    try:
        if len(text) > MAX_NODES:
            _refuse_many(text, name)
        node: yaml.Node | None
        try:
            node = yaml.compose(text, Loader=_FastLoader)
        except (yaml.YAMLError, ValueError):
            node = yaml.compose(text, Loader=_CoreSchemaLoader)
        return node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        context = f"{error.context} " if str(error.problem).startswith("but ") else ""
        raise ZooError(mistake(place, "not YAML", f"{context}{error.problem}")) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # characters that do not exist
        reason = " ".join(str(error).split())
        raise ZooError(mistake(Place(name), "not YAML", reason)) from None
    except RecursionError:
        raise ZooError(mistake(Place(name), "nested too deeply")) from None


def _refuse_many(text: str, name: str) -> None:
    """Refuses a text of too many values before a tree is made of them, which takes long."""
    count = 0
    with contextlib.suppress(yaml.YAMLError, ValueError):  # told by what composes the tree
        for event in yaml.parse(text, Loader=_FastLoader):
            count += isinstance(event, yaml.NodeEvent)
            if count > MAX_NODES:
                mark: Any = event.start_mark
                raise ZooError(mistake(Place(name, mark.line + 1, mark.column + 1), _TOO_MANY))


def _read(text: str, name: str) -> tuple[Any, _Reader]:
    reader, node = _Reader(name), _composed(text, name)
    try:
        return None if node is None else reader.read(node), reader
    except RecursionError:
        raise ZooError(mistake(Place(name), "nested too deeply")) from None


def parse(text: str, name: str) -> YamlSource:
    """Reads one YAML mapping.

    Args:
        text: YAML.
        name: what messages call it, usually the file's path.

    Raises:
        ZooError: with `name:line:column`, if the text is not a mapping of plain values.
    """
    values, reader = _read(text, name)
    if values is None:
        raise ZooError(mistake(Place(name), "empty: expected keys and values"))
    if not isinstance(values, dict):
        raise ZooError(mistake(Place(name, 1, 1), f"not keys and values but {shown(values)}"))
    return YamlSource(name, values, reader.places)


def parse_value(text: str, name: str) -> Any:
    """The plain value of any YAML text, such as a setting on the command line; empty is None.

    Raises:
        ZooError: if it is not YAML, or more than plain values.
    """
    return _read(text, name)[0]


def read(path: Path, name: str | None = None) -> YamlSource:
    """Reads the YAML mapping in a UTF-8 file; `name` as in `parse`, by default the path."""
    return parse(read_text(path, name, MAX_BYTES), name or str(path))


def outline(path: Path) -> dict[str, Any]:
    """The keys of a file and those one level below, quickly: a listing reads hundreds of files.

    Returns:
        For each key a scalar's text, or the keys of a mapping with their scalars' texts; None for
        what is deeper. Nothing is checked.

    Raises:
        ZooError: if the file cannot be read, or is not YAML.
    """
    node = _composed(read_text(path, None, MAX_BYTES), str(path))

    def inner(node: yaml.Node, depth: int) -> Any:
        if isinstance(node, yaml.MappingNode) and depth:
            return {key.value: inner(value, depth - 1) for key, value in node.value}
        return node.value if isinstance(node, yaml.ScalarNode) else None

    values = inner(node, 2) if node is not None else None
    return values if isinstance(values, dict) else {}
