"""What a registry may say: nothing that leads out of a mirror or the cache, and nothing absurd."""

import difflib
import json
import subprocess
import sys
from pathlib import Path

import hypothesis
import jsonschema
import pytest
from hypothesis import strategies as st

from tests.pretrained.fake_mirrors import ID, OTHER, RECIPE, fill
from zoo.errors import ZooError
from zoo.pretrained import registry
from zoo.pretrained.ids import ModelId, matching, parse

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "zoo" / "pretrained" / "registry.schema.json"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("mirror"), ID, OTHER).decode()


def test_a_registry_is_read_as_it_was_written(text):
    read = registry.read(text.encode(), "registry.json")
    assert registry.written(read) == text
    assert list(read.models) == [ID, OTHER]
    assert read.models[ID].size == sum(file.size for file in read.models[ID].files.values())


def with_id(name):
    return lambda values: {**values, "models": {name: values["models"][ID]}}


def changed(*path, value):
    def change(values):
        inner = values
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return values

    return change


FILES_OF = ("models", ID, "files")
ODD_IDS = [
    "../../../etc/passwd@1.0", "digits/../../x/arm@1.0", "/etc/passwd@1.0", "digits/./arm@1.0",
    "digits//arm@1.0", "digits/.hidden@1.0", "digits\\..\\arm@1.0", "digits/arm\0@1.0", "@1.0",
    "digits/arm@1.0/../../x", "digits/arm@../1.0", "digits/arm", "digits/arm@1", "digits/arm@1.0\n",
    "digits/arm@\u0661.\u0660", "digits/\u202earm@1.0", "digits/" + "a" * 201 + "@1.0", "arm@1.0",
    "a/b/c/d/e/f@1.0", "C:/arm@1.0", "~/arm@1.0", "digits/a b@1.0", "digits/%2e%2e/arm@1.0", "",
]  # fmt: skip
TRICKS = {
    **{f"id {name[:40]!r}": with_id(name) for name in ODD_IDS},
    "a file's name leads out": changed(*FILES_OF, "../model.weights.h5", value={}),
    "an absolute name of a file": changed(*FILES_OF, "/etc/passwd", value={}),
    "an unknown file": changed(*FILES_OF, "model.keras", value={"size": 1, "sha256": "0" * 64}),
    "an address": changed("models", ID, "url", value="http://127.0.0.1/"),
    "no weights": lambda values: (values["models"][ID]["files"].popitem(), values)[1],
    "a negative size": changed(*FILES_OF, RECIPE, "size", value=-1),
    "a size beyond all": changed(*FILES_OF, RECIPE, "size", value=2**30 + 1),
    "a size of 5000 digits": changed(*FILES_OF, RECIPE, "size", value=10**4000),
    "a size as text": changed(*FILES_OF, RECIPE, "size", value="300"),
    "a digest of upper case": changed(*FILES_OF, RECIPE, "sha256", value="A" * 64),
    "a digest of a file": changed(*FILES_OF, RECIPE, "sha256", value="../../" + "a" * 58),
    "no number": changed("models", ID, "probe", "outputs", value=[[float("nan")]]),
    "an infinite number": changed("models", ID, "metrics", "test_loss", value=float("inf")),
    "no rate": changed("models", ID, "learning_rate", value=0),
    "another schema": changed("schema", value=2),
    "models in a list": changed("models", value=[]),
    "a key too many": changed("models", ID, "pickle", value=True),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused_in_one_line(trick, text):
    odd = json.dumps(TRICKS[trick](json.loads(text)))
    with pytest.raises(ZooError) as caught:
        registry.read(odd.encode(), "mirror/registry.json")
    line = str(caught.value)
    assert line.startswith("mirror/registry.json: ") and line.isprintable() and len(line) < 1000


@pytest.mark.parametrize(
    "odd",
    [
        b"", b"null", b"[]", b"3", b"\xff\xfe", b"{", b"[" * 10**6, b'{"models":' * 10**5,
        b'{"schema": 1, "schema": 1, "models": {}}', b'{"schema": ' + b"9" * 10**5 + b"}",
        b'{"schema": 1, "models": {}} {}', b'{"schema": 1e400}', b'{"schema": NaN}',
        b"\x1f\x8b\x08", b"<html>", b" " * (registry.MOST_BYTES + 1),
        b'{"schema": 1, "models": {}}\0',
        b'{"schema": "1", "models": {}}', '{"schema":1}'.encode("utf-16"), b'{"\\ud800": 1}',
    ],
    ids=range(20),
)  # fmt: skip
def test_what_is_no_registry_is_refused_in_one_line(odd):
    with pytest.raises(ZooError) as caught:
        registry.read(odd, "mirror/registry.json")
    line = str(caught.value)
    assert line.startswith("mirror/registry.json: ") and line.isprintable() and len(line) < 1000


def test_a_key_that_is_given_twice_deep_inside(text):
    twice = text.replace('"seed": 3', '"seed": 3, "seed": 4', 1)
    with pytest.raises(ZooError, match="seed: key given twice"):
        registry.read(twice.encode(), "registry.json")


# ---------------------------------------------------------------- ids

PARTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True)


@hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
@hypothesis.given(st.one_of(st.text(max_size=30), st.lists(PARTS, min_size=2).map("/".join)))
def test_whatever_is_an_id_has_its_folder_inside(text):
    try:
        model = parse(text)
    except ZooError as error:
        assert str(error).isprintable()
        return
    assert parse(str(model)) == model and (text == str(model) or "@" not in text)
    parts = model.folder.split("/")
    assert len(parts) >= 3 and all(part and part[0] != "." for part in parts)
    assert Path("/home", model.folder).resolve() == Path("/home", *parts)


def test_without_a_version_it_is_this_releases():
    newest = ModelId("digits/activation", "relu", "1.0")
    assert parse("digits/activation/relu") == newest
    assert parse("digits/activation/relu@0.9") == newest._replace(version="0.9")
    ids = ["a/b@1.0", "a/b_he@1.0", "a/b@0.9", "c/d@0.9"]
    assert matching("a/b", ids) == ["a/b@1.0"] and matching("*_he", ids) == ["a/b_he@1.0"]
    assert matching("a/*@*", ids) == ids[:3] and matching("c/*", ids) == []


# ---------------------------------------------------------------- the JSON Schema


def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_committed_schema_is_current(tmp_path):
    script = ROOT / "scripts" / "recipe_schema.py"
    paths = [tmp_path / "recipe.schema.json", tmp_path / "registry.schema.json"]
    subprocess.run([sys.executable, script, *paths], check=True)
    lines = [path.read_text().splitlines() for path in (SCHEMA, paths[1])]
    changes = list(difflib.unified_diff(*lines, lineterm=""))
    assert not changes, "run scripts/recipe_schema.py"


def test_a_made_registry_fits_the_schema(text):
    validator().validate(json.loads(text))


# JSON has no such numbers; and a line's end is a text's end to Python's regular expressions alone.
BEYOND_THE_SCHEMA = {"no number", "an infinite number", f"id {ODD_IDS[13]!r}"}


@pytest.mark.parametrize("trick", [name for name in TRICKS if name not in BEYOND_THE_SCHEMA])
def test_the_schema_refuses_a_trick(trick, text):
    assert len(BEYOND_THE_SCHEMA & TRICKS.keys()) == 3
    assert not validator().is_valid(TRICKS[trick](json.loads(text)))
