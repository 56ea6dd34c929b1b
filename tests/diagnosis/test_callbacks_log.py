"""Curves of groups of layers: they add up to the total, and are the same wherever they go."""

import csv
import math
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import zoo
from zoo import files
from zoo.diagnosis.log import Groups, Log

pytestmark = pytest.mark.usefixtures("one_thread")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 8)).astype(np.float32), RNG.normal(size=(32, 1)).astype(np.float32)
WIDTHS = [7, 6, 5, 4, 3]


def fitted(**options):
    """The callback after a `fit` of a model with six kernels."""
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(width, "tanh", name=f"dense_{width}") for width in WIDTHS]
    model = keras.Sequential([keras.Input((8,)), *hidden, layers.Dense(1, name="head")])
    model.compile("sgd", "mse")
    watching = zoo.GradientProbe(X, Y, **options)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[watching])
    return watching


def curves(watching, groups):
    """By name the norm at each step, naively: of all kernels together, and of each group."""
    norms = np.array(watching.history["kernel_grad_norm"])
    of_all = {"total": np.sqrt((norms**2).sum(1))}
    return of_all | {
        name: np.sqrt((norms[:, first:stop] ** 2).sum(1)) for name, (first, stop) in groups.items()
    }


FOUR = {
    "dense_7 to dense_6": (0, 2),
    "dense_5": (2, 3),
    "dense_4": (3, 4),
    "dense_3 to head": (4, 6),
}


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=40), st.integers(1, 50))
def test_groups_are_consecutive_alike_in_size_and_add_up(norms, count):
    names = [f"layer_{row}" for row in range(len(norms))]
    groups = Groups(names, count)
    assert len(groups.names) == 1 + min(count, len(norms))
    ends = [name.split(" to ") for name in groups.names[1:]]
    firsts, lasts = ([names.index(each[at]) for each in ends] for at in (0, -1))
    assert firsts[0] == 0 and lasts[-1] == len(norms) - 1
    assert all(last + 1 == first for last, first in zip(lasts, firsts[1:], strict=False))
    sizes = [last + 1 - first for first, last in zip(firsts, lasts, strict=True)]
    assert max(sizes) - min(sizes) <= 1
    total, *of_groups = groups.norms(norms)
    assert total == pytest.approx(math.hypot(*norms), rel=1e-12)
    assert total == pytest.approx(math.hypot(*of_groups), rel=1e-12)


def test_the_file_has_a_row_a_step_and_a_column_a_group(tmp_path):
    watching = fitted(csv=tmp_path / "new" / "gradients.csv")
    with (tmp_path / "new" / "gradients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == watching.history["steps"]
    expected = curves(watching, FOUR)
    assert list(rows[0]) == ["step", *expected]
    for name, values in expected.items():
        assert [float(row[name]) for row in rows] == pytest.approx(values, rel=1e-12), name


def test_a_norm_that_is_not_finite_has_its_row(tmp_path):
    log = Log(["total"], tmp_path / "rows.csv", None)
    for step, norm in enumerate((1.0, math.nan, math.inf)):
        log.write(step, [norm])
    read = [line.split(",")[1] for line in (tmp_path / "rows.csv").read_text().splitlines()[1:]]
    assert np.isnan(float(read[1])) and [float(read[0]), float(read[2])] == [1.0, math.inf]


def test_the_file_is_whole_at_every_step(tmp_path, monkeypatch):
    put, texts = files.put_whole, []

    def keeping(path, text):
        put(path, text)
        texts.append(Path(path).read_text())

    monkeypatch.setattr(files, "put_whole", keeping)
    watching = fitted(csv=tmp_path / "gradients.csv", groups=1)
    assert [text.count("\n") for text in texts] == [
        at + 2 for at in range(len(watching.history["steps"]))
    ]
    assert all(text.startswith(texts[at]) for at, text in enumerate(texts[1:]))
    assert [path.name for path in tmp_path.iterdir()] == ["gradients.csv"]


def events(folder):
    """What TensorBoard reads: (step, tag) and the value of each scalar."""
    [path] = folder.iterdir()
    values = {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            assert value.tensor.dtype == tf.float32.as_datatype_enum
            values[event.step, value.tag] = float(tf.make_ndarray(value.tensor))
    return values


@pytest.mark.parametrize("groups", [1, 4, 9])
def test_tensorboard_gets_the_same_curves(tmp_path, groups):
    watching = fitted(log_dir=tmp_path / "logs", groups=groups)
    each = {name: (row, row + 1) for row, name in enumerate(watching.history["layers"])}
    of = {1: {"dense_7 to head": (0, 6)}, 4: FOUR, 9: each}[groups]
    expected = {
        (step, f"gradient_norm/{name}"): value
        for name, values in curves(watching, of).items()
        for step, value in zip(watching.history["steps"], values, strict=True)
    }
    assert events(tmp_path / "logs") == pytest.approx(expected, rel=2.0**-22)


class Run:
    """Of MLflow, what is asked for."""

    def __init__(self, active):
        self.active, self.logged = active, []

    def module(self):
        module = types.ModuleType("mlflow")
        module.active_run = lambda: self if self.active else None
        module.log_metrics = lambda metrics, step: self.logged.append((step, metrics))
        return module


@pytest.mark.parametrize("active", [True, False])
def test_an_active_run_of_mlflow_gets_the_same_curves(monkeypatch, active):
    run = Run(active)
    monkeypatch.setitem(sys.modules, "mlflow", run.module())
    watching = fitted()
    expected = curves(watching, FOUR) if active else {}
    assert [step for step, _ in run.logged] == (watching.history["steps"] if active else [])
    for name, values in expected.items():
        logged = [metrics[f"gradient_norm/{name}"] for _, metrics in run.logged]
        assert logged == pytest.approx(values, rel=1e-12)


def test_mlflow_gets_no_name_that_it_refuses(monkeypatch):
    run = Run(active=True)
    monkeypatch.setitem(sys.modules, "mlflow", run.module())
    Log(["total", "größe (1) to a+b"], None, None).write(3, [2.0, 1.0])
    assert run.logged == [(3, {"gradient_norm/total": 2.0, "gradient_norm/größe _1_ to a_b": 1.0})]
