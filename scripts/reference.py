"""Makes the committed reference evidence in results/, and all that is derived from it.

    python scripts/reference.py digits/activation     # train what is missing, then derive
    python scripts/reference.py                       # derive tables and figures anew
    python scripts/reference.py --trial 'digits/*'    # three seeds that are not reported

An interrupted call goes on where it was. The evidence is made with the recipes as they are: no
setting can be changed here. A trial is what claims are worded from before the reference run: its
seeds are others than the reported ones, its evidence lies in zoo-results/trial.
"""

import argparse
import time
from pathlib import Path

from rich.console import Console

from zoo import recipe as recipes
from zoo.cli.process import as_command
from zoo.cli.terminal import print_table, width
from zoo.evidence.store import Store
from zoo.results import derived, leaderboard, tables
from zoo.results.folder import FOLDER
from zoo.sweep import progress
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local, worker_count

TRIAL = Path("zoo-results") / "trial"
TRIAL_SEEDS = range(100, 103)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="ids, or globs of ids")
    parser.add_argument("--trial", action="store_true", help="seeds 100 to 102, in zoo-results/")
    options = parser.parse_args()

    chosen = [recipes.load(str(path)) for _, path in recipes.find(options.recipes)]
    store = Store(TRIAL if options.trial else FOLDER)
    with store.locked():
        for recipe in chosen:
            train(recipe, store, TRIAL_SEEDS if options.trial else None)
    if not options.trial:
        for path in derived.write():
            print(path)


def train(recipe: recipes.Recipe, store: Store, seeds: range | None) -> None:
    """Trains what a recipe lacks; prints the minutes it took, and the rows of a trial."""
    console, started = Console(), time.monotonic()
    job = Sweep([recipe], store, seeds=seeds)
    if not job.finished:
        with progress.shown(console, job.states) as listener, local(worker_count()) as workers:
            job.run(workers, listener)
        print(f"{recipe.id}: {(time.monotonic() - started) / 60:.1f} minutes")
    if job.failures:
        raise SystemExit("\n".join(job.failures))
    if seeds is not None:
        print_table(tables.terminal(recipe, leaderboard.rows(recipe, store), width()))


if __name__ == "__main__":
    with as_command():
        main()
