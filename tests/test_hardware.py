"""The page that says what faster hardware changes."""

import importlib.util
from pathlib import Path

import pytest

from tests import bfloat16

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "hardware.py"
SMALL = {
    "model.depth": 2,
    "model.width": 16,
    "training.steps": 8,
    "training.evaluate_every": 2,
    "target.value": 0.12,
}


@pytest.fixture(scope="module")
def hardware():
    spec = importlib.util.spec_from_file_location("hardware", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(steps, seconds, start):
    return {"device": "A Processor", "start": start, "steps": steps, "seconds": seconds}


def test_a_row_is_means_over_seeds_and_medians_over_rounds(hardware):
    one = [measured([40, 48, 44], [s - 1, s, s + 1], s + 5) for s in (4.0, 22.0, 4.4)]
    two = [measured([40, 84, None], [2.0, 3.0, 4.0], 9.0) for _ in one]
    gpu = [{**measured([44] * 3, [0.5] * 3, 20.0), "device": "A GPU"} for _ in one]
    rounds = [
        {"1 thread": a, "2 threads": b, "1 thread, XLA": None, "GPU": c}
        for a, b, c in zip(one, two, gpu, strict=True)
    ]
    settings = {**hardware.SETTINGS, "training.steps": 84, "training.evaluate_every": 4}
    text = hardware.page(rounds, settings)
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        "| 1 thread | 44 | 4.40 | 100.0 | 9.4 |",
        "| 2 threads | not reached in 1 of 3 | 3.00 | 43.3 | 9.0 |",
        "| 1 thread, XLA | not available here | | | |",
        "| GPU, A GPU | 44 | 0.50 | 11.4 | 20.0 |",
    ]
    assert "5 layers of 1024 units and batches of 256" in text
    assert "to val_accuracy 0.95. Means over 3 seeds, medians over rounds: 3" in text


@bfloat16.needed
@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.combination)])
def test_a_way_is_measured(hardware, apart, one_thread):
    name = "1 thread, bfloat16"
    way = hardware.WAYS[name]
    found = hardware.in_process(name, SMALL) if apart else hardware.measure(way, SMALL)
    assert len(found["steps"]) == len(found["seconds"]) == hardware.SEEDS
    assert all(step is None or (2 <= step <= 8 and step % 2 == 0) for step in found["steps"])
    assert any(step is not None for step in found["steps"])
    assert min(found["seconds"]) > 0 and found["start"] > 0


def test_a_way_that_the_machine_cannot_go_is_said_so(hardware, one_thread):
    assert hardware.measure(hardware.Way(threads=10_000), SMALL) is None
