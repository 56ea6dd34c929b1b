"""Trains each program of scripts/blind and each of scripts/pairs: do they learn as they should?

    python scripts/check_blind.py             # all of them: some forty minutes
    python scripts/check_blind.py xor         # those that have this in their names
    python scripts/check_blind.py --new       # those without scores

A faulty one must miss its target with each of three seeds, a healthy or repaired one reach it. The
scores are kept in checked.json beside the programs, with those that are there of other names.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from zoo import keras_setup  # noqa: E402
from zoo.files import write_whole  # noqa: E402

SEEDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--new", action="store_true", help="only those without scores")
    options = parser.parse_args()
    keras_setup.load_tensorflow()
    import blind
    import pairs

    from zoo.training import use_threads

    use_threads(1)
    wrong = 0
    for folder, entries in (("blind", blind.PROGRAMS), ("pairs", pairs.PAIRS)):
        path = HERE / folder / "checked.json"
        before = json.loads(path.read_text()) if path.is_file() else {}
        rows = {name: before[name] for name in entries if name in before}
        for name, entry in entries.items():
            if options.name not in name or (options.new and name in before):
                continue
            if folder == "blind":
                learns = "healthy" if entry.kind == blind.HEALTHY else "faulty"
                variants = {learns: entry.build}
            else:
                variants = {
                    "faulty": lambda seed, of=entry: of.build(seed, True),
                    "repaired": lambda seed, of=entry: of.build(seed, False),
                }
            scores = {
                which: [score(build, s) for s in range(SEEDS)] for which, build in variants.items()
            }
            well = all(as_it_should(which, each, entry.target) for which, each in scores.items())
            wrong += not well
            print("ok  " if well else "NOT ", name, entry.target, scores, flush=True)
            rows[name] = {"target": entry.target, **scores}
            lines = ",\n".join(
                f"{json.dumps(key)}: {json.dumps(rows[key])}" for key in sorted(rows)
            )
            write_whole(path, f"{{\n{lines}\n}}\n")
    return int(wrong > 0)


def as_it_should(which: str, scores: list[float | None], target: float) -> bool:
    """Whether scores, None if not finite, reach the target or miss it as the variant should."""
    reached = [value is not None and value >= target for value in scores]
    return reached == [which != "faulty"] * SEEDS


def score(build: Callable[[int], tuple[Any, ...]], seed: int) -> float | None:
    """What a program comes to, on examples that it is not trained on; None if not finite."""
    model, x, y, how, of = build(seed)
    model.fit(x, y, verbose=0, **how)
    value = float(of(model))
    gc.collect()  # models and graphs refer to themselves
    return round(value, 3) if value == value else None


if __name__ == "__main__":
    sys.exit(main())
