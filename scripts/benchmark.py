"""The zoo's speed as ratios, both sides in turn in one call: medians of pairs.

    python scripts/benchmark.py                  # all of it, most of an hour on 2 cores
    python scripts/benchmark.py mlp --pairs 5    # one part
    python scripts/benchmark.py runs scaling --out results/SPEED.md    # and keep what they said

The sides are in scripts/peers/. These machines are noisy: a ratio of two sides that ran in turn
says more than any time in seconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from zoo.cli.process import as_command, at_least
from zoo.files import write_whole
from zoo.results.folder import FOLDER

PEERS = Path(__file__).parent / "peers"
PLAIN_RUNS = 8  # plain Keras trains so many and is scaled


def side(name: str, *arguments: object, core: int | None = None) -> dict:
    """What a peer printed, and how long its process took; on that core only, if one is given."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    pin = [] if core is None else ["taskset", "--cpu-list", str(core)]
    command = [*pin, sys.executable, str(PEERS / f"{name}.py"), *map(str, arguments)]
    began = time.time()
    process = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, env=quiet
    )
    return {**json.loads(process.stdout.splitlines()[-1]), "process": time.time() - began}


def sides(name: str, count: int, *arguments: object) -> list[dict]:
    """So many of the same peer at once."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(PEERS / f"{name}.py"), *map(str, arguments)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet)
        for _ in range(count)
    ]
    return [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]


SAID: list[str] = []  # the lines of a table of all that was said


def say(what: str, ratios: list[float], unit: str = "times") -> None:
    """A line with the median and the range of the ratios of all pairs."""
    middle = statistics.median(ratios)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{what:72} {middle:6.2f} {unit} ({spread}, {len(ratios)} pairs)", flush=True)
    SAID.append(f"| {what} | {middle:.2f} {unit} | {spread} | {len(ratios)} |")


def runs(pairs: int) -> None:
    """All runs of digits/activation against plain Keras."""
    per_run: dict[int, list[float]] = {1: [], 2: []}
    whole: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(pairs):
        plain = side("plain_keras", PLAIN_RUNS)
        a_run = statistics.mean(plain["runs"])
        for workers in (1, 2):
            ours = side("zoo_runs", workers, 10)
            count = ours["count"]
            per_run[workers].append(a_run / (ours["runs"] / count))
            whole[workers].append((plain["start"] + count * a_run) / ours["process"])
    print(f"plain Keras trained {PLAIN_RUNS} of {count} runs and was scaled")
    for workers in (1, 2):
        name = f"{workers} worker{'s' if workers > 1 else ''}"
        say(
            f"digits/activation, a run without start-up, {name}, over plain Keras", per_run[workers]
        )
        say(f"digits/activation, process start to finish, {name}, over plain Keras", whole[workers])


def scaling(pairs: int) -> None:
    """Two workers against one on a sweep of more than two minutes."""
    ratios = []
    for _ in range(pairs):
        one, two = side("zoo_runs", 1, 54), side("zoo_runs", 2, 54)
        ratios.append(one["runs"] / two["runs"])
    say(f"two workers over one, {one['count']} runs, {one['runs']:.0f} s with one", ratios)


def mlp(pairs: int) -> None:
    """The matrix-multiplication peak, and PyTorch."""
    shares, one, two = [], [], []
    for _ in range(pairs):
        ours = side("zoo_mlp")
        shares.append(ours["share_of_peak"])
        torch = side("torch_mlp", 1)["steps_per_second"]
        if torch is None:
            continue
        one.append(ours["steps_per_second"] / torch)
        both = sum(each["steps_per_second"] for each in sides("zoo_mlp", 2))
        two.append(both / max(torch, side("torch_mlp", 2)["steps_per_second"]))
    say("10x128 MLP, batch 128: share of a core's float32 product peak", shares, "of 1")
    for ratios, cores in ((one, "1 core"), (two, "2 cores")):
        what = f"10x128 MLP, steps a second over PyTorch eager, {cores}"
        if ratios:
            say(what, ratios)
        else:
            print(f"{what:72} PyTorch is not installed")


def reuse(pairs: int) -> None:
    """What a further run of a compiled arm costs, and what a worker's memory does over 200."""
    del pairs  # one process tells both
    ours = side("zoo_reuse")
    cost = statistics.median(ours["fixed"])
    print(f"a further run of a compiled arm, 21 steps and all else included: {cost:.3f} s")
    sizes = ", ".join(f"{size:.0f}" for size in ours["resident"])
    print(f"resident size, MiB, every 25 of {ours['runs']} runs, arms in turn: {sizes}")


