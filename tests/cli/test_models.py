"""`zoo models` and `zoo pull` as a person types them; tests/pretrained has what servers do."""

import io
import json
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.pretrained.fake_mirrors import ID, MODEL, OTHER, fill, home, left, serve
from zoo import cli
from zoo.pretrained import places, progress, pulling, registry, release
from zoo.pretrained.listing import METRICS
from zoo.pretrained.mirrors import Mirror
from zoo.results.folder import committed

__all__ = ["home", "serve"]


@pytest.fixture
def zoo(home, monkeypatch, capsys):
    """Runs the command in this process; exit code, stdout and stderr."""
    ends = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    yield run
    signal.signal(signal.SIGTERM, ends)


@pytest.fixture
def as_json(zoo):
    def run(*arguments):
        code, output, errors = zoo("models", "--json", *arguments)
        assert (code, errors) == (0, "")
        return {model["id"]: model for model in json.loads(output)}

    return run


@pytest.fixture
def mirror(home, tmp_path):
    """A mirror of two arms of the zoo and one of somebody's own."""
    fill(tmp_path / "mirror", ID, OTHER, "mine/own/arm@1.0")
    return tmp_path / "mirror"


def test_every_arm_with_evidence_is_a_model_that_can_be_made(as_json):
    models, rows = as_json(), committed()
    assert list(models) == sorted(
        f"{row['recipe']}/{row['arm']}@{row['benchmark']}" for row in rows
    )
    for row in rows:
        metrics = {name: row[name] for name in METRICS if row.get(name) is not None}
        assert models[f"{row['recipe']}/{row['arm']}@1.0"] == {
            "id": f"{row['recipe']}/{row['arm']}@1.0",
            "parameters": row["parameters"],
            "metrics": metrics,
            "size": None,
            "where": None,
        }


def test_where_they_are(as_json, mirror, home, tmp_path, monkeypatch):
    def where(*arguments):
        return {
            name: model["where"]
            for name, model in as_json(*arguments).items()
            if name in (ID, OTHER, "mine/own/arm@1.0")
        }

    nowhere = {ID: None, OTHER: None}
    asked = {ID: "mirror", OTHER: "mirror", "mine/own/arm@1.0": "mirror"}
    assert where() == nowhere and where("--mirror", mirror) == asked
    assert not home.exists()  # nothing is kept of who is only asked
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    assert where() == nowhere  # a listing asks nobody
    pulling.get(MODEL)
    monkeypatch.delenv("ZOO_MIRROR")
    assert where() == nowhere | {ID: "cached"}
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    assert where() == asked | {ID: "cached"}
    shutil.rmtree(mirror)
    assert where() == asked | {ID: "cached"}
    fill(tmp_path / "bundled", ID)
    assert where() == asked | {ID: "bundled"}


def test_what_a_mirror_says_of_a_model_comes_before_the_median_of_its_arm(as_json, mirror):
    entry = Mirror(str(mirror)).registry().models[ID]
    model = as_json("--mirror", mirror)[ID]
    assert (model["metrics"], model["size"]) == (entry.metrics, entry.size)
    pulling.get(MODEL, str(mirror))
    assert as_json()[ID] == {**model, "where": "cached"}


def test_a_table_of_at_most_100_columns(zoo, mirror, tmp_path):
    fill(tmp_path / "long", f"digits/{'a' * 150}/{'b' * 150}@1.0")
    for address in (mirror, tmp_path / "long"):
        code, output, errors = zoo("models", "--mirror", address)
        assert (code, errors) == (0, "") and max(map(len, output.splitlines())) <= 100
    lines = zoo("models", "digits/clipping/*", "--mirror", mirror)[1].splitlines()
    assert lines[0].split() == ["model", "parameters", "test", "size", "where"]
    [line] = [line for line in lines if line.startswith(ID)]
    assert re.split(r"  +", line) == [
        ID,
        "42,250",
        "accuracy 0.975, loss 0.125",
        "41.8 kB",
        "mirror",
    ]
    [line] = [line for line in lines if line.startswith("digits/clipping/value@1.0")]
    assert line.endswith("–") and "42,250" in line


def test_a_pattern(as_json, zoo):
    assert list(as_json("digits/clipping/adaptive")) == [ID]
    assert {name.partition("/")[0] for name in as_json("digits/*")} == {"digits"}
    assert list(as_json("*/relu_he@1.*")) and len(as_json("*")) == len(committed())
    code, output, errors = zoo("models", "digits/clipping/adaptivee")
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert f"no such model; did you mean {ID}" in errors


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"entry": null}', "[" * 10**5, '{"entry":{}}']
)
def test_a_damaged_entry_is_told_and_stops_nothing(text, as_json, mirror, home, monkeypatch):
    pulling.get(MODEL, str(mirror))
    (home / MODEL.folder / places.ENTRY).write_text(text)
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    model = as_json()[ID]
    assert model["where"] == "damaged" and model["size"] == 41_821
    places.kept_registry(str(mirror)).write_text(text)
    model = as_json()[ID]
    assert model["where"] == "damaged" and model["parameters"] == 42_250


