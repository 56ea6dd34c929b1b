"""Faster hardware changes seconds, not steps: one arm to its target in several ways.

    python scripts/hardware.py                          # writes results/HARDWARE.md, some minutes
    python scripts/hardware.py --rounds 1 --out /tmp/HARDWARE.md

Each way trains in processes of its own, all ways in turn for some rounds, for a machine is not
equally fast at all times. The arm is one of digits/activation, made so wide that hardware matters.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

STARTED = time.time()

from zoo import data, keras_setup, recipe  # noqa: E402
from zoo.cli.process import as_command, at_least  # noqa: E402
from zoo.errors import ZooError  # noqa: E402
from zoo.evidence import provenance  # noqa: E402
from zoo.evidence.target import steps_to_target  # noqa: E402
from zoo.files import write_whole  # noqa: E402

PAGE = Path(__file__).resolve().parent.parent / "results" / "HARDWARE.md"
RECIPE, ARM, RATE, SEEDS = "digits/activation", "relu_he", 0.01, 3
SETTINGS = {
    "data.batch_size": 256,
    "model.depth": 5,
    "model.width": 1024,
    "training.steps": 40,
    "training.evaluate_every": 2,
}


class Way(NamedTuple):
    """How the arm is computed."""

    threads: int = 1
    xla: bool = False
    precision: str = "float32"
    gpu: bool = False


WAYS = {
    "1 thread": Way(),
    "2 threads": Way(threads=2),
    "1 thread, XLA": Way(xla=True),
    "1 thread, bfloat16": Way(precision="mixed_bfloat16"),
    "GPU": Way(gpu=True),
}


def measure(way: Way, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Trains in this process; None if the machine cannot.

    Returns:
        device, start (seconds to the first evaluation: imports, data, compilation), and for each
        seed steps (None if the target is not reached) and seconds, of the training up to that step
        and its evaluations.
    """
    keras_setup.load_tensorflow()
    import tensorflow as tf

    from zoo.training import CompiledArm, use_threads

    gpus = tf.config.list_physical_devices("GPU")
    if (way.gpu and not gpus) or way.threads > (os.cpu_count() or 1):
        return None
    use_threads(way.threads)
    tf.config.set_visible_devices(gpus[:1] if way.gpu else [], "GPU")
    chosen = recipe.load(RECIPE, {**settings, "training.precision": way.precision}).arms[ARM]
    target, training = chosen.spec.target, chosen.spec.training
    arm = CompiledArm(chosen, data.load_for(chosen.spec.data), xla=way.xla)
    segments = arm.segments(probe=False)
    arm.reset(0, RATE)
    arm.train(segments.part(0, 1))
    start = time.time() - STARTED
    steps, seconds = [], []
    for seed in range(SEEDS):
        curve = arm.run(seed, RATE, probe=False)["evaluation"]
        reached = steps_to_target(curve["step"], curve[target.metric], target, training.steps)
        arm.reset(seed, RATE)
        began = time.perf_counter()
        arm.train(segments.part(0, segments.count_until(reached or training.steps)))
        steps.append(reached)
        seconds.append(time.perf_counter() - began)
    details = tf.config.experimental.get_device_details(gpus[0]) if way.gpu else {}
    name = details.get("device_name", provenance.describe()["cpu"])
    return {"device": name, "start": start, "steps": steps, "seconds": seconds}


def in_process(name: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What `measure` gives in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, "--settings", json.dumps(settings)]
    process = subprocess.run(command, stdout=subprocess.PIPE)
    if process.returncode:
        raise ZooError(f"{name}: its process ended with exit code {process.returncode}")
    return json.loads(process.stdout.splitlines()[-1])


def page(rounds: list[dict[str, dict[str, Any] | None]], settings: dict[str, Any]) -> str:
    """The Markdown page of what `measure` gave for each way, in each round."""
    spec = recipe.load(RECIPE, settings).arms[ARM].spec
    rows = [
        "| way | steps | seconds | ms a step | start-up, s |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name in rounds[0]:
        runs = [run for each in rounds if (run := each[name]) is not None]
        if not runs:
            rows.append(f"| {name} | not available here | | | |")
            continue
        device = f", {runs[0]['device']}" if WAYS[name].gpu else ""
        trained = [step or spec.training.steps for step in runs[0]["steps"]]
        seconds = statistics.median(statistics.mean(run["seconds"]) for run in runs)
        steps = f"{statistics.mean(trained):.0f}"
        if None in runs[0]["steps"]:
            steps = f"not reached in {runs[0]['steps'].count(None)} of {len(trained)}"
        a_step = 1000 * seconds / statistics.mean(trained)
        start = statistics.median(run["start"] for run in runs)
        rows.append(f"| {name}{device} | {steps} | {seconds:.2f} | {a_step:.1f} | {start:.1f} |")
    machine = provenance.describe()
    return "\n".join(
        [
            "# Faster hardware changes seconds, not steps",
            "",
            f"`{RECIPE}/{ARM}` with {spec.model.depth} layers of {spec.model.width} units and "
            f"batches of {spec.data.batch_size}, at rate {RATE:g}, to {spec.target.metric} "
            f"{spec.target.value:g}. Means over {SEEDS} seeds, medians over rounds: {len(rounds)}. "
            "Seconds are those of training and evaluation up to that step; start-up (imports, "
            "data, compilation) comes once. Steps differ where rounding does, no more.",
            "",
            f"Made by `python scripts/hardware.py` on: {machine['cpu']}, {machine['cores']} cores.",
            "",
            *rows,
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--measure", choices=WAYS, help="this way alone, here; prints JSON")
    parser.add_argument("--settings", type=json.loads, default=SETTINGS, help="of the arm, JSON")
    options = parser.parse_args()
    if not isinstance(options.settings, dict):
        parser.error("--settings: give a JSON object, of dotted keys and values")
    recipe.load(RECIPE, options.settings)  # before minutes are spent
    if options.measure:
        print(json.dumps(measure(WAYS[options.measure], options.settings)))
        return
    rounds = [
        {name: in_process(name, options.settings) for name in WAYS} for _ in range(options.rounds)
    ]
    write_whole(options.out, page(rounds, options.settings))
    print(options.out)


if __name__ == "__main__":
    with as_command():
        main()
