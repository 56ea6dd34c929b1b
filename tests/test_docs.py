"""What the README and docs/ say in numbers is what the evidence and the program have."""

import functools
import itertools
import math
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from zoo import recipe as recipes
from zoo.evidence import agreement
from zoo.evidence.store import Store
from zoo.evidence.target import capped
from zoo.evidence.tuning import first_runs
from zoo.results.folder import FOLDER
from zoo.results.statistics import LEVEL, sign_flip_p
from zoo.training.schedule import probe_steps

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
METHOD = " ".join((ROOT / "docs" / "method.md").read_text().split())
TOLERANCE = (ROOT / "docs" / "method.md").read_text().partition("| largest difference |")[2]
STORE = Store(FOLDER)


@functools.cache
def loaded(recipe_id):
    return recipes.load(recipe_id)


def said(pattern, text=METHOD):
    """The numbers of the one place of a text that a pattern fits."""
    [match] = re.finditer(pattern, text)
    return [float(number) for number in match.groups()]


def with_evidence(pattern="*"):
    return [
        loaded(recipe_id)
        for recipe_id in STORE.recipes()
        if Path(recipe_id).match(pattern) and recipe_id in recipes.available()
    ]


# ------------------------------------------------------------ docs/method.md


def test_grids_are_no_coarser_than_the_page_says():
    [most] = said(r"by a factor of at most (\d+) in the zoo's recipes")
    for recipe_id in recipes.available():
        for arm in loaded(recipe_id).arms.values():
            grid = arm.spec.training.learning_rate
            assert all(b / a <= most + 1e-9 for a, b in itertools.pairwise(grid)), arm.id


def test_the_third_rate_of_the_evidence_is_as_far_as_the_page_says():
    median, arms, share, less = said(
        r"third rate needs (\S+) times .* median of (\d+) arms .* in (\d+) % .* less than (\S+) t"
    )
    ratios = []
    for recipe in with_evidence():
        for arm in recipe.arms.values():
            training, runs = arm.spec.training, STORE.tuning(arm)
            times = {}
            for run in runs:
                if (run.learning_rate, run.seed) in first_runs(training):
                    times.setdefault(run.learning_rate, []).append(run.steps_to_target)
            means = sorted(statistics.mean(capped(of, training.steps)) for of in times.values())
            if len(means) > 2 and means[0] < training.steps:
                ratios.append(means[2] / means[0])
    assert len(ratios) == arms
    assert round(statistics.median(ratios), 2) == median
    assert round(100 * np.mean(np.array(ratios) < less)) == pytest.approx(share, abs=1)


def test_steps_scatter_as_much_as_the_page_says():
    low, high = said(r"most arms scatter by (\S+) to (\S+)\. ")
    scatters = []
    for arm in loaded("digits/activation").arms.values():
        times = [run.steps_to_target for run in STORE.records(arm).values()]
        if None not in times:
            scatters.append(statistics.stdev(map(math.log, times)))
    within = [low <= round(each, 2) <= high for each in scatters]
    assert 2 * sum(within) > len(within)


def test_the_smallest_p_and_the_comparisons_it_allows_are_those_of_the_page():
    smallest, most = said(r"smallest p of ten pairs is (\S+), so that over more than (\d+)")
    assert sign_flip_p([1] * 10) == pytest.approx(smallest, abs=5e-6)
    assert most * sign_flip_p([1] * 10) <= LEVEL < (most + 1) * sign_flip_p([1] * 10)


def test_what_verify_lets_pass_is_what_the_page_says_and_wider_than_all_it_measured():
    allowed = []
    for line in TOLERANCE.split("| *runs")[0].splitlines()[2:]:
        _, head, *measured, most, _ = line.split("|")
        assert max(map(number, measured)) < number(most), head
        allowed.append(number(most))
    assert allowed == [
        agreement.PROBE,
        agreement.FIRST_LOSS,
        agreement.STEPS,
        round(agreement.LOSSES, 2),
        agreement.ACCURACIES,
        agreement.ACCURACY,
    ]
    [half] = said(r"and (\d+) % pass in half precision")
    assert half == 100 * agreement.PROBE_IN_HALF


def number(cell):
    cell = cell.strip()
    return float(cell.removesuffix("%")) / (100 if cell.endswith("%") else 1)