def test_what_is_only_on_its_way_or_somebody_elses_is_none(as_json, mirror, home):
    place = pulling.get(MODEL, str(mirror)).folder
    for name in (".relu.partial", "a b", "deep/er/and/deep/er/still"):
        shutil.copytree(place, place.parent / name)
    before = [name for name in as_json() if name.startswith("digits/clipping/")]
    assert before == [
        f"{row['recipe']}/{row['arm']}@1.0"
        for row in sorted(committed(), key=lambda row: f"{row['recipe']}/{row['arm']}@1.0")
        if row["recipe"] == "digits/clipping"
    ]


def test_a_kept_registry_that_is_not_the_releases_is_not_shown(as_json, mirror, monkeypatch):
    monkeypatch.setattr(release, "MIRROR", str(mirror))
    pulling.get(MODEL)
    assert as_json()[OTHER]["where"] == "mirror"
    monkeypatch.setattr(release, "REGISTRY_SHA256", "0" * 64)
    assert as_json()[OTHER]["where"] is None


def test_a_mirror_that_is_asked_is_asked_once_and_only_for_its_registry(
    as_json, mirror, serve, zoo, monkeypatch
):
    server = serve(mirror)
    assert as_json("--mirror", server.address)[OTHER]["where"] == "mirror"
    assert server.asked == [places.REGISTRY]
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    code, _, errors = zoo("models", "--mirror", server.address)
    assert code == 2 and "ZOO_OFFLINE=1" in errors and errors.count("\n") == 1
    assert server.asked == [places.REGISTRY]


def test_a_listing_loads_no_schema_and_no_client_however_much_there_is(home, mirror, tmp_path):
    text = registry.read((mirror / places.REGISTRY).read_bytes(), "registry.json")
    many = {f"many/arms/arm_{number:03}@1.0": text.models[ID] for number in range(300)}
    kept = places.kept_registry("https://mirror.invalid")
    kept.parent.mkdir(parents=True)
    kept.write_text(registry.written(registry.Registry(models=many)))
    pulling.get(MODEL, str(mirror))
    code = (
        "import sys\nfrom zoo.cli import main\nsys.argv = ['zoo', 'models']\n"
        "try:\n    main()\nfinally:\n"
        "    heavy = {'pydantic', 'numpy', 'rich', 'requests', 'pooch', 'filelock', 'keras'}\n"
        "    print(*heavy & sys.modules.keys(), file=sys.stderr)\n"
    )
    import os

    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "ZOO_MIRROR": "https://mirror.invalid"},
    )  # fmt: skip
    assert process.returncode == 0 and process.stderr.strip() == ""
    lines = process.stdout.splitlines()
    assert sum(line.startswith("many/") and line.endswith("mirror") for line in lines) == 300
    assert sum(line.endswith("cached") for line in lines) == 1


# ---------------------------------------------------------------- pull


@pytest.mark.parametrize("arguments", [[], [ID, "--all"]])
def test_ids_or_all(arguments, zoo, mirror, home):
    code, output, errors = zoo("pull", *arguments, "--mirror", mirror)
    assert (code, output) == (2, "") and errors.count("\n") == 1 and "--all" in errors
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("../../x@1.0", "no id of a model"),
        ("/etc/passwd", "no id of a model"),
        ("relu", "no id of a model"),
        ("a/b@1.0/../..", "no id of a model"),
        ("nothing/*", "no such model in "),
        ("[", "no such model in "),
    ],
)
def test_what_is_no_id(text, said, zoo, mirror, home):
    code, output, errors = zoo("pull", text, "--mirror", mirror)
    assert (code, output) == (2, "") and errors.count("\n") == 1 and said in errors
    assert not home.exists() or left(home) == []


@pytest.mark.parametrize("mirror", ["ftp://127.0.0.1/x", "data:,x", "gopher://127.0.0.1"])
def test_a_scheme_that_is_none_of_a_mirrors(mirror, zoo, home):
    for arguments in (["pull", ID], ["pull", "--all"], ["models"]):
        code, output, errors = zoo(*arguments, "--mirror", mirror)
        assert (code, output) == (2, "") and errors.count("\n") == 1
        assert errors.startswith(f"--mirror: {mirror}: ") and "https://" in errors
    assert not home.exists()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "total", "shown"),
    [
        (Terminal(), progress.LONG, True),
        (Terminal(), progress.LONG - 1, False),
        (io.StringIO(), 10 * progress.LONG, False),
    ],
)
def test_progress_is_shown_on_a_terminal_where_it_takes_a_while(stream, total, shown, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    with progress.on(stream)(total) as received:
        received(total // 2)
        received(total - total // 2)
    assert ("1.0/1.0 MB" in stream.getvalue()) == shown
    assert shown or stream.getvalue() == ""
