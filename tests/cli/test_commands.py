"""The `zoo` command as a person types it: exit codes, one line for a mistake.

`zoo` is a process; `zoo_here` the same command in this one, where TensorFlow is loaded already.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import cli

ROOT = Path(__file__).resolve().parents[2]
QUICK = [
    "--set", "model.depth=3", "--set", "model.width=16", "--set", "training.steps=28",
    "--set", "training.learning_rate=[0.1]", "--seeds", "2", "--arms", "relu",
]  # fmt: skip


def zoo(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "ZOO_CACHE_DIR": str(cwd / "cache"), **environment},
        timeout=300,
    )


def zoo_here(*arguments, cwd, **environment):
    words, output, errors = ["zoo", *map(str, arguments)], io.StringIO(), io.StringIO()
    on_end = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        for name, value in {"ZOO_CACHE_DIR": str(cwd / "cache"), **environment}.items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        shown = contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors)
        with shown[0], shown[1], pytest.raises(SystemExit) as end:
            cli.main()
    signal.signal(signal.SIGTERM, on_end)
    code = end.value.code
    return subprocess.CompletedProcess(words, code, output.getvalue(), errors.getvalue())


def is_one_line_mistake(process, *words):
    lines = process.stderr.splitlines()
    return process.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in words)


@pytest.fixture(scope="module")
def trained(one_thread, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, zoo_here("run", "digits/activation", *QUICK, "--workers", "1", cwd=folder)


def test_run_ends_with_rows_and_the_paths_of_figures(trained):
    folder, process = trained
    assert process.returncode == 0 and process.stderr == ""
    lines = process.stdout.splitlines()
    assert any(line.split()[:2] == ["relu", "0/2"] for line in lines)
    figures = [folder / line for line in lines if line.endswith(".svg")]
    assert len(figures) == 4 and all("<svg" in figure.read_text() for figure in figures)
    assert "4 of 4 runs" in process.stdout  # plain lines of progress where there is no terminal


def test_a_second_run_trains_nothing_and_prints_the_same_rows(trained):
    folder, first = trained
    again = zoo_here("run", "digits/activation", *QUICK, cwd=folder)
    rows = [line for line in first.stdout.splitlines() if " runs, " not in line]
    assert again.stdout.splitlines() == rows


def test_leaderboard_of_a_users_evidence(trained):
    folder, _ = trained
    settings = QUICK[:8]
    options = ["--results", "zoo-results", "--format", "json", *settings]
    process = zoo_here("leaderboard", "digits/activation", *options, cwd=folder)
    rows = json.loads(process.stdout)
    assert [row["arm"] for row in rows] == ["sigmoid", "relu"]
    assert rows[1]["seeds"] == 2 and rows[1]["budget"] == 28


def test_verify_and_compare_of_a_users_evidence(trained):
    folder, _ = trained
    options = ["--results", "zoo-results", *QUICK[:8]]
    before = {path: path.read_bytes() for path in (folder / "zoo-results").rglob("*.json")}
    name = "digits/activation/relu"
    verified = zoo_here("verify", name, "--seed", "1", *options, cwd=folder)
    assert (verified.returncode, verified.stderr) == (0, "")
    first, *_, last = verified.stdout.splitlines()
    assert first.startswith(f"training {name}, seed 1, at learning rate 0.1, ")
    assert last.startswith("equal: ") and last.endswith(" numbers, in all recorded digits")
    compared = zoo_here(
        "compare", name, "digits/activation/sigmoid", *options, "--format", "json", cwd=folder
    )
    assert (compared.returncode, compared.stderr) == (0, "")
    said = json.loads(compared.stdout)
    assert [pair["seed"] for pair in said["pairs"]] == [0, 1] and said["verdict"] is None
    table = zoo_here("compare", name, "digits/activation/sigmoid", *options, cwd=folder).stdout
    assert "No verdict: values other than the recipe's (--set)." in table.splitlines()
    assert before == {path: path.read_bytes() for path in (folder / "zoo-results").rglob("*.json")}


def test_verify_of_a_made_up_record_is_exit_code_1(trained, tmp_path):
    import shutil

    folder, _ = trained
    shutil.copytree(folder / "zoo-results", tmp_path / "zoo-results")
    path = tmp_path / "zoo-results/runs/digits/activation/relu/seed-0.json"
    record = json.loads(path.read_text())
    record["evaluation"]["training_loss"][0] /= 2
    record["environment"]["cpu"] = "Another Processor"
    path.write_text(json.dumps(record))
    options = ["--results", "zoo-results", *QUICK[:8]]
    process = zoo_here("verify", "digits/activation/relu", *options, cwd=tmp_path)
    assert process.returncode == 1
    assert process.stderr.startswith("zoo-results/runs/digits/activation/relu/seed-0.json: changed")
    lines = process.stdout.splitlines()
    assert any(line.startswith("cpu ") and "Another Processor" in line for line in lines)
    assert any(line.startswith("first training loss") and "beyond" in line for line in lines)
    assert lines[-1].startswith("differs: 1 of ")


def test_evidence_unlike_its_manifest_is_told_beside_the_rows(trained, tmp_path):
    import shutil

    folder, _ = trained
    shutil.copytree(folder / "zoo-results", tmp_path / "zoo-results")
    options = ["digits/activation", "--results", "zoo-results", *QUICK[:8]]
    whole = zoo_here("leaderboard", *options, cwd=tmp_path)
    assert (whole.returncode, whole.stderr) == (0, "")
    record = tmp_path / "zoo-results/runs/digits/activation/relu/seed-1.json"
    record.write_text(record.read_text().replace('"seconds": ', '"seconds":  '))
    (record.parent / "seed-0.json").unlink()
    for command in ("leaderboard", "figures"):
        process = zoo_here(command, *options, cwd=tmp_path)
        assert process.returncode == 0 and process.stdout
        assert process.stderr == (
            "zoo-results/runs/digits/activation/relu/seed-1.json: changed since manifest.json was "
            "written; 2 such files, see: zoo leaderboard --check --results zoo-results\n"
        )


def test_evidence_of_other_settings_is_refused(trained):
    folder, _ = trained
    process = zoo_here("run", "digits/activation", *QUICK, "--set", "model.width=17", cwd=folder)
    assert is_one_line_mistake(process, "seed-0.json", "arm_sha256", "another folder")


def test_a_job_that_fails_is_exit_code_1_and_leaves_its_traceback(empty_registry, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import keras\n\n@keras.saving.register_keras_serializable()\n"
        "def fragile(x):\n"
        "    if x.shape[0] == 64:  # the batch of the training, not that of the check\n"
        "        raise RuntimeError('too many')\n"
        "    return keras.ops.relu(x)\n"
    )
    process = zoo_here(
        "run", "digits/activation", *QUICK, "--workers", "1", "--import", "mine.py",
        "--set", "model.activation=fragile", "--arms", "sigmoid", cwd=tmp_path,
    )  # fmt: skip
    assert process.returncode == 1
    lines = process.stderr.splitlines()
    assert len(lines) == 2 and all("too many" in line and "sigmoid seed" in line for line in lines)
    log = tmp_path / "zoo-results/logs/digits/activation/sigmoid/seed-0.log"
    assert str(log.relative_to(tmp_path)) in lines[0] and "fragile" in log.read_text()


# ---------------------------------------------------------------- the light commands


def test_help_and_list_do_not_import_tensorflow(tmp_path):
    code = (
        "import sys\nfrom zoo.cli import app\n"
        "for line in ('--help', 'list', 'show digits/activation', 'leaderboard'):\n"
        "    app(line.split(), standalone_mode=False)\n"
        "    assert not {'tensorflow', 'keras', 'sklearn'} & sys.modules.keys(), line\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_list_loads_no_schema_and_no_arrays_however_many_recipes_there_are(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from zoo.recipe import finding\n"
        "path = finding.available()['digits/activation']\n"
        "many = {f'many/{number:03}': path for number in range(300)}\n"
        "finding.available = lambda folder=None: many\n"
        "from zoo.cli import main\n"
        "sys.argv = ['zoo', 'list', 'many/*']\n"
        "try:\n    main()\n"
        "finally:\n"
        "    print(*{'pydantic', 'numpy', 'rich'} & sys.modules.keys(), file=sys.stderr)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert process.returncode == 0 and process.stderr.strip() == ""
    assert sum(line.startswith("many/") for line in process.stdout.splitlines()) == 300


def test_list_show_and_check(one_thread, tmp_path):
    assert "digits/activation" in zoo("list", "digits/*", cwd=tmp_path).stdout
    shown = zoo_here("show", "digits/activation", "--arm", "relu_he", cwd=tmp_path).stdout
    assert "initializer: he_normal" in shown and "changes:" in shown
    checked = zoo_here("check", ROOT / "recipes/digits/activation.yaml", cwd=tmp_path)
    assert checked.stdout == "digits/activation: ok, 14 arms\n" and checked.stderr == ""


def test_a_changed_number_in_a_derived_file_is_found(tmp_path):
    import shutil

    shutil.copytree(ROOT / "results", tmp_path / "results")
    board = tmp_path / "results" / "leaderboard.json"
    text = board.read_text()
    board.write_text(text.replace('"reached": 10', '"reached": 9', 1))
    line = text[: text.index('"reached": 10')].count("\n") + 1
    process = zoo_here("leaderboard", "--check", "--results", "results", cwd=tmp_path)
    assert process.returncode == 1
    said = f"results/leaderboard.json: differs from the evidence, first at line {line}\n"
    assert process.stderr == said


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "digits/activatoin"], ["did you mean digits/activation"]),
        (["run", "nothing/*"], ["nothing/*", "no such recipe"]),
        (["run", "digits/activation", "--seeds", "0"], ["--seeds"]),
        (["run", "digits/activation", "--workers", "0"], ["--workers 0"]),
        (["run", "digits/activation", "--workers", "some"], ["--workers some"]),
        (
            ["run", "digits/activation", "--set", "training.stesp=3"],
            ["--set", "did you mean steps?"],
        ),
        (["run", "digits/activation", "--set", "training.steps"], ["--set", "key=value"]),
        (["run", "digits/activation", "--arms", "rleu"], ["no arm 'rleu'", "relu"]),
        (["run", "digits/activation", "--out", "/dev/null/x", "--workers", "1"], ["/dev/null/x"]),
        (["run", "missing.yaml"], ["missing.yaml", "No such file"]),
        (["show", "digits/activation", "--arm", "rleu"], ["no arm rleu"]),
        (["leaderboard", "--results", "nowhere"], ["nowhere", "no evidence"]),
        (["leaderboard", "--format", "xml"], ["--format xml"]),
        (["leaderboard", "--target", "2"], ["--target 2"]),
        (["leaderboard", "--check", "--target", "0.9"], ["--check"]),
        (["figures", "--results", "nowhere"], ["nowhere", "no evidence"]),
        (["check", "missing.yaml"], ["missing.yaml", "No such file"]),
        (["verify", "digits/activation"], ["a recipe: give an arm after a slash", "relu_he"]),
        (["verify", "digits/activation/rleu"], ["no arm 'rleu', did you mean relu?"]),
        (["verify", "digits/activatoin/relu"], ["did you mean digits/activation"]),
        (["verify", "relu"], ["relu: no arm of a recipe"]),
        (["verify", "digits/activation/relu", "--seed", "99"], ["no record", "seed 99"]),
        (
            ["verify", "digits/activation/relu", "--results", "nowhere"],
            ["nowhere", "no run records"],
        ),
        (["verify", "digits/activation/relu", "--set", "model.width=9"], ["arm_sha256"]),
        (["compare", "digits/activation/relu", "digits/activation/rleu"], ["no arm 'rleu'"]),
        (["compare", "digits/activation/relu", "digits/activation/relu"], ["against itself"]),
        (["compare", "digits/activation/relu", "digits/residual/plain"], ["training.steps: 840"]),
        (["compare", "digits/activation/relu"], ["RECIPE/ARM"]),
        (["compare", *["digits/activation/relu"] * 2, "--format", "xml"], ["--format xml"]),
        (["data", "prepare", "digts"], ["digts", "did you mean"]),
        (["frobnicate"], ["frobnicate"]),
        (["run"], ["RECIPE"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, words, one_thread, tmp_path):
    assert is_one_line_mistake(zoo_here(*arguments, cwd=tmp_path), *words)
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_the_same_of_a_process(tmp_path):
    mistake = zoo("run", "digits/activatoin", cwd=tmp_path)
    assert is_one_line_mistake(mistake, "did you mean digits/activation")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ["target={metric: val_accuracy, mode: max, value: 0.5}"],
            ["--set: target.metric: adding_problem_50 ", "no val_accuracy: give val_loss"],
        ),
        (
            ["training.optimizer={class_name: SGD, config: {momentum: .nan}}"],
            ["--set: training.optimizer.config.momentum: should be a finite number"],
        ),
        (
            ["data.name=mnist", "data.split={train: train, validation: 'test[:60%]', test: test}"],
            ["--set: data.split.test: has examples of validation (test[:60%])"],
        ),
    ],
)
def test_what_would_train_to_a_wrong_result_is_refused_before(
    settings, words, one_thread, tmp_path
):
    options = [part for setting in settings for part in ("--set", setting)]
    process = zoo_here(
        "run", "adding_problem_50/gating", *options, "--workers", "1",
        cwd=tmp_path, TFDS_DATA_DIR=str(tmp_path / "tfds"),
    )  # fmt: skip
    assert is_one_line_mistake(process, *words)
    assert not list(tmp_path.rglob("seed-*.json"))


@pytest.mark.parametrize(
    ("variable", "config", "words"),
    [
        ({"KERAS_BACKEND": "jax"}, None, ["backend", "'jax'", "KERAS_BACKEND"]),
        ({}, {"floatx": "float16"}, ["floatx", "'float16'", "keras.json"]),
        ({}, {"image_data_format": "channels_first"}, ["image_data_format", "keras.json"]),
    ],
)
def test_a_keras_setting_the_zoo_cannot_work_with_is_refused(tmp_path, variable, config, words):
    if config:
        (tmp_path / "keras.json").write_text(json.dumps(config))
    environment = {"KERAS_HOME": str(tmp_path), **variable}
    assert is_one_line_mistake(zoo("list", cwd=tmp_path, **environment), *words)
    code = (
        "import zoo, zoo.models, zoo.recipe\n"  # imports nothing that needs the setting
        "arm = zoo.recipe.load('digits/activation').arms['relu']\n"
        "zoo.models.build(arm.spec.model, None)"
    )
    built = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert built.stderr.splitlines()[-1].startswith("zoo.errors.ZooError: Keras's")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    command = f"{sys.executable} -m zoo list | head -n 1"
    process = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=tmp_path
    )
    assert process.stderr == "" and process.returncode == 0


def test_submit_says_what_it_needs(tmp_path):
    process = zoo_here("submit", "digits/activation", cwd=tmp_path)
    assert process.returncode == 2
    assert process.stderr == (
        "digits/activation: not the path of a YAML file: a recipe of the zoo is there already\n"
    )
    path = tmp_path / "recipes" / "mine" / "own.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("extends: digits/clipping\ntitle: Mine\n")
    process = zoo_here("submit", path, "--results", tmp_path / "nothing", cwd=tmp_path)
    assert process.returncode == 2
    assert "no record of mine/own/none, the baseline" in process.stderr
