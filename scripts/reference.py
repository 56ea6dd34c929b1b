"""Makes the committed reference evidence in results/, and all that is derived from it.

    python scripts/reference.py digits/activation     # train what is missing, then derive
    python scripts/reference.py                       # derive tables and figures anew
    python scripts/reference.py --trial 'digits/*'    # three seeds that are not reported
    python scripts/reference.py --publish mirror      # a mirror of the models of all evidence

An interrupted call goes on where it was; what is missing and about how long it takes stands first.
'*' is all of it, but for the data sets that need the network. The evidence is made with the recipes
as they are: no setting can be changed here. A trial is what claims are worded from before the
reference run: its seeds are others than the reported ones, its evidence lies in zoo-results/trial.
"""

import argparse
import hashlib
import os
import time
from pathlib import Path

from rich.console import Console

from zoo import keras_setup
from zoo import recipe as recipes
from zoo.cli.process import as_command
from zoo.cli.push import push
from zoo.cli.terminal import print_table, width
from zoo.data import loading
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import derived, leaderboard, published, tables
from zoo.results.folder import FOLDER
from zoo.sweep import progress
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local, worker_count

TRIAL = Path("zoo-results") / "trial"
TRIAL_SEEDS = range(100, 103)
SECONDS_AN_ARM = 12  # to compile it, and to load what is published of it
DEBIAN = (
    "; Debian has them: apt-get install dataset-fashion-mnist, then "
    "python scripts/fashion_mnist_from_debian.py"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="ids, or globs of ids")
    parser.add_argument("--trial", action="store_true", help="seeds 100 to 102, in zoo-results/")
    parser.add_argument("--publish", type=Path, metavar="DIR", help="make a mirror of all models")
    options = parser.parse_args()
    if options.publish:
        return publish(options.publish)

    chosen = [recipes.load(str(path)) for _, path in recipes.find(options.recipes)]
    if "*" in options.recipes:
        chosen = [recipe for recipe in chosen if recipe.minutes is not None]
    store, seeds = Store(TRIAL if options.trial else FOLDER), TRIAL_SEEDS if options.trial else None
    with store.locked():
        missing = [recipe for recipe in chosen if not Sweep([recipe], store, seeds=seeds).finished]
        announce(missing)
        for recipe in chosen:
            train(recipe, store, seeds)
    if not options.trial:
        for path in derived.write():
            print(os.path.relpath(path))


def publish(folder: Path) -> None:
    """Makes a mirror of all arms with evidence, and prints what the release has to know of it."""
    keras_setup.load_tensorflow()
    from zoo.pretrained import registry

    arms = [arm for recipe in published.recipes_in(Store(FOLDER)) for arm in recipe.arms.values()]
    seconds = sum(row.seconds_per_run or 0 for row in published.rows(FOLDER))
    minutes = (seconds + SECONDS_AN_ARM * len(arms)) / 60 / worker_count()
    print(f"{len(arms)} models: about {minutes:.0f} minutes, less for those that are there")
    began = time.monotonic()
    push.callback(folder, (), None, "auto")
    digest = hashlib.sha256((folder / registry.NAME).read_bytes()).hexdigest()
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    print(f"zoo/pretrained/release.py: REGISTRY_SHA256 = {digest!r}")


def announce(missing: list[recipes.Recipe]) -> None:
    """Says what will be trained and about how long it takes, where recipes say so.

    Raises:
        ZooError: if a data set cannot be had.
    """
    for recipe in missing:
        print(f"{recipe.id}: about {recipe.minutes or '?'} minutes on 2 cores")
    if len(missing) > 1:
        print(f"together: about {sum(recipe.minutes or 0 for recipe in missing):.0f} minutes")
    for data in dict.fromkeys(recipe.spec.data for recipe in missing):
        try:
            loading.load_for(data)
        except ZooError as error:
            raise ZooError(f"{error}{DEBIAN if 'fashion' in data.name else ''}") from None


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
