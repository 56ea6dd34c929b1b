"""All runs of four arms of digits/activation by the zoo, on so many workers.

Prints one line of JSON: seconds until the workers are ready, with nothing to do yet, seconds from
there to the last record; and how many runs that was.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import wait
from pathlib import Path

STARTED = time.time()

from zoo import recipe  # noqa: E402
from zoo.evidence.store import Store  # noqa: E402
from zoo.sweep.sweep import Sweep  # noqa: E402
from zoo.sweep.workers import local  # noqa: E402


def main():
    workers, seeds = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder, local(workers) as pool:
        arms = recipe.load("digits/activation", seeds=seeds).only(["tanh", "relu", "relu_he"])
        job = Sweep([arms], Store(Path(folder)))
        wait([worker.ready for worker in pool])
        ready = time.time()
        job.run(pool, lambda states: None)
        done = sum(state.done for state in job.states)
        result = {"start": ready - STARTED, "runs": time.time() - ready, "count": done}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
