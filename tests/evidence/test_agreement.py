"""Two records of one run: equal in every digit, or within the tolerance of another processor."""

import functools
import itertools
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.made_up_evidence import BUDGET, EVERY, made_up_run
from zoo import recipe as recipes
from zoo.evidence.agreement import (
    ACCURACIES,
    ACCURACY,
    AT_START,
    EVALUATIONS,
    FIRST_LOSS,
    LOSSES,
    PROBE,
    STEPS,
    Difference,
    Where,
    agreement,
)
from zoo.evidence.record import Clipping, RunRecord

ENVIRONMENT = {
    **dict.fromkeys(("gradient_zoo", "python", "tensorflow", "keras", "numpy"), "1.0"),
    **{"threads": 1, "platform": "Linux", "cpu": "A Processor", "instructions": ["avx", "fma"]},
    **{"cores": 2, "git_commit": "a" * 40},
}
ANOTHER = {**ENVIRONMENT, "cpu": "Another Processor"}


@pytest.fixture
def arm(recipe):
    return recipe.arms["tanh"]


@pytest.fixture
def run(arm):
    return made_up_run(arm, 3, 50).model_copy(update={"environment": ENVIRONMENT})


def with_curve(run: RunRecord, name: str, values: list[float | None]) -> RunRecord:
    curve = run.evaluation.model_copy(update={name: values})
    return run.model_copy(update={"evaluation": curve})


def with_probe(run: RunRecord, name: str, factor: float, row: int = 0) -> RunRecord:
    rows = [list(each) for each in run.probe.quantity(name)]
    rows[row][1] *= factor
    return run.model_copy(update={"probe": run.probe.model_copy(update={name: rows})})


def elsewhere(run: RunRecord, **changes) -> RunRecord:
    return run.model_copy(update={"environment": ANOTHER, **changes})


def beyond(arm, run, other):
    return [bound.what for bound in agreement(arm, run, other).bounds if not bound.kept]


def test_a_record_read_from_its_file_equals_the_run(arm, run, store):
    store.write_record(arm, run)
    found = agreement(arm, store.records(arm)[3], run)
    assert (found.state, found.differences, found.one_sided) == ("equal", [], ([], []))
    assert (found.environment, found.same_kind) == ({}, True)
    # 5 single values and the shape, 3 curves, the batch and the kernels, 9 quantities of 3 layers
    assert found.numbers == 6 + 3 * 12 + 1 + 3 + 9 * 3 * len(run.probe.steps)


def test_what_is_not_decided_by_training_is_not_compared(arm, run):
    other = run.model_copy(update={"seconds": 9.0, "seconds_per_step": 9.0})
    assert agreement(arm, run, other).state == "equal"
    told = {"cores": (2, 64), "git_commit": ("a" * 40, None)}
    environment = {**ENVIRONMENT, "cores": 64, "git_commit": None}
    found = agreement(arm, run, other.model_copy(update={"environment": environment}))
    assert (found.state, found.environment, found.same_kind) == ("equal", told, True)


ONE_DIGIT = {
    "test_accuracy": lambda run: run.model_copy(update={"test_accuracy": 0.900001}),
    "test_loss": lambda run: run.model_copy(update={"test_loss": 0.300001}),
    "training_loss": lambda run: with_curve(run, "training_loss", [1.00301, *[1.003] * 11]),
    "val_loss": lambda run: with_curve(run, "val_loss", [0.100001, *run.evaluation.val_loss[1:]]),
    "val_accuracy": lambda run: with_curve(
        run, "val_accuracy", [*run.evaluation.val_accuracy[:-1], 0.950001]
    ),
    "delta_rms": lambda run: with_probe(run, "delta_rms", 1.001, row=-1),
    "dead": lambda run: with_probe(run, "dead", 1.001),
    "clipped": lambda run: run.model_copy(
        update={"clipping": Clipping(clipped=0.100001, largest_norm=7.0)}
    ),
}


@pytest.mark.parametrize("name", ONE_DIGIT)
def test_one_digit_refutes_a_record_of_the_same_kind_and_not_one_of_another(name, arm, run):
    run = run.model_copy(update={"clipping": Clipping(clipped=0.1, largest_norm=7.0)})
    other = ONE_DIGIT[name](run)
    found = agreement(arm, run, other)
    assert [each.where.name for each in found.differences] == [name]
    assert found.differences[0].recorded != found.differences[0].now
    assert 0 < found.differences[0].apart < 0.01
    assert found.state == "differs"
    assert agreement(arm, run, elsewhere(other)).state == "within tolerance"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *itertools.product(("gradient_zoo", "python", "tensorflow", "keras", "numpy"), ["2.0"]),
        ("threads", 2),
        ("platform", "Darwin"),
        ("cpu", "Another"),
        ("instructions", ["avx"]),
        ("instructions", None),
        ("kernel_variables", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    ],
    ids=str,
)
def test_what_makes_another_kind(key, value, arm, run):
    other = run.model_copy(update={"environment": {**ENVIRONMENT, key: value}, "test_loss": 0.31})
    for pair in [(run, other), (other, run)]:
        found = agreement(arm, *pair)
        assert (found.state, found.same_kind) == ("within tolerance", False)
        assert list(found.environment) == [key]


