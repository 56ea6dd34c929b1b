"""The plain Keras script and the compiled trainer are the same experiment."""

import contextlib
import io
import runpy
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
            runpy.run_path(str(ROOT / "scripts/train.py"), run_name="__main__")
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
    assert "digits/activation has sigmoid, tanh" in capsys.readouterr().err.splitlines()[-1]
