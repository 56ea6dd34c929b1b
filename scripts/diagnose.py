"""How often `zoo diagnose` is right, over the arms of the zoo and over a set of sick networks.

    python scripts/diagnose.py arms                  # each arm, before the first step and halfway
    python scripts/diagnose.py set                   # each network of scripts/sick and its twin
    python scripts/diagnose.py blind                 # each program of scripts/blind
    python scripts/diagnose.py pairs                 # each of scripts/pairs, faulty and repaired
    python scripts/diagnose.py advice                # what is said to those that are sick, followed
    python scripts/diagnose.py                       # the tables of docs/diagnose.md anew

What is there already is not done again: results/diagnosis/*.json. Each network is diagnosed in a
process that does nothing else at the time, on one thread, so that its seconds are its own.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import diagnosis_page
from diagnosis_page import OUT, ROOT

from zoo.files import write_whole

STEPS = 50  # that the rules of other tools are given, as `zoo.diagnose` takes them
QUARTER = 0.25  # of the way from a constant prediction to the target: below it nothing was learned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["arms", "set", "blind", "pairs", "advice"])
    parser.add_argument("--only", default="", help="names that have this in them")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if options.what == "arms":
        collect("arms", arms(), arm, options)
    elif options.what == "set":
        collect("set", networks(), network, options)
    elif options.what == "blind":
        collect("blind", programs(), program, options)
    elif options.what == "pairs":
        collect("pairs", both_of_pairs(), one_of_pair, options)
    elif options.what == "advice":
        collect("advice", advised_tasks(), follow, options)
    diagnosis_page.write()


def collect(
    name: str, tasks: Iterable[str], of: Callable[[str], dict[str, Any]], options: Any
) -> None:
    """Does what is missing, and keeps it after each."""
    path = OUT / f"{name}.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    waiting = [task for task in tasks if task not in known and options.only in task]
    began = time.monotonic()
    for count, (task, result) in enumerate(in_processes(of, waiting, options.workers), 1):
        known[task] = result
        write_whole(path, json.dumps(dict(sorted(known.items())), indent=0) + "\n")
        left = (time.monotonic() - began) / count * (len(waiting) - count) / 60
        said = ", ".join(result.get("symptoms", [])) or result.get("error", "nothing")
        if "reached" in result:
            said = "reaches its target" if result["reached"] else "does not reach its target"
        print(f"{count} of {len(waiting)}: {task}: {said}, {left:.0f} min left", flush=True)


def in_processes(
    of: Callable[[str], dict[str, Any]], tasks: list[str], workers: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task and its result, in order; Keras keeps some of each model, so processes end."""
    context = multiprocessing.get_context("spawn")
    some = 25 * workers
    for first in range(0, len(tasks), some):
        part = tasks[first : first + some]
        with ProcessPoolExecutor(workers, context, initializer=alone) as pool:
            yield from zip(part, pool.map(of, part), strict=True)


