"""The plain Keras script and the compiled trainer are the same experiment."""

import subprocess
import sys
from pathlib import Path

import pytest

from zoo import recipe as recipes

ROOT = Path(__file__).resolve().parent.parent
TWENTY_STEPS = {"training.steps": 20, "training.evaluate_every": 1}


@pytest.mark.parametrize("arm", ["relu_he", "tanh"])
def test_the_script_and_the_fast_trainer_agree_for_twenty_steps(arm, digits):
    from zoo.training import CompiledArm

    settings = [f"--set={key}={value}" for key, value in TWENTY_STEPS.items()]
    process = subprocess.run(
        [sys.executable, ROOT / "scripts/train.py", "digits/activation", *settings,
         "--arm", arm, "--seed", "3", "--learning-rate", "0.03"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.split() for line in process.stdout.splitlines() if line.startswith("step")]
    plain = [dict(zip(words[::2], map(float, words[1::2]), strict=True)) for words in lines]

    spec = recipes.load("digits/activation", TWENTY_STEPS).arms[arm]
    fast = CompiledArm(spec, digits).run(3, 0.03)["evaluation"]
    losses = [row["loss"] for row in plain]
    assert [row["step"] for row in plain] == fast["step"] == list(range(1, 23))
    assert losses[:20] == pytest.approx(fast["training_loss"][:20], abs=1e-5)
    assert losses[0] != losses[1]
    accuracies = [row["val_accuracy"] for row in plain]
    assert accuracies[:20] == pytest.approx(fast["val_accuracy"][:20], abs=1 / 360)


def test_the_script_says_what_it_needs(tmp_path):
    def complaint(*arguments):
        process = subprocess.run(
            [sys.executable, ROOT / "scripts/train.py", "digits/activation", *arguments],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert process.returncode == 2
        return process.stderr.splitlines()[-1]

    assert "digits/activation has sigmoid, tanh" in complaint("--arm", "rleu")
