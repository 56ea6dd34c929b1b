"""The generated sequences, and images as sequences of rows: what is in them, by what names."""

import hashlib
import math

import numpy as np
import pytest
import scipy.stats

from zoo import data
from zoo.data import cache, folders, names
from zoo.data.raw import SPLITS, Raw
from zoo.data.sets.adding_problem import adding_problem
from zoo.data.sets.copy_memory import copy_memory
from zoo.errors import ZooError

SIZES = (10_000, 1000, 1000)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)


@pytest.fixture(scope="module")
def adding():
    return adding_problem(7)


@pytest.fixture(scope="module")
def copying():
    return copy_memory(6)


def whole(raw):
    """Inputs and targets of all splits, one after the other."""
    return [np.concatenate(parts) for parts in zip(*raw.splits.values(), strict=True)]


# ---------------------------------------------------------------- adding problem


def test_adding_has_one_marker_in_each_half_and_their_sum_for_target(adding):
    assert [len(y) for _, y in adding.splits.values()] == list(SIZES)
    x, y = whole(adding)
    assert x.shape[1:] == (7, 2) and y.shape[1:] == (1,)
    assert (adding.outputs, adding.task, adding.vocabulary) == (1, "regression", None)
    assert set(np.unique(x[..., 1])) == {0, 1}
    assert (x[:, :3, 1].sum(1) == 1).all() and (x[:, 3:, 1].sum(1) == 1).all()
    expected = (x[..., 0].astype(np.float64) * x[..., 1]).sum(1)
    assert np.abs(y[:, 0] - expected).max() < 2**-23


def test_adding_draws_uniform_numbers_and_places(adding):
    x, y = whole(adding)
    numbers = x[..., 0].ravel()
    assert numbers.min() >= 0 and numbers.max() < 1
    assert scipy.stats.kstest(numbers, "uniform").pvalue > 0.01
    for half in (x[:, :3, 1], x[:, 3:, 1]):
        assert scipy.stats.chisquare(half.sum(0)).pvalue > 0.01
    # To say 1, whatever the sequence. The fourth moment of a sum of two uniform numbers is 1/15.
    error = (y[:, 0].astype(np.float64) - 1) ** 2
    assert error.mean() == pytest.approx(1 / 6, abs=3 * math.sqrt((1 / 15 - 1 / 36) / len(y)))


def test_adding_two_steps_are_both_marked():
    x, y = adding_problem(2).splits["test"]
    assert (x[..., 1] == 1).all() and np.array_equal(x[..., 0].sum(1, keepdims=True), y)


# ---------------------------------------------------------------- copy memory


def test_copying_is_symbols_blanks_delimiter_blanks(copying):
    assert [len(y) for _, y in copying.splits.values()] == list(SIZES)
    x, y = whole(copying)
    assert x.shape[1:] == (26, 10) and y.shape[1:] == (10,)
    assert (copying.outputs, copying.task, copying.vocabulary) == (8, "classification", None)
    assert set(np.unique(x)) == {0, 1} and (x.sum(-1) == 1).all()
    tokens = x.argmax(-1)
    assert np.array_equal(tokens[:, :10], y) and y.max() == 7
    assert (tokens[:, 10:15] == 8).all()  # T - 1 of them
    assert (tokens[:, 15] == 9).all()
    assert (tokens[:, 16:] == 8).all()


def test_copying_can_only_be_guessed_from_the_last_steps(copying):
    """Every symbol is uniform at every place, so the loss without memory is ln 8."""
    x, y = whole(copying)
    assert (x[:, 10:] == x[0, 10:]).all()
    for place in range(10):
        counts = np.bincount(y[:, place], minlength=8)
        assert scipy.stats.chisquare(counts).pvalue > 0.001  # one of ten
        shares = counts / len(y)
        assert -(shares * np.log(shares)).sum() == pytest.approx(math.log(8), abs=1e-3)


# ---------------------------------------------------------------- both


@pytest.mark.parametrize("function", [adding_problem, copy_memory])
def test_no_example_is_in_two_splits(function):
    rows = [{x.tobytes() for x in function(10).splits[part][0]} for part in SPLITS]
    assert not (rows[0] & rows[1] or rows[0] & rows[2] or rows[1] & rows[2])


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("adding_problem_12", "6e0dc31d1bdb8a9b"),
        ("adding_problem_13", "404cc32aecc1eae6"),
        ("copy_memory_12", "6555860a61489f2b"),
    ],
)
def test_the_examples_are_fixed(name, digest):
    """By the generator's definition: the same on every machine, others for another length."""
    raw = names.maker(name)()
    found = hashlib.sha256()
    for x, y in raw.splits.values():
        found.update(x.astype("<f4").tobytes() + y.astype("<f4").tobytes())
    assert found.hexdigest()[:16] == digest


