"""Measures what a step of each arm costs, the arms of a recipe in turn, for results/.

    python scripts/prices.py                    # of the recipes that have evidence and no prices
    python scripts/prices.py 'digits/*'         # these, anew

Take a machine that does nothing else. `python scripts/reference.py` derives the tables anew.
"""

import argparse
import time

from rich.console import Console

from zoo import keras_setup
from zoo import recipe as recipes
from zoo.cli.process import as_command
from zoo.evidence import provenance
from zoo.evidence.prices import Prices
from zoo.evidence.record import rounded
from zoo.evidence.store import Store
from zoo.recipe.schema import BENCHMARK
from zoo.results.folder import FOLDER
from zoo.results.published import recipes_in

ROUNDS = 10
DIGITS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="ids, or globs of ids")
    options = parser.parse_args()
    store, console = Store(FOLDER), Console()
    if options.recipes:
        chosen = [recipes.load(str(path)) for _, path in recipes.find(options.recipes)]
    else:
        chosen = [recipe for recipe in recipes_in(store) if not store.prices(recipe)]
    keras_setup.load_tensorflow()
    for recipe in chosen:
        began = time.monotonic()
        with console.status(f"{recipe.id}: {len(recipe.arms)} arms, {ROUNDS} rounds"):
            prices = measured(recipe)
        with store.locked():
            store.write_prices(recipe, prices)
            store.manifest.write()
        least = min(prices.seconds_per_step.values())
        shown = ", ".join(f"{arm} {s / least:.2f}" for arm, s in prices.seconds_per_step.items())
        print(f"{recipe.id}: {1e3 * least:.3g} ms a step; {shown}")
        print(f"{recipe.id}: {(time.monotonic() - began) / 60:.1f} minutes")


def measured(recipe: recipes.Recipe, rounds: int = ROUNDS) -> Prices:
    """The prices of a recipe's arms, on one thread."""
    from zoo import training
    from zoo.data import loading

    training.use_threads(1)
    compiled = {
        name: training.CompiledArm(arm, loading.load_for(arm.spec.data))
        for name, arm in recipe.arms.items()
    }
    seconds = {}
    for _ in range(rounds):
        for name, arm in compiled.items():
            seconds[name] = arm.seconds_per_step()  # the quickest so far
    return Prices(
        benchmark=BENCHMARK,
        arm_sha256={name: arm.sha256 for name, arm in recipe.arms.items()},
        seconds_per_step=rounded(seconds, DIGITS),
        rounds=rounds,
        environment={**provenance.describe(), "threads": 1},
    )


if __name__ == "__main__":
    with as_command():
        main()
