"""YAML text as plain values, with the place of every key, and without YAML 1.1's surprises.

Scalars follow the YAML 1.2 core schema: `1e-3` is a number, `on` and `no` are strings. Tags, duplicate
keys and aliases that contain themselves are errors, and nothing is ever constructed but plain values.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError

MAX_NODES = 10_000  # aliases expand: a few lines can stand for billions of values

KeyPath = tuple[str | int, ...]


class _CoreSchemaLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}


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


@dataclass(frozen=True)
class Place:
    """Where a key stands; line and column count from 1, as editors do."""

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}:{self.column}"


@dataclass
class YamlSource:
    """Plain values read from YAML, and the place of each key path."""

    name: str
    values: dict[str, Any]
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """The place of `path`, or of its nearest ancestor that is written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.name, 1, 1))


def _scalar(node: yaml.ScalarNode) -> Any:
    kind = node.tag.rsplit(":", 1)[-1]
    text = node.value
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return None if kind == "null" else text


class _Reader:
    """Turns a node tree into plain values and notes the place of every key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[KeyPath, Place] = {}
        self.nodes = 0

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def error(self, node: yaml.Node, message: str) -> ZooError:
        return ZooError(f"{self._place(node)}: {message}")

    def read(self, node: yaml.Node, path: KeyPath, above: tuple[yaml.Node, ...]) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.error(node, f"more than {MAX_NODES} values: aliases expand to too much")
        if any(node is ancestor for ancestor in above):
            raise self.error(node, "an alias contains itself: write the value out")
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.rsplit(":", 1)[-1] not in {
            *("map", "seq", "str", "bool", "int", "float", "null")
        }:
            raise self.error(node, f"tag {_written(node.tag)}: recipes hold plain values only")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*above, node))
        if isinstance(node, yaml.SequenceNode):
            return [
                self.read(item, (*path, index), (*above, node))
                for index, item in enumerate(node.value)
            ]
        assert isinstance(node, yaml.ScalarNode)
        try:
            return _scalar(node)
        except ValueError:
            raise self.error(node, f"{node.value!r} does not fit its tag") from None

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, above: tuple[yaml.Node, ...]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, "a key must be a word")
            key = key_node.value
            if key in values:
                raise self.error(key_node, f"{key}: key given twice")
            self.places[(*path, key)] = self._place(key_node)
            values[key] = self.read(value_node, (*path, key), above)
        return values


def _written(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def parse(text: str, name: str) -> YamlSource:
    """Reads one YAML mapping.

    Args:
        text: YAML.
        name: what messages call it, usually the file's path.

    Raises:
        ZooError: with `name:line:column`, if the text is not a mapping of plain values.
    """
    try:
        node = yaml.compose(text, Loader=_CoreSchemaLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        raise ZooError(f"{place}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:  # characters YAML does not allow
        raise ZooError(f"{name}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ZooError(f"{name}: nested too deeply") from None
    if node is None:
        raise ZooError(f"{name}: empty")
    reader = _Reader(name)
    if not isinstance(node, yaml.MappingNode):
        raise reader.error(node, "not a mapping of keys to values")
    try:
        return YamlSource(name, reader.read(node, (), ()), reader.places)
    except RecursionError:
        raise ZooError(f"{name}: nested too deeply") from None


def read(path: Path, name: str | None = None) -> YamlSource:
    """Reads the YAML mapping in a UTF-8 file; `name` as in `parse`, by default the path."""
    name = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ZooError(f"{name}: not a text file (UTF-8)") from None
    except OSError as error:
        raise ZooError(f"{name}: cannot be read: {error.strerror}") from None
    return parse(text, name)


def scalar_or_flow(text: str) -> Any:
    """The plain value of one YAML expression, as `--set key=VALUE` takes it."""
    return parse(f"value: {text}", "--set").values["value"]