def test_through_the_door_numbers_and_markers_stay_as_in_the_papers(adding):
    loaded = data.load("adding_problem_7")
    assert (loaded.name, loaded.task, loaded.outputs) == ("adding_problem_7", "regression", 1)
    assert loaded.input_shape == (7, 2) and loaded.target_length is None
    for part in SPLITS:
        x, y = getattr(loaded, part)
        assert x.dtype == y.dtype == np.float32
        assert np.array_equal(x, adding.splits[part][0])
        assert np.array_equal(y, adding.splits[part][1])
        assert x[..., 0].min() >= 0 and x[..., 0].max() < 1
        assert set(np.unique(x[..., 1])) == {0, 1}


def test_through_the_door_each_of_the_last_steps_has_a_class(copying):
    loaded = data.load("copy_memory_6")
    assert (loaded.task, loaded.outputs, loaded.target_length) == ("classification", 8, 10)
    assert loaded.input_shape == (26, 10) and loaded.train.y.dtype == np.int32
    assert np.array_equal(loaded.test.y, copying.splits["test"][1])


def test_through_the_door_one_hots_stay_0_and_1(copying):
    loaded = data.load("copy_memory_6")
    for part in SPLITS:
        x = getattr(loaded, part).x
        assert x.dtype == np.float32
        assert np.array_equal(x, copying.splits[part][0])
        assert set(np.unique(x)) == {0, 1} and (x.sum(-1) == 1).all()


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("function", ["adding_problem", "copy_memory"])
@pytest.mark.parametrize(
    "length",
    [
        "",
        "_",
        "_1",
        "_0",
        "_10001",
        "_050",
        "_-5",
        "_5.0",
        "_x",
        "_50 ",
        "_\u0665\u0660",
        "_" + "9" * 5000,
    ],
)
def test_a_length_out_of_bounds_is_one_line_that_says_how(function, length):
    for call in (data.known, data.load):
        with pytest.raises(ZooError) as caught:
            call(f"{function}{length}")
        assert str(caught.value) == (
            f"{function}{length}: give 2 to 10000 time steps at the end, such as {function}_50"
        )


@pytest.mark.parametrize("name", ["adding_problem_2", "copy_memory_10000", "digits_rows"])
def test_a_name_is_known_without_its_data(name, monkeypatch):
    monkeypatch.setattr(np, "zeros", lambda *_: pytest.fail("loaded"))
    data.known(name)


@pytest.mark.parametrize("name", ["adding_problem_9", "digits_rows"])
@pytest.mark.parametrize(
    "options",
    [{"split": {"train": "train", "validation": "test", "test": "test"}}, {"image_size": 4}],
)
def test_they_come_in_one_split_and_one_size(name, options):
    with pytest.raises(ZooError, match=f"^{name}: .*leave both out$"):
        data.load(name, **options)


# ---------------------------------------------------------------- rows


def test_rows_are_those_of_the_images():
    images, rows = data.load("digits"), data.load("digits_rows")
    assert rows.name == "digits_rows" and rows.outputs == 10
    assert rows.input_shape == images.input_shape[:2]
    for part in SPLITS:
        (x, y), (sequence, same) = getattr(images, part), getattr(rows, part)
        assert np.array_equal(y, same)
        for row in range(x.shape[1]):
            assert np.array_equal(sequence[:, row], x[:, row, :, 0])


def keep(name, x_shape, split=None, vocabulary=None):
    """Keeps a made-up set where sets of tensorflow-datasets are kept."""
    draw = np.random.default_rng(0)
    splits = {
        part: (draw.integers(0, 200, (6, *x_shape)) * np.arange(1, x_shape[-1] + 1), np.arange(6))
        for part in SPLITS
    }
    raw = Raw(splits, outputs=6, vocabulary=vocabulary)
    cache.load(folders.place(name, split, None), lambda: (name, raw))


def test_rows_of_color_images_have_all_channels_each_standardized_as_in_the_images():
    split = {"train": "train[:9]", "validation": "train[9:]", "test": "test"}
    keep("made_up", (4, 5, 3), split)
    images, rows = data.load("made_up", split), data.load("made_up_rows", split)
    assert rows.input_shape == (4, 15)
    for column in range(5):
        for channel in range(3):
            expected = images.test.x[:, :, column, channel]
            assert np.array_equal(rows.test.x[:, :, 3 * column + channel], expected)
    assert rows.train.x.reshape(-1, 3).std(0) == pytest.approx(1, abs=1e-5)


def test_what_has_no_images_has_no_rows():
    keep("texts", (11,), vocabulary=1000)
    keep("curves", (11, 1))
    for name in ("texts", "curves", "adding_problem_9"):
        with pytest.raises(ZooError) as caught:
            data.load(f"{name}_rows")
        assert str(caught.value) == (
            f"{name}_rows: {name} has no images whose rows could be a sequence"
        )


@pytest.mark.parametrize("name", ["mnst_rows", "_rows", "digits_rows_rows", "adding_rows"])
def test_rows_of_no_data_set_are_no_data_set(name):
    for call in (data.known, data.load):
        with pytest.raises(ZooError, match="no such data set") as caught:
            call(name)
        assert "\n" not in str(caught.value)
