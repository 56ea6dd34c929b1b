"""The plain Keras script and the compiled trainer are the same experiment."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import recipe as recipes

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"model.depth": 4, "training.steps": 20, "training.evaluate_every": 4}


@pytest.fixture
def script(one_thread, monkeypatch):
    """Runs the script here; what it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train.py", "digits/activation", *arguments])
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                runpy.run_path(str(ROOT / "scripts/train.py"), run_name="__main__")
            except SystemExit as end:
                if end.code:
                    raise
        return printed.getvalue()

    return run


@pytest.mark.parametrize("arm", ["relu_he", pytest.param("tanh", marks=pytest.mark.combination)])
def test_the_script_and_the_fast_trainer_agree_for_twenty_steps(arm, script, digits):
    from zoo.training import CompiledArm

    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    printed = script(*settings, "--arm", arm, "--seed", "3", "--learning-rate", "0.03")
    lines = [line.split() for line in printed.splitlines() if line.startswith("step")]
    plain = [dict(zip(words[::2], map(float, words[1::2]), strict=True)) for words in lines]

    spec = recipes.load("digits/activation", SETTINGS).arms[arm]
    fast = CompiledArm(spec, digits).run(3, 0.03)["evaluation"]
    losses = [row["loss"] for row in plain]
    assert [row["step"] for row in plain] == fast["step"] == list(range(4, 29, 4))
    assert losses[:5] == pytest.approx(fast["training_loss"][:5], abs=1e-5)
    assert losses[0] != losses[1]
    accuracies = [row["val_accuracy"] for row in plain]
    assert accuracies[:5] == pytest.approx(fast["val_accuracy"][:5], abs=1 / 360)


def test_the_script_says_what_it_needs(script, capsys):
    with pytest.raises(SystemExit) as end:
        script("--arm", "rleu")
    assert end.value.code == 2
    assert (
        "digits/activation has sigmoid, sigmoid_gain4" in capsys.readouterr().err.splitlines()[-1]
    )


def test_prices_are_measured_of_every_arm(one_thread):
    measured = runpy.run_path(str(ROOT / "scripts/prices.py"))["measured"]
    recipe = recipes.load("digits/pretraining").only(["greedy_supervised"])
    prices = measured(recipe, rounds=2)
    assert list(prices.seconds_per_step) == list(prices.arm_sha256) == list(recipe.arms)
    assert prices.rounds == 2 and prices.environment["threads"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("reference nowhere/nothing", "nowhere/nothing: no such recipe; see: zoo list"),
        ("reference {folder}/x.yaml", "{folder}/x.yaml: cannot be read: No such file or directory"),
        ("prices nowhere/nothing", "nowhere/nothing: no such recipe; see: zoo list"),
        ("retrain nowhere --lot 1", "nowhere: no such submission; there are: none"),
        ("retrain", "the following arguments are required: --lot"),
        ("second_run --lot x", "argument --lot: invalid int value"),
        ("train nowhere --arm relu", "nowhere: no such recipe; see: zoo list"),
        ("train digits/activation --arm relu --set x", "--set x: expected key=value, such as"),
        ("train digits/activation --arm relu --seed -1", "--seed: -1: give a number of at least 0"),
        ("hardware --rounds 0", "argument --rounds: 0: give a number of at least 1"),
        ("hardware --rounds " + "9" * 5000, "argument --rounds: 99999999999999999999: give a"),
        ("hardware --settings [1]", "--settings: give a JSON object"),
        ("hardware --settings {{", "argument --settings: invalid"),
        ('hardware --settings {{"model.dept":1}}', "--set: model.dept: unknown key, did you mean"),
        ("benchmark mlp --pairs 0", "argument --pairs: 0: give a number of at least 1"),
        ("benchmark nothing", "no part nothing; parts: runs, scaling"),
        ("simulate --trials 0", "argument --trials: 0: give a number of at least 1"),
        ("recipe_schema {folder}/file/x", "{folder}/file/x: cannot be written: Not a directory"),
        ("fashion_mnist_from_debian {folder}/file/x", ".py: error: "),
    ],
)
def test_a_mistake_in_a_scripts_arguments_is_told(line, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    name, *arguments = line.format(folder=tmp_path).split()
    script = ROOT / "scripts" / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 2
    *usage, last = capsys.readouterr().err.splitlines()
    assert message.format(folder=tmp_path) in last and len(last) < 400
    assert not usage or usage[0].startswith("usage: ")  # by argparse


@pytest.mark.combination
@pytest.mark.parametrize("side", ["zoo_lstm", "zoo_resnet", "zoo_transformer", "keras_transformer"])
def test_a_side_of_the_benchmark_gives_its_rate(side):
    """What it loads of a recipe may change with the recipe."""
    command = [sys.executable, str(ROOT / "scripts" / "peers" / f"{side}.py")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout.splitlines()[-1])["steps_per_second"] > 0