def alone() -> None:
    """One thread, and no notes of TensorFlow's."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
    from zoo import keras_setup

    keras_setup.load_tensorflow()
    from zoo.training import use_threads

    use_threads(1)


# ---------------------------------------------------------------- the arms of the zoo


def arms() -> list[str]:
    """Each arm with evidence, before the first step and halfway."""
    from zoo.results.folder import committed

    ids = [f"{row['recipe']}/{row['arm']}" for row in committed()]
    return [f"{name} {when}" for name in ids for when in ("start", "halfway")]


def arm(task: str) -> dict[str, Any]:
    """What is said of an arm's model at the rate of its search, with seed 0."""
    import advised
    import peer_rules

    from zoo import diagnose
    from zoo import recipe as recipes
    from zoo.data.loading import load_for
    from zoo.errors import ZooError
    from zoo.evidence.store import Store
    from zoo.results.folder import FOLDER
    from zoo.training import CompiledArm, loss_of

    name, when = task.split()
    chosen = recipes.load_arm(name)[1]
    data = load_for(chosen.spec.data)
    records = Store(FOLDER).records(chosen)
    compiled = CompiledArm(chosen, data)
    compiled.reset(0, records[0].learning_rate)
    result: dict[str, Any] = {"learns": learns(chosen, records[0], data.validation.y)}
    training = chosen.spec.training
    if training.clipping is not None or (training.pretraining is not None and when == "start"):
        return {**result, "error": "what the zoo's training adds to Keras's is not followed"}
    if when == "halfway":
        segments = compiled.segments(probe=False)
        half = segments.count_until(chosen.spec.training.steps // 2)
        if compiled.train(segments.part(0, half)) >= 0:
            return {**result, "error": "diverged before"}
    began, size = time.perf_counter(), chosen.spec.data.batch_size
    of_all = compiled.model, data.train.x, data.train.y, loss_of(data)
    try:
        report = diagnose(*of_all, batch_size=size)
    except ZooError as error:  # an optimizer that takes steps of its own
        return {**result, "error": str(error)}
    return {
        **result,
        **said(report),
        "advice": advised.first(report, [n for n in report.near if n.arm.recipe != chosen.recipe]),
        "seconds": seconds(began),
        "peers": peer_rules.alarmed(*of_all, STEPS, size),
    }


def said(report: Any) -> dict[str, Any]:
    from zoo.diagnosis.taught import gain

    trials = [] if report.seen is None else [report.seen.trial, report.seen.longer]
    return {
        "symptoms": [verdict.symptom for verdict in report.symptoms],
        "notes": [verdict.symptom for verdict in report.notes],
        # What the predictions know after so many steps; none where training diverged.
        "known": {len(each.losses): round(gain(each), 3) for each in trials if each is not None},
    }


def learns(chosen: Any, record: Any, targets: Any) -> str:
    """Whether the run that is diagnosed learns, by its record: yes, no or partly.

    Yes: it reaches the target. No: it diverges, or ends less than a quarter of the way from a
    constant prediction to the target.
    """
    if record.steps_to_target is not None:
        return "yes"
    import numpy as np

    target = chosen.spec.target
    classes = np.unique(targets, return_counts=True)[1]
    constant = classes.max() / targets.size if target.mode == "max" else float(np.var(targets))
    curve = getattr(record.evaluation, target.metric)
    if not curve or record.diverged_at is not None:
        return "no"
    return "no" if (curve[-1] - constant) / (target.value - constant) < QUARTER else "partly"


# ---------------------------------------------------------------- sick networks


def networks() -> list[str]:
    """Each sick network, each twin once, and the healthy ones that look odd."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import sick

    twins = {case.twin_name: case.name for case in reversed(sick.CASES)}
    return [
        *(f"sick {case.name}" for case in sick.CASES),
        *(f"twin {name}" for name in reversed(twins.values())),
        *(f"odd {each.name}" for each in sick.HEALTHY),
    ]


def network(task: str) -> dict[str, Any]:
    """What is said of a network of the set, as before `fit`."""
    import advised
    import keras
    import peer_rules
    import sick

    from zoo import diagnose
    from zoo.errors import ZooError

    which, name = task.split(" ", 1)
    keras.utils.set_random_seed(0)
    if which == "odd":
        [odd] = [each for each in sick.HEALTHY if each.name == name]
        problem, kind = odd.build(), ""
    else:
        [case] = [each for each in sick.CASES if each.name == name]
        problem, kind = (case.sick(), case.kind) if which == "sick" else (case.twin(), "")
    began = time.perf_counter()
    result: dict[str, Any] = {"kind": kind} if kind else {}
    try:
        report = diagnose(problem.model, problem.x, problem.y, batch_size=problem.batch_size)
        result |= {**said(report), "advice": advised.first(report, report.near)}
    except ZooError as error:
        result["error"] = str(error)
    result["seconds"] = seconds(began)
    of_all = problem.model, problem.x, problem.y, None
    return {**result, "peers": peer_rules.alarmed(*of_all, STEPS, problem.batch_size)}


# ---------------------------------------------------------------- programs of others


def programs() -> list[str]:
    """Each program of scripts/blind by its name."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import blind

    return list(blind.PROGRAMS)


def program(name: str) -> dict[str, Any]:
    """What is said of a program, as before `fit`, with seed 0."""
    import blind

    of = blind.PROGRAMS[name]
    return said_of_program(of.kind, *of.build(0))


def both_of_pairs() -> list[str]:
    """Each pair of scripts/pairs by its name, faulty and repaired."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import pairs

    return [f"{which} {name}" for name in pairs.PAIRS for which in ("faulty", "repaired")]


def one_of_pair(task: str) -> dict[str, Any]:
    """What is said of one of a pair, as before `fit`, with seed 0."""
    import pairs

    which, name = task.split()
    of = pairs.PAIRS[name]
    kind = of.kind if which == "faulty" else "healthy"
    return said_of_program(kind, *of.build(0, which == "faulty"))


def said_of_program(
    kind: str, model: Any, x: Any, y: Any, how: dict[str, Any], score: Any
) -> dict[str, Any]:
    """What is said of a model, and data, given so to `fit`."""
    from zoo import diagnose
    from zoo.errors import ZooError

    result: dict[str, Any] = {"kind": kind}
    began = time.perf_counter()
    try:
        result |= said(diagnose(model, x, y, batch_size=how["batch_size"]))
    except ZooError as error:
        result["error"] = str(error)
    return {**result, "seconds": seconds(began)}


# ---------------------------------------------------------------- advice


def advised_tasks() -> list[str]:
    """Each sick network and each arm that does not learn, before its first step, with advice."""
    tasks = []
    for name in ("set", "arms"):
        path = OUT / f"{name}.json"
        for task, result in json.loads(path.read_text()).items() if path.is_file() else ():
            sick = task.startswith("sick ") or (
                result.get("learns") == "no" and task.endswith(" start")
            )
            if sick and result.get("advice"):
                tasks.append(task)
    return tasks


def follow(task: str) -> dict[str, Any]:
    """Whether the network then reaches its target, or why the advice cannot be followed."""
    import advised

    from zoo.errors import ZooError

    name = "set" if task.startswith("sick ") else "arms"
    advice = json.loads((OUT / f"{name}.json").read_text())[task]["advice"]
    of = advised.network_learns if name == "set" else advised.arm_learns
    which = task.removeprefix("sick ").removesuffix(" start")
    try:
        return {"advice": advice, "reached": of(which, advice)}
    except (ZooError, LookupError, TypeError, ValueError) as error:
        return {"advice": advice, "error": str(error)}


def seconds(began: float) -> float:
    return round(time.perf_counter() - began, 1)


if __name__ == "__main__":
    main()
