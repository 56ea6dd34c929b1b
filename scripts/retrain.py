"""Trains runs of the submitted rows again, drawn by lot, and keeps what came of them.

    python scripts/retrain.py --lot 20261126             # a run of each submission
    python scripts/retrain.py made__up --lot 7 --runs 3

It runs the authors' files: read results/submissions/<name>/imports/ first. What was drawn follows
from the number given as lot, which whoever submits cannot know. `python scripts/reference.py` then
derives the leaderboard anew; a run that comes out as another makes the row *refuted*.
"""

import argparse
import random
from collections.abc import Sequence

from zoo import keras_setup
from zoo.cli.process import as_command
from zoo.errors import ZooError
from zoo.evidence.agreement import agreement
from zoo.evidence.store import Store
from zoo.results import submissions
from zoo.results.folder import FOLDER
from zoo.results.submissions import Retrained, Submission


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="folders of results/submissions; by default all")
    parser.add_argument("--lot", type=int, required=True, help="the seed of the draw")
    parser.add_argument("--runs", type=int, default=1, help="of each submission")
    options = parser.parse_args()
    known = {folder.name: folder for folder in submissions.folders(FOLDER / "submissions")}
    for name in options.names:
        if name not in known:
            raise ZooError(f"{name}: no such submission; there are: {', '.join(known) or 'none'}")
    keras_setup.load_tensorflow()
    for name in options.names or known:
        submission = submissions.read(known[name])
        if submission.recipe is None:
            print(f"{name}: of another benchmark, left out")
            continue
        runs = retrained(submission, drawn(submission, options.lot, options.runs))
        submissions.keep(submission.folder, runs)
        for run in runs:
            print(f"{name}: {run.arm}, seed {run.seed}: {run.state}")


def drawn(submission: Submission, lot: int, count: int) -> list[tuple[str, int]]:
    """So many of a submission's runs, by the number of the lot and its name."""
    assert submission.recipe is not None
    store = Store(submission.folder)
    arms = submission.recipe.arms.values()
    every = [(arm.name, seed) for arm in arms for seed in sorted(store.records(arm))]
    return random.Random(f"{lot} {submission.folder.name}").sample(every, min(count, len(every)))


def retrained(submission: Submission, runs: Sequence[tuple[str, int]]) -> list[Retrained]:
    """The runs, trained again in this process."""
    from zoo.parts import user_files
    from zoo.sweep import verification

    assert submission.recipe is not None
    store, result = Store(submission.folder), []
    folder = submission.folder / "imports"
    sources = [user_files.read_source(folder / name) for name in submission.reported.imports]
    for name, seed in runs:
        arm = submission.recipe.arms[name]
        record = verification.recorded(store, arm, seed)
        now = verification.train_again(arm, record, sources)
        state = agreement(arm, record, now).state
        result.append(Retrained(arm=name, seed=seed, state=state, environment=now.environment))
    return result


if __name__ == "__main__":
    with as_command():
        main()
