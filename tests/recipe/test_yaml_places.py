from pathlib import Path

import pytest
import yaml

from zoo.errors import Place, ZooError, mistake
from zoo.recipe import yaml_places


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-7", -7),
        ("007", 7),
        ("-.inf", float("-inf")),
        ("true", True),
        ("on", "on"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("${oc.env:HOME}", "${oc.env:HOME}"),
        ("!!float 1", 1.0),
        ("{a: [1, b]}", {"a": [1, "b"]}),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    read = yaml_places.parse_value(text, "x")
    assert read == value
    assert type(read) is type(value)


def test_every_key_and_item_has_its_place():
    source = yaml_places.parse("a: 1\nb:\n  c: [x, {d: 2}]\n", "f.yaml")
    assert source.values == {"a": 1, "b": {"c": ["x", {"d": 2}]}}
    assert {path: str(place) for path, place in source.places.items()} == {
        ("a",): "f.yaml:1:1",
        ("b",): "f.yaml:2:1",
        ("b", "c"): "f.yaml:3:3",
        ("b", "c", 0): "f.yaml:3:7",
        ("b", "c", 1): "f.yaml:3:10",
        ("b", "c", 1, "d"): "f.yaml:3:11",
    }
    assert str(source.place(("b", "z", "y"))) == "f.yaml:2:1"
    assert str(source.place(("z",))) == "f.yaml:1:1"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: empty: expected keys and values"),
        ("# nothing\n", "f: empty: expected keys and values"),
        ("- a\n- b\n", "f:1:1: not keys and values but ['a', 'b']"),
        ("word", "f:1:1: not keys and values but 'word'"),
        ("a: [1\nb: 2", "f:2:2: not YAML: expected ',' or ']', but got ':'"),
        ("a: 1\na: 2", "f:2:1: a: key given twice"),
        ("[a]: 1", "f:1:1: a key must be a word"),
        (
            "a: 1\n--- \nb: 2",
            "f:2:1: not YAML: expected a single document in the stream but found another document",
        ),
        ("a: *b", "f:1:4: not YAML: found undefined alias 'b'"),
        ("a: !!python/object/apply:os.system [x]", None),
        ("a: !mine 1", "f:1:4: tag '!mine': only plain values are allowed"),
        ("!mine a: 1", "f:1:1: tag '!mine': only plain values are allowed"),
        ("a: !!binary aGk=", "f:1:4: tag '!!binary': only plain values are allowed"),
        ("a: !!map x", "f:1:4: tag '!!map': only plain values are allowed"),
        ("a: !!int x", "f:1:4: 'x' is no int that can be used"),
        ("a: !!bool maybe", "f:1:4: 'maybe' is no bool that can be used"),
        (f"a: {'9' * 5000}", f"f:1:4: '{'9' * 56}... is no int that can be used"),
        ("a: &b {c: *b}", "f:1:4: an alias contains itself: write the value out"),
        (BOMB, None),
        ("[" * 1000, "f: nested too deeply"),
        ('a: "\\e[31m"', "f:1:4: holds the control character '\\x1b': remove it"),
        ('a: "\\ud800"', "f:1:4: holds the control character '\\ud800': remove it"),
        ('a: "\\UFFFFFFFF"', None),
        ("a: \x00", None),
    ],
)
def test_what_is_not_plain_values_is_refused_in_one_line(text, message):
    with pytest.raises(ZooError) as caught:
        yaml_places.parse(text, "f")
    told = str(caught.value)
    assert told.startswith("f:")
    assert "\n" not in told
    if message is not None:
        assert told == message


def test_an_alias_is_a_copy_written_shorter():
    source = yaml_places.parse("a: &x {c: 1}\nb: *x\n", "f")
    assert source.values == {"a": {"c": 1}, "b": {"c": 1}}


def test_an_alias_bomb_is_named_as_one():
    with pytest.raises(ZooError, match=r"^f:\d+:\d+: more than 10000 values"):
        yaml_places.parse(BOMB, "f")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [" + "x, " * 260_000 + "x]", "f:1:29996"),
        ("a:\n" + "- x\n" * 200_000, "f:9999:3"),
        ("a: [" + "x, " * 260_000, "f:1:29996"),  # and not YAML
        ("".join(f"a{number}: &b{number} x\n" for number in range(50_000)), "f:5000:"),
    ],
)
def test_of_too_many_values_no_tree_is_made(text, place, monkeypatch):
    """It takes most of the time: half a minute in Python's own reader."""
    monkeypatch.delattr(yaml, "compose")
    with pytest.raises(ZooError, match=f"^{place}.*: more than 10000 values: write fewer"):
        yaml_places.parse(text, "f")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00\x01", "f.yaml: not a text file (UTF-8)"),
        (b"\x89PNG\r\n\x1a\n", "f.yaml: not a text file (UTF-8)"),
        (b"a: 1\n" + b"#" * 1_000_000, "f.yaml: more than 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path, content, message):
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(ZooError) as caught:
        yaml_places.read(path, "f.yaml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none.yaml", "No such file or directory"),
        (".", "Is a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, path, reason):
    with pytest.raises(ZooError) as caught:
        yaml_places.read(tmp_path / path, "f")
    assert str(caught.value) == f"f: cannot be read: {reason}"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    source = yaml_places.read(path)
    assert source.values == {"a": 1}
    assert source.places[("a",)] == Place(str(path), 1, 1)


def test_override_replaces_a_value_and_its_places_and_never_merges():
    source = yaml_places.parse("a: {b: {c: 1, d: 2}}\n", "f")
    new = yaml_places.parse("x: {e: 3}", "g")
    source.override("a.b", new.values["x"], new.below(("x",)))
    assert source.values == {"a": {"b": {"e": 3}}}
    assert {path: str(place) for path, place in source.places.items()} == {
        ("a",): "f:1:1",
        ("a", "b"): "g:1:1",
        ("a", "b", "e"): "g:1:5",
    }
    new.values["x"]["e"] = 4
    assert source.values["a"]["b"] == {"e": 3}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("z.b", "nothing to change: z is missing"),
        ("a.b.c", "nothing to change: b is 1, without keys"),
    ],
)
def test_override_needs_something_that_holds_the_key(key, reason):
    source = yaml_places.parse("a: {b: 1}\n", "f")
    with pytest.raises(LookupError, match=f"^{reason}$"):
        source.override(key, 1, {(): Place("--set")})


def test_a_message_is_one_printable_line():
    line = mistake(Place("a\nb", 1, 2), "k\x1b", "é")
    assert line == "a\\nb:1:2: k\\x1b: é"


def test_reading_constructs_nothing(tmp_path):
    target = tmp_path / "made"
    with pytest.raises(ZooError):
        yaml_places.parse(f"a: !!python/object/apply:os.mkdir [{target}]", "f")
    assert not Path(target).exists()
