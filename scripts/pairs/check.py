"""Train every pair, both variants, seeds 0..2; run as python -m blind2.check [name ...]."""

import json
import math
import sys
import time
from pathlib import Path

import tensorflow as tf

from . import PAIRS

CHECKED = Path(__file__).parent / "checked.json"
SEEDS = (0, 1, 2)


def train(build, seed: int, faulty: bool) -> tuple[float | None, float]:
    """The score after the fit, None for NaN, and the seconds that it took."""
    start = time.time()
    model, x, y, fit_kwargs, score = build(seed, faulty)
    model.fit(x, y, verbose=0, **fit_kwargs)
    value = float(score(model))
    tf.keras.backend.clear_session()
    return (None if math.isnan(value) else round(value, 4)), time.time() - start


def reached(value: float | None, target: float) -> bool:
    """Whether a score reaches the target; NaN does not."""
    return value is not None and value >= target


def holds(row: dict) -> bool:
    """Every repaired fit reaches the target and no faulty one does."""
    return all(reached(v, row["target"]) for v in row["repaired"]) and not any(
        reached(v, row["target"]) for v in row["faulty"]
    )


def main() -> None:
    """Check the pairs named, or those that have no result yet."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    done = json.loads(CHECKED.read_text()) if CHECKED.exists() else {}
    done = {name: row for name, row in done.items() if name in PAIRS}
    for name, row in done.items():
        row["kind"], row["target"] = PAIRS[name].kind, PAIRS[name].target
    CHECKED.write_text(json.dumps(done, indent=1) + "\n")
    names = sys.argv[1:] or [name for name in PAIRS if name not in done]
    for name in names:
        entry = PAIRS[name]
        row = {"kind": entry.kind, "target": entry.target, "faulty": [], "repaired": []}
        slowest = 0.0
        for variant in ("faulty", "repaired"):
            for seed in SEEDS:
                value, seconds = train(entry.build, seed, variant == "faulty")
                row[variant].append(value)
                slowest = max(slowest, seconds)
        done[name] = row
        CHECKED.write_text(json.dumps(done, indent=1) + "\n")
        verdict = "holds" if holds(row) else "FAILS"
        print(verdict, name, row["target"], row["faulty"], row["repaired"], f"{slowest:.1f} s")
        sys.stdout.flush()
    print(sum(holds(row) for row in done.values()), "of", len(PAIRS), "pairs hold")


if __name__ == "__main__":
    main()
