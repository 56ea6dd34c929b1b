"""Runs some arms of the reference evidence a second time, drawn by lot, with seeds 100 to 109.

    python scripts/second_run.py --lot 20261126     # five arms, with those they are against

Each is trained at the rate that its search chose, which has other seeds than either run. The
evidence goes to results/second/; `python scripts/reference.py` then says in docs/method.md whether
verdicts and ratios came again. An interrupted call goes on where it was.
"""

import argparse
import random

from rich.console import Console

from zoo import recipe as recipes
from zoo.cli.process import as_command
from zoo.evidence.store import Store
from zoo.results import second
from zoo.results.folder import FOLDER
from zoo.results.published import rows
from zoo.sweep import progress
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local, worker_count

ARMS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lot", type=int, required=True, help="the seed of the draw")
    options = parser.parse_args()
    first, again = Store(FOLDER), Store(second.folder_of(FOLDER))
    with again.locked():
        second.keep_lot(FOLDER, options.lot)
        for recipe_id, name in drawn(options.lot):
            recipe = recipes.load(recipe_id)
            pair = second.pair(recipe, name)
            for each in pair.arms.values():
                again.write_tuning(each, first.tuning(each))
            again.manifest.write()
            job = Sweep([pair], again, seeds=second.SEEDS)
            print(f"{pair.arms[name].id} against {pair.baseline}")
            if not job.finished:
                console = Console()
                with progress.shown(console, job.states) as listener, local(worker_count()) as pool:
                    job.run(pool, listener)
            if job.failures:
                raise SystemExit("\n".join(job.failures))


def drawn(lot: int) -> list[tuple[str, str]]:
    """Recipe and name of the arms, of all rows that carry a verdict."""
    every = [(row.recipe, row.arm) for row in rows(FOLDER) if row.verdict]
    return sorted(random.Random(lot).sample(sorted(every), ARMS))


if __name__ == "__main__":
    with as_command():
        main()