def test_starts_are_as_far_apart_as_the_page_says():
    seeds, arms = said(r"two seeds of an arm are at least (\S+) % apart .* at least (\S+) %, if")
    between_seeds, between_arms = [], []
    for recipe in with_evidence("digits/*"):
        starts = {name: starts_of(arm) for name, arm in recipe.arms.items()}
        for of in starts.values():
            between_seeds += [apart(a, b) for a, b in itertools.combinations(of.values(), 2)]
        for one, other in itertools.combinations(starts, 2):
            keys = recipes.pairs.differences(recipe.arms[one].spec, recipe.arms[other].spec)
            if not set(keys) <= {"training.precision", "training.loss_scaling"}:
                between_arms += [
                    apart(starts[one][seed], starts[other][seed])
                    for seed in starts[one].keys() & starts[other].keys()
                    if starts[one][seed].shape == starts[other][seed].shape
                ]
    assert math.floor(1000 * min(between_seeds)) / 10 == seeds
    assert math.floor(1000 * min(between_arms)) / 10 == arms


def starts_of(arm):
    """What a run is known by before its first step, by seed."""
    return {
        seed: np.array([run.probe.quantity(name)[0] for name in agreement.AT_START], dtype=float)
        for seed, run in STORE.records(arm).items()
        if run.probe.steps[:1] == [0] and all(map(run.probe.quantity, agreement.AT_START))
    }


def apart(one, other):
    """The largest share of the larger by which two starts differ."""
    largest = np.fmax(abs(one), abs(other))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nanmax(abs(one - other) / largest)


# ------------------------------------------------------------ README


def test_the_run_that_is_timed_is_as_long_as_the_readme_says():
    steps, evaluations, probes = said(
        r"A run of (\d+) steps with (\d+) evaluations and (\d+) probes", README
    )
    training = loaded("digits/activation").spec.training
    assert training.steps == steps
    assert len(training.evaluation_steps) == evaluations
    assert len(probe_steps(training.steps)) == probes


def test_the_speeds_are_those_that_were_measured():
    page = (ROOT / "results" / "SPEED.md").read_text()
    one, two, runs, faster = said(
        r"took 1/(\S+) of the time with one worker, and 1/(\S+) with two; with two, (\d+) runs "
        r"were done (\S+) times as fast",
        " ".join(README.split()),
    )
    measured = dict(re.findall(r"^\| (.*?) \| (\S+) times", page, flags=re.MULTILINE))
    over = "digits/activation, a run without start-up, {}, over plain Keras"
    assert one == round(float(measured[over.format("1 worker")]), 1)
    assert two == round(float(measured[over.format("2 workers")]), 1)
    [scaling] = [value for what, value in measured.items() if f"one, {runs:.0f} runs" in what]
    assert faster == float(scaling)


def test_the_first_run_is_as_large_as_the_readme_says():
    depth, rates, seeds = said(
        r"(\d+)-layer networks .*\n?.*, (\d+) learning rates and (\d+)", README
    )
    spec = loaded("digits/activation").spec
    assert (spec.model.depth, len(spec.training.learning_rate), spec.training.seeds) == (
        depth,
        rates,
        seeds,
    )


def test_the_interval_covers_in_the_readme_what_it_does_on_the_page():
    [covers] = said(r"covers about (\d+) %, not 95 %", README)
    [at_one] = said(r"\| covered \| (\S+)% \|")
    assert round(at_one) == covers


def test_every_recipe_of_the_readme_has_evidence_or_needs_the_network():
    table = README[README.index("| cause or cure |") :].split("\n\n")[0]
    shown = set()
    for line in table.splitlines()[2:]:
        head, names = re.match(r"\| (.*) \| (.*) \|$", line).groups()
        patterns = re.findall(r"`([^`]+)`", names)
        if patterns[0].startswith("*/"):
            data = re.split(r", | on | and ", names.partition(" on ")[2])
            patterns = [patterns[0].replace("*", each.strip()) for each in data]
        for name in patterns:
            assert name in recipes.available(), name
            without = "behind the network" in head
            assert (name in STORE.recipes()) != without, name
            shown.add(name)
    assert shown == set(recipes.available())