@pytest.mark.parametrize("instructions", [None, []], ids=str)
def test_a_processor_without_known_instructions_is_of_no_known_kind(instructions, arm, run):
    """One name stands for many processors."""
    environment = {**ENVIRONMENT, "instructions": instructions}
    both = [run.model_copy(update={"environment": environment, "test_loss": x}) for x in (0.3, 0.4)]
    found = agreement(arm, *both)
    assert (found.state, found.environment, found.same_kind) == ("within tolerance", {}, False)


# ---------------------------------------------------------------- the tolerance


@pytest.mark.parametrize("name", AT_START)
@pytest.mark.parametrize("factor", [0.993, 1.007, 0.0, -1.0, 1e9])
def test_the_start_of_a_run_is_narrow(name, factor, arm, run):
    assert beyond(arm, run, elsewhere(with_probe(run, name, factor))) == ["probe at step 0"]
    assert beyond(arm, run, elsewhere(with_probe(run, name, factor, row=1))) == []  # later is wide
    assert beyond(arm, run, elsewhere(with_probe(run, name, 1.001))) == []


def test_a_start_that_was_not_measured_is_beyond_it(arm, run):
    later = run.probe.model_copy(update={"steps": [3, *run.probe.steps[1:]]})
    found = beyond(arm, run.model_copy(update={"probe": later}), elsewhere(run))
    assert found == ["model and grid", "probe at step 0"]


@pytest.mark.parametrize(("first", "kept"), [(1e-41, True), (1e-37, False)])
def test_what_float32_holds_with_fewer_digits_may_be_0_elsewhere(first, kept, arm, run):
    """In deep sigmoid networks gradients come to that."""
    vanished = with_probe(run, "delta_rms", first)
    assert beyond(arm, vanished, elsewhere(with_probe(run, "delta_rms", 0.0))) == (
        [] if kept else ["probe at step 0"]
    )


@pytest.mark.parametrize(("precision", "most"), [("float32", 0.005), ("mixed_bfloat16", 0.25)])
def test_numbers_of_few_bits_may_be_farther_apart(precision, most, run):
    half = recipes.load("digits/activation", {"training.precision": precision}).arms["tanh"]
    for factor, found in {1 - most / 2: [], 1 - 1.1 * most: ["probe at step 0"]}.items():
        assert beyond(half, run, elsewhere(with_probe(run, "delta_rms", factor))) == found


@pytest.mark.parametrize("name", AT_START)
def test_a_start_that_is_not_finite_in_one_is_beyond_it(name, arm, run):
    rows = [[None] * 3, *run.probe.quantity(name)[1:]]
    other = run.model_copy(update={"probe": run.probe.model_copy(update={name: rows})})
    assert beyond(arm, run, elsewhere(other)) == ["probe at step 0"]
    assert beyond(arm, other, elsewhere(other)) == []


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (10, 60, True),  # five evaluations
        (10, 70, False),
        (50, 100, True),  # twice as many steps
        (20, 100, False),
        (100, None, True),  # censored: one evaluation more than the budget
        (60, None, True),
        (40, None, False),
        (None, None, True),
    ],
)
def test_steps_to_the_target_may_be_twice_as_many_or_five_evaluations_apart(one, other, kept, arm):
    runs = [made_up_run(arm, 0, time) for time in (one, other)]
    for pair in (runs, runs[::-1]):
        bound = next(each for each in agreement(arm, *pair).bounds if "target" in each.what)
        assert bound.kept == kept
        assert bound.most == max(
            EVALUATIONS, STEPS * max(t or BUDGET + EVERY for t in (one, other)) / EVERY
        )


