"""What a record keeps of a run: measurements rounded, the rest as it was."""

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_up_evidence import YAML, written
from zoo.evidence import record as records

LENGTH = 12  # evaluations: to two past the budget


def result(rate=0.1, **evaluation):
    """What `CompiledArm.run` returns, with a curve and without a probe."""
    curve = {"step": [10 * (row + 1) for row in range(LENGTH)], "training_loss": [1 / 3] * LENGTH}
    return {
        "seed": 0,
        "learning_rate": rate,
        "evaluation": {**curve, "val_loss": [1 / 3] * LENGTH, **evaluation},
        "test_loss": 1 / 3,
        "probe": {"steps": [], "layers": []},
        "seconds": 1 / 3,
    }


@given(st.floats(0, 1e300, exclude_min=True))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_learning_rate_is_kept_to_the_last_digit(store, tmp_path, rate):
    text = YAML.replace("[0.1, 0.2, 0.4]", f"[{rate!r}, {rate * 4 + 1!r}]")
    arm = written(tmp_path, text).arms["tanh"]
    record = records.of_run(arm, result(rate))
    store.write_record(arm, record)
    store.write_tuning(arm, [records.of_tuning(arm, record)])
    assert store.records(arm)[0].learning_rate == rate
    assert [run.learning_rate for run in store.tuning(arm)] == [rate]


def test_what_is_measured_is_rounded(recipe):
    record = records.of_run(recipe.arms["tanh"], result())
    assert (record.seconds, record.evaluation.val_loss[0]) == (0.333333, 0.333333)


def test_a_metric_that_the_data_lacks_is_never_reached(recipe):
    arm = recipe.arms["tanh"]
    record = records.of_run(arm, result())
    assert (record.status, record.steps_to_target) == ("budget", None)
    assert records.of_tuning(arm, record).final_metric is None
    learned = records.of_run(arm, result(val_accuracy=[0.95] * LENGTH))
    assert (learned.status, learned.steps_to_target) == ("reached", 10)
    undefined = records.of_run(arm, result(val_accuracy=[math.nan] * LENGTH))
    assert undefined.status == "budget"
