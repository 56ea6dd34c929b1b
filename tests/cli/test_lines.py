"""Whatever a person has or types: the command does its work, or says in one line why not."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.made_up_evidence import YAML, fill, recipe, store
from tests.odd_paths import dangling_link, link_to_itself, named_pipe
from zoo import cli

__all__ = ["fill", "recipe", "store"]
SMALL = [
    "--set", "model.depth=3", "--set", "model.width=16", "--set", "training.steps=28",
    "--set", "training.learning_rate=[0.1]", "--seeds", "2", "--arms", "relu", "--workers", "1",
]  # fmt: skip


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs `zoo` in this process; gives exit code, stdout and stderr."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    ends = signal.getsignal(signal.SIGTERM)

    def run(*arguments, stdout=None):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        capsys.readouterr()
        with contextlib.redirect_stdout(stdout or sys.stdout), pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    yield run
    signal.signal(signal.SIGTERM, ends)


def is_one_line(result, *words):
    code, _, errors = result
    lines = errors.splitlines()
    return (
        code == 2
        and len(lines) == 1
        and lines[0].isprintable()
        and all(word in lines[0] for word in words)
    )


# ---------------------------------------------------------------- standard streams

PRINTING = [
    ["list"], ["show", "digits/activation"], ["leaderboard"], ["explain"], ["--help"],
    ["data", "where"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_full_device_is_told_once(arguments, command):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = command(*arguments, stdout=full)
    assert is_one_line(result, "standard output: cannot be written: No space left on device")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "koi8-r", "utf-16"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_any_encoding_of_the_output_will_do(arguments, encoding, command):
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    code, _, errors = command(*arguments, stdout=output)
    output.flush()
    text = output.buffer.getvalue().decode(encoding)
    assert (code, errors) == (0, "") and text
    if arguments == ["leaderboard"]:
        assert "val_accuracy >= 0.95" in text or "val_accuracy ≥ 0.95" in text
    assert output.errors == "strict"  # as it was


def test_rows_as_json_are_the_same_in_any_encoding(command):
    plain = command("leaderboard", "--format", "json")[1]
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    command("leaderboard", "--format", "json", stdout=output)
    output.flush()
    assert output.buffer.getvalue().decode("ascii") == plain


@pytest.mark.parametrize(
    ("closed", "code", "said"),
    [
        (">&-", 2, "standard output: cannot be written: Bad file descriptor"),
        ("2>&-", 0, ""),
        ("<&-", 0, ""),
        (">&- 2>&-", 2, ""),
    ],
)
def test_a_standard_stream_that_is_closed(closed, code, said, tmp_path):
    script = f"exec {sys.executable} -m zoo list {closed}"
    process = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert process.returncode == code
    assert process.stderr.startswith(said) and len(process.stderr.splitlines()) == bool(said)
    assert ("digits/activation" in process.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.combination
def test_a_run_without_streams_and_in_the_c_locale_makes_its_evidence(tmp_path):
    """Every file has its encoding: Python warns of one that has the locale's."""
    named = tmp_path / "recipes" / "mine.yaml"
    named.parent.mkdir()
    shipped = Path(cli.__file__).parents[2] / "recipes/digits/activation.yaml"
    text = shipped.read_text(encoding="utf-8").replace("title: ", "title: é ≥ 日 [/b] [bold] ")
    named.write_text(text, encoding="utf-8")
    code = (
        "import sys, warnings\n"
        "warnings.filterwarnings('error', category=EncodingWarning, module='zoo')\n"
        "from zoo.cli import main\n"
        "main()\n"
    )
    arguments = " ".join(f"'{each}'" for each in ["run", named, *SMALL])
    script = f"""exec {sys.executable} -X warn_default_encoding -c "$CODE" {arguments} 2>&- <&-"""
    environment = {
        "CODE": code,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "ZOO_CACHE_DIR": str(tmp_path / "cache"),
    }
    process = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, **environment},
        timeout=300,
    )
    printed = process.stdout.decode("ascii")
    assert process.returncode == 0, printed
    assert r"mine: \xe9 >= \u65e5 [/b] [bold] Activations" in printed
    assert "4 of 4 runs" in printed and "mine/curves.svg" in printed
    assert len(list((tmp_path / "zoo-results/runs/mine").rglob("seed-*.json"))) == 4


