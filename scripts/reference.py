"""Makes the committed reference evidence in results/, and all that is derived from it.

    python scripts/reference.py digits/activation     # train what is missing, then derive
    python scripts/reference.py                       # derive tables and figures anew

An interrupted call goes on where it was. The evidence is made with the recipes as they are: no
setting can be changed here.
"""

import argparse

from rich.console import Console

from zoo import recipe as recipes
from zoo.cli.process import as_command
from zoo.evidence.store import Store
from zoo.results import derived
from zoo.results.folder import FOLDER
from zoo.sweep import progress
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local, worker_count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="ids, or globs of ids")
    options = parser.parse_args()

    if options.recipes:
        chosen = [recipes.load(str(path)) for _, path in recipes.find(options.recipes)]
        store = Store(FOLDER)
        with store.locked():
            job = Sweep(chosen, store)
            if not job.finished:
                with (
                    progress.shown(Console(), job.states) as listener,
                    local(worker_count()) as workers,
                ):
                    job.run(workers, listener)
        if job.failures:
            raise SystemExit("\n".join(job.failures))
    for path in derived.write():
        print(path)


if __name__ == "__main__":
    with as_command():
        main()
