"""How often `zoo diagnose` is right, over the arms of the zoo and over a set of sick networks.

    python scripts/diagnose.py arms                  # each arm, before the first step and halfway
    python scripts/diagnose.py set                   # each network of scripts/sick and its twin
    python scripts/diagnose.py                       # the tables of docs/diagnose.md anew

What is there already is not done again: results/diagnosis/*.json. Each network is diagnosed in a
process that does nothing else at the time, on one thread, so that its seconds are its own.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "results" / "diagnosis"
PAGE = ROOT / "docs" / "diagnose.md"
QUARTER = 0.25  # of the way from a constant prediction to the target: below it nothing was learned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["arms", "set"])
    parser.add_argument("--only", default="", help="names that have this in them")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if options.what == "arms":
        collect("arms", arms(), arm, options)
    elif options.what == "set":
        collect("set", networks(), network, options)
    write()


def collect(
    name: str, tasks: Iterable[str], of: Callable[[str], dict[str, Any]], options: Any
) -> None:
    """Does what is missing, and keeps it after each."""
    path = OUT / f"{name}.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    waiting = [task for task in tasks if task not in known and options.only in task]
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, context, initializer=alone) as pool:
        for count, (task, result) in enumerate(zip(waiting, pool.map(of, waiting), strict=True), 1):
            known[task] = result
            OUT.mkdir(parents=True, exist_ok=True)
            text = json.dumps(dict(sorted(known.items())), indent=0)
            path.with_suffix(".part").write_text(text + "\n")
            path.with_suffix(".part").replace(path)
            left = (time.monotonic() - began) / count * (len(waiting) - count) / 60
            said = ", ".join(result.get("symptoms", [])) or result.get("error", "nothing")
            print(f"{count} of {len(waiting)}: {task}: {said}, {left:.0f} min left", flush=True)


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
    result: dict[str, Any] = {"learns": learns(chosen, records[0])}
    training = chosen.spec.training
    if training.clipping is not None or (training.pretraining is not None and when == "start"):
        return {**result, "error": "what the zoo's training adds to Keras's is not followed"}
    if when == "halfway":
        segments = compiled.segments(probe=False)
        half = segments.count_until(chosen.spec.training.steps // 2)
        if compiled.train(segments.part(0, half)) >= 0:
            return {**result, "error": "diverged before"}
    began = time.perf_counter()
    try:
        report = diagnose(
            compiled.model,
            data.train.x,
            data.train.y,
            loss_of(data),
            batch_size=chosen.spec.data.batch_size,
        )
    except ZooError as error:  # an optimizer that takes steps of its own
        return {**result, "error": str(error)}
    return {**result, **said(report), "seconds": seconds(began)}


def said(report: Any) -> dict[str, Any]:
    return {
        "symptoms": [verdict.symptom for verdict in report.symptoms],
        "notes": [verdict.symptom for verdict in report.notes],
    }


def learns(chosen: Any, record: Any) -> str:
    """Whether the run that is diagnosed learns, by its record: yes, no or partly.

    Yes: it reaches the target. No: it diverges, or ends less than a quarter of the way from a
    constant prediction to the target.
    """
    if record.steps_to_target is not None:
        return "yes"
    target, name = chosen.spec.target, chosen.spec.data.name
    constant = 1 / 6 if name.startswith("adding") else 1 / 8 if name.startswith("copy") else 1 / 10
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
    import keras
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
    except ZooError as error:
        return {**result, "error": str(error), "seconds": seconds(began)}
    return {**result, **said(report), "seconds": seconds(began)}


def seconds(began: float) -> float:
    return round(time.perf_counter() - began, 1)


# ---------------------------------------------------------------- the page


START, END = "<!-- made by scripts/diagnose.py -->", "<!-- end -->"
# The names that are right for a fault of the set: its own, and what is always seen with it.
RIGHT = {
    "one-unit softmax": {"output cannot express the target"},
    "targets outside the range": {"output cannot express the target"},
    "logits taken for probabilities": {"logits taken for probabilities"},
    "probabilities taken for logits": {"logits taken for probabilities"},
    "labels that do not fit": {"labels do not fit", "output cannot express the target"},
    "initial loss far off": {"initial loss"},
    "inputs unscaled": {"inputs unscaled"},
    "targets unscaled": {"targets unscaled"},
    "examples alike": {"examples alike"},
    "data not finite": {"not finite data"},
    "head without loss": {"no loss reaches a head"},
    "frozen layers": {"frozen"},
    "unused layers": {"unused"},
    "not connected": {"not connected"},
    "penalty outweighs the loss": {"penalty outweighs the loss"},
    "vanishing in depth": {"vanishing gradients"},
    "vanishing through time": {"vanishing through time"},
    "exploding": {"exploding gradients"},
    "saturated units": {"saturated units", "inputs unscaled"},
    "dead units": {"dead units"},
    "symmetric units": {"symmetric units"},
    "float16 underflow": {"float16 underflow"},
    "float16 overflow": {"float16 overflow"},
    "non-finite": {"not finite"},
    "stagnating": {"stagnating"},
    "oscillating": {"oscillating", "rate too high"},
    "diverged": {"diverged", "rate too high"},
    "rate too high": {"rate too high", "oscillating", "diverged"},
    "rate too low": {"rate too low"},
    "dying weights": {"dying weights"},
    "batch normalization gap": {"training and inference differ"},
}


def write() -> None:
    """Puts the tables into the page."""
    text = PAGE.read_text()
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{START}\n\n{tables()}\n{END}{tail}")


def tables() -> str:
    """What was measured, of the networks of the set and of the arms, as Markdown."""
    parts = []
    for name, of in (("set", of_set), ("arms", of_arms)):
        path = OUT / f"{name}.json"
        if path.is_file():
            parts.append(of(json.loads(path.read_text())))
    return "\n".join(parts)


def of_set(results: dict[str, Any]) -> str:
    sick = [each for name, each in results.items() if name.startswith("sick ")]
    well = [each for name, each in results.items() if not name.startswith("sick ")]
    first = json.loads((OUT / "set_at_first.json").read_text())
    first_sick = [each for name, each in first.items() if name.startswith("sick ")]
    first_well = [each for name, each in first.items() if not name.startswith("sick ")]
    alarmed, named = sum(map(alarms, sick)), sum(map(right, sick))
    false = sum(map(alarms, well))
    seconds = statistics.median(each["seconds"] for each in results.values())
    lines = [
        f"**A set of {len(sick)} sick networks** (`scripts/sick`), each of which misses its",
        f"target with every seed that was tried, and {len(well)} healthy ones that reach it: twins",
        "without the fault, and networks that look odd and learn. Something is alarmed in",
        f"{alarmed} of the sick ones ({alarmed / len(sick):.0%}), by the right name in {named},",
        f"and in {false} of the healthy ones; the median takes {seconds:.1f} s, imports apart.",
        "",
        "The set was written without a look at the rules, and the rules without one at the set.",
        f"When they first met, {sum(map(alarms, first_sick))} of {len(first_sick)} were alarmed",
        f"({sum(map(alarms, first_sick)) / len(first_sick):.0%}), and",
        f"{sum(map(alarms, first_well))} of {len(first_well)} healthy ones. Rules for the missed",
        "were added then, so that the figures of today are no independent proof.",
        "",
        "| fault | networks | alarmed | by its name |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind in RIGHT:
        of_kind = [each for each in sick if each["kind"] == kind]
        if of_kind:
            counts = (len(of_kind), sum(map(alarms, of_kind)), sum(map(right, of_kind)))
            lines.append(f"| {kind} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, ""])


def alarms(result: dict[str, Any]) -> bool:
    return bool(result.get("symptoms")) or "error" in result


def right(result: dict[str, Any]) -> bool:
    return bool(RIGHT[result["kind"]] & set(result.get("symptoms", [])))


def of_arms(results: dict[str, Any]) -> str:
    lines = [
        "**The arms of the zoo**, each at the rate of its search with seed 0. The run *learns* if",
        "it reaches the target, and does not if it diverges or ends less than a quarter of the way",
        "from a constant prediction to it.",
        "",
        "| when | the run | networks | alarmed |",
        "| --- | --- | ---: | ---: |",
    ]
    wrong = []
    for when in ("start", "halfway"):
        of_when = {
            name.split()[0]: each
            for name, each in results.items()
            if name.endswith(f" {when}") and "error" not in each
        }
        for learned, words in (("yes", "learns"), ("partly", "learns in part"), ("no", "does not")):
            some = {name: each for name, each in of_when.items() if each["learns"] == learned}
            alarmed = [name for name, each in some.items() if alarms(each)]
            if some:
                when_said = "before the first step" if when == "start" else "halfway"
                lines.append(f"| {when_said} | {words} | {len(some)} | {len(alarmed)} |")
            if learned == "yes":
                wrong += [f"{name} ({', '.join(some[name]['symptoms'])})" for name in alarmed]
            if learned == "no":
                missed = sorted(set(some) - set(alarmed))
                wrong += [f"{name} (nothing)" for name in missed]
    lines += ["", f"Wrong: {'; '.join(dict.fromkeys(wrong)) or 'none'}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
