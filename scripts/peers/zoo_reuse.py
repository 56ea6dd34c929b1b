"""200 runs in one worker process, the four arms of digits/activation in turn, twice.

Prints one line of JSON: the seconds of short runs of a compiled arm, its first one left out, and
the resident size in MiB when every arm's runs have ended, from the first arm's on.
"""

import json
import time

import psutil

from zoo import recipe
from zoo.sweep import workers

RUNS, BLOCK = 200, 25


def resident():
    return psutil.Process().memory_info().rss / 2**20


def main():
    settings = {"training.steps": 7}
    arms = list(recipe.load("digits/activation", settings).arms.values())[:4]
    fixed, sizes = [], []
    for run in range(RUNS):
        block, within = divmod(run, BLOCK)
        began = time.perf_counter()
        workers.train((), arms[block % len(arms)], 0.03, run, probe=True)
        if within:
            fixed.append(time.perf_counter() - began)
        if within == BLOCK - 1:
            sizes.append(resident())
    print(json.dumps({"runs": RUNS, "fixed": fixed, "resident": sizes}))


if __name__ == "__main__":
    main()
