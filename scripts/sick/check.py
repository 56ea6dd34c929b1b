"""Trains every network of the set and says whether it learns as its place in the set says.

    python scripts/sick/check.py                     # all of them: some twenty minutes
    python scripts/sick/check.py 'images/*' rezero   # those of these names

A sick network must not reach its target with any of three seeds, or must raise with all of them;
its twin, and a healthy network that looks odd, must reach it with all. What came out is kept in
checked.json beside this file, with the knobs it came from. With names given it is merged with what
is there, and twins that are in it are not trained again.
"""

import argparse
import fnmatch
import gc
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402

from zoo import keras_setup  # noqa: E402
from zoo.cli.process import as_command  # noqa: E402
from zoo.errors import ZooError  # noqa: E402
from zoo.files import write_whole  # noqa: E402

SEEDS = 3
RESULTS = HERE / "checked.json"
Outcome = float | str | None


def outcome(build: Callable[[], Any], seed: int) -> tuple[Outcome, bool]:
    """What training of one seed gives.

    Returns:
        The score, None if an output is not finite, or the name of what was raised; and whether
        the target was reached.
    """
    import keras

    gc.collect()  # models and graphs refer to themselves
    keras.utils.set_random_seed(seed)
    try:
        problem = build()
        problem.train()
        score = problem.score_now()
    except Exception as error:  # a fault may make Keras raise anything
        return type(error).__name__, False
    return round(score, 3) if np.isfinite(score) else None, score >= problem.target


def outcomes(build: Callable[[], Any], learns: bool) -> list[Outcome]:
    """What training gives with each seed, up to the first that is not as it should be."""
    scores: list[Outcome] = []
    for seed in range(SEEDS):
        score, reached = outcome(build, seed)
        scores.append(score)
        if reached != learns:
            return [*scores, "not as said"]
    return scores


def well(scores: list[Outcome]) -> bool:
    """Whether all seeds gave what they should: raised with all of them, or with none."""
    raised = sum(isinstance(score, str) for score in scores)
    return len(scores) == SEEDS and scores[-1] != "not as said" and raised in (0, SEEDS)


def plain(knobs: dict[str, Any]) -> dict[str, Any]:
    """The knobs as JSON gives them back."""
    return json.loads(json.dumps(knobs))


def line(good: bool, name: str, *parts: str) -> None:
    """A line of progress."""
    print("ok  " if good else "NOT ", name.ljust(42), "  ".join(parts), flush=True)


def shown(scores: list[Outcome]) -> str:
    """Scores in a line."""
    return " ".join(str(score) for score in scores)


def kept_before(everything: bool) -> dict[str, dict[str, Any]]:
    """What is in the file already of networks that there still are; nothing for a run of all."""
    import sick

    kept: dict[str, dict[str, Any]] = {"sick": {}, "twins": {}, "healthy": {}}
    if everything or not RESULTS.exists():
        return kept
    before = json.loads(RESULTS.read_text(encoding="utf-8"))
    names = {
        "sick": [case.name for case in sick.CASES],
        "twins": [case.twin_name for case in sick.CASES],
        "healthy": [each.name for each in sick.HEALTHY],
    }
    for part, there in names.items():
        kept[part] = {name: before[part][name] for name in there if name in before[part]}
    return kept


def asked(patterns: list[str]) -> tuple[list[Any], list[Any]]:
    """The cases and the healthy networks of these names; all if none is given.

    Raises:
        ZooError: where there is none.
    """
    import sick

    cases, healthy = (
        [each for each in part if any(fnmatch.fnmatchcase(each.name, p) for p in patterns or "*")]
        for part in (sick.CASES, sick.HEALTHY)
    )
    if not cases and not healthy:
        raise ZooError(
            f"{' '.join(patterns)}: no network of this name; see sick.CASES, sick.HEALTHY"
        )
    return cases, healthy


def check(cases: list[Any], healthy: list[Any], kept: dict[str, dict[str, Any]]) -> int:
    """Trains them and writes what came out beside what is kept; how many are not as they should."""
    wrong = 0
    for case in cases:
        if not well(kept["twins"].get(case.twin_name, [])):
            kept["twins"][case.twin_name] = outcomes(case.twin, learns=True)
        twin, scores = kept["twins"][case.twin_name], outcomes(case.sick, learns=False)
        good = well(twin) and well(scores)
        wrong += not good
        line(good, case.name, case.kind, f"sick {shown(scores)}", f"twin {shown(twin)}")
        knobs = {"base": plain(case.base), "fault": plain(case.fault)}
        kept["sick"][case.name] = {**knobs, "scores": scores}
        write(kept)
    for each in healthy:
        scores = kept["twins"].get(each.network_name) or outcomes(each.build, learns=True)
        wrong += not well(scores)
        line(well(scores), each.name, shown(scores))
        kept["healthy"][each.name] = {"knobs": plain(each.knobs), "scores": scores}
        write(kept)
    return wrong


def write(kept: dict[str, Any]) -> None:
    """Writes what came out, a line a network."""
    parts = []
    for part, networks in kept.items():
        rows = (f"  {json.dumps(name)}: {json.dumps(of)}" for name, of in networks.items())
        parts.append(f" {json.dumps(part)}: {{\n" + ",\n".join(rows) + "\n }")
    write_whole(RESULTS, "{\n" + ",\n".join(parts) + "\n}\n")


def alone() -> None:
    """One thread, and no device but the processor: what Keras raises may be raised there alone."""
    import tensorflow as tf

    from zoo import training

    training.use_threads(1)
    tf.config.set_visible_devices([], "GPU")
    tf.get_logger().setLevel("ERROR")
    warnings.simplefilter("ignore")  # Keras warns of some faults
    gc.freeze()  # TensorFlow's own objects are looked at no more: a collection takes a moment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="*", help="names of networks, as dense_*/relu")
    options = parser.parse_args()
    keras_setup.load_tensorflow()
    cases, healthy = asked(options.pattern)
    alone()
    wrong = check(cases, healthy, kept_before(not options.pattern))
    if wrong:
        print(f"{wrong} not as said")
    return int(wrong > 0)


if __name__ == "__main__":
    with as_command():
        sys.exit(main())