@pytest.mark.parametrize(
    ("one", "other", "kept"), [(15, 60, True), (15, 95, False), (60, None, False), (60, 60, True)]
)
def test_one_that_diverged_has_diverged_elsewhere_too_about_then(one, other, kept, arm):
    runs = [made_up_run(arm, 0, None, diverged_at=end) for end in (one, other)]
    for pair in (runs, runs[::-1]):
        bounds = agreement(arm, *pair).bounds
        assert next(each for each in bounds if "divergence" in each.what).kept == kept
        assert bounds[0].kept  # the same grid until one of them ends


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("training_loss", [2.0, *[1.003] * 11], "first training loss"),
        ("training_loss", [None, *[1.003] * 11], "first training loss"),
        ("val_loss", [1.0] * 12, "validation losses, |ln| of the ratio"),
        ("val_accuracy", [0.4] * 12, "validation accuracies"),
    ],
    ids=str,
)
def test_a_curve_that_was_made_up_is_beyond_it(name, values, what, arm, run):
    low = with_curve(run, "val_loss", [0.1] * 12)
    assert beyond(arm, low, elsewhere(with_curve(low, name, values))) == [what]
    assert agreement(arm, low, elsewhere(with_curve(low, name, values))).state == "differs"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"test_accuracy": 0.8}, "test accuracy"),
        ({"parameters": 101}, "model and grid"),
        ({"input_shape": [64]}, "model and grid"),
    ],
    ids=str,
)
def test_another_model_is_beyond_it(changes, what, arm, run):
    assert beyond(arm, run, elsewhere(run, **changes)) == [what]


def test_fewer_evaluations_are_beyond_it(arm, run):
    names = ("step", "training_loss", "val_loss", "val_accuracy")
    cut = {name: getattr(run.evaluation, name)[:-1] for name in names}
    other = run.model_copy(update={"evaluation": run.evaluation.model_copy(update=cut)})
    found = agreement(arm, elsewhere(other), run)
    assert found.state == "differs" and not found.bounds[0].kept
    assert Difference(Where("val_loss", 120), None, 0.95) in found.differences


# ---------------------------------------------------------------- records of another form


def without(run, *names):
    kept = {key: value for key, value in run.probe.model_dump().items() if key not in names}
    return run.model_copy(update={"probe": type(run.probe)(**kept)})


def test_a_quantity_that_only_one_has_is_told_and_refutes_nothing(arm, run):
    old = without(run, "dead", "kernel_sizes", "input_rms")
    found = agreement(arm, old, without(run, "saturated"))
    assert (found.state, found.differences) == ("equal", [])
    assert found.one_sided == (["saturated"], ["dead", "input_rms", "kernel_sizes"])


@pytest.mark.parametrize("name", AT_START)
def test_a_record_without_what_it_would_be_judged_by_is_not_verified(name, arm, run):
    found = agreement(arm, without(run, name), elsewhere(run))
    assert found.state == "differs"
    assert [each.where.name for each in found.differences] == [name]
    assert not next(bound for bound in found.bounds if bound.what == "probe at step 0").kept


def test_the_page_has_the_tolerance_and_less_was_measured():
    text = (Path(__file__).resolve().parents[2] / "docs/method.md").read_text()
    section = text.partition("## Training a row again")[2].partition("\n## ")[0]
    table = next(part for part in section.split("\n\n") if "| let pass |" in part)
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:8]]
    values = [[float(cell.strip("| %")) for cell in row[1:]] for row in rows]
    shares = [PROBE, FIRST_LOSS, STEPS]
    allowed = [*(100 * share for share in shares), LOSSES, ACCURACIES, ACCURACY]
    assert [row[-1] for row in values] == pytest.approx(allowed, abs=0.005)
    assert all(max(measured) < most for *measured, most in values)


@functools.cache
def tanh():
    return recipes.load("digits/activation").arms["tanh"]


@st.composite
def records(draw):
    """Runs that differ in all that the tolerance looks at."""
    time, end = draw(st.sampled_from([None, 10, 30])), draw(st.sampled_from([None, 35, 75]))
    run = made_up_run(tanh(), 0, time, diverged_at=end)
    run = with_probe(run, draw(st.sampled_from(AT_START)), draw(st.floats(0, 2)))
    evaluations = len(run.evaluation.step)
    losses = st.lists(st.none() | st.floats(0, 4), min_size=evaluations, max_size=evaluations)
    return elsewhere(with_curve(run, "val_loss", draw(losses)))


@hypothesis.settings(derandomize=True, deadline=None, max_examples=50)
@hypothesis.given(one=records(), other=records())
def test_it_does_not_matter_which_record_comes_first(one, other):
    there, back = agreement(tanh(), one, other), agreement(tanh(), other, one)
    assert there.state == back.state
    assert [b.apart for b in there.bounds] == pytest.approx([b.apart for b in back.bounds])
    assert len(there.differences) == len(back.differences)
    itself = agreement(tanh(), one, one)
    assert itself.state == "equal" and all(bound.kept for bound in itself.bounds)