def test_the_evidence_goes_on_to_be_made_when_the_reader_is_gone(command, one_thread, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    out = tmp_path / "evidence"
    with os.fdopen(writer, "w", encoding="utf-8") as gone:
        result = command("run", "digits/activation", *SMALL, "--out", out, stdout=gone)
    assert result == (0, "", "")
    assert len(list(out.rglob("seed-*.json"))) == 4 and (out / "manifest.json").is_file()
    assert len(list(out.rglob("*.svg"))) == 4


# ---------------------------------------------------------------- what is typed


def test_a_command_that_is_asked_to_end_leaves_its_contexts_and_tells_by_its_code():
    """The scripts too: `as_command` is theirs as well."""
    code = (
        "import os, signal, time\nfrom zoo.cli.process import as_command\n"
        "with as_command():\n    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(60)\n    finally:\n        print('left')\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (143, "left\n", "")


@pytest.mark.parametrize("title", ["A [/b] title", "[red]x", "[link=x]", "\\[b]", "[", ":smile:"])
def test_a_title_is_text_whatever_brackets_are_in_it(title, command, recipe, store, fill):
    fill({"sigmoid": [None, None], "tanh": [20, 30]})
    path = store.root.parent / "recipes/made/up.yaml"
    path.write_text(YAML.replace("A made-up comparison", f"'{title}'"), encoding="utf-8")
    code, output, errors = command("leaderboard", path, "--results", store.root)
    assert (code, errors) == (0, "") and f"made/up: {title}." in output


@pytest.mark.parametrize("number", ["9" * 5000, "1001", "²", "-1", "1e3", "0x1", "\u202e1"])
def test_a_number_of_workers_that_is_none(number, command):
    assert is_one_line(
        command("run", "digits/activation", "--workers", number), "--workers", "1000"
    )


def test_a_number_of_seeds_of_thousands_of_digits(command):
    result = command("run", "digits/activation", "--seeds", "9" * 5000)
    assert is_one_line(result, "--seeds") and len(result[2]) < 400


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "digits/activation"], ["run", "digits/activation"]]
)
def test_a_current_folder_that_is_gone(arguments, command, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert is_one_line(command(*arguments), "the current folder does not exist any more: cd to")


def test_an_upper_case_ending_is_a_recipes_too(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "A.YAML").write_text(YAML, encoding="utf-8")
    code, output, errors = command("show", "./A.YAML")
    assert (code, errors) == (0, "") and "id: A/sigmoid" in output


def folder(path):
    path.mkdir()


def device(path):
    path.symlink_to("/dev/zero")


def no_text(path):
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    "other", [folder, dangling_link, link_to_itself, named_pipe, device, no_text]
)
def test_what_is_no_file_of_text_is_told_in_one_line(other, tmp_path):
    """In a process: who opens a pipe that nobody writes to waits for ever."""
    other(tmp_path / "odd.yaml")
    code = (
        "import sys\n"
        "from zoo import cli\n"
        "for arguments in (['show', 'odd.yaml'],"
        " ['run', 'digits/activation', '--import', 'odd.yaml'],"
        " ['run', './odd.yaml', '--scheduler', 'tcp://127.0.0.1:1']):\n"
        "    sys.argv = ['zoo', *arguments]\n"
        "    try:\n"
        "        cli.main()\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 2\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    lines = process.stderr.splitlines()
    assert len(lines) == 3 and all("odd.yaml: " in line for line in lines), process.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd.yaml"]


words = st.one_of(
    st.text(max_size=8).filter(lambda text: "*" not in text and "?" not in text),
    st.sampled_from(["--set", "--results", "--target", "--format", "--arm", "--", "--check"]),
    st.sampled_from(["digits/activation", "model.depth=3", "json", "nan", "-1", "9" * 5000]),
)


@hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(
    name=st.sampled_from(["list", "show", "leaderboard", "data", "run"]),
    arguments=st.lists(words, max_size=4),
)
def test_whatever_is_typed_the_answer_is_lines(command, name, arguments):
    hypothesis.assume(name != "run" or "digits/activation" not in arguments)
    hypothesis.assume("prepare" not in arguments and "\0" not in "".join(arguments))
    code, _, errors = command(name, *arguments)
    assert code in (0, 1, 2)
    assert code != 2 or errors
    assert all(line.isprintable() for line in errors.split("\n"))