def families(pairs: int) -> None:
    """Networks of the other families against stock Keras, whose fit wants every core."""
    cores = sorted(psutil.Process().cpu_affinity())
    for what, name in (
        ("LSTM, 400 steps of time, 64 units, batch 64", "lstm"),
        ("ResNet-20 on 28x28, batch 64", "resnet"),
        ("transformer, 6 blocks of width 32 on 28 steps, batch 64", "transformer"),
    ):
        machine, one = [], []
        for _ in range(pairs):
            ours = sum(each["steps_per_second"] for each in sides(f"zoo_{name}", len(cores)))
            machine.append(ours / side(f"keras_{name}")["steps_per_second"])
            alone = side(f"zoo_{name}", core=cores[0])["steps_per_second"]
            one.append(alone / side(f"keras_{name}", core=cores[0])["steps_per_second"])
        say(f"{what}: {len(cores)} workers over model.fit on {len(cores)} cores", machine)
        say(f"{what}: over model.fit held to 1 core", one)


def results(pairs: int) -> None:
    """What the evidence costs to read, check and show."""
    checks, boards = [], []
    for _ in range(pairs):
        read = side("hash_files", FOLDER)["process"]
        checks.append(timed("leaderboard", "--check") / read)
        boards.append(timed("leaderboard") / timed("list"))
    say("zoo leaderboard --check over a process that hashes the records once", checks)
    say("zoo leaderboard over zoo list", boards)
    many = side("zoo_rows", 100_000)
    print(
        f"rows of {many['records']} made-up records: {many['seconds']:.1f} s, "
        f"{many['resident']:.2f} GiB"
    )


def alarm(pairs: int) -> None:
    """What a callback costs a training of 5,000 steps."""
    for what, name in (
        ("10x64 MLP, batch 64", "mlp"),
        ("LSTM, 28 steps of time, 64 units, batch 64", "lstm"),
    ):
        ratios, within = [], []
        for _ in range(pairs):
            ours = side("keras_alarm", name)
            ratios.append(ours["watched"] / ours["plain"])
            within.append(100 * ours["within"])
        say(f"{what}: fit of 5,000 steps with GradientAlarm over without", ratios)
        say(f"{what}: time within GradientAlarm", within, "% of the rest")


def timed(*arguments: str) -> float:
    """The seconds of a command of the zoo, start to finish."""
    began = time.time()
    command = [sys.executable, "-m", "zoo", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.time() - began


PARTS: dict[str, Callable[[int], None]] = {
    "runs": runs,
    "scaling": scaling,
    "reuse": reuse,
    "mlp": mlp,
    "families": families,
    "results": results,
    "alarm": alarm,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--pairs", type=at_least(1), default=5)
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the ratios as a page, too")
    options = parser.parse_args()
    unknown = set(options.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    print(f"{os.cpu_count()} cores")
    for part in options.parts or PARTS:
        PARTS[part](options.pairs)
    if options.out:
        write_whole(options.out, page())


def page() -> str:
    """What was said, as Markdown."""
    head = [
        "# The zoo's speed, as ratios",
        "",
        f"Both sides in turn in one call, on {os.cpu_count()} cores of a shared machine: the",
        "median of the pairs, and their range. Made by `python scripts/benchmark.py --out`.",
        "",
        "| what, over what | median | range | pairs |",
        "| --- | ---: | ---: | ---: |",
    ]
    return "\n".join([*head, *SAID, ""])


if __name__ == "__main__":
    with as_command():
        main()
